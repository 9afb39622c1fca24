"""An endpoint's folder: what the server tells the endpoint process (config.json) and what that answers (state.json).

Both files are replaced whole, so a reader sees the old or the new one; both hold secrets and are readable by their
owner only.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairloop.core import codec
from fairloop.core.records import from_plain, to_plain
from fairloop.errors import InvalidInput, NotFound

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One deployment as the endpoint process sees it; ``folder`` is relative to the endpoint's folder."""

    deployment_id: str
    model_version_id: str
    model: str
    version: int
    folder: str
    share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything an endpoint process needs. ``token_hashes`` is null in local mode: no token is asked for then."""

    endpoint_id: str
    endpoint: str
    id_key: str
    """Hexadecimal key that signs prediction ids."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 until the first start has found a free one."""
    log_mode: str = "best_effort"
    token_hashes: list[str] | None = None
    deployments: list[Served] = field(default_factory=list)
    max_body_bytes: int = 8 * 2**20
    max_rows: int = 10_000
    answer_within_s: float = 30.0
    segment_bytes: int = 4 * 2**20
    segment_s: float = 30.0
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """A running endpoint process. ``started`` is its start time in kernel ticks: a pid alone may be reused."""

    pid: int
    started: int
    port: int
    control_token: str
    endpoint_id: str


class Folder:
    """Paths in one endpoint's folder, and its two files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spool = path / "spool"
        self.models = path / "models"
        self.stats = path / "stats.json"
        self.log = path / "log.txt"
        self.lock = path / "lock"

    def make(self) -> None:
        for folder in (self.path, self.spool, self.models):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def read_config(self) -> Config:
        """The config; NotFound when there is none yet."""
        return from_plain(Config, self._read("config.json"))

    def write_config(self, config: Config) -> None:
        write_atomic(self.path / "config.json", codec.dumps(to_plain(config)))

    def read_state(self) -> ProcessState | None:
        try:
            return from_plain(ProcessState, self._read("state.json"))
        except (NotFound, InvalidInput):
            return None

    def write_state(self, state: ProcessState) -> None:
        write_atomic(self.path / "state.json", codec.dumps(to_plain(state)))

    def clear_state(self) -> None:
        (self.path / "state.json").unlink(missing_ok=True)

    def _read(self, name: str) -> Any:
        try:
            return codec.loads((self.path / name).read_bytes())
        except FileNotFoundError as cause:
            raise NotFound(f"The endpoint has no {name} yet.") from cause


def write_atomic(path: Path, text: str, *, sync: bool = True) -> None:
    """Replace ``path`` whole; with ``sync`` it also survives a power cut."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def process_started(pid: int) -> int | None:
    """When the kernel started ``pid``, in its ticks; None when no such process runs (a zombie does not run)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])
