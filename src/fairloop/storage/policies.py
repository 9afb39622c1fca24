"""Versions of a project's policy, and delegations: rows <-> dataclasses. Versions are only ever added."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from fairloop.core.decisions import Delegation, PolicyVersion
from fairloop.core.policy import Policy
from fairloop.core.records import from_plain, to_plain
from fairloop.storage.tables import delegations, policies


def _version(row: Any) -> PolicyVersion:
    values = dict(row)
    values["policy"] = from_plain(Policy, values["policy"])
    return PolicyVersion(**values)


def add_version(connection: Connection, version: PolicyVersion) -> None:
    connection.execute(insert(policies).values(**to_plain(version)))


def next_version(connection: Connection, project_id: str) -> int:
    query = select(func.max(policies.c.version)).where(policies.c.project_id == project_id)
    return int(connection.execute(query).scalar() or 0) + 1


def newest_in(connection: Connection, project_id: str, state: str) -> PolicyVersion | None:
    query = select(policies).where(policies.c.project_id == project_id, policies.c.state == state)
    row = connection.execute(query.order_by(policies.c.version.desc()).limit(1)).mappings().first()
    return _version(row) if row else None


def version_by_number(connection: Connection, project_id: str, number: int) -> PolicyVersion | None:
    query = select(policies).where(policies.c.project_id == project_id, policies.c.version == number)
    row = connection.execute(query).mappings().first()
    return _version(row) if row else None


def listed(connection: Connection, project_id: str, limit: int, before: int | None) -> list[PolicyVersion]:
    """Newest first."""
    query = select(policies).where(policies.c.project_id == project_id).order_by(policies.c.version.desc()).limit(limit)
    if before is not None:
        query = query.where(policies.c.version < before)
    return [_version(row) for row in connection.execute(query).mappings()]


def change_state(connection: Connection, project_id: str, was: str, **values: Any) -> int:
    """Every version in state ``was``; how many there were."""
    query = update(policies).where(policies.c.project_id == project_id, policies.c.state == was)
    return connection.execute(query.values(**values)).rowcount


# ------------------------------------------------------------------ delegations
def add_delegation(connection: Connection, delegation: Delegation) -> None:
    connection.execute(insert(delegations).values(**to_plain(delegation)))


def delegations_of(connection: Connection, project_id: str) -> list[Delegation]:
    """Newest first, ended ones too."""
    query = select(delegations).where(delegations.c.project_id == project_id).order_by(delegations.c.id.desc())
    return [Delegation(**row) for row in connection.execute(query).mappings()]


def delegation_by_id(connection: Connection, delegation_id: str) -> Delegation | None:
    row = connection.execute(select(delegations).where(delegations.c.id == delegation_id)).mappings().first()
    return Delegation(**row) if row else None


def in_force(connection: Connection, project_id: str, taker: str, now_ms: int) -> list[Delegation]:
    """Who handed their decisions to ``taker`` now."""
    query = select(delegations).where(delegations.c.project_id == project_id, delegations.c.taker == taker,
                                      delegations.c.until_ms > now_ms, delegations.c.ended_ms.is_(None))  # fmt: skip
    return [Delegation(**row) for row in connection.execute(query.order_by(delegations.c.giver)).mappings()]


def end_delegation(connection: Connection, delegation_id: str, now_ms: int) -> int:
    query = update(delegations).where(delegations.c.id == delegation_id, delegations.c.ended_ms.is_(None))
    return connection.execute(query.values(ended_ms=now_ms)).rowcount
