"""Logging in and out, the first administrator, and who one is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response

from fairloop.core import codec
from fairloop.core.people import Identity, Person, Role
from fairloop.core.records import to_wire
from fairloop.errors import NotFound, Refused
from fairloop.server.auth import person_cookie, sent_cookie, session_cookie, session_cookie_name
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    name: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    token: str
    """The set-up token the server printed when it started."""
    name: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    token: str
    """The invitation's token: the last part of its link."""
    password: str
    name: str = ""
    """Needed unless the invitation names who it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActAs:
    name: str
    """A person's name; empty to be oneself again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    kind: str
    person_id: str
    name: str
    verified: bool
    administrator: bool
    secured: bool
    roles: dict[str, Role]
    """Project name to role."""


def begin(services: Services, request: Request[Any, Any, Any], person: Person) -> Response[Any]:
    """Answer with a fresh session for ``person``; one the browser had before ends (rotation)."""
    if before := sent_cookie(request.scope["headers"], session_cookie_name(services.settings)):  # type: ignore[arg-type]
        services.sessions.end(before)
    cookie = session_cookie(services.settings, services.sessions.start(person.id))
    return Response(codec.dumps(to_wire(person)).encode(), media_type="application/json", cookies=[cookie])


def login(services: Services, request: Request[Any, Any, Any], data: Login) -> Response[Any]:
    """Log in with a password; the answer sets the session cookie."""
    _secured_only(services)
    return begin(services, request, services.people.login(data.name, data.password, ip=_ip(request)))


def setup(services: Services, request: Request[Any, Any, Any], data: Setup) -> Response[Any]:
    """Make the first administrator, once, with the set-up token."""
    _secured_only(services)
    person = services.people.setup(data.token, data.name, data.password, ip=_ip(request))
    (services.settings.data / "setup-token").unlink(missing_ok=True)
    return begin(services, request, person)


def accept_invitation(services: Services, request: Request[Any, Any, Any], data: Acceptance) -> Response[Any]:
    """Make an account from an invitation and log in; the invitation is used up."""
    return begin(services, request, services.invitations.accept(data.token, data.name, data.password, ip=_ip(request)))


def logout(services: Services, request: Request[Any, Any, Any]) -> Response[Any]:
    """End this session, here and on the server."""
    if secret := sent_cookie(request.scope["headers"], session_cookie_name(services.settings)):  # type: ignore[arg-type]
        services.sessions.end(secret)
    return Response(b'{"ended":true}', media_type="application/json", cookies=[session_cookie(services.settings, "")])


def act_as(services: Services, data: ActAs) -> Response[Any]:
    """Local mode: act as a named person from now on (unverified: it is a switch, not a login)."""
    if services.settings.auth:
        raise Refused("A secured server knows who you are: log in as the other person instead.")
    if data.name:
        services.people.find(data.name)
    return Response(codec.dumps({"name": data.name}).encode(), media_type="application/json",
                    cookies=[person_cookie(services.settings, data.name)])  # fmt: skip


def me(services: Services, identity: Identity) -> Me:
    """Who this request speaks for, and with which roles."""
    names = {p.id: p.name for p in services.projects.list()}
    roles = {names[k]: v for k, v in identity.roles.items() if k in names}
    return Me(kind=identity.kind, person_id=identity.person_id, name=identity.name, verified=identity.verified,
              administrator=identity.administrator, secured=services.settings.auth, roles=roles)  # fmt: skip


def _secured_only(services: Services) -> None:
    if not services.settings.auth:
        raise NotFound("A local server has nothing to log in to; start it with --auth to secure it.")


def _ip(request: Request[Any, Any, Any]) -> str:
    return str(request.scope["state"].get("ip", ""))
