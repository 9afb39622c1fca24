"""May this request be served? One function for every way a request reaches its handler."""

from __future__ import annotations

from typing import Any

from fairloop.access.permissions import Permission
from fairloop.access.permit import permitted, visible
from fairloop.core.people import Identity, Project
from fairloop.errors import NotFound, PermissionDenied, Unauthenticated
from fairloop.server.services import Services

MLFLOW_WORKSPACE_HEADER = "x-mlflow-workspace"


def admit(services: Services, state: dict[str, Any], permission: Permission, project_name: str | None) -> None:
    """Refuse by default: the route's permission, in the project the request names, which is put into ``state``."""
    if permission is Permission.PUBLIC:
        return
    identity: Identity = state["identity"]
    if identity.kind == "anonymous":
        raise Unauthenticated(state.get("refused") or "Log in, or send a token.")
    project: Project | None = None
    if project_name is not None:
        project = services.projects.find(project_name)
        if not visible(identity, project.id):
            raise NotFound("No such project, or you may not see it.")
        state["project"] = project
    if not permitted(identity, permission, project.id if project else None):
        raise PermissionDenied(f"Your role does not allow this ({permission}); ask an administrator of the project.")
