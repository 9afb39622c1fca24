"""Members of a project: who they are, what each role may do, and invitations."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

from litestar import Response
from litestar.response import Redirect

from fairloop.access import permissions
from fairloop.access.identities import ANONYMOUS
from fairloop.access.permissions import ROLES, Permission
from fairloop.access.permit import permitted
from fairloop.core.people import Identity, Invitation, Project, Role
from fairloop.errors import FairloopError, InvalidInput
from fairloop.server.pages.forms import SHOWN_ON_THE_PAGE, Form, act, told
from fairloop.server.pages.session import begin
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.services import Services


@cache
def sentences() -> dict[Permission, str]:
    """What each permission allows: the sentence that stands under it in access/permissions.py."""
    source = inspect.getsource(permissions.Permission)
    found = re.findall(r'= "(\w+)"\n\s+"""(.*?)"""', source, re.DOTALL)
    return {Permission(name): " ".join(words.split()) for name, words in found}


def roles() -> list[dict[str, Any]]:
    """Every role with what it may do beyond a viewer, in words."""
    words, least = sentences(), ROLES[Role.VIEWER]
    return [
        {
            "role": role.value,
            "name": "ML engineer" if role is Role.ML_ENGINEER else role.value.replace("_", " "),
            "may": [words[p] for p in Permission if p in ROLES[role] and (role is Role.VIEWER or p not in least)
                    and p not in permissions.SERVER_WIDE],
        }
        for role in Role
    ]  # fmt: skip


def members(request: Asked, services: Services, identity: Identity, project: Project) -> Html:
    """Who is in the project, in which role."""
    return _page(request, services, identity, project)


def _page(request: Asked, services: Services, identity: Identity, project: Project, link: str = "") -> Html:
    manages = permitted(identity, Permission.MEMBERS_MANAGE, project.id)
    invited = services.invitations.listed(project.id) if manages else []
    return page(
        request,
        "members.html",
        title="Members",
        section="members",
        members=services.people.members(project.id),
        roles=roles(),
        everybody=[p.name for p in services.people.list() if not p.disabled] if manages else [],
        invitations=[(i, services.invitations.state(i)) for i in invited],
        post=within(project, "members"),
        link=link,
    )


def set_member(services: Services, identity: Identity, project: Project, data: Form) -> Redirect:
    """Give somebody a role in the project."""
    name, role = data.get("name", ""), data.get("role", "")
    return act(
        within(project, "members"),
        lambda: services.people.set_member(identity, project.id, name, Role(role)),
        f"{name} is {role.replace('_', ' ')} now.",
    )


def remove_member(services: Services, identity: Identity, project: Project, data: Form) -> Redirect:
    """Take somebody out of the project."""
    name = data.get("name", "")
    return act(
        within(project, "members"),
        lambda: services.people.remove_member(identity, project.id, name),
        f"{name} is no member any more.",
    )


def invite(request: Asked, services: Services, identity: Identity, project: Project, data: Form) -> Response[str] | Redirect:  # fmt: skip
    """Make an invitation; its link is shown in this answer and never again."""
    try:
        made = services.invitations.invite(identity, project.id, Role(data.get("role", "")), days=float(data.get("days") or 7),
                                           name=data.get("name", "").strip(), email=data.get("email", "").strip())  # fmt: skip
    except SHOWN_ON_THE_PAGE as cause:
        return told(cause, within(project, "members"))
    except ValueError as cause:
        return told(InvalidInput(f"That value cannot be used: {cause}."), within(project, "members"))
    base = str(request.base_url).rstrip("/")
    return _page(request, services, identity, project, link=base + made.path)


def revoke(services: Services, identity: Identity, project: Project, data: Form) -> Redirect:
    """End an invitation that nobody has used."""
    return act(within(project, "members"),
               lambda: services.invitations.revoke(identity, project.id, data.get("invitation", "")),
               "Ended: its link opens nothing any more.")  # fmt: skip


# ------------------------------------------------------------------ by who was invited
def invitation(request: Asked, services: Services, identity: Identity, secret: str) -> Html:
    """What the link opens: make an account, or join with the one that is logged in."""
    found = services.invitations.find(secret, ip=_ip(request))
    return _invitation(request, services, identity, found, secret)


def _invitation(request: Asked, services: Services, identity: Identity, found: Invitation, secret: str, *,
                wrong: str = "", name: str = "", status: int = 200) -> Html:  # fmt: skip
    visitor = identity.name if identity.kind == "person" and identity.person_id else ""
    request.scope["state"]["identity"] = ANONYMOUS  # the same frame for everybody who holds the link
    return page(request, "invitation.html", title="Invitation", invitation=found, action=f"/invitation/{secret}",
                to=services.projects.get(found.project_id).name, visitor=visitor, wrong=wrong, name=name,
                status=status)  # fmt: skip


def accept(request: Asked, services: Services, identity: Identity, secret: str, data: Form) -> Response[str]:
    """Join the project, with a new account or as who is logged in."""
    found, ip = services.invitations.find(secret, ip=_ip(request)), _ip(request)
    to = within(services.projects.get(found.project_id))
    name = data.get("name", "").strip()
    try:
        if data.get("join") == "yes":
            services.invitations.join(secret, identity, ip=ip)
            return Redirect(to, status_code=303)
        if data.get("password", "") != data.get("again", ""):
            raise InvalidInput("The two passwords differ; type the same one twice.")
        person = services.invitations.accept(secret, name, data.get("password", ""), ip=ip)
    except SHOWN_ON_THE_PAGE as cause:
        return _again(request, services, identity, found, secret, name, cause)
    return begin(request, services, person, to)


def _again(request: Asked, services: Services, identity: Identity, found: Invitation, secret: str, name: str,
           cause: FairloopError) -> Html:  # fmt: skip
    return _invitation(request, services, identity, found, secret, wrong=cause.message, name=name, status=400)


def _ip(request: Asked) -> str:
    return str(request.scope["state"].get("ip", ""))
