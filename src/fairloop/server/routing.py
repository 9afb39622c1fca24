"""A Route is a URL with its permission; building one without a permission is impossible."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from litestar import HttpMethod, Litestar
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from fairloop.access.permissions import SERVER_WIDE, Permission


@dataclass(frozen=True, slots=True)
class Route:
    """One URL.

    ``surface`` is api, page or mlflow: how errors are shown and where the project comes from (the path for api and
    page, the workspace header for mlflow). ``upload`` lifts the body limit to that of artifacts. What a ``secret`` one is sent
    or answers is never kept, not even for a repeated request.
    """

    method: HttpMethod | Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Callable[..., Any]
    permission: Permission
    surface: str = "api"
    status: int | None = None
    upload: bool = False
    secret: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.permission, Permission):
            raise TypeError(f"{self.method} {self.path} declares no permission")
        in_project = "{project_name:str}" in self.path or self.surface == "mlflow"
        if not in_project and self.permission not in SERVER_WIDE:
            raise TypeError(f"{self.method} {self.path}: {self.permission} needs a project in the path")


def check_routes(app: Litestar) -> None:
    """Deny by default: TypeError unless every handler the app would run declares its permission.

    Walks what the framework really serves, so a mount, a static folder or a WebSocket counts too. The OPTIONS answers
    that the framework adds to each URL are the exception: server/auth.py refuses that method before routing.
    """
    for route in app.routes:
        handlers = route.route_handlers if isinstance(route, HTTPRoute) else [route.route_handler]
        for handler in handlers:
            if isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}:
                continue
            if not isinstance(handler.opt.get("permission"), Permission):
                raise TypeError(
                    f"The route {route.path} ({handler.handler_name}) declares no permission: not starting."
                )


def build(route: Route, *, max_body_bytes: int, max_upload_bytes: int) -> HTTPRouteHandler:
    """The web framework's handler for ``route``."""
    options: dict[str, Any] = {"permission": route.permission, "surface": route.surface, "secret": route.secret}
    status = route.status or {"POST": 200, "DELETE": 200}.get(route.method)
    summary = (inspect.getdoc(route.handler) or route.handler.__name__.replace("_", " ")).splitlines()[0]
    return HTTPRouteHandler(
        route.path,
        http_method=route.method,
        status_code=status,
        opt=options,
        summary=summary,
        name=f"{route.surface}:{route.method}:{route.path}",
        include_in_schema=route.surface == "api",
        request_max_body_size=max_upload_bytes if route.upload else max_body_bytes,
    )(route.handler if inspect.iscoroutinefunction(route.handler) else _in_thread(route.handler))


def _in_thread(handler: Callable[..., Any]) -> Callable[..., Any]:
    """``handler`` in the thread pool. The framework's own way wraps a handler once for each method of its URL (2.25)."""

    @functools.wraps(handler)
    async def call(*args: Any, **kwargs: Any) -> Any:
        return await sync_to_thread(handler, *args, **kwargs)

    return call
