"""Projects over REST."""

from __future__ import annotations

from dataclasses import dataclass

from fairloop.access.permit import visible
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    name: str
    goal: str = ""
    budget_usd: float | None = None


def list_projects(services: Services, identity: Identity) -> Page[Project]:
    """The projects you are a member of."""
    return Page(items=[p for p in services.projects.list() if visible(identity, p.id)])


def create_project(services: Services, data: NewProject) -> Project:
    """Create a project."""
    return services.projects.create(data.name, goal=data.goal, budget_usd=data.budget_usd)


def get_project(project: Project) -> Project:
    """One project."""
    return project
