"""Worker processes of this machine as files: each notes its pid, so the next server knows those of the last."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil

from fairloop.core import codec
from fairloop.errors import InvalidInput

_SAME_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """``born_s`` is the process's start in seconds since 1970: a reused pid has another."""

    worker: str
    key: str
    pid: int
    born_s: float


def write_note(folder: Path, worker: str, key: str) -> Path:
    """This process's note, visible whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    note = {"worker": worker, "key": key, "pid": os.getpid(), "born_s": psutil.Process().create_time()}
    file = folder / f"{worker}.json"
    temporary = file.with_suffix(f".{os.getpid()}")
    temporary.write_text(codec.dumps(note))
    temporary.rename(file)
    return file


def read_note(file: Path) -> Note | None:
    try:
        told = codec.loads(file.read_text())
        return Note(worker=told["worker"], key=told["key"], pid=int(told["pid"]), born_s=float(told["born_s"]))
    except (OSError, InvalidInput, KeyError, TypeError, ValueError):
        return None


def lives(pid: int, born_s: float) -> bool:
    try:
        process = psutil.Process(pid)
        return bool(abs(process.create_time() - born_s) < _SAME_S) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end_session(leader: int, born_s: float) -> None:
    """Kill what is left of the session a dead worker led; its leader's pid may be another's by now."""
    if psutil.pid_exists(leader) and not lives(leader, born_s) and not _zombie(leader):
        return
    for pid in psutil.pids():
        try:
            if pid not in {leader, os.getpid()} and os.getsid(pid) == leader:
                os.kill(pid, signal.SIGKILL)
        except OSError:
            continue


def _zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def kill_tree(pid: int) -> None:
    """Kill a process and everything it started, sessions of their own included."""
    try:
        root = psutil.Process(pid)
        found = [root, *root.children(recursive=True)]
    except psutil.Error:
        return
    for process in found:
        try:
            process.suspend()  # so that nothing forks while the rest is being killed
        except psutil.Error:
            continue
    try:
        found = [root, *root.children(recursive=True)]
    except psutil.Error:
        pass
    for process in found:
        try:
            process.kill()
        except psutil.Error:
            continue
