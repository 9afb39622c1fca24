"""Who is asking, and from where: Host, Origin and identity are settled before any route is looked up.

*Local* mode: the loopback address only, nothing to log in to; whom to act as stands in a header or a cookie and is
never verified. *Secured* mode: a session cookie, or a token as Bearer or as Basic's password.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
import time
from typing import Any, cast

from litestar.datastructures import Cookie
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from fairloop.access.audit import REQUEST
from fairloop.access.identities import ANONYMOUS, owner_name
from fairloop.core import codec
from fairloop.core.people import Identity
from fairloop.server.lifecycle import Activity
from fairloop.server.origin import METHODS, allowed, refusal
from fairloop.server.services import Services
from fairloop.settings import Settings

PERSON_HEADER = b"x-fairloop-person"
PERSON_COOKIE = "fairloop_person"
_NOTED_PER_MINUTE = 60

HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        b"connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


def session_cookie_name(settings: Settings) -> str:
    """``__Host-`` (bound to this host, Secure) behind https; browsers refuse that prefix on plain http."""
    return "__Host-fl" if settings.tls else "fl_session"


def session_cookie(settings: Settings, secret: str) -> Cookie:
    """The cookie that carries a session; an empty ``secret`` removes it."""
    return Cookie(
        key=session_cookie_name(settings),
        value=secret,
        path="/",
        httponly=True,
        secure=settings.tls,
        samesite="lax",
        max_age=None if secret else 0,
    )


def person_cookie(settings: Settings, name: str) -> Cookie:
    """The cookie that says whom to act as in local mode; an empty ``name`` means oneself again."""
    return Cookie(key=PERSON_COOKIE, value=name, path="/", httponly=True, samesite="lax", max_age=None if name else 0)


def sent_cookie(headers: list[tuple[bytes, bytes]], name: str) -> str:
    """The value of the cookie called exactly ``name``; empty without one."""
    for key, value in headers:
        if key == b"cookie":
            for part in value.decode("latin-1").split(";"):
                found, _, text = part.strip().partition("=")
                if found == name:
                    return text.strip('"')
    return ""


def sent_token(headers: list[tuple[bytes, bytes]]) -> str:
    """The token of an Authorization header: Bearer, or the password of Basic (how a token in a URL arrives)."""
    value = next((v.decode("latin-1") for k, v in headers if k == b"authorization"), "")
    scheme, _, text = value.strip().partition(" ")
    if scheme.lower() == "bearer":
        return text.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(text.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return "not a token"
    return "not a token" if value else ""


class Gatekeeper:
    """The outermost ASGI app.

    ``owner_token`` is the one in server.json: it only proves to a client that this is the server of that folder.
    """

    def __init__(self, app: ASGIApp, services: Services, activity: Activity, owner_token: str = "") -> None:
        self._app = app
        self._services = services
        self._settings = services.settings
        self._activity = activity
        self._owner_token = owner_token
        self._allowed = allowed(services.settings)
        self._cookie = session_cookie_name(services.settings) if services.settings.auth else ""
        self._user = owner_name()
        self._noted = (0.0, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = str(scope["type"])
        if kind == "http":
            await self._http(cast(HTTPScope, scope), receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": "There are no WebSockets here."})
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        request_id, client = secrets.token_hex(8), scope.get("client")
        ip = str(client[0]) if client else ""
        scope.setdefault("state", {}).update(request_id=request_id, ip=ip)
        REQUEST.set((ip, request_id))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", [])}
                message["headers"] = [
                    *message.get("headers", []),
                    *(h for h in HEADERS if h[0] not in present),
                ]
            await send(message)

        if reason := refusal(scope["method"], headers, self._allowed, self._cookie):
            self.note_refusal(ANONYMOUS, "refused.origin", scope)
            await _refuse(send_with_headers, 403, "permission_denied", reason, request_id)
            return
        if scope["method"] not in METHODS:
            await _refuse(send_with_headers, 405, "not_found", "There is no such method here.", request_id)
            return
        with self._activity:
            scope["state"]["identity"] = await self._identify(headers, scope["state"])
            await self._app(scope, receive, send_with_headers)

    async def _identify(self, headers: list[tuple[bytes, bytes]], state: dict[str, Any]) -> Identity:
        token = sent_token(headers)
        if token and self._owner_token and hmac.compare_digest(token.encode(), self._owner_token.encode()):
            state["owner"], token = True, ""
        if self._settings.auth:
            if token:
                return await self._look_up("token", token) or self._wrong(
                    state, "This token is unknown, expired or revoked."
                )
            session = sent_cookie(headers, self._cookie)
            if session:
                return await self._look_up("session", session) or self._wrong(
                    state, "Your login has ended; log in again."
                )
            return ANONYMOUS
        if token.startswith(("flp_", "flw_")):
            return await self._look_up("token", token) or self._wrong(
                state, "This token is unknown, expired or revoked."
            )
        named = next((v for k, v in headers if k == PERSON_HEADER), b"").decode("utf-8", "replace")
        if named:
            return await self._look_up("person", named) or self._wrong(
                state,
                f"Nobody named {named[:80]!r} is known here; add them on the People page, or act as somebody else.",
            )
        chosen = sent_cookie(headers, PERSON_COOKIE)
        found = await self._look_up("person", chosen) if chosen else None  # a cookie may be another server's
        owner = found or await self._look_up("person", self._user)
        return owner or Identity(kind="person", name=self._user, administrator=True)

    async def _look_up(self, kind: str, text: str) -> Identity | None:
        fresh, identity = self._services.identities.known(kind, text)
        if fresh:
            return identity
        return await asyncio.to_thread(self._services.identities.look_up, kind, text)

    @staticmethod
    def _wrong(state: dict[str, Any], reason: str) -> Identity:
        state["refused"] = reason
        return ANONYMOUS

    def note_refusal(
        self,
        identity: Identity,
        action: str,
        scope: Scope,
        code: str = "permission_denied",
        project_id: str | None = None,
    ) -> None:
        """An audit entry for a refused request; a flood of them is counted instead of written one by one."""
        minute, count = self._noted
        now = time.monotonic()
        skipped = max(0, count - _NOTED_PER_MINUTE)
        if now - minute > 60.0:
            minute, count = now, 0
        else:
            skipped = 0
        self._noted = (minute, count + 1)
        if count >= _NOTED_PER_MINUTE:
            return
        path = str(scope.get("path", ""))[:200]
        text = path.encode("utf-8", "replace").decode()
        detail: dict[str, Any] = {"method": str(scope.get("method", ""))[:20], "code": code}
        if skipped:
            detail["not_written_before"] = skipped
        self._services.audit.note(identity, action, project_id=project_id, object=text, detail=detail)


async def _refuse(send: Send, status: int, code: str, detail: str, request_id: str) -> None:
    body = codec.dumps(
        {
            "type": "about:blank",
            "title": code.replace("_", " "),
            "status": status,
            "code": code,
            "detail": detail,
            "request_id": request_id,
        }
    ).encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
