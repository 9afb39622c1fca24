"""Steps on this machine: warm worker processes, started on demand, that outlive the server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fairloop.core import codec
from fairloop.core.ids import new_id
from fairloop.pipelines.runners.processes import Note, end_session, lives, read_note
from fairloop.pipelines.runners.runner import Demand
from fairloop.pipelines.waiting import Waiters
from fairloop.settings import Settings

_START_FAILURES = 3
_TAIL = 400
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}  # noqa: S104  # where to ask, not where to listen


@dataclass(slots=True)
class _Started:
    key: str
    process: subprocess.Popen[bytes]


class LocalRunner:
    """``token_for(project_id, worker)`` makes the token a worker process works with."""

    def __init__(self, settings: Settings, token_for: Callable[[str, str], str], waiters: Waiters) -> None:
        self._settings = settings
        self._token_for = token_for
        self._waiters = waiters
        self._limit = settings.workers or os.cpu_count() or 1
        self._folder = settings.data.resolve() / "workers"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._started: dict[str, _Started] = {}
        self._leaving: set[str] = set()
        self._failures: dict[str, list[str]] = {}

    # ------------------------------------------------------------------ what the scheduler asks
    def ensure(self, demand: list[Demand], busy: set[str]) -> dict[str, str]:
        alive = self._alive()
        self._leaving &= set(alive)
        for worker in busy & set(alive):
            self._failures.pop(alive[worker], None)
        stuck = {}
        wanted = {d.key for d in demand}
        for asked in demand:
            if len(self._failures.get(asked.key, ())) >= _START_FAILURES:
                stuck[asked.key] = f"No worker could be started: {self._failures.pop(asked.key)[-1]}"
                continue
            idle = sum(1 for w, key in alive.items() if key == asked.key and w not in busy and w not in self._leaving)
            for _ in range(min(asked.ready, self._limit) - idle):
                if len(alive) >= self._limit:
                    self._make_room(alive, busy, wanted)
                    break
                alive[self._start(asked)] = asked.key
        return stuck

    def gone(self, worker: str) -> bool:
        if (started := self._started.get(worker)) is not None:
            return started.process.poll() is not None
        note = read_note(self._folder / f"{worker}.json")
        return note is not None and not lives(note.pid, note.born_s)

    def bury(self, worker: str) -> None:
        file = self._folder / f"{worker}.json"
        if (note := read_note(file)) is not None:
            end_session(note.pid, note.born_s)
        file.unlink(missing_ok=True)

    def poke(self, worker: str) -> None:
        note = read_note(self._folder / f"{worker}.json")
        if note is not None and lives(note.pid, note.born_s):
            os.kill(note.pid, signal.SIGUSR1)

    def leaving(self, worker: str) -> bool:
        return worker in self._leaving

    # ------------------------------------------------------------------ processes
    def _alive(self) -> dict[str, str]:
        """Worker to key, of this server's and of those an earlier one left; the dead are buried."""
        notes = {note.worker: note for file in self._folder.glob("*.json") if (note := read_note(file))}
        for worker, started in list(self._started.items()):
            if (code := started.process.poll()) is not None:
                del self._started[worker]
                if code > 0:
                    self._failures.setdefault(started.key, []).append(self._last_words(worker))
                self._remove_log(worker)
        alive = {worker: started.key for worker, started in self._started.items()}
        for worker, note in notes.items():
            if worker in alive:
                continue
            if lives(note.pid, note.born_s):
                alive[worker] = note.key
            else:
                self._tidy(note)
        return alive

    def _tidy(self, note: Note) -> None:
        end_session(note.pid, note.born_s)
        (self._folder / f"{note.worker}.json").unlink(missing_ok=True)
        self._remove_log(note.worker)

    def _make_room(self, alive: dict[str, str], busy: set[str], wanted: set[str]) -> None:
        """Ask one idle worker of a key nobody waits for to end."""
        spare = [w for w, key in alive.items() if w not in busy and w not in self._leaving and key not in wanted]
        if spare:
            self._leaving.add(spare[0])
            self._waiters.wake(alive[spare[0]])

    def _start(self, asked: Demand) -> str:
        worker = new_id("wrk")
        settings, capture = self._settings, asked.capture
        config = {
            "url": f"http://{_LOOPBACK.get(settings.host, settings.host)}:{settings.port}", "token": self._token_for(asked.project_id, worker),
            "project": asked.project, "worker": worker, "key": asked.key, "snapshot": capture.snapshot,
            "data": str(settings.data.resolve()), "idle_s": settings.worker_idle_s, "steps": settings.worker_steps,
            "memory_bytes": settings.worker_memory_bytes, "lease_s": settings.lease_s,
        }  # fmt: skip
        python = capture.python if os.access(capture.python, os.X_OK) else sys.executable
        scratch = self._folder / worker
        scratch.mkdir(mode=0o700)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("FAIRLOOP_", "MLFLOW_"))}
        environment |= {"FAIRLOOP_WORKER_CONFIG": codec.dumps(config), "PYTHONUNBUFFERED": "1",
                        "OMP_WAIT_POLICY": "PASSIVE"}  # fmt: skip
        with self._log(worker).open("wb") as log:
            process = subprocess.Popen([python, "-P", "-m", "fairloop.pipelines.worker"], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, cwd=scratch, env=environment, start_new_session=True)  # fmt: skip
        self._started[worker] = _Started(asked.key, process)
        return worker

    def _log(self, worker: str) -> Path:
        return self._folder / f"{worker}.log"

    def _last_words(self, worker: str) -> str:
        try:
            lines = self._log(worker).read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1][-_TAIL:] if lines else "it ended without a word"

    def _remove_log(self, worker: str) -> None:
        self._log(worker).unlink(missing_ok=True)
        scratch = self._folder / worker
        if scratch.is_dir():
            shutil.rmtree(scratch, ignore_errors=True)
