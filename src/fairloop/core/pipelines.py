"""Pipelines as graphs, and their executions."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a step asks for. Bytes and seconds; ``retries`` counts further attempts after a failure."""

    cpu: float = 1.0
    memory_bytes: int = 0
    gpu: int = 0
    tpu: int = 0
    disk_bytes: int = 0
    time_s: float = 0.0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec:
    """One node of a graph.

    ``function`` is ``{"module", "qualname"}`` or ``{"pickle": sha256}`` (read by workers only). ``inputs`` maps each
    argument to ``{"value": json}``, ``{"param": name}`` (a pipeline parameter), ``{"step": key, "output": index}``,
    ``{"stored": output}`` (a value another run stored, as in StepRun.outputs), a list of those under
    ``{"list": [...]}`` or named ones under ``{"dict": {...}}``. ``outputs`` is the number of results.
    """

    key: str
    name: str
    function: dict[str, str]
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: int = 1
    returns: str = ""
    """"model" for the trainer, "candidate" for fl.candidate, else empty."""
    needs: Needs = field(default_factory=Needs)
    cache: bool = True
    source: str = ""
    """Hash of the step's code and the project modules it imports."""
    after: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A traced pipeline. ``params`` maps parameter to default (JSON) or ``{"table": true}`` for a table to supply."""

    name: str
    steps: list[StepSpec]
    params: dict[str, Any] = field(default_factory=dict)
    result: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What surrounds a run, taken once: all hashes name files in the artifact store."""

    snapshot: str = ""
    """Archive of the project's sources."""
    environment: str = ""
    """Lock of the Python environment."""
    hardware: dict[str, Any] = field(default_factory=dict)
    git: dict[str, Any] = field(default_factory=dict)
    """commit, branch, dirty, diff (hash)."""
    python: str = ""
    """Interpreter that runs the steps on this machine."""
    entry: str = ""
    """File that was run, relative to the snapshot."""


class State(StrEnum):
    PENDING = "pending"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def final(self) -> bool:
        return self in {State.DONE, State.FAILED, State.CANCELLED, State.SKIPPED}


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRun:
    id: str
    project_id: str
    pipeline: str
    state: State
    graph: Graph
    capture: Capture
    params: dict[str, Any] = field(default_factory=dict)
    cycle_id: str | None = None
    purpose: str = "pipeline"
    """pipeline, data, train, mitigate, gate, monitor."""
    author: str = ""
    error: str = ""
    created_ms: int = 0
    started_ms: int | None = None
    ended_ms: int | None = None
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    id: str
    project_id: str
    pipeline_run_id: str
    key: str
    name: str
    state: State
    attempt: int = 0
    """How often the step was begun."""
    losses: int = 0
    """Attempts that ended because their process was lost; they do not count as retries."""
    token: int = 0
    """Fencing token: grows with each claim."""
    worker: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: list[Any] = field(default_factory=list)
    """Values: ``{"json": ...}`` up to 64 KiB, else ``{"kind", "sha256", ...}`` in the artifact store."""
    needs: Needs = field(default_factory=Needs)
    used: dict[str, Any] = field(default_factory=dict)
    """wall_s, cpu_s, memory_bytes (peak), cost_usd."""
    error: str = ""
    cache_key: str = ""
    cached_from: str | None = None
    run_id: str | None = None
    ready_ms: int | None = None
    started_ms: int | None = None
    ended_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line a step wrote. ``seq`` is that of its chunk: reading on *after* it misses and repeats nothing."""

    seq: int
    attempt: int
    at_ms: int
    stream: str
    """out, err, or system (said by Fairloop about the step)."""
    text: str
