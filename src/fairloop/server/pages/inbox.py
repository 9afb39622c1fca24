"""What waits for a person: approvals, held rollouts and open alerts, over the projects they see."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fairloop.access.permissions import Permission
from fairloop.access.permit import permitted
from fairloop.core.cycles import ApprovalRequest
from fairloop.core.people import Identity, Project
from fairloop.server.pages.words import plural
from fairloop.server.services import Services


def waiting(services: Services, projects: list[Project], identity: Identity) -> list[dict[str, Any]]:
    """One entry each, newest first: kind, words, at_ms, project, URL."""
    found: list[dict[str, Any]] = []
    for project in projects:
        base = f"/projects/{quote(project.name, safe='')}"
        for request in services.loops.approvals(project.id, decision="waiting"):
            found.append(_asked(services, project, request, base))
        if (change := services.loops.policies.state(project.id).proposed) is not None:
            found.append({"kind": "approval", "icon": "person", "project": project.name, "at_ms": change.created_ms,
                          "words": f"Version {change.version} of the policy waits for a second person",
                          "detail": f"{change.author}: {change.reason}", "href": f"{base}/settings/policy#proposed"})  # fmt: skip
        if permitted(identity, Permission.APPEAL_DECIDE, project.id):
            found += _appeals(services, project, base)
        for alert in services.monitoring.alerts(project.id, "open"):
            found.append(
                {
                    "kind": "alert",
                    "icon": "alert",
                    "project": project.name,
                    "at_ms": alert.opened_ms,
                    "words": alert.words,
                    "detail": "",
                    "href": f"{base}/alerts#{alert.id}",
                }
            )
    return sorted(found, key=lambda item: -int(item["at_ms"]))


def _appeals(services: Services, project: Project, base: str) -> list[dict[str, Any]]:
    """One entry for all undecided appeals of a project."""
    count, newest_ms = services.appeals.undecided(project.id)
    if not count:
        return []
    return [{"kind": "approval", "icon": "person", "project": project.name, "at_ms": newest_ms,
             "words": f"{plural(count, 'contested answer')} {'waits' if count == 1 else 'wait'} for a decision",
             "detail": "", "href": f"{base}/appeals"}]  # fmt: skip


def _asked(services: Services, project: Project, request: ApprovalRequest, base: str) -> dict[str, Any]:
    role = " or ".join(request.asked.roles).replace("_", " ")
    yes = sum(vote.decision == "approved" for vote in request.votes)
    some = f" ({yes} of {request.people} said yes)" if request.people > 1 else ""
    entry = {"kind": "approval", "icon": "person", "project": project.name, "at_ms": request.requested_ms}
    if request.cycle_id:
        cycle = services.loops.cycle(project.id, request.cycle_id)
        return {**entry, "words": f"Cycle {cycle.number} of {cycle.loop} waits for a {role}{some}", "detail": cycle.words,
                "href": f"{base}/cycles/{cycle.id}#approve"}  # fmt: skip
    version = services.registry.version_by_id(project.id, request.model_version_id)
    return {**entry, "words": f"{version.model} v{version.version} waits for a {role}{some}", "detail": "",
            "href": f"{base}/models/{quote(version.model, safe='')}/{version.version}#decide"}  # fmt: skip


def people(services: Services) -> list[dict[str, str]]:
    """Whom a visitor of a local server may act as: name, and what they may do in words."""
    names = {project.id: project.name for project in services.projects.list()}
    roles: dict[str, list[str]] = {}
    for project_id, project in names.items():
        for member in services.people.members(project_id):
            roles.setdefault(member.person_id, []).append(f"{member.role.replace('_', ' ')} of {project}")
    return [
        {"name": p.name, "words": "administrator of this server" if p.administrator else ", ".join(roles.get(p.id, []))}
        for p in services.people.list()
        if not p.disabled
    ]
