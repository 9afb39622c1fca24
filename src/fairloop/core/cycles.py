"""Cycles: turns of the loop, and what they decide."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fairloop.core.checks import Check
from fairloop.core.policy import Approval, Vote


class Stage(StrEnum):
    """Where a cycle stands; each has one owner of the next move."""

    DATA = "data"
    TRAIN = "train"
    MITIGATE = "mitigate"
    GATE = "gate"
    APPROVE = "approve"
    ROLL_OUT = "roll_out"
    LIVE = "live"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in {Stage.LIVE, Stage.REFUSED, Stage.FAILED, Stage.CANCELLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """``trigger`` is ``{"kind": person|schedule|alert|data|git, "by", "alert_id", "words"}``; ``gates`` are the loop's
    plus the check an alert failed; ``words`` explains the choice or the refusal."""

    id: str
    project_id: str
    loop: str
    loop_id: str
    """The version of the loop's definition in force."""
    number: int
    stage: Stage
    trigger: dict[str, Any]
    gates: list[Check] = field(default_factory=list)
    dataset_version_id: str = ""
    pipeline_run_ids: dict[str, str] = field(default_factory=dict)
    """What for (data, train, mitigate, gate:<candidate>) to the pipeline run that does it."""
    live_ms: int | None = None
    chosen_candidate_id: str | None = None
    model_version_id: str | None = None
    rollout_id: str | None = None
    words: str = ""
    author: str = ""
    cost_usd: float = 0.0
    started_ms: int = 0
    ended_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleEvent:
    """One dated line of a cycle's timeline; ``kind`` is a stage or an act, ``data`` what the page draws."""

    seq: int
    cycle_id: str
    at_ms: int
    kind: str
    text: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """``decision`` is waiting, approved, refused or expired. ``cycle_id`` is empty for a version without a loop.

    ``people`` persons in one of ``roles`` (``role`` is the first) must say yes; ``authors`` started what is asked
    about. ``decided_by`` names those whose votes decided.
    """

    id: str
    project_id: str
    cycle_id: str
    model_version_id: str
    role: str
    two_person: bool = False
    author: str = ""
    decision: str = "waiting"
    decided_by: str = ""
    verified: bool = False
    reason: str = ""
    requested_ms: int = 0
    expires_ms: int = 0
    decided_ms: int | None = None
    people: int = 1
    roles: list[str] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    needs_verified: bool = False
    remind: list[str] = field(default_factory=list)
    """How long before the expiry people are reminded, the earliest first."""
    reminded: int = 0
    """How many of those reminders went out."""
    votes: list[Vote] = field(default_factory=list)

    @property
    def starters(self) -> list[str]:
        """Everybody who started what is asked about."""
        return sorted({self.author, *self.authors} - {""})

    @property
    def asked(self) -> Approval:
        """Who must say yes, as a policy says it."""
        roles = self.roles or [self.role]
        return Approval(role=roles[0] if len(roles) == 1 else roles, two_person=self.two_person, people=self.people,
                        verified=self.needs_verified, remind=self.remind)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A registered definition with the traced pipeline and its capture: all a cycle needs, no client present."""

    id: str
    project_id: str
    name: str
    definition: dict[str, Any]
    graph: dict[str, Any]
    capture: dict[str, Any]
    version: int = 1
    author: str = ""
    created_ms: int = 0
