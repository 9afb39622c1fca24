"""The web application: routes, permissions, identity and errors joined into one ASGI app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler

from fairloop.core import codec
from fairloop.core.people import Identity, Project
from fairloop.core.records import to_wire
from fairloop.projects.service import DEFAULT
from fairloop.server.admission import MLFLOW_WORKSPACE_HEADER, admit
from fairloop.server.auth import Gatekeeper
from fairloop.server.background import Background, workers_of
from fairloop.server.errors import problem
from fairloop.server.idempotency import KeepAnswers
from fairloop.server.lifecycle import Activity
from fairloop.server.pages.shell import template_config
from fairloop.server.routes import ROUTES
from fairloop.server.routing import build, check_routes
from fairloop.server.services import Services
from fairloop.server.shortcut import Shortcut


class WireResponse(Response[Any]):
    """JSON through our codec: bit-exact numbers, RFC 3339 times."""

    def render(self, content: Any, media_type: str, enc_hook: Any = None) -> bytes:
        if isinstance(content, bytes):
            return content
        if isinstance(content, str) and "json" not in media_type:
            return content.encode()
        return codec.dumps(to_wire(content)).encode()


def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Deny by default: the route's permission, in the project the request names."""
    name = connection.path_params.get("project_name")
    if handler.opt["surface"] == "mlflow":
        name = connection.headers.get(MLFLOW_WORKSPACE_HEADER) or DEFAULT
    admit(connection.app.state.services, connection.scope["state"], handler.opt["permission"], name)


def _services(request: Request[Any, Any, Any]) -> Services:
    services: Services = request.app.state.services
    return services


def _identity(request: Request[Any, Any, Any]) -> Identity:
    identity: Identity = request.scope["state"]["identity"]
    return identity


def _project(request: Request[Any, Any, Any]) -> Project:
    project: Project = request.scope["state"]["project"]
    return project


def create_app(services: Services, *, activity: Activity | None = None, owner_token: str = "") -> Litestar:
    """The ASGI app over ``services``; background work starts with it and ends with it.

    Raises TypeError when any route, also one the framework or a mount brought, declares no permission.
    """
    settings = services.settings

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        background = Background(workers_of(services), services.signals)
        background.start()
        try:
            yield
        finally:
            background.stop()
            services.close()

    app = Litestar(
        route_handlers=[build(r, max_body_bytes=settings.max_body_bytes, max_upload_bytes=settings.max_upload_bytes)
                        for r in ROUTES],
        guards=[guard],
        before_request=services.idempotency.before,
        dependencies={"services": Provide(_services, sync_to_thread=False),
                      "identity": Provide(_identity, sync_to_thread=False),
                      "project": Provide(_project, sync_to_thread=False)},
        exception_handlers={Exception: problem},
        response_class=WireResponse,
        openapi_config=None,
        lifespan=[lifespan],
        middleware=[],
        template_config=template_config(),
        logging_config=None,
    )  # fmt: skip
    app.state.services = services
    app.state.routes = ROUTES
    check_routes(app)
    inner = Shortcut(KeepAnswers(app.asgi_handler, services.idempotency), services, ROUTES)
    gatekeeper = Gatekeeper(inner, services, activity or Activity(), owner_token)
    app.state.note_refusal = gatekeeper.note_refusal
    app.asgi_handler = gatekeeper
    return app
