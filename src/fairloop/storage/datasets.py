"""Dataset versions: rows <-> dataclasses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, and_, func, insert, select

from fairloop.core.datasets import DatasetVersion, Roles
from fairloop.core.records import from_plain, to_plain
from fairloop.storage.tables import dataset_versions as t


def _version(row: RowMapping) -> DatasetVersion:
    return DatasetVersion(**{**row, "roles": from_plain(Roles, row["roles"])})


def add(connection: Connection, version: DatasetVersion) -> None:
    values: dict[str, Any] = {name: getattr(version, name) for name in DatasetVersion.__slots__}
    connection.execute(insert(t).values(**values | {"roles": to_plain(version.roles)}))


def by_id(connection: Connection, project_id: str, version_id: str) -> DatasetVersion | None:
    return _first(connection, project_id, t.c.id == version_id)


def by_number(connection: Connection, project_id: str, dataset: str, version: int) -> DatasetVersion | None:
    return _first(connection, project_id, and_(t.c.dataset == dataset, t.c.version == version))


def latest(connection: Connection, project_id: str, dataset: str) -> DatasetVersion | None:
    return _first(connection, project_id, t.c.dataset == dataset)


def same_content(connection: Connection, project_id: str, dataset: str, sha256: str) -> list[DatasetVersion]:
    """Versions of ``dataset`` with these very rows, newest first."""
    query = _of(project_id).where(t.c.dataset == dataset, t.c.sha256 == sha256)
    return [_version(row) for row in connection.execute(query).mappings()]


def latest_of_each(connection: Connection, project_id: str, after: str, limit: int) -> list[DatasetVersion]:
    """The newest version of every dataset whose name follows ``after``, by name."""
    newest = (select(t.c.dataset.label("dataset"), func.max(t.c.version).label("version"))
              .where(t.c.project_id == project_id, t.c.dataset > after).group_by(t.c.dataset).subquery())  # fmt: skip
    query = (select(t).join(newest, and_(t.c.dataset == newest.c.dataset, t.c.version == newest.c.version))
             .where(t.c.project_id == project_id).order_by(t.c.dataset).limit(limit))  # fmt: skip
    return [_version(row) for row in connection.execute(query).mappings()]


def versions(connection: Connection, project_id: str, dataset: str, below: int, limit: int) -> list[DatasetVersion]:
    """Versions of ``dataset`` with a number under ``below``, newest first."""
    query = _of(project_id).where(t.c.dataset == dataset, t.c.version < below).limit(limit)
    return [_version(row) for row in connection.execute(query).mappings()]


def _of(project_id: str) -> Any:
    return select(t).where(t.c.project_id == project_id).order_by(t.c.version.desc())


def _first(connection: Connection, project_id: str, condition: Any) -> DatasetVersion | None:
    row = connection.execute(_of(project_id).where(condition).limit(1)).mappings().first()
    return _version(row) if row else None
