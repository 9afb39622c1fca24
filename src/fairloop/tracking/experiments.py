"""Experiments: named folders of runs. Every project has one called Default."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from fairloop.core.clock import Clock
from fairloop.core.runs import Experiment
from fairloop.core.search import EVERYTHING, Filter, Order, holds
from fairloop.errors import AlreadyExists, InvalidInput, NotFound
from fairloop.projects.service import DEFAULT_EXPERIMENT
from fairloop.storage import experiments as rows
from fairloop.storage.engine import Connection, Database
from fairloop.tracking.limits import check_key, check_tags

MISSING = "No such experiment, or you may not see it."


class Experiments:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, project_id: str, name: str, *, tags: dict[str, str] | None = None) -> Experiment:
        check_key(name, "experiment")
        now = self._clock.now_ms()
        fresh = Experiment(
            id=-1, project_id=project_id, name=name, created_ms=now, updated_ms=now, tags=check_tags(tags or {})
        )

        def work(connection: Connection) -> Experiment:
            if known := rows.by_name(connection, project_id, name):
                fix = "choose another name" if known.active else "restore it or choose another name: it is deleted"
                raise AlreadyExists(f"An experiment named {name!r} exists; {fix}.")
            return rows.add(connection, fresh)

        return self._database.write(work)

    def get(self, project_id: str, experiment_id: int) -> Experiment:
        return self._database.read(lambda c: _found(c, project_id, experiment_id))

    def by_name(self, project_id: str, name: str) -> Experiment:
        found = self._database.read(lambda c: rows.by_name(c, project_id, name))
        if found is None:
            raise NotFound(MISSING)
        return found

    def default(self, project_id: str) -> Experiment:
        """The project's experiment for runs that name none."""
        return self.by_name(project_id, DEFAULT_EXPERIMENT)

    def list(
        self, project_id: str, *, active: bool | None = True, tree: Filter = EVERYTHING, orders: tuple[Order, ...] = ()
    ) -> list[Experiment]:
        """The project's experiments that satisfy ``tree``, the newest first unless ``orders`` say otherwise."""
        found = [
            e
            for e in self._database.read(lambda c: rows.listed(c, project_id))
            if (active is None or e.active == active) and holds(tree, partial(_read, e))
        ]
        for order in reversed(orders):
            found.sort(key=lambda e: _read(e, order.kind, order.key) or "", reverse=order.descending)  # sorted at once
        return found

    def rename(self, project_id: str, experiment_id: int, name: str) -> Experiment:
        check_key(name, "experiment")

        def work(connection: Connection) -> Experiment:
            found = _found(connection, project_id, experiment_id)
            if not found.active:
                raise InvalidInput(f"The experiment {found.name!r} is deleted; restore it before you change it.")
            other = rows.by_name(connection, project_id, name)
            if other and other.id != found.id:
                raise AlreadyExists(f"An experiment named {name!r} exists; choose another name.")
            return self._save(connection, replace(found, name=name))

        return self._database.write(work)

    def set_active(self, project_id: str, experiment_id: int, active: bool) -> Experiment:
        """Delete (False) or restore (True); its runs stay and are hidden and shown with it."""

        def work(connection: Connection) -> Experiment:
            found = _found(connection, project_id, experiment_id)
            if found.name == DEFAULT_EXPERIMENT and not active:
                raise InvalidInput("The experiment Default cannot be deleted: runs that name none need it.")
            if found.active == active:
                raise NotFound(f"No {'deleted' if active else 'active'} experiment with id {experiment_id}.")
            return self._save(connection, replace(found, active=active))

        return self._database.write(work)

    def set_tags(self, project_id: str, experiment_id: int, tags: dict[str, str]) -> Experiment:
        check_tags(tags)

        def work(connection: Connection) -> Experiment:
            found = _found(connection, project_id, experiment_id)
            return self._save(connection, replace(found, tags={**found.tags, **tags}))

        return self._database.write(work)

    def delete_tag(self, project_id: str, experiment_id: int, key: str) -> Experiment:
        def work(connection: Connection) -> Experiment:
            found = _found(connection, project_id, experiment_id)
            if key not in found.tags:
                raise NotFound(f"The experiment has no tag {key!r}.")
            return self._save(connection, replace(found, tags={k: v for k, v in found.tags.items() if k != key}))

        return self._database.write(work)

    def _save(self, connection: Connection, experiment: Experiment) -> Experiment:
        saved = replace(experiment, updated_ms=self._clock.now_ms())
        rows.save(connection, saved)
        return saved


def _found(connection: Connection, project_id: str, experiment_id: int) -> Experiment:
    found = rows.get(connection, project_id, experiment_id)
    if found is None:
        raise NotFound(MISSING)
    return found


def _read(experiment: Experiment, kind: str, key: str) -> str | int | None:
    if kind == "tag":
        return experiment.tags.get(key)
    found = {
        "name": experiment.name,
        "experiment_id": experiment.id,
        "id": experiment.id,
        "creation_time": experiment.created_ms,
        "last_update_time": experiment.updated_ms,
    }
    if kind != "attribute" or key not in found:
        raise InvalidInput(
            f"Experiments are searched by name, creation_time, last_update_time and tags, not by {key!r}."
        )
    return found[key]  # type: ignore[return-value]  # text or number, by the table above
