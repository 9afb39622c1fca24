"""Projects: create, find, change."""

from __future__ import annotations

from typing import Any

from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.names import check_name
from fairloop.core.people import Project
from fairloop.core.runs import Experiment
from fairloop.errors import AlreadyExists, InvalidInput, NotFound
from fairloop.storage import experiments
from fairloop.storage import projects as rows
from fairloop.storage.engine import Connection, Database

DEFAULT = "default"
DEFAULT_EXPERIMENT = "Default"


def check_budget(budget_usd: float | None) -> None:
    if budget_usd is not None and not 0 <= budget_usd < 1e15:
        raise InvalidInput(f"A budget of {budget_usd} USD makes no sense; give a number from 0 upwards.")


class Projects:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._by_name: dict[str, tuple[float, Project]] = {}

    def ensure_default(self) -> Project:
        """The project for requests that name none; made at the first start."""
        try:
            return self.find(DEFAULT)
        except NotFound:
            return self.create(DEFAULT)

    def create(self, name: str, *, goal: str = "", budget_usd: float | None = None) -> Project:
        check_name(name, "project")
        check_budget(budget_usd)
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
        """The project by its name, as it was at most a second ago."""
        known = self._by_name.get(name)
        if known is not None and known[0] > self._clock.monotonic_s():
            return known[1]
        project = self._database.read(lambda c: rows.by_name(c, name))
        if project is None:
            raise NotFound("No such project, or you may not see it.")
        self._by_name[name] = (self._clock.monotonic_s() + 1.0, project)
        return project

    def change(self, project_id: str, *, goal: str | None = None, budget_usd: float | None = None,
               no_budget: bool = False) -> Project:  # fmt: skip
        """Change what is given; ``no_budget`` takes the budget away."""
        check_budget(budget_usd)
        values: dict[str, Any] = {} if goal is None else {"goal": goal}
        if budget_usd is not None or no_budget:
            values["budget_usd"] = None if no_budget else budget_usd
        if not values:
            raise InvalidInput("Nothing to change; send goal, budget_usd or no_budget.")

        def work(connection: Connection) -> Project:
            if rows.by_id(connection, project_id) is None:
                raise NotFound("No such project, or you may not see it.")
            rows.change(connection, project_id, values)
            found = rows.by_id(connection, project_id)
            assert found is not None  # noqa: S101  # looked up above in the same unit
            return found

        project = self._database.write(work)
        self._by_name.pop(project.name, None)
        return project

    def get(self, project_id: str) -> Project:
        project = self._database.read(lambda c: rows.by_id(c, project_id))
        if project is None:
            raise NotFound("No such project, or you may not see it.")
        return project

    def list(self) -> list[Project]:
        return self._database.read(rows.listed)
