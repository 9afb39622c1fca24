"""The writes that come by the thousand, without the web framework on their way: it took two thirds of their time.

Everything before it (Host, Origin, identity) and the permission check are those of every other route. What does not
look like an ordinary write (no length, too long, another method or path) goes to the framework.
"""

from __future__ import annotations

from typing import Any, cast

from litestar import Request
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from fairloop.access.permissions import Permission
from fairloop.projects.service import DEFAULT
from fairloop.server.admission import MLFLOW_WORKSPACE_HEADER, admit
from fairloop.server.errors import problem
from fairloop.server.mlflow_api import metrics
from fairloop.server.mlflow_api.metrics import Write
from fairloop.server.routing import Route
from fairloop.server.services import Services

_WORKSPACE = MLFLOW_WORKSPACE_HEADER.encode()
_OK = [(b"content-type", b"application/json"), (b"content-length", b"2")]


class Shortcut:
    """The ASGI layer below the gatekeeper that answers the hot writes of ``routes`` itself."""

    def __init__(self, app: ASGIApp, services: Services, routes: list[Route]) -> None:
        self._app = app
        self._services = services
        self._most = services.settings.max_body_bytes
        self._direct: dict[str, tuple[Permission, Write]] = {
            r.path: (r.permission, metrics.DIRECT[r.handler]) for r in routes if r.handler in metrics.DIRECT
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = cast(dict[str, Any], scope)
        found = self._direct.get(asked["path"]) if asked["type"] == "http" and asked["method"] == "POST" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        length, workspace = b"", ""
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = value
            elif name == _WORKSPACE:
                workspace = value.decode("latin-1")
        if not length.isdigit() or int(length) > self._most:
            await self._app(scope, receive, send)
            return
        permission, write = found
        try:
            admit(self._services, scope["state"], permission, workspace or DEFAULT)
            body = await _body(receive)
            if body is None:
                return
            await write(self._services, scope["state"]["project"], body)
        except Exception as cause:  # noqa: BLE001  # the one border, as the framework's
            await _tell(scope, receive, send, cause)
            return
        await send({"type": "http.response.start", "status": 200, "headers": list(_OK)})
        await send({"type": "http.response.body", "body": b"{}", "more_body": False})


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when the client left before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message["body"])
        if not message["more_body"]:
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _tell(scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
    request: Request[Any, Any, Any] = Request(cast(HTTPScope, scope), receive, send)
    cast(dict[str, Any], scope)["route_handler"] = None  # a route was found, though not by the framework
    answer = problem(request, error).to_asgi_response(app=None, request=request)
    await answer(scope, receive, send)
