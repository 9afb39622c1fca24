"""Loops, cycles, their timelines and approvals: rows <-> dataclasses."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from fairloop.core.checks import Check
from fairloop.core.cycles import ApprovalRequest, Cycle, CycleEvent, Loop, Stage
from fairloop.core.policy import Vote
from fairloop.core.records import from_plain, to_plain
from fairloop.storage.tables import approvals, cycle_events, cycles, loops, votes

_FINAL = [str(s) for s in Stage if s.final]


# ------------------------------------------------------------------ loops
def add_loop(connection: Connection, loop: Loop) -> None:
    connection.execute(insert(loops).values(**to_plain(loop)))


def newest_loop(connection: Connection, project_id: str, name: str) -> Loop | None:
    query = select(loops).where(loops.c.project_id == project_id, loops.c.name == name)
    row = connection.execute(query.order_by(loops.c.version.desc()).limit(1)).mappings().first()
    return Loop(**row) if row else None


def loop_by_id(connection: Connection, loop_id: str) -> Loop | None:
    row = connection.execute(select(loops).where(loops.c.id == loop_id)).mappings().first()
    return Loop(**row) if row else None


def newest_loops(connection: Connection, project_id: str | None = None) -> list[Loop]:
    """The newest version of each loop, of one project or of all."""
    newest = select(loops.c.project_id, loops.c.name, func.max(loops.c.version).label("version"))
    newest_of = newest.group_by(loops.c.project_id, loops.c.name).subquery()
    query = select(loops).join(newest_of, (loops.c.project_id == newest_of.c.project_id)
                               & (loops.c.name == newest_of.c.name)
                               & (loops.c.version == newest_of.c.version)).order_by(loops.c.name)  # fmt: skip
    if project_id is not None:
        query = query.where(loops.c.project_id == project_id)
    return [Loop(**row) for row in connection.execute(query).mappings()]


# ------------------------------------------------------------------ cycles
def _cycle(row: Any) -> Cycle:
    values = dict(row)
    values["stage"] = Stage(values["stage"])
    values["gates"] = from_plain(list[Check], values["gates"])
    return Cycle(**values)


def add_cycle(connection: Connection, cycle: Cycle) -> None:
    connection.execute(insert(cycles).values(**to_plain(cycle)))


def next_number(connection: Connection, project_id: str, loop: str) -> int:
    query = select(func.max(cycles.c.number)).where(cycles.c.project_id == project_id, cycles.c.loop == loop)
    return int(connection.execute(query).scalar() or 0) + 1


def cycle_by_id(connection: Connection, cycle_id: str) -> Cycle | None:
    row = connection.execute(select(cycles).where(cycles.c.id == cycle_id)).mappings().first()
    return _cycle(row) if row else None


def open_cycles(connection: Connection, project_id: str | None = None, loop: str | None = None) -> list[Cycle]:
    """Cycles that are not over yet, oldest first."""
    query = select(cycles).where(cycles.c.stage.notin_(_FINAL)).order_by(cycles.c.started_ms)
    if project_id is not None:
        query = query.where(cycles.c.project_id == project_id)
    if loop is not None:
        query = query.where(cycles.c.loop == loop)
    return [_cycle(row) for row in connection.execute(query).mappings()]


def listed_cycles(
    connection: Connection, project_id: str, loop: str | None, limit: int, before: int | None
) -> list[Cycle]:
    """Newest first; ``before`` is the start time the page begins below."""
    query = select(cycles).where(cycles.c.project_id == project_id).order_by(cycles.c.started_ms.desc()).limit(limit)
    if loop is not None:
        query = query.where(cycles.c.loop == loop)
    if before is not None:
        query = query.where(cycles.c.started_ms < before)
    return [_cycle(row) for row in connection.execute(query).mappings()]


def live_cycle(connection: Connection, project_id: str, loop: str) -> Cycle | None:
    """The cycle whose model is in production: the last one that went live."""
    query = select(cycles).where(
        cycles.c.project_id == project_id, cycles.c.loop == loop, cycles.c.stage == str(Stage.LIVE)
    )
    row = connection.execute(query.order_by(cycles.c.live_ms.desc()).limit(1)).mappings().first()
    return _cycle(row) if row else None


def cycle_of_version(connection: Connection, model_version_id: str) -> Cycle | None:
    query = select(cycles).where(cycles.c.model_version_id == model_version_id)
    row = connection.execute(query).mappings().first()
    return _cycle(row) if row else None


def change_cycle(connection: Connection, cycle: Cycle, **changes: Any) -> bool:
    """Apply ``changes`` if the cycle still stands at the stage the caller saw; whether it did."""
    plain = {name: to_plain(value) for name, value in changes.items()}
    query = update(cycles).where(cycles.c.id == cycle.id, cycles.c.stage == str(cycle.stage)).values(**plain)
    return connection.execute(query).rowcount == 1


# ------------------------------------------------------------------ timeline
def add_event(connection: Connection, cycle_id: str, at_ms: int, kind: str, text: str, data: dict[str, Any]) -> None:
    connection.execute(insert(cycle_events).values(cycle_id=cycle_id, at_ms=at_ms, kind=kind, text=text, data=data))


def events_of(connection: Connection, cycle_id: str) -> list[CycleEvent]:
    query = select(cycle_events).where(cycle_events.c.cycle_id == cycle_id).order_by(cycle_events.c.seq)
    return [CycleEvent(**row) for row in connection.execute(query).mappings()]


# ------------------------------------------------------------------ approvals
_LATER = {"people": 1, "roles": [], "authors": [], "needs_verified": False, "remind": [], "reminded": 0}
"""Columns that older rows leave empty."""


def _approval(connection: Connection, row: Any) -> ApprovalRequest:
    values: dict[str, Any] = {
        name: _LATER[name] if value is None and name in _LATER else value for name, value in row.items()
    }
    return ApprovalRequest(**values, votes=votes_of(connection, values["id"]))


def add_approval(connection: Connection, request: ApprovalRequest) -> None:
    connection.execute(insert(approvals).values(**{k: v for k, v in to_plain(request).items() if k != "votes"}))


def approval_by_id(connection: Connection, approval_id: str) -> ApprovalRequest | None:
    row = connection.execute(select(approvals).where(approvals.c.id == approval_id)).mappings().first()
    return _approval(connection, row) if row else None


def approvals_where(connection: Connection, *, project_id: str | None = None, cycle_id: str | None = None,
                    model_version_id: str | None = None, decision: str | None = None) -> list[ApprovalRequest]:  # fmt: skip
    """Newest first, narrowed by what is given."""
    query = select(approvals).order_by(approvals.c.requested_ms.desc(), approvals.c.id.desc())
    for column, value in ((approvals.c.project_id, project_id), (approvals.c.cycle_id, cycle_id),
                          (approvals.c.model_version_id, model_version_id),
                          (approvals.c.decision, decision)):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    return [_approval(connection, row) for row in connection.execute(query).mappings().all()]


def decide(connection: Connection, approval_id: str, **changes: Any) -> bool:
    """Record the decision if none was taken yet; whether it was."""
    query = update(approvals).where(approvals.c.id == approval_id, approvals.c.decision == "waiting").values(**changes)
    return connection.execute(query).rowcount == 1


def votes_of(connection: Connection, approval_id: str) -> list[Vote]:
    """In the order they were cast."""
    shown = [votes.c[f.name] for f in fields(Vote)]
    query = select(*shown).where(votes.c.approval_id == approval_id).order_by(votes.c.at_ms, votes.c.person)
    return [Vote(**row) for row in connection.execute(query).mappings()]


def add_vote(connection: Connection, approval_id: str, vote: Vote) -> None:
    connection.execute(insert(votes).values(approval_id=approval_id, **to_plain(vote)))
