"""A server inside the test process, called over plain ASGI: thousands of requests in seconds."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from fairloop.access.permissions import Permission
from fairloop.core.people import Project
from fairloop.server.app import create_app
from fairloop.server.services import Services, build_services
from fairloop.settings import Settings

PORT = 8799
HOST = f"127.0.0.1:{PORT}"
_WAITING = 599  # no answer begun: a long poll or a stream that waits for events
_PATIENT = ("/events", "/claim")


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def code(self) -> str:
        try:
            told = self.told
        except ValueError:
            return ""
        return str(told.get("code", "")) if isinstance(told, dict) else ""

    def same_as(self) -> tuple[int, bytes]:
        """All of the answer that another asker could compare: everything but the request's own id."""
        try:
            told = self.told
        except ValueError:
            body = re.sub(rb"projects(/|%2F)(own|other|missing)\b", b"projects/ASKED", self.body)
            return self.status, re.sub(rb"\b[0-9a-f]{8}([0-9a-f]{8})?\b", b"REQUEST", body)
        if isinstance(told, dict):
            told.pop("request_id", None)
        return self.status, json.dumps(told, sort_keys=True).encode()


@dataclass(frozen=True)
class Url:
    """One method of one route the app really serves."""

    method: str
    path: str
    permission: Permission
    surface: str
    handler: HTTPRouteHandler

    @property
    def in_project(self) -> bool:
        return "{project_name" in self.path or self.surface == "mlflow"


@dataclass
class World:
    """An app with its services, the people in it, and one loop of events to run it on."""

    app: Litestar
    services: Services
    loop: asyncio.AbstractEventLoop
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    own: Project | None = None
    other: Project | None = None

    def urls(self) -> list[Url]:
        return [
            Url(method, route.path, handler.opt["permission"], handler.opt["surface"], handler)
            for route in self.app.routes
            if isinstance(route, HTTPRoute)
            for handler in route.route_handlers
            for method in sorted(handler.http_methods)
            if method != "OPTIONS"
        ]

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes = b"",
             query: str = "", host: str | None = HOST, kind: str = "http") -> Answer:  # fmt: skip
        return self.loop.run_until_complete(self._call(method, path, headers or {}, body, query, host, kind))

    async def _call(self, method: str, path: str, headers: dict[str, str], body: bytes, query: str, host: str | None,
                    kind: str) -> Answer:  # fmt: skip
        raw = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
        if host is not None:
            raw.insert(0, (b"host", host.encode()))
        if body:
            raw.append((b"content-length", str(len(body)).encode()))
        scope = {"type": kind, "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
                 "path": path, "raw_path": quote(path).encode(), "query_string": query.encode(), "root_path": "",
                 "headers": raw, "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", PORT),
                 "subprotocols": []}  # fmt: skip
        sent: list[dict[str, Any]] = []
        over = asyncio.Event()
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if kind == "websocket":
                return {"type": "websocket.connect"}
            if not asked:
                asked = True
                return {"type": "http.request", "body": body, "more_body": False}
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if not message.get("more_body", False) and message["type"] != "http.response.start":
                over.set()

        task = asyncio.create_task(self.app(scope, receive, send))  # type: ignore[arg-type]
        waiter = asyncio.create_task(over.wait())
        await asyncio.wait(
            {task, waiter}, timeout=0.5 if path.endswith(_PATIENT) else 20.0, return_when=asyncio.FIRST_COMPLETED
        )
        over.set()
        waiter.cancel()
        if not task.done():
            await asyncio.wait({task}, timeout=0.2)
            task.cancel()
        await asyncio.gather(task, waiter, return_exceptions=True)
        first = next((m for m in sent if "status" in m or m["type"] == "websocket.close"), {"status": _WAITING})
        return Answer(int(first.get("status", first.get("code", 0))),
                      [(k.decode(), v.decode()) for k, v in first.get("headers", [])],
                      b"".join(m.get("body", b"") for m in sent))  # fmt: skip


def world_of(data: Path, *, auth: bool, loop: asyncio.AbstractEventLoop) -> World:
    services = build_services(Settings(data=data, auth=auth, port=PORT))
    return World(create_app(services), services, loop)
