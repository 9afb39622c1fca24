"""The endpoint's ASGI application: routes, limits and refusals, without a framework on the hot path."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from fairloop import errors
from fairloop.errors import FairloopError, InvalidInput, NotFound, PermissionDenied, TooLarge, Unauthenticated
from fairloop.serving.engine import Engine
from fairloop.serving.protocols import decode, from_invocations, from_oip, metadata, to_invocations, to_oip

log = logging.getLogger(__name__)
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
_STATUS: list[tuple[type[FairloopError], int]] = [
    (TooLarge, 413), (errors.TooManyRequests, 429), (Unauthenticated, 401), (PermissionDenied, 403), (NotFound, 404),
    (errors.StorageFull, 507), (errors.Unavailable, 503), (InvalidInput, 400),
]  # fmt: skip
_JSON = [(b"content-type", b"application/json")]
_encode = msgspec.json.Encoder().encode
_LOCAL = ("127.0.0.1", "localhost", "[::1]")


class _Unsupported(InvalidInput):
    """A media type that is not served: 415."""


class EndpointApp:
    def __init__(self, engine: Engine, *, control_token: str, stop: Callable[[], None]) -> None:
        self._engine = engine
        self._control = control_token
        self._stop = stop

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            status, body = await self._answer(scope, receive)
        except FairloopError as cause:
            status, body = _problem(cause)
        headers = [*_JSON, (b"content-length", str(len(body)).encode())]
        if status in {429, 503, 507}:
            headers.append((b"retry-after", b"1"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: dict[str, Any], receive: Receive) -> tuple[int, bytes]:
        method, path = scope["method"], scope["path"]
        headers = dict(scope["headers"])
        parts = path.strip("/").split("/")
        if parts[0] == "control":
            return await self._controlled(method, parts[1:], headers)
        if path in {"/v2/health/live", "/ping", "/health", "/v2/health/ready"} and method == "GET":
            ready = self._engine.ready or path == "/v2/health/live"
            return (200 if ready else 503), _encode({"live": True, "ready": self._engine.ready})
        self._admit(headers)
        if method == "POST" and path == "/invocations":
            return await self._invocations(headers, receive)
        if parts[:2] == ["v2", "models"] and 3 <= len(parts) <= 6:
            return await self._model_route(method, parts, headers, receive)
        if method == "GET" and path == "/v2":
            return 200, _encode({"name": self._engine.name, "version": "2", "extensions": []})
        if method == "GET" and path == "/version":
            return 200, _encode({"name": self._engine.name})
        raise NotFound(f"No such route: {method} {path[:80]}.")

    # ------------------------------------------------------------------ who may ask
    def _admit(self, headers: dict[bytes, bytes]) -> None:
        """In secured mode a token that may predict here; in local mode only this machine's own programs."""
        hashes = self._engine.token_hashes
        if hashes is None:
            asked = [headers.get(b"host", b""), *([headers[b"origin"]] if b"origin" in headers else [])]
            names = [h.decode("latin-1").split("://")[-1].rpartition(":")[0] for h in asked]
            if any(name not in _LOCAL for name in names):
                raise PermissionDenied("This Host or Origin is not served here.")
            return
        token = _token(headers.get(b"authorization", b"").decode("latin-1"))
        if token is not None and hmac.compare_digest(token.encode(), self._control.encode()):
            return  # the server, for a person it has checked itself
        if token is None or hashlib.sha256(token.encode()).hexdigest() not in hashes:
            raise Unauthenticated("Send an API token that may predict in this project: Authorization: Bearer <token>.")

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if kind != b"application/json":
            shown = kind.decode("latin-1")[:60]
            raise _Unsupported(f"The content type {shown!r} is not served; send application/json.")
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise _Unsupported("A compressed body is not served; send it plain.")
        if b"inference-header-content-length" in headers:
            raise _Unsupported("The binary tensor extension is not served; send JSON tensors.")
        limit = self._engine.max_body_bytes
        if headers.get(b"content-length", b"0").isdigit() and int(headers.get(b"content-length", b"0")) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes; send fewer rows at once.")
        chunks, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise InvalidInput("The client left before its request was complete.")
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"The body is larger than {limit} bytes; send fewer rows at once.")
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    # ------------------------------------------------------------------ predictions
    async def _invocations(self, headers: dict[bytes, bytes], receive: Receive) -> tuple[int, bytes]:
        body = await self._body(headers, receive)
        live = self._engine.choose()
        asked = from_invocations(decode(body), live.loaded.inputs)
        return 200, _encode(to_invocations(await self._engine.predict(live, asked)))

    async def _model_route(self, method: str, parts: list[str], headers: dict[bytes, bytes],
                           receive: Receive) -> tuple[int, bytes]:  # fmt: skip
        name, rest = parts[2], parts[3:]
        version: str | None = None
        if len(rest) >= 2 and rest[0] == "versions":
            version, rest = rest[1], rest[2:]
        if method == "GET" and rest in ([], ["ready"]):
            found = self._engine.find(name, version)
            if rest:
                return 200, _encode({"ready": True})
            return 200, _encode(metadata(found.loaded.inputs, model=name, versions=self._engine.versions))
        if method != "POST" or rest != ["infer"]:
            raise NotFound(f"No such route: {method} /{'/'.join(parts)[:80]}.")
        body = await self._body(headers, receive)
        live = (
            self._engine.choose() if version is None and name == self._engine.name else self._engine.find(name, version)
        )
        asked = from_oip(decode(body), live.loaded.inputs)
        answer = await self._engine.predict(live, asked)
        return 200, _encode(to_oip(answer, model=name, version=live.served.version,
                                   deployment_id=live.served.deployment_id, asked=asked))  # fmt: skip

    # ------------------------------------------------------------------ control
    async def _controlled(self, method: str, rest: list[str], headers: dict[bytes, bytes]) -> tuple[int, bytes]:
        """Only the server holds the control token; it never leaves this machine."""
        token = _token(headers.get(b"authorization", b"").decode("latin-1")) or ""
        if not hmac.compare_digest(token.encode(), self._control.encode()):
            raise Unauthenticated("The control routes are for the Fairloop server only.")
        if (method, rest) == ("GET", ["stats"]):
            return 200, _encode(self._engine.report())
        if method == "GET" and len(rest) == 2 and rest[0] == "recent" and rest[1].isdecimal():
            return 200, self._engine.recent(int(rest[1]))
        if (method, rest) == ("POST", ["reload"]):
            return 200, _encode(await self._engine.reload())
        if (method, rest) == ("POST", ["seal"]):
            await self._engine.seal()
            return 200, b'{"sealed":true}'
        if (method, rest) == ("POST", ["stop"]):
            self._stop()
            return 200, b'{"stopping":true}'
        raise NotFound(f"No such control route: {method} /control/{'/'.join(rest)[:40]}.")


def _token(header: str) -> str | None:
    """The token of a Bearer header, or of a Basic one, where it is the password."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _problem(error: FairloopError) -> tuple[int, bytes]:
    status = (
        415 if isinstance(error, _Unsupported) else next((s for kind, s in _STATUS if isinstance(error, kind)), 500)
    )
    return status, _encode({"type": "about:blank", "title": error.code.replace("_", " "), "status": status,
                            "code": error.code, "detail": error.message})  # fmt: skip
