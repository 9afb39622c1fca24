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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectChange:
    goal: str | None = None
    budget_usd: float | None = None
    no_budget: bool = False
    """True takes the budget away."""


def list_projects(services: Services, identity: Identity) -> Page[Project]:
    """The projects you are a member of."""
    return Page(items=[p for p in services.projects.list() if visible(identity, p.id)])


def create_project(services: Services, identity: Identity, data: NewProject) -> Project:
    """Create a project."""
    project = services.projects.create(data.name, goal=data.goal, budget_usd=data.budget_usd)
    services.audit.record(identity, "project.create", project_id=project.id, object=project.id,
                          detail={"name": project.name})  # fmt: skip
    return project


def get_project(project: Project) -> Project:
    """One project."""
    return project


def change_project(services: Services, identity: Identity, project: Project, data: ProjectChange) -> Project:
    """Change the project's goal or budget."""
    changed = services.projects.change(project.id, goal=data.goal, budget_usd=data.budget_usd, no_budget=data.no_budget)
    services.audit.record(identity, "project.change", project_id=project.id, object=project.id,
                          detail={"goal": changed.goal, "budget_usd": changed.budget_usd})  # fmt: skip
    return changed
