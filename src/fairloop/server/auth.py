"""Who is asking, and from where: Host, Origin and identity are settled before any route is looked up."""

from __future__ import annotations

import getpass
import secrets
from http.cookies import SimpleCookie
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from fairloop.core import codec
from fairloop.core.people import Identity
from fairloop.server.services import Services

HEADERS = [
    (b"content-security-policy",
     b"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
     b"connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]  # fmt: skip


class Gatekeeper:
    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services
        self._user = getpass.getuser()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        state: dict[str, Any] = scope.setdefault("state", {})  # type: ignore[assignment]
        state["request_id"] = secrets.token_hex(8)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        if not self._expected(headers):
            await _refuse(send_with_headers, "This Host or Origin is not served here.")
            return
        state["identity"] = self._identify(headers)
        await self._app(scope, receive, send_with_headers)

    def _expected(self, headers: dict[str, str]) -> bool:
        port = self._services.settings.port
        hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        hosts |= {h.strip() for h in self._services.settings.allowed_hosts.split(",") if h.strip()}
        origin = headers.get("origin")
        return headers.get("host", "") in hosts and (origin is None or origin.split("://")[-1] in hosts)

    def _identify(self, headers: dict[str, str]) -> Identity:
        name = headers.get("x-fairloop-person")
        if not name and "cookie" in headers:
            morsel = SimpleCookie(headers["cookie"]).get("fairloop_person")
            name = morsel.value if morsel else None
        return Identity(kind="person", person_id="", name=name or self._user, administrator=True)


async def _refuse(send: Send, detail: str) -> None:
    body = codec.dumps({"type": "about:blank", "title": "permission denied", "status": 403, "code": "permission_denied",
                        "detail": detail, "request_id": ""}).encode()  # fmt: skip
    await send({"type": "http.response.start", "status": 403,
                "headers": [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]})  # fmt: skip
    await send({"type": "http.response.body", "body": body, "more_body": False})
