"""What every page shares: the template engine, the frame around the content, and answers in HTML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import Cookie, State
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from fairloop import __version__
from fairloop.access.permissions import Permission
from fairloop.access.permit import permitted, visible
from fairloop.core.people import Identity, Project
from fairloop.server.pages import assets, inbox
from fairloop.server.pages.explain import explained
from fairloop.server.pages.words import FILTERS
from fairloop.server.services import Services

Asked = Request[None, None, State]
Html = Response[str]
Crumb = tuple[str, str]
FLASH = "fairloop_flash"
_FLASH_LIMIT = 600


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """The web framework's template engine: everything escaped, an undefined name is an error."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(FILTERS)
    environment.globals["assets"] = assets.base()
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


def url(*parts: object) -> str:
    """A path whose parts are percent-encoded, so that a name can hold anything a name may hold."""
    return "/" + "/".join(quote(str(part), safe="") for part in parts)


def within(project: Project, *parts: object) -> str:
    """The URL of something in a project."""
    return url("projects", project.name, *parts)


def page(
    request: Asked,
    template: str,
    *,
    title: str,
    section: str = "",
    crumbs: list[Crumb] | None = None,
    status: int = 200,
    **view: Any,
) -> Html:
    """A whole page. ``crumbs`` are (words, URL) from the project down, without the page itself."""
    content = render(request, template, title=title, section=section, crumbs=crumbs or [], **frame(request), **view)
    cookies = [Cookie(key=FLASH, value="", max_age=0, path="/")] if FLASH in request.cookies else []
    return Response(
        explained(content),
        media_type="text/html",
        status_code=status,
        cookies=cookies,
        headers={"Cache-Control": "no-store"},
    )


def render(request: Asked, template: str, **view: Any) -> str:
    """The text of a template."""
    engine = request.app.template_engine
    if engine is None:
        raise RuntimeError("the application was built without its template engine")
    text: str = engine.get_template(template).render(**{"now_ms": services_of(request).clock.now_ms(), **view})
    return text


def services_of(request: Asked) -> Services:
    services: Services = request.app.state.services
    return services


def frame(request: Asked) -> dict[str, Any]:
    """What the frame shows: who is looking, which projects they see, what waits for them."""
    services = services_of(request)
    state = request.scope.get("state", {})
    identity: Identity = state.get("identity") or Identity(kind="anonymous")
    project: Project | None = state.get("project")
    known = identity.kind != "anonymous"
    projects = [p for p in services.projects.list() if visible(identity, p.id)] if known else []
    return {
        "project": project,
        "projects": projects,
        "identity": identity,
        "local": not services.settings.auth,
        "people": inbox.people(services) if known and not services.settings.auth else [],
        "waiting": inbox.waiting(services, projects, identity),
        "may": _may(identity, project),
        "flash": unquote(request.cookies.get(FLASH, ""))[:_FLASH_LIMIT],
        "version": __version__,
        "url": url,
        "here": request.url.path,
        "query": request.url.query,
    }


def _may(identity: Identity, project: Project | None) -> Callable[[str], bool]:
    return lambda permission: permitted(identity, Permission(permission), project.id if project else None)


def flash(response: Response[Any], words: str, *, bad: bool = False) -> None:
    """Leave a sentence for the next page to show once."""
    value = quote(("!" if bad else "") + words[:_FLASH_LIMIT], safe="")
    response.set_cookie(Cookie(key=FLASH, value=value, max_age=60, path="/", httponly=True, samesite="strict"))
