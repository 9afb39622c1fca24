"""Does this machine have what Fairloop needs? Each finding with its fix."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from fairloop.cli.connection import data_folder
from fairloop.cli.output import Json, show_json
from fairloop.core.units import show_bytes

_LITTLE_SPACE, _NO_SPACE = 2 * 2**30, 200 * 2**20
_SAFE_SQLITE = (3, 51, 3)
_RELEASED_MS = 1_750_000_000_000
"""Before this version was written: no clock that is right says so."""
_CLOCK_SLACK_MS = 60_000
_EXTRAS = {"polars": "data", "deltalake": "data", "pandas": "data", "sklearn": "ml", "lightgbm": "ml", "skops": "ml"}


@dataclass(frozen=True, slots=True)
class Finding:
    """``state`` is ok, warning or problem."""

    what: str
    state: str
    words: str


def doctor(
    data: Annotated[Path | None, typer.Option(help="The data folder to look at. Default: .fairloop")] = None,
    json_: Json = False,
) -> int:
    """Check this machine, and say how to fix what is missing."""
    folder = (data or data_folder()).resolve()
    found = [_python(), _sqlite(), _git(), _openmp(), _libraries(), _folder(folder), _space(folder), _clock(folder),
             _server(folder)]  # fmt: skip
    if json_:
        show_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            print(f"{finding.state:<8} {finding.what:<14} {finding.words}")
    return 1 if any(finding.state == "problem" for finding in found) else 0


def _python() -> Finding:
    return Finding("Python", "ok", ".".join(map(str, sys.version_info[:3])))


def _sqlite() -> Finding:
    from fairloop.storage.engine import sqlite_version

    version = sqlite_version()
    text = ".".join(map(str, version))
    if version < _SAFE_SQLITE:
        return Finding(
            "SQLite",
            "warning",
            f"{text}: before 3.51.3 two programs that write one file at once can damage it. "
            "Fairloop is the only one that does; keep others from opening fairloop.db for writing.",
        )
    return Finding("SQLite", "ok", text)


def _git() -> Finding:
    if shutil.which("git") is None:
        return Finding(
            "git", "warning", "not found: runs are recorded without a commit. Install it: apt-get install git"
        )
    return Finding("git", "ok", str(shutil.which("git")))


def _openmp() -> Finding:
    import ctypes.util

    if ctypes.util.find_library("gomp") is None and not list(
        Path(sys.prefix).glob("lib/python*/site-packages/*/libgomp*")
    ):
        return Finding("libgomp", "problem", "not found: LightGBM does not load. Install it: apt-get install libgomp1")
    return Finding("libgomp", "ok", "found")


def _libraries() -> Finding:
    from importlib.util import find_spec

    missing = [name for name in _EXTRAS if find_spec(name) is None]
    if not missing:
        return Finding("libraries", "ok", ", ".join(_EXTRAS))
    extras = ",".join(sorted({_EXTRAS[name] for name in missing}))
    return Finding("libraries", "problem", f"{', '.join(missing)} not installed; run: pip install 'fairloop[{extras}]'")


def _folder(folder: Path) -> Finding:
    if not folder.exists():
        return Finding("data folder", "ok", f"{folder} does not exist yet; fairloop up makes it")
    mode = folder.stat().st_mode & 0o777
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding("data folder", "problem", f"{folder} cannot be written by you; choose another with --data.")
    if mode & 0o077:
        return Finding("data folder", "warning", f"{folder} can be read by others ({mode:o}); run: chmod 700 {folder}")
    return Finding("data folder", "ok", str(folder))


def _space(folder: Path) -> Finding:
    place = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(place).free
    words = f"{show_bytes(free)} free at {place}"
    if free >= _LITTLE_SPACE:
        return Finding("disk space", "ok", words)
    fix = "free some, or choose a folder on another disk with --data"
    return Finding("disk space", "problem" if free < _NO_SPACE else "warning", f"{words}; {fix}")


def _clock(folder: Path) -> Finding:
    from fairloop.core.clock import Clock, rfc3339

    now = Clock().now_ms()
    if now < _RELEASED_MS:
        return Finding("clock", "problem", f"this machine believes it is {rfc3339(now)}; run: timedatectl set-ntp true")
    written = max((int(f.stat().st_mtime * 1000) for f in folder.glob("fairloop.db*")), default=0)
    if written > now + _CLOCK_SLACK_MS:
        told = f"it is {rfc3339(now)} here, but {folder} was written at {rfc3339(written)}"
        return Finding("clock", "warning", f"{told}: the clock went back; run: timedatectl set-ntp true")
    return Finding("clock", "ok", str(rfc3339(now)))


def _server(folder: Path) -> Finding:
    from fairloop.client.discover import find

    found = find(folder)
    if found is None:
        return Finding("server", "ok", "none runs for this folder; start one with: fairloop up")
    return Finding("server", "ok", f"{found.url} (pid {found.pid})")
