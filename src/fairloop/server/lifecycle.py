"""A server's life: its socket, its ``server.json``, when it has nothing left to do, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from fairloop.errors import Conflict, InvalidInput
from fairloop.settings import Settings

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Activity:
    """How long ago the last request ended; a request being served counts as now."""

    def __init__(self) -> None:
        self._serving = 0
        self._last_s = time.monotonic()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._serving += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._serving -= 1
            self._last_s = time.monotonic()

    def idle_s(self) -> float:
        with self._lock:
            return 0.0 if self._serving else time.monotonic() - self._last_s


def check_address(settings: Settings) -> None:
    """Local mode serves this machine only."""
    if not settings.auth and settings.host not in _LOOPBACK:
        raise InvalidInput(
            f"Without --auth the server listens on 127.0.0.1 only, not on {settings.host!r}: anybody who reaches it may "
            "act as anyone. Start it with --auth, or leave the host out."
        )


def bind(settings: Settings) -> socket.socket:
    """The listening socket, taken before anything on disk is touched."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(2048)
    except OSError as cause:
        listener.close()
        if cause.errno == errno.EADDRINUSE:
            raise Conflict(_in_use(settings)) from cause
        if cause.errno == errno.EACCES:
            raise InvalidInput(
                f"Port {settings.port} needs more rights than this user has; use --port 8700."
            ) from cause
        raise InvalidInput(f"The address {settings.host!r} cannot be listened on: {cause.strerror}.") from cause
    except OverflowError as cause:
        listener.close()
        raise InvalidInput(f"Port {settings.port} does not exist; use 1 to 65535, or 0 for any free one.") from cause
    listener.set_inheritable(False)
    return listener


def _in_use(settings: Settings) -> str:
    record = ServerFile.read(settings.data)
    if record is not None and record.port == settings.port:
        return f"Fairloop already runs on this folder at {record.url} (process {record.pid}); use that one, or stop it."
    return (
        f"Port {settings.port} is used by another program; choose another with --port, for example "
        f"--port {settings.port + 1}. Nothing was changed."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFile:
    """``<data>/server.json``, mode 0600: where the running server is. ``token`` proves that it is this folder's."""

    pid: int
    port: int
    url: str
    token: str
    auth: bool = False

    @staticmethod
    def path(data: Path) -> Path:
        return data / "server.json"

    def write(self, data: Path) -> None:
        """Whole or not at all, readable by its owner only."""
        final = self.path(data)
        temporary = final.with_name(f".server.json.{self.pid}")
        temporary.unlink(missing_ok=True)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w") as file:
            json.dump(
                {"pid": self.pid, "port": self.port, "url": self.url, "token": self.token, "auth": self.auth},
                file,
            )
        temporary.replace(final)

    @classmethod
    def read(cls, data: Path) -> ServerFile | None:
        """What stands there if its process lives; None otherwise."""
        try:
            told = json.loads(cls.path(data).read_text("utf-8"))
            record = cls(**told)
            os.kill(record.pid, 0)
        except PermissionError:  # the process lives, under another user
            return record
        except (OSError, ValueError, TypeError):
            return None
        return record

    def remove(self, data: Path) -> None:
        """Remove the file if it is still ours."""
        with contextlib.suppress(OSError, ValueError):
            if json.loads(self.path(data).read_text("utf-8"))["token"] == self.token:
                self.path(data).unlink()


def write_secret(path: Path, secret: str) -> None:
    """A file that only its owner can read, replaced if it exists."""
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(secret + "\n")


async def end_when_idle(
    activity: Activity, idle_exit_s: float, busy: Callable[[], bool], stop: Callable[[], None]
) -> None:
    """Call ``stop`` once no request came for ``idle_exit_s`` and ``busy`` says that nothing is under way."""
    while True:
        await asyncio.sleep(max(0.05, min(5.0, idle_exit_s - activity.idle_s())))
        if activity.idle_s() >= idle_exit_s and not await asyncio.to_thread(busy):
            stop()
            return
