"""People, one's own tokens, and the audit log."""

from __future__ import annotations

from typing import Any

from litestar.response import Redirect

from fairloop.access.permit import visible
from fairloop.core.people import Identity, Project
from fairloop.errors import InvalidInput, NotFound
from fairloop.server.pages.forms import Form, act
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.services import Services

_PAGE = 100


def people(request: Asked, services: Services) -> Html:
    """Everybody, their roles, and a form to add one."""
    names = {p.id: p.name for p in services.projects.list()}
    roles: dict[str, list[tuple[str, str]]] = {}
    for project_id, project in names.items():
        for member in services.people.members(project_id):
            roles.setdefault(member.person_id, []).append((project, str(member.role)))
    return page(request, "people.html", title="People", section="people", rows=services.people.list(), roles=roles)


def create(services: Services, identity: Identity, data: Form) -> Redirect:
    """Add a person."""
    name, secured = data.get("name", "").strip(), services.settings.auth
    password = data.get("password") or None
    return act(
        "/people",
        lambda: services.people.create(
            identity,
            name,
            email=data.get("email", "").strip(),
            administrator=data.get("administrator") == "on",
            password=password if secured else None,
        ),
        f"{name} was added.",
    )


def change(services: Services, identity: Identity, person_id: str, data: Form) -> Redirect:
    """Disable somebody, or let them in again."""
    services.people.get(person_id)
    disabled = data.get("disabled") == "yes"
    return act(
        "/people",
        lambda: services.people.change(identity, person_id, disabled=disabled),
        "Disabled: their sessions and tokens have ended." if disabled else "They may come in again.",
    )


def tokens(request: Asked, services: Services, identity: Identity) -> Html:
    """One's own tokens."""
    return _tokens(request, services, identity)


def _tokens(request: Asked, services: Services, identity: Identity, **made: Any) -> Html:
    found = services.tokens.of(identity.person_id) if identity.person_id else []
    return page(
        request,
        "tokens.html",
        title="My tokens",
        section="tokens",
        rows=found,
        **{"secret": "", "secret_name": "", "wrong": "", **made},
        names={p.id: p.name for p in services.projects.list()},
        now=services.clock.now_ms(),
    )


def create_token(request: Asked, services: Services, identity: Identity, data: Form) -> Html:
    """Make a token; its secret is shown in this answer and never again."""
    name, wanted = data.get("name", "").strip(), data.get("project", "")
    project_id = None
    if wanted:
        project = services.projects.find(wanted)
        if not visible(identity, project.id):
            raise NotFound("No such project, or you may not see it.")
        project_id = project.id
    try:
        days = float(data.get("days") or 90)
        made = services.tokens.create(identity, name, project_id=project_id, days=days)
    except (InvalidInput, ValueError) as cause:
        return _tokens(request, services, identity, wrong=str(cause))
    return _tokens(request, services, identity, secret=made.secret, secret_name=name)


def revoke_token(services: Services, identity: Identity, token_id: str) -> Redirect:
    """End a token at once."""
    return act("/tokens", lambda: services.tokens.revoke(identity, token_id), "Revoked: it ended at once.")


def audit(
    request: Asked,
    services: Services,
    project: Project,
    cursor: str | None = None,
    person: str = "",
    action: str = "",
    verify: str = "",
) -> Html:
    """Who did what in this project, newest first; the chain is checked when somebody asks for it."""
    found = services.audit.entries(project.id, cursor=cursor, limit=_PAGE, person=person, action=action)
    here = within(project, "audit")
    return page(
        request,
        "audit.html",
        title="Audit",
        section="audit",
        rows=found.items,
        person=person,
        action=action,
        check=services.audit.verify() if verify else None,
        verify_href=f"{here}?verify=yes",
        older=f"{here}?cursor={found.next}" if found.next else "",
        newest=here if cursor else "",
    )
