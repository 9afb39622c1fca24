"""``Idempotency-Key``: a repeated POST of the REST surface gets the first one's answer, and its effects happen once.

Two halves, because only the framework knows whether the asker may do it and only the ASGI layer sees the answer:
:meth:`Idempotency.before` runs after the guards and claims the key or replays, :class:`KeepAnswers` keeps what is
answered. A claim is a row; a server that dies in between leaves it, and the next start frees it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass, field
from typing import Any

from litestar import Request, Response
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from fairloop.core import codec
from fairloop.core.clock import Clock
from fairloop.core.people import Identity
from fairloop.errors import Conflict, FairloopError, InvalidInput, UnderWay
from fairloop.storage import idempotency as rows
from fairloop.storage.engine import Database, Work

log = logging.getLogger(__name__)

HEADER = b"idempotency-key"
_KEEP_MS = 24 * 3_600_000
_LONGEST_KEY = 200
_LARGEST_BYTES = 2**20
_WAIT_S, _LOOK_S = 2.0, 0.02
_CLEAN_S = 600.0


@dataclass(slots=True)
class Attempt:
    """One request with a key, on its way; ``claimed`` is its row's key once the row is this request's."""

    claimed: str = ""
    held: list[Message] = field(default_factory=list)


class Idempotency:
    """The kept answers; as a background worker it removes those older than a day."""

    interval_s = _CLEAN_S

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._cleaned_s = float("-inf")
        database.write(rows.free_unfinished)

    def tick(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._cleaned_s < _CLEAN_S:
            return
        self._cleaned_s = now_s
        oldest = self._clock.now_ms() - _KEEP_MS
        self._database.write(lambda c: rows.remove_older(c, oldest))

    async def before(self, request: Request[Any, Any, Any]) -> Response[Any] | None:
        """The kept answer to a repeated request; None when it has to be done.

        Raises
        ------
        InvalidInput
            The key is no key.
        Conflict
            It was used for another body.
        UnderWay
            The first request with it has not ended.
        """
        state = request.scope["state"]
        attempt: Attempt | None = state.get("idempotency")
        if attempt is None or request.scope["route_handler"].opt.get("secret"):
            return None
        sent = checked([value for name, value in request.scope["headers"] if name == HEADER])
        body = await _small_body(request)
        if body is None:
            return None
        key, request_hash = key_of(state["identity"], request, sent), hashlib.sha256(body).hexdigest()
        now = self._clock.now_ms()
        known = await self._write(lambda c: rows.claim(c, key, request_hash, now, now - _KEEP_MS))
        if known is None:
            attempt.claimed = key
            return None
        if known.request_hash != request_hash:
            raise Conflict(
                f"The Idempotency-Key {sent[:60]!r} was used for another body; send a new key with a new request."
            )
        return await self._answer_of(key, sent, known)

    async def _answer_of(self, key: str, sent: str, known: rows.Kept) -> Response[Any]:
        """The kept answer, after a moment's wait when its request is still under way."""
        found: rows.Kept | None = known
        until = self._clock.monotonic_s() + _WAIT_S
        while found is not None and found.status is None and self._clock.monotonic_s() < until:
            await asyncio.sleep(_LOOK_S)
            found = await asyncio.to_thread(self._database.read, lambda c: rows.find(c, key))
        if found is None or found.status is None:
            raise UnderWay(
                f"The first request with the Idempotency-Key {sent[:60]!r} has no answer yet; send it again."
            )
        return Response(
            (found.body or "").encode(),
            status_code=found.status,
            media_type="application/json",
            headers={"Idempotent-Replayed": "true"},
        )

    async def keep(self, key: str, status: int, body: str) -> None:
        await self._write(lambda c: rows.keep(c, key, status, body))

    async def free(self, key: str) -> None:
        await self._write(lambda c: rows.free(c, key))

    async def _write(self, work: Work[Any]) -> Any:
        return await asyncio.wrap_future(self._database.submit(work))


class KeepAnswers:
    """The ASGI layer below the gatekeeper: holds the answer to a claimed request back until it is kept."""

    def __init__(self, app: ASGIApp, kept: Idempotency) -> None:
        self._app = app
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _has_key(scope):
            await self._app(scope, receive, send)
            return
        attempt = Attempt()
        scope["state"]["idempotency"] = attempt

        async def hold(message: Message) -> None:
            if not attempt.claimed:
                await send(message)
                return
            attempt.held.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                await self._settle(attempt)
                for held in attempt.held:
                    await send(held)

        try:
            await self._app(scope, receive, hold)
        finally:
            if attempt.claimed:
                await asyncio.shield(self._settle(attempt))

    async def _settle(self, attempt: Attempt) -> None:
        """Keep a 2xx answer, free the key after any other; never fails what was done already."""
        key, attempt.claimed = attempt.claimed, ""
        status, body = kept_of(attempt.held)
        try:
            if body is None:
                await self._kept.free(key)
            else:
                await self._kept.keep(key, status, body)
        except FairloopError as cause:
            log.warning("the answer to a request with an Idempotency-Key was not kept: %s", cause.message)


def _has_key(scope: Scope) -> bool:
    if scope.get("method") != "POST" or not scope["path"].startswith("/api/v1/"):
        return False
    return any(name == HEADER for name, _ in scope["headers"])


def kept_of(messages: list[Message]) -> tuple[int, str | None]:
    """The status and the body to keep of a whole answer; no body when it is not to be kept."""
    first: Any = messages[0] if messages else {}
    last: Any = messages[-1] if messages else {}
    status = int(first.get("status", 0))
    content_type = next((v for k, v in first.get("headers", []) if k.lower() == b"content-type"), b"")
    whole = last.get("type") == "http.response.body" and not last.get("more_body", False)
    body = b"".join(m.get("body", b"") for m in messages if m["type"] == "http.response.body")
    if not whole or not 200 <= status < 300 or len(body) > _LARGEST_BYTES or b"json" not in content_type:
        return status, None
    return status, body.decode()


def checked(values: list[bytes]) -> str:
    """The key a request carries, 1 to 200 visible ASCII characters."""
    key = values[0].decode("latin-1") if len(values) == 1 else ""
    if not 1 <= len(key) <= _LONGEST_KEY or not all("!" <= c <= "~" for c in key):
        raise InvalidInput("An Idempotency-Key has 1 to 200 visible ASCII characters and is sent once; a UUID will do.")
    return key


def key_of(identity: Identity, request: Request[Any, Any, Any], sent: str) -> str:
    """The row's key: the same words of another person, or to another URL, are another key."""
    who = identity.person_id or f"{identity.kind} {identity.token_project_id} {identity.name}"
    url = request.scope["path"], request.scope["query_string"].decode("latin-1")
    return hashlib.sha256(codec.dumps([who, request.method, *url, sent]).encode()).hexdigest()


async def _small_body(request: Request[Any, Any, Any]) -> bytes | None:
    """The whole body; None when it is streamed or too large to be kept count of."""
    if "transfer-encoding" in request.headers:
        return None
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > _LARGEST_BYTES:
        return None
    return await request.body()
