"""Projects: create, find, change."""

from __future__ import annotations

from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.names import check_name
from fairloop.core.people import Project
from fairloop.core.runs import Experiment
from fairloop.errors import AlreadyExists, NotFound
from fairloop.storage import experiments
from fairloop.storage import projects as rows
from fairloop.storage.engine import Connection, Database

DEFAULT = "default"
DEFAULT_EXPERIMENT = "Default"


class Projects:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._by_name: dict[str, Project] = {}

    def ensure_default(self) -> Project:
        """The project for requests that name none; made at the first start."""
        try:
            return self.find(DEFAULT)
        except NotFound:
            return self.create(DEFAULT)

    def create(self, name: str, *, goal: str = "", budget_usd: float | None = None) -> Project:
        check_name(name, "project")
        project = Project(id=new_id("prj"), name=name, goal=goal, budget_usd=budget_usd,
                          created_ms=self._clock.now_ms())  # fmt: skip

        home = Experiment(id=0, project_id=project.id, name=DEFAULT_EXPERIMENT, created_ms=project.created_ms,
                          updated_ms=project.created_ms)  # fmt: skip

        def work(connection: Connection) -> None:
            if rows.by_name(connection, name):
                raise AlreadyExists(f"A project named {name!r} exists; choose another name.")
            rows.add(connection, project)
            experiments.add(connection, home, number=0 if name == DEFAULT else None)

        self._database.write(work)
        return project

    def find(self, name: str) -> Project:
        if (known := self._by_name.get(name)) is not None:
            return known
        project = self._database.read(lambda c: rows.by_name(c, name))
        if project is None:
            raise NotFound("No such project, or you may not see it.")
        self._by_name[name] = project
        return project

    def get(self, project_id: str) -> Project:
        project = self._database.read(lambda c: rows.by_id(c, project_id))
        if project is None:
            raise NotFound("No such project, or you may not see it.")
        return project

    def list(self) -> list[Project]:
        return self._database.read(rows.listed)
