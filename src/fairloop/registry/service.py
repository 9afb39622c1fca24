"""Registered models: named, versioned, with aliases. A version's files never change once it is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.models import Model, ModelVersion
from fairloop.core.names import check_artifact_path, check_name
from fairloop.core.search import EVERYTHING, Filter, Order, holds
from fairloop.errors import AlreadyExists, InvalidInput, NotFound
from fairloop.projects.files import Files
from fairloop.storage import files as file_rows
from fairloop.storage import models as rows
from fairloop.storage.engine import Connection, Database
from fairloop.storage.files import File

NO_MODEL = "No such model, or you may not see it."
T = TypeVar("T")
NO_VERSION = "No such model version, or you may not see it."
DECISIONS = {"candidate", "approved", "refused", "none"}
_ALIAS = re.compile(r"[\w\-]{1,250}", re.ASCII)


class Registry:
    def __init__(self, database: Database, clock: Clock, files: Files) -> None:
        self._database = database
        self._clock = clock
        self.files = files
        self.permit_alias: Callable[[str, str, str], None] = lambda project_id, version_id, alias: None
        """Raises Refused for an alias that means live and a version that may not be; the server puts the policy here."""

    # ------------------------------------------------------------------ models
    def create_model(
        self, project_id: str, name: str, *, description: str = "", tags: Mapping[str, str] | None = None
    ) -> Model:
        fresh = self._new_model(project_id, name, description, tags)

        def work(connection: Connection) -> Model:
            if rows.by_name(connection, project_id, name):
                raise AlreadyExists(f"A model named {name!r} exists; choose another name, or add a version to it.")
            rows.add(connection, fresh)
            return fresh

        return self._database.write(work)

    def _new_model(
        self, project_id: str, name: str, description: str = "", tags: Mapping[str, str] | None = None
    ) -> Model:
        now = self._clock.now_ms()
        return Model(
            id=new_id("mdl"),
            project_id=project_id,
            name=check_name(name, "model"),
            description=description,
            tags=dict(tags or {}),
            created_ms=now,
            updated_ms=now,
        )

    def model(self, project_id: str, name: str) -> Model:
        return self._database.read(lambda c: _model(c, project_id, name))

    def models(self, project_id: str, *, tree: Filter = EVERYTHING, orders: tuple[Order, ...] = ()) -> list[Model]:
        """Models that satisfy ``tree``, by name unless ``orders`` say otherwise."""
        found = self._database.read(lambda c: rows.listed(c, project_id))
        return _selected(found, _read_model, tree, orders)

    def describe(self, project_id: str, name: str, description: str) -> Model:
        return self._change(project_id, name, lambda _, m: replace(m, description=description))

    def rename(self, project_id: str, name: str, new_name: str) -> Model:
        check_name(new_name, "model")

        def renamed(connection: Connection, model: Model) -> Model:
            if new_name != name and rows.by_name(connection, project_id, new_name):
                raise AlreadyExists(f"A model named {new_name!r} exists; choose another name.")
            return replace(model, name=new_name)

        return self._change(project_id, name, renamed)

    def delete_model(self, project_id: str, name: str) -> None:
        def work(connection: Connection) -> None:
            model = _model(connection, project_id, name)
            for version in rows.listed_versions(connection, project_id, name):
                _drop_files(connection, version)
            rows.remove(connection, model)

        self._database.write(work)

    def set_tags(self, project_id: str, name: str, tags: Mapping[str, str]) -> Model:
        return self._change(project_id, name, lambda _, m: replace(m, tags={**m.tags, **tags}))

    def delete_tag(self, project_id: str, name: str, key: str) -> Model:
        return self._change(
            project_id, name, lambda _, m: replace(m, tags={k: v for k, v in m.tags.items() if k != key})
        )

    def set_alias(self, project_id: str, name: str, alias: str, version: int) -> Model:
        """Point ``alias`` at a version; what it pointed at before is let go."""
        if not _ALIAS.fullmatch(alias) or re.fullmatch(r"v\d+", alias, re.IGNORECASE) or alias.lower() == "latest":
            raise InvalidInput(
                f"{alias[:80]!r} cannot be an alias: use letters, digits, '_' and '-', and neither 'latest' "
                "nor 'v' with a number."
            )

        self.permit_alias(project_id, self.version(project_id, name, version).id, alias)

        def pointed(connection: Connection, model: Model) -> Model:
            _version(connection, project_id, name, version)
            return replace(model, aliases={**model.aliases, alias: version})

        return self._change(project_id, name, pointed)

    def delete_alias(self, project_id: str, name: str, alias: str) -> Model:
        return self._change(
            project_id, name, lambda _, m: replace(m, aliases={k: v for k, v in m.aliases.items() if k != alias})
        )

    def _change(self, project_id: str, name: str, change: Callable[[Connection, Model], Model]) -> Model:
        def work(connection: Connection) -> Model:
            changed = replace(change(connection, _model(connection, project_id, name)), updated_ms=self._clock.now_ms())
            rows.save(connection, changed)
            return changed

        return self._database.write(work)

    # ------------------------------------------------------------------ versions
    def create_version(
        self,
        project_id: str,
        name: str,
        *,
        run_id: str | None = None,
        candidate_id: str | None = None,
        cycle_id: str | None = None,
        files: Mapping[str, tuple[str, int]],
        signature: dict[str, Any] | None = None,
        decision: str = "none",
        description: str = "",
        user: str = "",
        origin: dict[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        create_model: bool = True,
    ) -> ModelVersion:
        """Register files (path to (sha256, size), all stored in this project before) as the model's next version.

        The model is made when it does not exist, unless ``create_model`` is False. A candidate is registered once:
        asking again gives the version it has.
        """
        _check_decision(decision)
        for path in files:
            check_artifact_path(path)
        now, fresh = self._clock.now_ms(), self._new_model(project_id, name)
        version_id = new_id("ver")

        def work(connection: Connection) -> ModelVersion:
            if candidate_id and (known := rows.version_of_candidate(connection, project_id, candidate_id)):
                return known
            model = rows.by_name(connection, project_id, name)
            if model is None:
                if not create_model:
                    raise NotFound(NO_MODEL)
                rows.add(connection, model := fresh)
            version = ModelVersion(
                id=version_id,
                project_id=project_id,
                model=name,
                version=rows.next_version(connection, model),
                decision=decision,
                run_id=run_id,
                cycle_id=cycle_id,
                candidate_id=candidate_id,
                description=description,
                user=user,
                created_ms=now,
                updated_ms=now,
                signature=signature or {},
                origin=origin or {},
                tags=dict(tags or {}),
            )
            rows.add_version(connection, model, version)
            for path, (sha256, size_bytes) in files.items():
                if not file_rows.has_blob(connection, project_id, sha256):
                    raise NotFound(f"The file {path!r} of this version is not stored in this project; upload it first.")
                file_rows.put(
                    connection,
                    File(
                        project_id=project_id,
                        owner_kind="version",
                        owner_id=version_id,
                        path=path,
                        sha256=sha256,
                        size_bytes=size_bytes,
                        created_ms=now,
                    ),
                )
            rows.save(connection, replace(model, updated_ms=now))
            return version

        return self._database.write(work)

    def version(self, project_id: str, name: str, version: int) -> ModelVersion:
        return self._database.read(lambda c: _version(c, project_id, name, version))

    def version_by_id(self, project_id: str, version_id: str) -> ModelVersion:
        found = self._database.read(lambda c: rows.version_by_id(c, project_id, version_id))
        if found is None:
            raise NotFound(NO_VERSION)
        return found

    def version_by_alias(self, project_id: str, name: str, alias: str) -> ModelVersion:
        def work(connection: Connection) -> ModelVersion:
            number = _model(connection, project_id, name).aliases.get(alias)
            if number is None:
                raise NotFound(f"The model {name!r} has no alias {alias!r}.")
            return _version(connection, project_id, name, number)

        return self._database.read(work)

    def search(
        self, project_id: str, *, name: str | None = None, tree: Filter = EVERYTHING, orders: tuple[Order, ...] = ()
    ) -> list[ModelVersion]:
        """Versions that satisfy ``tree``, by model and newest first unless ``orders`` say otherwise."""
        found = self._database.read(lambda c: rows.listed_versions(c, project_id, name))
        return _selected(found, _read_version, tree, orders)

    def set_decision(self, project_id: str, version_id: str, decision: str) -> ModelVersion:
        """candidate, approved, refused or none."""
        _check_decision(decision)
        return self._change_version(project_id, version_id, lambda v: replace(v, decision=decision))

    def describe_version(self, project_id: str, version_id: str, description: str) -> ModelVersion:
        return self._change_version(project_id, version_id, lambda v: replace(v, description=description))

    def set_version_tags(self, project_id: str, version_id: str, tags: Mapping[str, str]) -> ModelVersion:
        return self._change_version(project_id, version_id, lambda v: replace(v, tags={**v.tags, **tags}))

    def delete_version_tag(self, project_id: str, version_id: str, key: str) -> ModelVersion:
        return self._change_version(
            project_id, version_id, lambda v: replace(v, tags={k: x for k, x in v.tags.items() if k != key})
        )

    def delete_version(self, project_id: str, name: str, version: int) -> None:
        def work(connection: Connection) -> None:
            found, model = _version(connection, project_id, name, version), _model(connection, project_id, name)
            _drop_files(connection, found)
            rows.remove_version(connection, found)
            rows.save(
                connection,
                replace(
                    model,
                    aliases={k: v for k, v in model.aliases.items() if v != version},
                    updated_ms=self._clock.now_ms(),
                ),
            )

        self._database.write(work)

    def _change_version(
        self, project_id: str, version_id: str, change: Callable[[ModelVersion], ModelVersion]
    ) -> ModelVersion:
        def work(connection: Connection) -> ModelVersion:
            found = rows.version_by_id(connection, project_id, version_id)
            if found is None:
                raise NotFound(NO_VERSION)
            changed = replace(change(found), updated_ms=self._clock.now_ms())
            rows.save_version(connection, changed)
            return changed

        return self._database.write(work)

    # ------------------------------------------------------------------ files
    def files_of(self, version: ModelVersion) -> list[File]:
        return self.files.list(("version", version.id))


def _check_decision(decision: str) -> None:
    if decision not in DECISIONS:
        raise InvalidInput(f"{decision!r} is no decision about a version; use one of {', '.join(sorted(DECISIONS))}.")


def _drop_files(connection: Connection, version: ModelVersion) -> None:
    for file in file_rows.listed(connection, "version", version.id):
        file_rows.remove(connection, "version", version.id, file.path)


def _model(connection: Connection, project_id: str, name: str) -> Model:
    found = rows.by_name(connection, project_id, name)
    if found is None:
        raise NotFound(NO_MODEL)
    return found


def _version(connection: Connection, project_id: str, name: str, number: int) -> ModelVersion:
    found = rows.version(connection, project_id, name, number)
    if found is None:
        raise NotFound(NO_VERSION)
    return found


def _selected(found: list[T], read: Callable[[T, str, str], Any], tree: Filter, orders: tuple[Order, ...]) -> list[T]:
    """Those that satisfy ``tree``, ordered; what lacks the key of an order stands as empty text."""
    kept = [item for item in found if holds(tree, partial(read, item))]
    for order in reversed(orders):
        kept.sort(key=lambda item: read(item, order.kind, order.key) or "", reverse=order.descending)
    return kept


def _read_model(model: Model, kind: str, key: str) -> Any:
    if kind == "tag":
        return model.tags.get(key)
    found = {
        "name": model.name,
        "creation_timestamp": model.created_ms,
        "timestamp": model.created_ms,
        "last_updated_timestamp": model.updated_ms,
    }
    if kind != "attribute" or key not in found:
        raise InvalidInput(f"Models are searched by name, timestamps and tags, not by {key!r}.")
    return found[key]


def _read_version(version: ModelVersion, kind: str, key: str) -> Any:
    if kind == "tag":
        return version.tags.get(key)
    found = {
        "name": version.model,
        "version_number": version.version,
        "version": version.version,
        "run_id": version.run_id,
        "source_path": version.origin.get("source", ""),
        "decision": version.decision,
        "creation_timestamp": version.created_ms,
        "timestamp": version.created_ms,
        "last_updated_timestamp": version.updated_ms,
        "cycle_id": version.cycle_id,
    }
    if kind != "attribute" or key not in found:
        raise InvalidInput(f"Model versions are searched by {', '.join(sorted(found))} and tags, not by {key!r}.")
    return found[key]
