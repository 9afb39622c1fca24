"""Endpoints, deployments and rollouts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fairloop.core.checks import Check

LATENCY_EDGES_MS = [round(0.05 * 1.15**i, 4) for i in range(100)]
"""Upper edges of the latency histogram every endpoint counts in; one bucket more holds all slower (about 50 s)."""


class DeploymentState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    LIVE = "live"
    FAILED = "failed"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a model serves. ``state`` is starting, up, down or stopped; the process outlives the server."""

    id: str
    project_id: str
    name: str
    state: str
    log_mode: str = "best_effort"
    """How predictions are logged: durable (an answer means it is on disk) or best_effort (drops are counted)."""
    host: str = "127.0.0.1"
    port: int = 0
    pid: int = 0
    loop: str = ""
    created_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One model version on one endpoint, with its share of the traffic in percent."""

    id: str
    project_id: str
    endpoint_id: str
    model_version_id: str
    share: int
    state: DeploymentState
    reason: str = ""
    created_ms: int = 0
    live_ms: int | None = None
    retired_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """Traffic moving to a new version. ``state`` is smoke, running, held, promoted or rolled_back."""

    id: str
    project_id: str
    endpoint_id: str
    to_deployment_id: str
    from_deployment_id: str | None = None
    cycle_id: str | None = None
    steps: list[int] = field(default_factory=list)
    step: int = 0
    """Index into ``steps`` of the share in force."""
    judge_by: list[str] = field(default_factory=list)
    gates: list[Check] = field(default_factory=list)
    """The limits the canary is judged against."""
    min_requests: int = 200
    state: str = "smoke"
    reason: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)
    """Per step: share, at_ms, verdicts, requests (predictions the new version gave), decision and reason."""
    base: dict[str, Any] = field(default_factory=dict)
    """The counters of both deployments when the rollout, and its step, began."""
    started_ms: int = 0
    step_started_ms: int = 0
    expires_ms: int = 0
    ended_ms: int | None = None
