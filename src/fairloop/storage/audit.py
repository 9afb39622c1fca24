"""The audit log: rows <-> dataclasses. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection, insert, select

from fairloop.core.audit import GENESIS, AuditEntry, hash_of
from fairloop.storage.tables import audit


def append(connection: Connection, entry: AuditEntry) -> AuditEntry:
    """Add ``entry`` at the end of the chain; its place and hashes are set here."""
    newest = select(audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
    previous = connection.execute(newest).scalar() or GENESIS
    chained = replace(entry, previous=previous, hash=hash_of(entry, previous))
    values = {name: getattr(chained, name) for name in AuditEntry.__slots__ if name != "seq"}
    key = connection.execute(insert(audit).values(**values)).inserted_primary_key
    return replace(chained, seq=key[0] if key else 0)


def listed(connection: Connection, *, project_id: str | None, before: int | None, limit: int,
           action: str = "", person: str = "") -> list[AuditEntry]:  # fmt: skip
    """Newest first, below the seq ``before``; every project's and the server's own when ``project_id`` is None."""
    query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if project_id is not None:
        query = query.where(audit.c.project_id == project_id)
    if before is not None:
        query = query.where(audit.c.seq < before)
    if action:
        query = query.where(audit.c.action == action)
    if person:
        query = query.where(audit.c.person == person)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]


def after(connection: Connection, seq: int, limit: int) -> list[AuditEntry]:
    """Oldest first, above ``seq``: for walking the chain."""
    query = select(audit).where(audit.c.seq > seq).order_by(audit.c.seq).limit(limit)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]


def newest_about(connection: Connection, object: str, actions: Collection[str]) -> AuditEntry | None:
    """The last of ``actions`` done to ``object``."""
    query = select(audit).where(audit.c.action.in_(list(actions)), audit.c.object == object)
    row = connection.execute(query.order_by(audit.c.seq.desc()).limit(1)).mappings().first()
    return AuditEntry(**row) if row else None
