"""May this identity do that? Small predicates over the table in permissions.py."""

from __future__ import annotations

from fairloop.access.permissions import ROLES, SERVER_WIDE, WORKER, Permission
from fairloop.core.people import Identity, Role


def permitted(identity: Identity, permission: Permission, project_id: str | None) -> bool:
    """Whether ``identity`` holds ``permission``, in ``project_id`` where the permission belongs to a project."""
    if permission is Permission.PUBLIC:
        return True
    if identity.kind == "anonymous":
        return False
    if identity.kind == "worker":
        own = project_id is None or project_id == identity.token_project_id
        return own and permission in WORKER
    if permission is Permission.WORK:
        return False
    if identity.token_project_id is not None and project_id != identity.token_project_id:
        return permission is Permission.SIGNED_IN and project_id is None
    if permission in SERVER_WIDE:
        return permission is Permission.SIGNED_IN or identity.administrator
    role = role_in(identity, project_id)
    return role is not None and permission in ROLES[role]


def role_in(identity: Identity, project_id: str | None) -> Role | None:
    """The role ``identity`` has in ``project_id``; server administrators are administrators everywhere."""
    if identity.administrator:
        return Role.ADMINISTRATOR
    return identity.roles.get(project_id) if project_id else None


def visible(identity: Identity, project_id: str) -> bool:
    """Whether the project exists for this identity at all: if not, its objects answer exactly like missing ones."""
    return permitted(identity, Permission.PROJECT_READ, project_id)
