"""Registered models, their versions, and the evidence about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fairloop.core.checks import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    id: str
    project_id: str
    name: str
    description: str = ""
    created_ms: int = 0
    updated_ms: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One version. Its files stand in the artifact store under owner ``("version", id)``.

    ``status`` is MLflow's (READY, PENDING_REGISTRATION, FAILED_REGISTRATION); ``decision`` is candidate, approved,
    refused or none (registered without a Loop).
    """

    id: str
    project_id: str
    model: str
    version: int
    status: str = "READY"
    decision: str = "none"
    run_id: str | None = None
    cycle_id: str | None = None
    candidate_id: str | None = None
    description: str = ""
    user: str = ""
    created_ms: int = 0
    updated_ms: int = 0
    signature: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A candidate's or version's answers on one part of the data.

    ``predictions_sha256`` names the Parquet file of (row id, label, score, groups); ``metrics`` maps a metric to
    ``{estimate, low, high, n, method}``; ``groups`` maps attribute to a list of per-group rows.
    """

    id: str
    project_id: str
    candidate_id: str
    part: str
    n: int
    predictions_sha256: str
    metrics: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, Any] = field(default_factory=dict)
    drivers: list[dict[str, Any]] = field(default_factory=list)
    """Permutation importance per column: column, importance, low, high."""
    verdicts: list[Verdict] = field(default_factory=list)
    uses_of_part: int = 1
    """How many candidates this part has judged so far, this one included."""
    created_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One trained model that a cycle (or a plain pipeline run) judged."""

    id: str
    project_id: str
    pipeline_run_id: str
    cycle_id: str | None = None
    method: str = "plain"
    strength: float | None = None
    settings: dict[str, Any] | None = None
    """Hyperparameters that a search gave the trainer; none when it was called as the pipeline says."""
    run_id: str | None = None
    model_sha256: str = ""
    """The manifest of the model's files in the artifact store."""
    state: str = "judged"
    """judged, dominated, chosen, refused."""
    profile: dict[str, Any] = field(default_factory=dict)
    """Reference for the watch: training-row profile per column and held-out score profile."""
    signature: dict[str, Any] = field(default_factory=dict)
    created_ms: int = 0
