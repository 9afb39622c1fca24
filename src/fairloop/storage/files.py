"""Which project may read which object, and artifacts by owner and path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from fairloop.storage.tables import artifacts, blobs


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One artifact. ``owner_kind`` is run, version or logged_model."""

    project_id: str
    owner_kind: str
    owner_id: str
    path: str
    sha256: str
    size_bytes: int
    created_ms: int


def add_blob(connection: Connection, project_id: str, sha256: str, size_bytes: int, now_ms: int) -> None:
    if not has_blob(connection, project_id, sha256):
        connection.execute(insert(blobs).values(project_id=project_id, sha256=sha256, size_bytes=size_bytes,
                                                created_ms=now_ms))  # fmt: skip


def has_blob(connection: Connection, project_id: str, sha256: str) -> bool:
    found = select(blobs.c.sha256).where(blobs.c.project_id == project_id, blobs.c.sha256 == sha256)
    return connection.execute(found).first() is not None


def put(connection: Connection, file: File) -> None:
    """Add or replace the artifact at ``file``'s owner and path."""
    remove(connection, file.owner_kind, file.owner_id, file.path)
    values: dict[str, Any] = {name: getattr(file, name) for name in File.__slots__}
    connection.execute(insert(artifacts).values(**values))


def _mine(owner_kind: str, owner_id: str) -> Any:
    return (artifacts.c.owner_kind == owner_kind) & (artifacts.c.owner_id == owner_id)


def get(connection: Connection, owner_kind: str, owner_id: str, path: str) -> File | None:
    query = select(artifacts).where(_mine(owner_kind, owner_id), artifacts.c.path == path)
    row = connection.execute(query).mappings().first()
    return File(**row) if row else None


def listed(connection: Connection, owner_kind: str, owner_id: str, under: str = "") -> list[File]:
    """Every artifact of the owner, below the folder ``under`` when given, by path."""
    query = select(artifacts).where(_mine(owner_kind, owner_id)).order_by(artifacts.c.path)
    if under:
        query = query.where((artifacts.c.path == under) | artifacts.c.path.startswith(under + "/", autoescape=True))
    return [File(**row) for row in connection.execute(query).mappings()]


def remove(connection: Connection, owner_kind: str, owner_id: str, path: str) -> int:
    """Remove the artifact or the folder of artifacts at ``path``; returns how many."""
    found = listed(connection, owner_kind, owner_id, path)
    for file in found:
        connection.execute(delete(artifacts).where(_mine(owner_kind, owner_id), artifacts.c.path == file.path))
    return len(found)
