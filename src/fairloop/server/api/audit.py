"""The audit log over REST."""

from __future__ import annotations

from fairloop.core.audit import AuditEntry, Verification
from fairloop.core.people import Project
from fairloop.core.records import Page
from fairloop.server.services import Services


def list_audit(services: Services, cursor: str | None = None, limit: int = 100, action: str = "",
               person: str = "") -> Page[AuditEntry]:  # fmt: skip
    """The whole server's audit log, newest first."""
    return services.audit.entries(cursor=cursor, limit=limit, action=action, person=person)


def list_project_audit(services: Services, project: Project, cursor: str | None = None, limit: int = 100,
                       action: str = "", person: str = "") -> Page[AuditEntry]:  # fmt: skip
    """The project's audit log, newest first."""
    return services.audit.entries(project.id, cursor=cursor, limit=limit, action=action, person=person)


def verify(services: Services) -> Verification:
    """Recompute the hash chain: was any entry changed or removed?"""
    return services.audit.verify()


def verify_project(services: Services, project: Project) -> Verification:
    """The same, for who may read a project's log: the chain is one for the whole server."""
    return services.audit.verify()
