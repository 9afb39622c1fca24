"""Answers kept for repeated requests: rows <-> dataclasses. A row without a status is a request under way."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from fairloop.storage.tables import idempotency


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is known of a key; ``status`` and ``body`` are None while its first request is under way."""

    request_hash: str
    status: int | None
    body: str | None


def claim(connection: Connection, key: str, request_hash: str, now_ms: int, oldest_ms: int) -> Kept | None:
    """None when the key was free and is the caller's now, else what is kept for it since ``oldest_ms``."""
    mine = idempotency.c.key == key
    row = connection.execute(select(idempotency).where(mine)).mappings().first()
    if row is not None and row["at_ms"] >= oldest_ms:
        return Kept(request_hash=row["request_hash"], status=row["status"], body=row["body"])
    if row is not None:
        connection.execute(delete(idempotency).where(mine))
    connection.execute(
        insert(idempotency).values(key=key, request_hash=request_hash, status=None, body=None, at_ms=now_ms)
    )
    return None


def find(connection: Connection, key: str) -> Kept | None:
    row = connection.execute(select(idempotency).where(idempotency.c.key == key)).mappings().first()
    return Kept(request_hash=row["request_hash"], status=row["status"], body=row["body"]) if row else None


def keep(connection: Connection, key: str, status: int, body: str) -> None:
    connection.execute(update(idempotency).where(idempotency.c.key == key).values(status=status, body=body))


def free(connection: Connection, key: str) -> None:
    connection.execute(delete(idempotency).where((idempotency.c.key == key) & idempotency.c.status.is_(None)))


def free_unfinished(connection: Connection) -> int:
    """Free the keys whose request ended with its server."""
    return connection.execute(delete(idempotency).where(idempotency.c.status.is_(None))).rowcount


def remove_older(connection: Connection, oldest_ms: int) -> int:
    return connection.execute(delete(idempotency).where(idempotency.c.at_ms < oldest_ms)).rowcount
