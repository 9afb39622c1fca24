"""A warm worker: holds the lease of one step at a time while a second process runs it.

    python -m fairloop.pipelines.worker

Two processes, so that user code cannot keep the lease from being renewed: this one claims, renews, collects what the
step writes, enforces its time limit and reports; the other (executor.py) runs the functions. It survives the server:
it tries again until the next one answers. It ends the step's processes when the step is cancelled, when its time is
over, or when the lease could not be renewed for its length.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from fairloop.client.client import Client
from fairloop.client.patient import PatientHttp
from fairloop.client.work import Work
from fairloop.core import codec
from fairloop.errors import (
    FairloopError,
    NotFound,
    PermissionDenied,
    StaleLease,
    Unauthenticated,
    Unavailable,
)
from fairloop.pipelines import executor
from fairloop.pipelines.beats import Beats
from fairloop.pipelines.lines import Lines
from fairloop.pipelines.runners.processes import kill_tree, write_note

_LONGEST_WAIT_S = 3.0
_ALONE_S = 15.0
"""A worker without a step ends when no server has answered for so long."""
_ENDED_BY_OTHERS = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


@dataclass(slots=True)
class Child:
    """The process that runs steps, with the reading ends of what it writes."""

    pid: int
    talk: Connection
    out: int
    err: int


def fork_child(config: dict[str, Any]) -> Child:
    """Fork before any thread or connection exists."""
    ours, theirs = Pipe()
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        for fd, end in ((1, out_end), (2, err_end)):
            os.dup2(end, fd)
        ours.close()
        for end in (out, err, out_end, err_end):
            os.close(end)
        os.setpgid(0, 0)
        os.environ.pop("FAIRLOOP_WORKER_CONFIG", None)
        sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        executor.serve(theirs, config)
        os._exit(0)
    theirs.close()
    for end in (out_end, err_end):
        os.close(end)
    for fd in (out, err):
        os.set_blocking(fd, False)
    return Child(pid, ours, out, err)


class Worker:
    def __init__(self, config: dict[str, Any], child: Child) -> None:
        self._config = config
        self._child = child
        data = Path(config["data"])
        timeout_s = max(2.0, config["lease_s"] / 3)
        self._wait_s = min(_LONGEST_WAIT_S, timeout_s / 2)
        self._http = PatientHttp(config["url"], token=config["token"], server_file=data / "server.json",
                                 patience_s=0, timeout_s=timeout_s)  # fmt: skip
        client = Client(config["url"], project=config["project"], http=self._http)
        self._work = Work(self._http, client.path, key=config["key"], worker=config["worker"])
        self._note = write_note(data / "workers", config["worker"], config["key"])
        self._wake, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self._beats = Beats(self._work, self._waker, config["lease_s"])
        self._steps = 0
        self._alive = True
        self._answered = time.monotonic()

    def run(self) -> None:
        """Work until idle too long, asked to leave, or worn out."""
        signal.signal(signal.SIGUSR1, lambda *_: self._beats.hurry())
        idle_since = time.monotonic()
        try:
            while self._alive and time.monotonic() - idle_since < self._config["idle_s"]:
                step, leave = self._claim()
                if leave:
                    return
                while step is not None:
                    step = self._one(step)
                    idle_since = self._answered = time.monotonic()
        finally:
            self._note.unlink(missing_ok=True)
            kill_tree(self._child.pid)

    def _claim(self) -> tuple[dict[str, Any] | None, bool]:
        try:
            answer = self._work.claim(self._wait_s)
            self._answered = time.monotonic()
            return answer
        except (Unauthenticated, PermissionDenied, NotFound):
            return None, True
        except Unavailable:
            time.sleep(0.1)
            self._http.look_for_server()
            return None, time.monotonic() - self._answered > _ALONE_S

    def _one(self, step: dict[str, Any]) -> dict[str, Any] | None:
        """Run one step and report it; the next one when the server gives it along."""
        self._steps += 1
        lines = Lines()
        self._beats.begin(step, lines)
        outcome = self._supervise(step, lines)
        self._beats.end()
        if outcome is None:  # the lease was lost: somebody else has the step
            return None
        outcome["log"] = lines.take()
        return self._report(step, outcome, take=self._alive and not self._worn_out())

    def _report(self, step: dict[str, Any], outcome: dict[str, Any], *, take: bool) -> dict[str, Any] | None:
        """Until it is on disk, or refused because the step is somebody else's."""
        deadline = time.monotonic() + 10 * self._config["lease_s"]
        while True:
            try:
                return self._work.result(step, outcome, take=take)
            except StaleLease:
                return None
            except Unavailable:
                if time.monotonic() > deadline:
                    self._alive = False
                    return None
                time.sleep(0.1)
                self._http.look_for_server()
            except FairloopError as cause:
                if outcome["state"] == "failed":
                    self._alive = False
                    return None
                outcome = {"state": "failed", "error": f"The result was not accepted: {cause.message}", "log": [],
                           "outputs": [], "used": outcome.get("used", {})}  # fmt: skip

    def _worn_out(self) -> bool:
        """Whether this worker should be replaced before the next step."""
        memory = 0
        if self._steps % 10 == 0 or self._steps < 10:
            with contextlib.suppress(psutil.Error):
                memory = psutil.Process(self._child.pid).memory_info().rss
        if self._steps >= self._config["steps"] or memory > self._config["memory_bytes"]:
            self._alive = False
        return not self._alive

    # ------------------------------------------------------------------ one step
    def _supervise(self, step: dict[str, Any], lines: Lines) -> dict[str, Any] | None:
        """The outcome; None when the lease was lost and the step was ended."""
        limit = step["needs"]["time_s"]
        over = time.monotonic() + limit if limit else None
        child = self._child
        with selectors.DefaultSelector() as selector:
            for fd, stream in (
                (child.out, "out"),
                (child.err, "err"),
                (child.talk.fileno(), "talk"),
                (self._wake, ""),
            ):
                selector.register(fd, selectors.EVENT_READ, stream)
            try:
                child.talk.send_bytes(codec.dumps(step).encode())
            except OSError:
                return self._died(lines)
            while True:
                timeout = None if over is None else max(0.0, over - time.monotonic())
                for key, _ in selector.select(timeout):
                    if key.data in {"out", "err"}:
                        if not lines.read(key.fd, key.data):
                            selector.unregister(key.fd)
                    elif key.data == "talk":
                        return self._answer(lines)
                    elif self._ordered():
                        return self._obey(lines)
                if over is not None and time.monotonic() >= over:
                    self._end_step(lines)
                    return _outcome("failed", f"The step took longer than its {limit:g} s; give it more time=.")

    def _answer(self, lines: Lines) -> dict[str, Any]:
        try:
            outcome: dict[str, Any] = codec.loads(self._child.talk.recv_bytes(), trusted=True)
        except (EOFError, OSError):
            return self._died(lines)
        self._drain(lines)
        return outcome

    def _drain(self, lines: Lines) -> None:
        for fd, stream in ((self._child.out, "out"), (self._child.err, "err")):
            lines.read(fd, stream)
        lines.close()

    def _ordered(self) -> bool:
        """Whether the beats want the step ended (a byte may be left from the step before)."""
        os.read(self._wake, 512)
        return self._beats.cancelled or self._beats.lost or self._beats.silent

    def _obey(self, lines: Lines) -> dict[str, Any] | None:
        """End the step: it is cancelled, another has it, or the lease could not be renewed."""
        self._end_step(lines)
        if self._beats.lost:
            return None
        if self._beats.cancelled:
            return _outcome("cancelled", "Cancelled.")
        return _outcome("lost", "The lease could not be renewed, so the step was ended.")

    def _end_step(self, lines: Lines) -> None:
        """Kill the step's process with everything it started; this worker ends after its report."""
        kill_tree(self._child.pid)
        _end_strays()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._child.pid, 0)
        self._drain(lines)
        self._alive = False

    def _died(self, lines: Lines) -> dict[str, Any]:
        """The step's process ended by itself."""
        self._alive = False
        code = 0
        with contextlib.suppress(ChildProcessError):
            code = os.waitstatus_to_exitcode(os.waitpid(self._child.pid, 0)[1])
        _end_strays()
        self._drain(lines)
        if code >= 0:
            return _outcome("failed", f"The step ended its process with exit code {code}.")
        name = signal.Signals(-code).name
        if -code in _ENDED_BY_OTHERS:
            return _outcome("lost", f"The step's process was ended from outside ({name}; out of memory?).")
        return _outcome("failed", f"The step's process crashed ({name}).")


def _end_strays() -> None:
    """Kill what the step's process started and left behind: all else in the session this worker leads."""
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if pid != os.getpid() and os.getsid(pid) == os.getpid():
                os.kill(pid, signal.SIGKILL)


def _outcome(state: str, error: str) -> dict[str, Any]:
    return {"state": state, "error": error, "outputs": [], "used": {}}


def main() -> None:
    config = codec.loads(os.environ["FAIRLOOP_WORKER_CONFIG"])
    child = fork_child(config)
    Worker(config, child).run()


if __name__ == "__main__":
    main()
