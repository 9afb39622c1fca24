"""Comments over REST."""

from __future__ import annotations

from dataclasses import dataclass

from fairloop.access.permissions import Permission
from fairloop.access.permit import permitted
from fairloop.core.discussion import Comment, Thread
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class NewComment:
    kind: str
    """cycle, model, model_version, run, dataset_version or alert."""
    subject_id: str
    body: str
    """Markdown; ``@name`` tells a person who sees the project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedComment:
    body: str


def list_comments(services: Services, project: Project, kind: str | None = None, subject_id: str | None = None,
                  limit: int = 100, cursor: str | None = None) -> Page[Comment]:  # fmt: skip
    """Comments of the project, or of one object, newest first."""
    return services.discussion.listed(project.id, kind, subject_id, limit=limit, cursor=cursor)


def list_threads(services: Services, project: Project, limit: int = 50, cursor: str | None = None) -> Page[Thread]:
    """What is talked about, the liveliest first."""
    return services.discussion.threads(project.id, limit=limit, cursor=cursor)


def add_comment(services: Services, project: Project, identity: Identity, data: NewComment) -> Comment:
    """Comment on an object; who is named with an @ is told."""
    return services.discussion.add(project.id, data.kind, data.subject_id, identity, data.body)


def get_comment(services: Services, project: Project, comment_id: str) -> Comment:
    """One comment."""
    return services.discussion.get(project.id, comment_id)


def change_comment(services: Services, project: Project, identity: Identity, comment_id: str, data: ChangedComment) -> Comment:  # fmt: skip
    """Change one's own comment."""
    return services.discussion.edit(project.id, comment_id, identity, data.body)


def delete_comment(services: Services, project: Project, identity: Identity, comment_id: str) -> Comment:
    """Delete one's own comment, or as an administrator of the project anybody's; a mark stays."""
    return services.discussion.delete(project.id, comment_id, identity, administrator=moderates(identity, project))


def moderates(identity: Identity, project: Project) -> bool:
    """Whether somebody may delete other people's comments."""
    return permitted(identity, Permission.MEMBERS_MANAGE, project.id)
