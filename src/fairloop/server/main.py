"""Start the server: settings -> socket -> services -> app -> uvicorn."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
import socket
import sys
import threading
from dataclasses import replace

import uvicorn
from litestar import Litestar

from fairloop.access.identities import owner_name
from fairloop.server.app import create_app
from fairloop.server.lifecycle import Activity, ServerFile, bind, check_address, end_when_idle, write_secret
from fairloop.server.services import Services, build_services
from fairloop.settings import Settings
from fairloop.storage.activity import busy

_GRACE_S = 5


def serve(settings: Settings) -> None:
    """Run the server until it is told to stop (SIGTERM, SIGINT) or has been idle for ``idle_exit_s``.

    Raises
    ------
    InvalidInput
        The address may not or cannot be listened on.
    Conflict
        The port is taken, or another server uses the folder. Nothing was changed.
    """
    check_address(settings)
    os.umask(0o077)  # whatever this process and its children write is their owner's only
    listener = bind(settings)
    gc.disable()  # nothing made during the start is garbage; looking for some took a third of making the routes
    try:
        settings = replace(settings, port=listener.getsockname()[1], data=settings.data.resolve())
        services = build_services(settings)
        _first_steps(services)
        record = _record(settings)
        activity = Activity()
        app = create_app(services, activity=activity, owner_token=record.token)
        gc.freeze()  # nor is it looked at again while serving
        gc.enable()
        _Server(app, services, activity, record).run_on(listener)
    finally:
        gc.enable()
        listener.close()


def _record(settings: Settings) -> ServerFile:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    return ServerFile(pid=os.getpid(), port=settings.port, url=f"http://{host}:{settings.port}",
                      token=secrets.token_urlsafe(32), auth=settings.auth)  # fmt: skip


def _first_steps(services: Services) -> None:
    """Local mode: who started the server administers it. Secured mode: the first administrator needs a token."""
    settings = services.settings
    if not settings.auth:
        services.people.ensure_owner(owner_name())
        return
    file = settings.data / "setup-token"
    token = services.people.new_setup_token()
    if token is None:
        file.unlink(missing_ok=True)
        return
    write_secret(file, token)
    sys.stdout.write(f"Set-up token for the first administrator (also in {file}): {token}\n")
    sys.stdout.flush()


class _Server(uvicorn.Server):
    """uvicorn on a socket that is already ours, telling others where it listens for as long as it does."""

    def __init__(self, app: Litestar, services: Services, activity: Activity, record: ServerFile) -> None:
        super().__init__(uvicorn.Config(app, loop="uvloop", http="httptools", ws="none", lifespan="on", log_config=None,
                                        access_log=False, server_header=False, proxy_headers=False,
                                        timeout_graceful_shutdown=_GRACE_S))  # fmt: skip
        self._services = services
        self._activity = activity
        self._record = record
        self._idle: asyncio.Task[None] | None = None

    def run_on(self, listener: socket.socket) -> None:
        if threading.current_thread() is threading.main_thread():
            # uvicorn raises the signal that ended it once more afterwards; the clean end has happened by then
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: None)
        try:
            self.run(sockets=[listener])
        finally:
            self._record.remove(self._services.settings.data)
            self._services.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        settings = self._services.settings
        if self.should_exit:
            return
        self._record.write(settings.data)
        if settings.idle_exit_s > 0:
            database = self._services.database
            self._idle = asyncio.create_task(
                end_when_idle(self._activity, settings.idle_exit_s, lambda: database.read(busy), self._end)
            )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._services.waiters.close()  # workers that wait for a step would hold the end up
        await super().shutdown(sockets=sockets)

    def _end(self) -> None:
        self.should_exit = True
