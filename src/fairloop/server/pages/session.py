"""Logging in and out, the first administrator, and the act-as switch of a local server."""

from __future__ import annotations

from litestar import Response
from litestar.response import Redirect

from fairloop.core.people import Person
from fairloop.errors import FairloopError, InvalidInput, NotFound
from fairloop.server.auth import person_cookie, sent_cookie, session_cookie, session_cookie_name
from fairloop.server.pages.forms import Form, act, local_path
from fairloop.server.pages.shell import Asked, Html, page
from fairloop.server.services import Services


def login_form(request: Asked, services: Services, next: str = "/") -> Html:
    """The log-in form of a secured server."""
    _secured_only(services)
    return page(
        request, "login.html", title="Log in", next=local_path(next), wrong="", setup=services.people.setup_needed()
    )


def login(request: Asked, services: Services, data: Form) -> Response[str]:
    """Log in with a password."""
    _secured_only(services)
    to = local_path(data.get("next", "/"))
    try:
        person = services.people.login(data.get("name", ""), data.get("password", ""), ip=_ip(request))
    except FairloopError as cause:
        return page(request, "login.html", title="Log in", next=to, wrong=cause.message, status=401, setup=False)
    return begin(request, services, person, to)


def setup_form(request: Asked, services: Services) -> Html:
    """The form for the first administrator, once."""
    _secured_only(services)
    if not services.people.setup_needed():
        raise NotFound("This server is set up; log in.")
    return page(request, "setup.html", title="Set up", wrong="", name="")


def setup(request: Asked, services: Services, data: Form) -> Response[str]:
    """Make the first administrator with the set-up token."""
    _secured_only(services)
    name = data.get("name", "").strip()
    try:
        if data.get("password", "") != data.get("again", ""):
            raise InvalidInput("The two passwords differ; type the same one twice.")
        person = services.people.setup(data.get("token", "").strip(), name, data.get("password", ""), ip=_ip(request))
    except FairloopError as cause:
        return page(request, "setup.html", title="Set up", wrong=cause.message, name=name, status=400)
    (services.settings.data / "setup-token").unlink(missing_ok=True)
    return begin(request, services, person, "/")


def logout(request: Asked, services: Services) -> Redirect:
    """End this session, here and on the server."""
    answer = Redirect("/login" if services.settings.auth else "/", status_code=303)
    if secret := sent_cookie(request.scope["headers"], session_cookie_name(services.settings)):  # type: ignore[arg-type]
        services.sessions.end(secret)
        answer.set_cookie(session_cookie(services.settings, ""))
    return answer


def act_as(services: Services, data: Form) -> Redirect:
    """Local mode: be somebody else from now on, unverified."""
    if services.settings.auth:
        raise NotFound("A secured server knows who you are: log in as the other person instead.")
    name = data.get("name", "")
    answer = act(local_path(data.get("back", "/")), lambda: services.people.find(name), f"You act as {name} now.")
    answer.set_cookie(person_cookie(services.settings, services.people.find(name).name))
    return answer


def begin(request: Asked, services: Services, person: Person, to: str) -> Redirect:
    """A fresh session; one the browser had before ends."""
    if before := sent_cookie(request.scope["headers"], session_cookie_name(services.settings)):  # type: ignore[arg-type]
        services.sessions.end(before)
    answer = Redirect(to, status_code=303)
    answer.set_cookie(session_cookie(services.settings, services.sessions.start(person.id)))
    return answer


def _secured_only(services: Services) -> None:
    if not services.settings.auth:
        raise NotFound("A local server has nothing to log in to; start it with --auth to secure it.")


def _ip(request: Asked) -> str:
    return str(request.scope["state"].get("ip", ""))
