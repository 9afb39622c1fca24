"""What can be permitted, a sentence each, and which role may do it: the one table to read."""

from __future__ import annotations

from enum import StrEnum

from fairloop.core.people import Role


class Permission(StrEnum):
    PUBLIC = "public"
    """Anyone, logged in or not."""
    SIGNED_IN = "signed_in"
    """Any known person or token, about themselves or what lists only their own."""
    WORK = "work"
    """Only Fairloop's own step processes: claim steps, report results."""
    PEOPLE_MANAGE = "people_manage"
    """Server administrators: create, disable and list people, and create projects."""

    PROJECT_READ = "project_read"
    """See the project and everything in it that is not more narrowly guarded."""
    PROJECT_EDIT = "project_edit"
    """Change the project's goal and budget."""
    POLICY_EDIT = "policy_edit"
    """Set the project's policy, and where its notices go."""
    MEMBERS_MANAGE = "members_manage"
    """Add and remove the project's members and set their roles."""
    RUN_WRITE = "run_write"
    """Log experiments, runs, metrics and artifacts."""
    RUN_DELETE = "run_delete"
    """Delete and restore experiments, runs and their artifacts."""
    DATA_WRITE = "data_write"
    """Add dataset versions."""
    PIPELINE_RUN = "pipeline_run"
    """Start and cancel pipeline runs and cycles, register loops."""
    MODEL_WRITE = "model_write"
    """Register models and versions, set aliases and tags."""
    MODEL_APPROVE = "model_approve"
    """Approve or refuse a candidate (the approval request may ask for a narrower role)."""
    ENDPOINT_DEPLOY = "endpoint_deploy"
    """Deploy to endpoints, move traffic, roll back, stop."""
    PREDICT = "predict"
    """Ask an endpoint for predictions."""
    FEEDBACK = "feedback"
    """Send labels and sensitive values for predictions made."""
    SENSITIVE_READ = "sensitive_read"
    """Read sensitive values of single predictions."""
    MONITOR_EDIT = "monitor_edit"
    """Change monitors; acknowledge and resolve alerts."""
    AUDIT_READ = "audit_read"
    """Read the audit log."""
    LABEL = "label"
    """Answer the rows of labelling tasks."""
    COMMENT = "comment"
    """Write comments, and change or delete one's own."""
    APPEAL_READ = "appeal_read"
    """Read appeals: the words and the contact of people who contest a prediction."""
    APPEAL_DECIDE = "appeal_decide"
    """Uphold or reject appeals, and say which endpoints take them."""


P = Permission
_READ = {P.PROJECT_READ}
_TALK = {P.COMMENT}
_SCIENCE = _READ | {
    P.RUN_WRITE,
    P.RUN_DELETE,
    P.DATA_WRITE,
    P.PIPELINE_RUN,
    P.MODEL_WRITE,
    P.PREDICT,
    P.FEEDBACK,
    P.LABEL,
}
_ENGINEERING = _SCIENCE | {P.ENDPOINT_DEPLOY, P.MONITOR_EDIT}

ROLES: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset(_READ | _TALK),
    Role.DATA_SCIENTIST: frozenset(_SCIENCE | _TALK),
    Role.ML_ENGINEER: frozenset(_ENGINEERING | _TALK),
    Role.MANAGER: frozenset(
        _READ
        | _TALK
        | {P.MODEL_APPROVE, P.MONITOR_EDIT, P.PROJECT_EDIT, P.POLICY_EDIT, P.AUDIT_READ, P.APPEAL_READ, P.APPEAL_DECIDE}
        | {P.LABEL}
    ),
    Role.AUDITOR: frozenset(_READ | _TALK | {P.AUDIT_READ, P.SENSITIVE_READ, P.APPEAL_READ}),
    Role.ADMINISTRATOR: frozenset(set(P) - {P.WORK, P.PEOPLE_MANAGE}),
}
"""Role to permissions inside one project. Server administrators are administrators of every project."""

WORKER: frozenset[Permission] = frozenset({P.WORK, *_ENGINEERING, P.SENSITIVE_READ})
"""What a step's process may do inside its own project."""

SERVER_WIDE = frozenset({P.PUBLIC, P.SIGNED_IN, P.PEOPLE_MANAGE, P.WORK})
"""Permissions that need no project."""
