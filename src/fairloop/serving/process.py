"""The server's hold on one endpoint process: start, adopt, ask, stop. The process itself outlives the server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from fairloop.client.http import Http
from fairloop.errors import Unavailable, Unreachable
from fairloop.serving.layout import Folder, ProcessState, process_started

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
_LOG_LIMIT = 2**20


def environment() -> dict[str, str]:
    """What a serving process gets of ours: no secrets, and one thread a model, because requests run side by side."""
    return {k: os.environ[k] for k in _PASSED_ON if k in os.environ} | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def command(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", module, *arguments]


class EndpointProcess:
    """One endpoint's process, ours or adopted. Callers hold the endpoint's lock."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._child: int | None = None
        self._http: tuple[ProcessState, Http] | None = None
        self._starts = 0
        self._started_s = 0.0

    def state(self) -> ProcessState | None:
        """The running process, if it is really ours: same pid, same start time, and the command line we gave it."""
        self._reap()
        state = self.folder.read_state()
        if state is None or process_started(state.pid) != state.started:
            return None
        try:
            line = Path(f"/proc/{state.pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return None
        return state if str(self.folder.path).encode() in line else None

    @property
    def starting(self) -> bool:
        """Started by this server and not yet ready to be asked."""
        return self.state() is None and self._child is not None

    def _reap(self) -> None:
        if self._child is not None:
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(self._child, os.WNOHANG)[0] == 0:
                    return
            self._child = None

    def start(self) -> None:
        """Start the process, detached: it belongs to no session or pipe of ours."""
        if self.folder.log.exists() and self.folder.log.stat().st_size > _LOG_LIMIT:
            self.folder.log.replace(self.folder.log.with_suffix(".1.txt"))
        self._starts = self._starts + 1 if time.monotonic() - self._started_s < 30 else 0
        self._started_s = time.monotonic()
        line = command("fairloop.serving.endpoint", str(self.folder.path))
        log = str(self.folder.log)
        appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._child = os.posix_spawn(line[0], line, environment(), setsid=True, file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, log, appending, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2)])  # fmt: skip

    @property
    def may_start(self) -> bool:
        """Not again at once when it keeps ending: pauses double up to half a minute."""
        pause = 0.0 if self._starts == 0 else min(30.0, 0.25 * 2**self._starts)
        return time.monotonic() - self._started_s >= pause

    def wait(self, within_s: float) -> ProcessState:
        """The running process once it can be asked; Unavailable with the end of its log when it never is."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            state = self.state()
            if state is not None:
                with contextlib.suppress(Unavailable):
                    self.ask("GET", "/control/stats", timeout_s=5.0)
                    return state
            elif self._child is None and not self._held():
                break
            time.sleep(0.02)
        raise Unavailable(f"The endpoint process did not start: {self.last_words()}")

    def _held(self) -> bool:
        """Whether a process holds the folder: one that an earlier server started may not have told its state yet."""
        with self.folder.lock.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def last_words(self) -> str:
        """The end of the process's log, for people."""
        try:
            text = self.folder.log.read_text("utf-8", errors="replace")[-2000:].strip()
        except OSError:
            text = ""
        return text.splitlines()[-1][:400] if text else "it left no word; its log is empty"

    def ask(self, method: str, path: str, *, timeout_s: float = 60.0, content: bytes | None = None) -> Any:
        """A control or prediction request with our token; Unavailable when the process does not answer."""
        state = self.state()
        if state is None:
            raise Unavailable("The endpoint process is not running now; it is restarted within a second.")
        if self._http is None or self._http[0] != state:
            self.forget()
            url = f"http://127.0.0.1:{state.port}"
            self._http = (state, Http(url, token=state.control_token, timeout_s=timeout_s))
        headers = {"Content-Type": "application/json"} if content is not None else None
        try:
            return self._http[1].json(method, path, content=content, headers=headers)
        except Unreachable as cause:
            raise Unavailable("The endpoint process does not answer now; it is restarted if it stays so.") from cause

    def forget(self) -> None:
        """Close our connection; the process goes on."""
        if self._http is not None:
            self._http[1].close()
            self._http = None

    def stop(self, within_s: float = 30.0) -> None:
        """Drain and end the process; after ``within_s`` end it anyway."""
        state = self.state()
        if state is not None:
            with contextlib.suppress(Unavailable):
                self.ask("POST", "/control/stop")
            deadline = time.monotonic() + within_s
            while self.state() is not None and time.monotonic() < deadline:
                time.sleep(0.02)
            self.kill()
        self.forget()

    def kill(self) -> None:
        state = self.state()
        if state is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while self._child is not None and time.monotonic() < deadline:
            time.sleep(0.01)
            self._reap()
