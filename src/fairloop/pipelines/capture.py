"""What surrounds a run, captured without a line of the user's code: git, sources, environment, hardware."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any, Protocol

from fairloop.core.pipelines import Capture
from fairloop.pipelines.workspace import pack

_MAX_DIFF = 4 * 2**20


class BlobStore(Protocol):
    def put(self, data: bytes) -> str: ...


def take(blobs: BlobStore, root: Path, *, entry: Path | None = None, extra: list[Path] | None = None,
         python: str | None = None) -> Capture:  # fmt: skip
    """Everything about here and now; ``extra`` are files of the project its ignore rules would leave out."""
    inside = entry is not None and root in entry.parents
    return Capture(
        snapshot=_put_once(blobs, pack(root, extra or [])),
        environment=_put_once(blobs, environment_lock().encode()),
        hardware=hardware(),
        git=git_state(root, blobs),
        python=python or sys.executable,
        entry=entry.relative_to(root).as_posix() if entry is not None and inside else "",
    )


_sent: weakref.WeakKeyDictionary[BlobStore, dict[bytes, str]] = weakref.WeakKeyDictionary()


def _put_once(blobs: BlobStore, data: bytes) -> str:
    """Send bytes only if this connection did not send the same before."""
    known = _sent.setdefault(blobs, {})
    digest = hashlib.sha256(data).digest()
    if digest not in known:
        known[digest] = blobs.put(data)
    return known[digest]


@functools.cache
def environment_lock() -> str:
    """Every installed distribution with its version, as a requirements file that pins them."""
    found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions() if d.metadata["Name"]}
    lines = [f"# python {platform.python_version()} on {platform.system()} {platform.machine()}"]
    lines += [f"{name}=={version}" for name, version in sorted(found.items(), key=lambda item: item[0].lower())]
    return "\n".join(lines) + "\n"


@functools.cache
def hardware() -> dict[str, Any]:
    """CPU, memory and accelerators of this machine."""
    import psutil

    return {
        "cpu": _cpu_model(), "cores": os.cpu_count() or 1, "memory_bytes": int(psutil.virtual_memory().total),
        "machine": platform.machine(), "system": platform.system(), "gpus": _gpus(), "tpus": _tpus(),
    }  # fmt: skip


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith(("model name", "Model")):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _gpus() -> list[dict[str, Any]]:
    command = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[part.strip() for part in line.split(",")] for line in told.splitlines() if line.count(",") == 2]
    return [{"name": name, "memory_bytes": int(float(mib)) * 2**20 if mib.replace(".", "").isdigit() else 0,
             "driver": driver} for name, mib, driver in rows]  # fmt: skip


def _tpus() -> list[str]:
    return sorted(str(path) for path in Path("/dev").glob("accel[0-9]*"))


def git_state(root: Path, blobs: BlobStore) -> dict[str, Any]:
    """commit, branch, dirty and the hash of the uncommitted diff; empty outside a repository."""
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return {}
    found: dict[str, Any] = {"commit": commit.decode().strip(), "branch": "", "dirty": False, "diff": ""}
    found["branch"] = (_git(root, "rev-parse", "--abbrev-ref", "HEAD") or b"").decode("utf-8", "replace").strip()
    found["dirty"] = bool(_git(root, "status", "--porcelain", "--untracked-files=normal", "--", "."))
    diff = _git(root, "diff", "HEAD", "--no-ext-diff", "--no-textconv", "--", ".")
    if diff:
        found["diff"] = _put_once(blobs, diff[:_MAX_DIFF])
    return found


def _git(root: Path, *arguments: str) -> bytes | None:
    try:
        return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, timeout=20, check=True,
                              env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"}).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
