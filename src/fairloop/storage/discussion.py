"""Comments: rows <-> dataclasses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from fairloop.core.discussion import Comment, Thread
from fairloop.storage.tables import comments


def add(connection: Connection, comment: Comment) -> None:
    connection.execute(insert(comments).values(**{name: getattr(comment, name) for name in Comment.__slots__}))


def by_id(connection: Connection, comment_id: str) -> Comment | None:
    row = connection.execute(select(comments).where(comments.c.id == comment_id)).mappings().first()
    return Comment(**row) if row else None


def change(connection: Connection, comment_id: str, **values: Any) -> bool:
    """Change a comment that is not deleted; whether there was one."""
    query = update(comments).where(comments.c.id == comment_id, comments.c.deleted_ms.is_(None)).values(**values)
    return connection.execute(query).rowcount == 1


def listed(connection: Connection, project_id: str, *, kind: str | None = None, subject_id: str | None = None,
           limit: int = 100, before: tuple[int, str] | None = None) -> list[Comment]:  # fmt: skip
    """Newest first; ``before`` is the time and id of the comment the page goes on behind."""
    query = select(comments).where(comments.c.project_id == project_id)
    query = query.order_by(comments.c.created_ms.desc(), comments.c.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(comments.c.subject_kind == kind)
    if subject_id is not None:
        query = query.where(comments.c.subject_id == subject_id)
    if before is not None:
        at, id_ = before
        query = query.where((comments.c.created_ms < at) | ((comments.c.created_ms == at) & (comments.c.id < id_)))
    return [Comment(**row) for row in connection.execute(query).mappings()]


def threads(connection: Connection, project_id: str, *, limit: int, before_ms: int | None = None) -> list[Thread]:
    """Threads with their newest comment, the liveliest first; below the time ``before_ms``."""
    newest = func.max(comments.c.created_ms)
    query = select(comments.c.subject_kind, comments.c.subject_id, func.count(), newest)
    query = query.where(comments.c.project_id == project_id).group_by(comments.c.subject_kind, comments.c.subject_id)
    if before_ms is not None:
        query = query.having(newest < before_ms)
    found = connection.execute(query.order_by(newest.desc()).limit(limit)).all()
    return [
        Thread(subject_kind=kind, subject_id=subject, comments=count,
               last=listed(connection, project_id, kind=kind, subject_id=subject, limit=1)[0])
        for kind, subject, count, _ in found
    ]  # fmt: skip
