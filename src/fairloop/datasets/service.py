"""Datasets: immutable, numbered versions of named tables. The server keeps their facts and never opens the rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from fairloop.core.clock import Clock
from fairloop.core.datasets import DatasetVersion, Roles
from fairloop.core.ids import new_id
from fairloop.core.names import check_name
from fairloop.core.records import Page
from fairloop.errors import InvalidInput, NotFound
from fairloop.projects.files import Files
from fairloop.storage import datasets as rows
from fairloop.storage.engine import Connection, Database

MAX_PAGE = 1000
_MISSING = "No such dataset, or you may not see it."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """What a client tells about a table whose Parquet file it has uploaded under ``sha256``."""

    dataset: str
    sha256: str
    rows: int
    size_bytes: int
    schema: dict[str, str]
    roles: Roles
    profile: dict[str, Any] = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)
    origin: dict[str, Any] = field(default_factory=dict)
    licence: str = ""


class Datasets:
    def __init__(self, database: Database, clock: Clock, files: Files) -> None:
        self._database = database
        self._clock = clock
        self._files = files

    def create(self, project_id: str, new: NewVersion, *, owner: str) -> DatasetVersion:
        """The version with these rows and roles: the one that exists already, or the next number."""
        check_name(new.dataset, "dataset")
        _check(new)
        if not self._files.has_blob(project_id, new.sha256):
            raise InvalidInput(
                f"The file {new.sha256[:12]} of dataset {new.dataset!r} was not uploaded; upload it first."
            )
        version = DatasetVersion(
            id=new_id("dsv"), project_id=project_id, dataset=new.dataset, version=1, sha256=new.sha256, rows=new.rows,
            size_bytes=new.size_bytes, schema=new.schema, roles=new.roles, profile=new.profile, parents=new.parents,
            origin=new.origin, owner=owner, licence=new.licence, created_ms=self._clock.now_ms(),
        )  # fmt: skip

        def work(connection: Connection) -> DatasetVersion:
            for known in rows.same_content(connection, project_id, new.dataset, new.sha256):
                if known.roles == new.roles:
                    return known
            for parent in new.parents:
                if rows.by_id(connection, project_id, parent) is None:
                    raise InvalidInput(f"The parent {parent!r} is not a dataset version of this project.")
            last = rows.latest(connection, project_id, new.dataset)
            numbered = replace(version, version=last.version + 1 if last else 1)
            rows.add(connection, numbered)
            return numbered

        return self._database.write(work)

    def get(self, project_id: str, version_id: str) -> DatasetVersion:
        return _found(self._database.read(lambda c: rows.by_id(c, project_id, version_id)))

    def find(self, project_id: str, dataset: str, version: int | None = None) -> DatasetVersion:
        """A version by name and number; without a number the newest."""
        if version is None:
            return _found(self._database.read(lambda c: rows.latest(c, project_id, dataset)))
        return _found(self._database.read(lambda c: rows.by_number(c, project_id, dataset, version)))

    def list(self, project_id: str, *, cursor: str | None = None, limit: int = 100) -> Page[DatasetVersion]:
        """The newest version of every dataset, by name."""
        size = _page_size(limit)
        found = self._database.read(lambda c: rows.latest_of_each(c, project_id, cursor or "", size + 1))
        return Page(items=found[:size], next=found[size - 1].dataset if len(found) > size else None)

    def versions(
        self, project_id: str, dataset: str, *, cursor: str | None = None, limit: int = 100
    ) -> Page[DatasetVersion]:
        """All versions of one dataset, newest first."""
        size = _page_size(limit)
        try:
            below = 2**31 - 1 if cursor is None else int(cursor)
        except ValueError as cause:
            raise InvalidInput(f"The cursor {cursor!r} is not one this list gave; start without a cursor.") from cause
        found = self._database.read(lambda c: rows.versions(c, project_id, dataset, below, size + 1))
        if not found and cursor is None:
            raise NotFound(_MISSING)
        return Page(items=found[:size], next=str(found[size - 1].version) if len(found) > size else None)


def _found(version: DatasetVersion | None) -> DatasetVersion:
    if version is None:
        raise NotFound(_MISSING)
    return version


def _page_size(limit: int) -> int:
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInput(f"limit={limit}; ask for 1 to {MAX_PAGE}.")
    return limit


def _check(new: NewVersion) -> None:
    if new.rows < 1:
        raise InvalidInput(f"Dataset {new.dataset!r} has no rows; give at least one.")
    if new.size_bytes < 0:
        raise InvalidInput(f"size_bytes={new.size_bytes}; a file has no negative size.")
    named = [n for n in (new.roles.target, new.roles.weight, *new.roles.sensitive, *new.roles.ignore) if n is not None]
    for name in named:
        if name not in new.schema:
            raise InvalidInput(f"There is no column {name!r}; the table has: {', '.join(new.schema)[:300]}.")
