"""Invitations: rows <-> dataclasses. The token's hash never leaves this file."""

from __future__ import annotations

import dataclasses

from sqlalchemy import Connection, insert, select, update

from fairloop.core.people import Invitation, Role
from fairloop.storage.tables import invitations

_SHOWN = [invitations.c[f.name] for f in dataclasses.fields(Invitation)]


def add(connection: Connection, invitation: Invitation, hash_: str) -> None:
    values = {f.name: getattr(invitation, f.name) for f in dataclasses.fields(Invitation)}
    connection.execute(insert(invitations).values(**values, hash=hash_))


def by_hash(connection: Connection, hash_: str) -> Invitation | None:
    row = connection.execute(select(*_SHOWN).where(invitations.c.hash == hash_)).mappings().first()
    return Invitation(**{**row, "role": Role(row["role"])}) if row else None


def listed(connection: Connection, project_id: str) -> list[Invitation]:
    """Newest first."""
    query = select(*_SHOWN).where(invitations.c.project_id == project_id)
    query = query.order_by(invitations.c.created_ms.desc(), invitations.c.id)
    return [Invitation(**{**row, "role": Role(row["role"])}) for row in connection.execute(query).mappings()]


def accept(connection: Connection, invitation_id: str, by: str, now_ms: int) -> bool:
    """Use the invitation up; False when it was used, ended or ran out meanwhile."""
    c = invitations.c
    query = update(invitations).where(c.id == invitation_id, c.accepted_ms.is_(None), c.revoked_ms.is_(None),
                                      c.expires_ms > now_ms)  # fmt: skip
    return connection.execute(query.values(accepted_ms=now_ms, accepted_by=by)).rowcount == 1


def revoke(connection: Connection, project_id: str, invitation_id: str, now_ms: int) -> bool:
    c = invitations.c
    query = update(invitations).where(c.id == invitation_id, c.project_id == project_id, c.accepted_ms.is_(None),
                                      c.revoked_ms.is_(None))  # fmt: skip
    return connection.execute(query.values(revoked_ms=now_ms)).rowcount == 1
