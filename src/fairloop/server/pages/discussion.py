"""Discussion: what is talked about in a project, and one thread, alone or as part of the object's page."""

from __future__ import annotations

from typing import Any

from litestar.response import Redirect

from fairloop.core.discussion import Comment
from fairloop.core.people import Identity, Project
from fairloop.errors import NotFound
from fairloop.server.api.discussion import moderates
from fairloop.server.pages.forms import Form, act, local_path
from fairloop.server.pages.live import part
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.pages.views.markdown import render
from fairloop.server.services import Services
from fairloop.server.subjects import Subject

_PAGE = 50
KINDS = {"cycle": "Cycle", "model": "Model", "model_version": "Model version", "run": "Run", "dataset_version": "Data",
         "alert": "Alert"}  # fmt: skip


def threads(request: Asked, services: Services, project: Project, cursor: str | None = None) -> Html:
    """Everything that is talked about, the liveliest first."""
    found = services.discussion.threads(project.id, limit=_PAGE, cursor=cursor)
    rows = []
    for thread in found.items:
        subject = _subject(services, project, thread.subject_kind, thread.subject_id)
        rows.append({"thread": thread, "kind": KINDS[thread.subject_kind], "title": subject.title if subject else "gone",
                     "href": within(project, "discussion", thread.subject_kind, thread.subject_id)})  # fmt: skip
    here = within(project, "discussion")
    return page(request, "discussion.html", title="Discussion", section="discussion", rows=rows,
                older=f"{here}?cursor={found.next}" if found.next else "")  # fmt: skip


def thread(request: Asked, services: Services, identity: Identity, project: Project, kind: str, subject_id: str,
           part_only: str = "", cursor: str | None = None) -> Html:  # fmt: skip
    """The comments on one object, oldest first, and a form to add one."""
    subject = services.subjects.find(project.id, kind, subject_id)
    view = _view(services, identity, project, subject, cursor)
    if part_only:
        return Html(part(request, "parts/discussion.html", **view), media_type="text/html",
                    headers={"Cache-Control": "no-store"})  # fmt: skip
    crumbs = [("Discussion", within(project, "discussion"))]
    return page(request, "thread.html", title=subject.title, section="discussion", crumbs=crumbs, **view)


def _view(services: Services, identity: Identity, project: Project, subject: Subject, cursor: str | None) -> dict[str, Any]:  # fmt: skip
    found = services.discussion.listed(project.id, subject.kind, subject.id, limit=_PAGE, cursor=cursor)
    names = services.discussion.names(project.id)
    here = within(project, "discussion", subject.kind, subject.id)
    moderator = moderates(identity, project)
    return {
        "subject": subject,
        "subject_href": within(project, *subject.path) + (f"#{subject.anchor}" if subject.anchor else ""),
        "back": here if subject.kind == "alert" else within(project, *subject.path) + "#discussion",
        "comments": [_shown(c, names, identity, moderator=moderator) for c in reversed(found.items)],
        "names": names,
        "post": within(project, "comments"),
        "thread_href": here,
        "older": f"{here}?cursor={found.next}" if found.next else "",
    }


def _shown(comment: Comment, names: list[str], identity: Identity, *, moderator: bool) -> dict[str, Any]:
    live = comment.deleted_ms is None
    mine = comment.author == identity.name
    return {
        "c": comment,
        "html": render(comment.body, names) if live else "",
        "may_edit": live and mine,
        "may_delete": live and (mine or moderator),
        "speaks_to_you": identity.name in comment.mentions,
    }


def _subject(services: Services, project: Project, kind: str, subject_id: str) -> Subject | None:
    try:
        return services.subjects.find(project.id, kind, subject_id)
    except NotFound:
        return None


def add(services: Services, identity: Identity, project: Project, data: Form) -> Redirect:
    """Comment on an object."""
    kind, subject_id = data.get("kind", ""), data.get("subject_id", "")
    return act(
        local_path(data.get("back", "/")),
        lambda: services.discussion.add(project.id, kind, subject_id, identity, data.get("body", "")),
        lambda done: f"Said. {' and '.join(done.mentions)} will read it." if done.mentions else "Said.",
    )


def change(services: Services, identity: Identity, project: Project, comment_id: str, data: Form) -> Redirect:
    """Change or delete a comment."""
    back = local_path(data.get("back", "/"))
    if data.get("act") == "delete":
        moderator = moderates(identity, project)
        return act(back, lambda: services.discussion.delete(project.id, comment_id, identity, administrator=moderator),
                   "Deleted. A mark stays where it stood.")  # fmt: skip
    return act(
        back, lambda: services.discussion.edit(project.id, comment_id, identity, data.get("body", "")), "Changed."
    )
