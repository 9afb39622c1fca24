"""What waits for a person: approvals and open alerts, over the projects they see."""

from __future__ import annotations

from typing import Any

from fairloop.core.people import Project
from fairloop.server.services import Services


def waiting(services: Services, projects: list[Project]) -> list[dict[str, Any]]:
    """One entry each, newest first: kind, words, at_ms, URL."""
    return []


def people(services: Services) -> list[dict[str, str]]:
    """Whom a visitor of a local server may act as: name, and what they may do in words."""
    names = {project.id: project.name for project in services.projects.list()}
    roles: dict[str, list[str]] = {}
    for project_id, project in names.items():
        for member in services.people.members(project_id):
            roles.setdefault(member.person_id, []).append(f"{member.role.replace('_', ' ')} of {project}")
    return [{"name": p.name,
             "words": "administrator of this server" if p.administrator else ", ".join(roles.get(p.id, []))}
            for p in services.people.list() if not p.disabled]  # fmt: skip
