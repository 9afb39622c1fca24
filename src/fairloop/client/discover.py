"""Find the server of a folder, or start one: however many programs ask at once, there is one."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from fairloop.errors import Unavailable

IDLE_EXIT_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where the folder's server is. ``token`` is empty: a local server wants none, a secured one a person's own."""

    url: str
    token: str = ""
    pid: int = 0
    auth: bool = False


def find(folder: Path) -> Found | None:
    """The running server of the data folder ``folder``; None when there is none."""
    try:
        told = json.loads((folder / "server.json").read_text("utf-8"))
        headers = {"Authorization": f"Bearer {told['token']}"}
        answer = httpx.get(f"{told['url']}/health", headers=headers, timeout=5.0, trust_env=False)
        yours = answer.status_code == 200 and answer.json().get("yours") is True
    except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError):
        return None
    return Found(url=told["url"], pid=told["pid"], auth=told["auth"]) if yours else None


def find_or_start(folder: Path | str, *, idle_exit_s: float = IDLE_EXIT_S, timeout_s: float = 30.0) -> Found:
    """The server of the data folder ``folder``, started when none runs; it ends itself when unused.

    Raises
    ------
    Unavailable
        The server does not start; the message holds its last words.
    """
    data = Path(folder).resolve()
    if found := find(data):
        return found
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(data / "start.lock"):
        return find(data) or _start(data, idle_exit_s, timeout_s)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One program at a time: the others wait here and then find what the first one started."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _start(data: Path, idle_exit_s: float, timeout_s: float) -> Found:
    environment = {**os.environ, "FAIRLOOP_DATA": str(data), "FAIRLOOP_IDLE_EXIT_S": str(idle_exit_s)}
    environment.setdefault("FAIRLOOP_PORT", "0")
    log = data / "server.log"
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as out:
        process: subprocess.Popen[Any] = subprocess.Popen(
            [sys.executable, "-m", "fairloop.server"], env=environment, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True, cwd=data)  # fmt: skip
    deadline = time.monotonic() + timeout_s
    while process.poll() is None:
        if found := find(data):
            process.returncode = 0  # it lives on without us: nothing to wait for, nothing to warn about
            return found
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise Unavailable(f"The server did not start within {timeout_s:g} s; see {log}.")
        time.sleep(0.02)
    if found := find(data):  # a server started by hand meanwhile holds the folder
        return found
    last = (log.read_text("utf-8", "replace").strip().splitlines() or ["it said nothing"])[-1]
    raise Unavailable(f"The server did not start: {last.removeprefix('fairloop: ')} (all of it in {log})")
