"""What decides about decisions: versions of the policy, and decisions handed to somebody else for a while."""

from __future__ import annotations

from dataclasses import dataclass

from fairloop.core.policy import Facts, Policy, PolicyVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """``state`` is proposed (waits for a second person), active, replaced or refused. None is ever changed or removed."""

    id: str
    project_id: str
    version: int
    text: str
    policy: Policy
    state: str = "active"
    author: str = ""
    reason: str = ""
    created_ms: int = 0
    decided_by: str = ""
    decision_reason: str = ""
    decided_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyState:
    """A project's policy now: the version in force, and one that waits for a second person."""

    active: PolicyVersion | None = None
    proposed: PolicyVersion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A policy's answer with what it rests on: the same policy and facts give the same verdict everywhere."""

    policy: Policy
    facts: Facts
    verdict: PolicyVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """``giver`` hands their approvals in a project to ``taker`` until a date."""

    id: str
    project_id: str
    giver: str
    taker: str
    reason: str = ""
    created_ms: int = 0
    until_ms: int = 0
    ended_ms: int | None = None
