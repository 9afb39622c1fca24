"""The project's policy: what it says, its versions, who decides for whom."""

from __future__ import annotations

from typing import Any

from litestar.response import Redirect

from fairloop.core.decisions import PolicyVersion
from fairloop.core.people import Identity, Project
from fairloop.core.policy import NO_POLICY, Policy, approval_words
from fairloop.server.api.policy import until_ms
from fairloop.server.pages.forms import Form, act
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.services import Services

_VERSIONS = 20
EXAMPLE = """schema: 1
gates:
  - {metric: roc_auc, at_least: 0.80}
  - {metric: demographic_parity_difference, at_most: 0.12, by: sex}
primary: {metric: demographic_parity_difference, by: sex, because: equal access to the offer is the goal}
limits:
  - {metric: equalized_odds_difference, at_most: 0.20, by: sex}
automatic: []
approval: {role: manager, two_person: true, expires: 3d, remind: [1d, 2h]}
allow_attribute_at_prediction: false
"""
STATES = {"active": "in force", "proposed": "waits for a second person", "replaced": "replaced", "refused": "refused",
          "withdrawn": "withdrawn"}  # fmt: skip


def show(request: Asked, services: Services, identity: Identity, project: Project, before: str | None = None) -> Html:
    """The policy in force in words and as it is written, a change that waits, and every version."""
    policies = services.loops.policies
    state = policies.state(project.id)
    found = policies.versions(project.id, limit=_VERSIONS, cursor=before)
    now = services.clock.now_ms()
    handed = [d for d in services.loops.delegations(project.id) if d.ended_ms is None and d.until_ms > now]
    return page(
        request,
        "policy.html",
        title="Policy",
        section="settings",
        crumbs=[("Settings", within(project, "settings"))],
        active=state.active,
        words=sentences(state.active.policy if state.active else NO_POLICY),
        proposed=state.proposed,
        change=policies.difference(project.id, state.proposed.version) if state.proposed else "",
        own=state.proposed is not None and state.proposed.author == identity.name,
        versions=[(v, STATES.get(v.state, v.state)) for v in found.items],
        older=f"{within(project, 'settings', 'policy')}?before={found.next}" if found.next else "",
        text=state.active.text if state.active else EXAMPLE,
        delegations=handed,
        members=[m.name for m in services.people.members(project.id) if m.name != identity.name],
        post=within(project, "settings", "policy"),
    )


def difference(request: Asked, services: Services, project: Project, version: int) -> Html:
    """One version: its text and what it changed."""
    found = services.loops.policies.version(project.id, version)
    return page(
        request,
        "policy-version.html",
        title=f"Policy version {version}",
        section="settings",
        crumbs=[("Settings", within(project, "settings")), ("Policy", within(project, "settings", "policy"))],
        shown=found,
        state=STATES.get(found.state, found.state),
        change=services.loops.policies.difference(project.id, version),
    )


def sentences(policy: Policy) -> list[tuple[str, str]]:
    """What a policy says, for people who read no YAML."""
    found = [(f"Every loop must have: {check.question}", check.because or "") for check in policy.required_checks]
    if policy.primary is not None:
        by = f" by {policy.primary.by}" if policy.primary.by else ""
        found.append(
            (f"The criterion that decides is {policy.primary.metric.replace('_', ' ')}{by}.", policy.primary.because)
        )
    free = {"release": "A model that passes every gate goes live without being asked for.",
            "alert": 'A model that an alert started does so too, where the loop says on_alert="auto".'}  # fmt: skip
    found += [(free[name], "") for name in policy.automatic]
    if len(policy.automatic) < len(free):
        asked = approval_words(policy.approval, ["who started it"])
        which = "What an alert started" if "release" in policy.automatic else "A model"
        found.append((f"{which} goes live only after {asked}; a request expires after {policy.approval.expires}.", ""))
    if policy.insufficient_evidence == "person":
        found.append(("Where the evidence does not settle a gate, a person decides.", ""))
    allowed = "may" if policy.allow_attribute_at_prediction else "may not"
    found.append((f"A model {allowed} be told the sensitive attribute of the person it judges.", ""))
    if policy.aliases:
        found.append((f"The names {', '.join(policy.aliases)} point only at versions that may go live.", ""))
    return found


def save(services: Services, identity: Identity, project: Project, data: Form) -> Redirect:
    """Write a new version."""
    text = data.get("text", "").replace("\r\n", "\n")

    def told(made: PolicyVersion) -> str:
        waits = "waits for a second person" if made.state == "proposed" else "is in force"
        return f"Version {made.version} {waits}."

    return act(within(project, "settings", "policy"),
               lambda: services.loops.policies.set(project.id, text, identity, data.get("reason", "")), told)  # fmt: skip


def decide(services: Services, identity: Identity, project: Project, version: int, data: Form) -> Redirect:
    """Confirm or refuse a change, as a second person."""
    confirm = data.get("decision") == "confirmed"

    def do() -> Any:
        return services.loops.policies.decide(
            project.id, version, identity, confirm=confirm, reason=data.get("reason", "")
        )

    done = f"Version {version} is in force." if confirm else f"Version {version} was refused."
    return act(within(project, "settings", "policy"), do, done)


def delegate(services: Services, identity: Identity, project: Project, data: Form) -> Redirect:
    """Hand one's decisions to somebody until a date."""
    to = data.get("to", "")
    return act(within(project, "settings", "policy"),
               lambda: services.loops.delegate(project.id, identity, to, until_ms(data.get("until", "")), data.get("reason", "")),
               f"{to} decides for you until then.")  # fmt: skip


def end_delegation(services: Services, identity: Identity, project: Project, delegation_id: str) -> Redirect:
    """Take decisions back."""
    return act(within(project, "settings", "policy"),
               lambda: services.loops.end_delegation(project.id, delegation_id, identity), "Ended.")  # fmt: skip


def ask(
    services: Services, identity: Identity, project: Project, model_name: str, version: int, data: Form
) -> Redirect:
    """Ask people to approve a version that no loop made."""
    found = services.registry.version(project.id, model_name, version)
    return act(within(project, "models", model_name, version),
               lambda: services.loops.ask(project.id, found, identity, data.get("reason", "")),
               "Asked. Those who may decide were told.")  # fmt: skip
