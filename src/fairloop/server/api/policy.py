"""The policy, what it says, and delegations over REST."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from fairloop.core.cycles import ApprovalRequest
from fairloop.core.decisions import Delegation, Judged, PolicyState, PolicyVersion
from fairloop.core.people import Identity, Project
from fairloop.core.policy import Facts, evaluate
from fairloop.core.policy_file import read_policy
from fairloop.core.records import Page, from_wire, to_wire
from fairloop.errors import InvalidInput
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPolicy:
    """``text`` is the policy as YAML; the reason is kept for the record."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDecision:
    """``decision`` is confirmed or refused."""

    decision: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """``facts`` as ``GET /cycles/{id}/policy`` shows them; ``text`` a policy to ask instead of the project's."""

    facts: dict[str, Any]
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelegation:
    """``to`` is a member's name, ``until`` an RFC 3339 time."""

    to: str
    until: str
    reason: str


def get_policy(services: Services, project: Project) -> PolicyState:
    """The policy in force, and a version that waits for a second person."""
    return services.loops.policies.state(project.id)


def set_policy(services: Services, project: Project, identity: Identity, data: NewPolicy) -> PolicyVersion:
    """Write a new version; under a two-person policy it waits for a second person."""
    return services.loops.policies.set(project.id, data.text, identity, data.reason)


def list_versions(
    services: Services, project: Project, limit: int = 50, cursor: str | None = None
) -> Page[PolicyVersion]:
    """Every version of the policy, newest first."""
    return services.loops.policies.versions(project.id, limit=limit, cursor=cursor)


def get_version(services: Services, project: Project, version: int) -> dict[str, Any]:
    """One version, with what it changed as a unified diff."""
    found = services.loops.policies.version(project.id, version)
    return {**to_wire(found), "difference": services.loops.policies.difference(project.id, version)}


def decide_version(services: Services, project: Project, identity: Identity, version: int,
                   data: PolicyDecision) -> PolicyVersion:  # fmt: skip
    """Confirm or refuse a proposed version, as a second person."""
    if data.decision not in {"confirmed", "refused"}:
        raise InvalidInput(f"decision={data.decision[:40]!r}: send 'confirmed' or 'refused'.")
    return services.loops.policies.decide(project.id, version, identity, confirm=data.decision == "confirmed",
                                          reason=data.reason)  # fmt: skip


def evaluate_facts(services: Services, project: Project, data: Question) -> Judged:
    """What the policy says to facts that you state."""
    known = {f.name for f in fields(Facts)}
    if unknown := sorted(set(data.facts) - known):
        raise InvalidInput(f"{unknown[0][:40]!r} is no fact; known are: {', '.join(sorted(known))}.")
    facts = from_wire(Facts, data.facts)
    if not data.text:
        return services.loops.policies.judge(project.id, facts)
    policy = read_policy(data.text)
    return Judged(policy=policy, facts=facts, verdict=evaluate(policy, facts))


def of_cycle(services: Services, project: Project, cycle_id: str) -> Judged:
    """What the policy says to a cycle, with the facts it rests on."""
    return services.loops.policies.of_cycle(services.loops.cycle(project.id, cycle_id))


def of_version(services: Services, project: Project, version_id: str) -> Judged:
    """What the policy says to letting a model version go live, with the facts it rests on."""
    return services.loops.policies.of_version(services.registry.version_by_id(project.id, version_id))


def ask(services: Services, project: Project, identity: Identity, version_id: str, data: Reason) -> ApprovalRequest:
    """Ask people to approve a version that no loop made."""
    version = services.registry.version_by_id(project.id, version_id)
    return services.loops.ask(project.id, version, identity, data.reason)


# ------------------------------------------------------------------ delegations
def list_delegations(services: Services, project: Project) -> Page[Delegation]:
    """Who handed their decisions to whom, newest first."""
    return Page(items=services.loops.delegations(project.id))


def delegate(services: Services, project: Project, identity: Identity, data: NewDelegation) -> Delegation:
    """Hand your own decisions to another member until a date."""
    return services.loops.delegate(project.id, identity, data.to, until_ms(data.until), data.reason)


def end_delegation(services: Services, project: Project, identity: Identity, delegation_id: str) -> dict[str, bool]:
    """Take decisions back before the date."""
    services.loops.end_delegation(project.id, delegation_id, identity)
    return {"ended": True}


def until_ms(text: str) -> int:
    """An RFC 3339 time in milliseconds; a date without a time means its end in UTC."""
    try:
        whole = f"{text}T23:59:59" if len(text) == 10 else text
        moment = datetime.fromisoformat(whole.replace("Z", "+00:00"))
        return round((moment if moment.tzinfo else datetime.fromisoformat(f"{whole}+00:00")).timestamp() * 1000)
    except (ValueError, OverflowError, OSError) as cause:
        raise InvalidInput(
            f"{text[:40]!r} is not a date; write for example 2026-12-24 or 2026-12-24T18:00:00Z."
        ) from cause
