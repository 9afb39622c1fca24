"""Experiments and runs, in MLflow's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class RunStatus(StrEnum):
    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    id: int
    project_id: str
    name: str
    active: bool = True
    created_ms: int = 0
    updated_ms: int = 0
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One point of a series. ``value`` keeps its IEEE bits, NaN and infinities included."""

    key: str
    value: float
    timestamp_ms: int
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    id: str
    project_id: str
    experiment_id: int
    name: str
    status: RunStatus
    user: str = ""
    active: bool = True
    start_ms: int = 0
    end_ms: int | None = None
    step_run_id: str | None = None
    status_reason: str = ""
    params: dict[str, str] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)
    """The latest point of each series."""
    tags: dict[str, str] = field(default_factory=dict)
