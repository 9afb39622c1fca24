"""Experiments and runs, in MLflow's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RunStatus(StrEnum):
    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    @property
    def final(self) -> bool:
        return self in {RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED}


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
    inputs: dict[str, Any] = field(default_factory=dict)
    """datasets (name, digest, source, schema, profile, tags) and models (ids) it read."""
    outputs: list[dict[str, Any]] = field(default_factory=list)
    """Logged models it wrote: model_id, step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedModel:
    """A model a client logged, before anybody registers it. Its files stand under owner ``("logged_model", id)``.

    ``status`` is PENDING, READY, UPLOAD_FAILED or DELETED; ``metrics`` holds the latest point per key and dataset.
    """

    id: str
    project_id: str
    experiment_id: int
    name: str
    run_id: str | None = None
    status: str = "PENDING"
    status_message: str = ""
    model_type: str = ""
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    created_ms: int = 0
    updated_ms: int = 0
