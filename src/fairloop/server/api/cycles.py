"""Cycles, approvals and lineage over REST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fairloop.core.cycles import ApprovalRequest, Cycle, CycleEvent
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.errors import InvalidInput
from fairloop.server.services import Services

DECISIONS = ("waiting", "approved", "refused", "expired")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``decision`` is approved or refused; the reason is kept for the record. ``on_behalf_of`` names who handed you
    the decision, where several did."""

    decision: str
    reason: str
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    reason: str


def list_cycles(services: Services, project: Project, loop: str | None = None, limit: int = 50,
                cursor: str | None = None) -> Page[Cycle]:  # fmt: skip
    """Cycles, newest first."""
    return services.loops.cycles(project.id, loop, limit=limit, cursor=cursor)


def get_cycle(services: Services, project: Project, cycle_id: str) -> Cycle:
    """One cycle."""
    return services.loops.cycle(project.id, cycle_id)


def list_events(services: Services, project: Project, cycle_id: str) -> Page[CycleEvent]:
    """The cycle's timeline, oldest first."""
    return Page(items=services.loops.events(project.id, cycle_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """``kind`` is search; the text is one line of the timeline."""

    kind: str
    text: str


def add_note(services: Services, project: Project, cycle_id: str, data: Note) -> CycleEvent:
    """Add a line to the timeline of a cycle under way: how a long step goes on."""
    return services.loops.note(project.id, cycle_id, data.kind, data.text)


def get_lineage(services: Services, project: Project, cycle_id: str) -> dict[str, Any]:
    """Everything the cycle's model came from."""
    return services.lineage.of_cycle(services.loops.cycle(project.id, cycle_id))


def cancel_cycle(services: Services, project: Project, identity: Identity, cycle_id: str, data: Reason) -> Cycle:
    """End a cycle that is not over, and stop its work."""
    return services.driver.cancel(project.id, cycle_id, identity, data.reason)


def list_approvals(services: Services, project: Project, decision: str | None = None,
                   cycle_id: str | None = None) -> Page[ApprovalRequest]:  # fmt: skip
    """Approval requests, newest first."""
    if decision is not None and decision not in DECISIONS:
        raise InvalidInput(f"decision={decision!r} is not one of {', '.join(DECISIONS)}.")
    return Page(items=services.loops.approvals(project.id, decision=decision, cycle_id=cycle_id))


def get_approval(services: Services, project: Project, approval_id: str) -> ApprovalRequest:
    """One approval request."""
    return services.loops.approval(project.id, approval_id)


def decide_approval(services: Services, project: Project, identity: Identity, approval_id: str,
                    data: Decision) -> ApprovalRequest:  # fmt: skip
    """Approve or refuse, with a reason."""
    if data.decision not in {"approved", "refused"}:
        raise InvalidInput(f"decision={data.decision!r}: send 'approved' or 'refused'.")
    return services.loops.decide(
        project.id,
        approval_id,
        identity,
        approve=data.decision == "approved",
        reason=data.reason,
        on_behalf_of=data.on_behalf_of,
    )


def cycle_of_alert(services: Services, project: Project, identity: Identity, alert_id: str) -> Cycle:
    """Start the cycle an alert proposes."""
    return services.proposals.start(project.id, alert_id, identity.name)


def get_prediction(services: Services, project: Project, prediction_id: str) -> dict[str, Any]:
    """Everything behind one prediction: model version, approval, gates, steps, data, commit, alert."""
    return services.lineage.of_prediction(project.id, prediction_id)
