"""Analyses: questions about a model or about data that take a worker to answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fairloop.errors import InvalidInput

SUBJECTS = ("model_version", "candidate", "dataset_version", "cycle")
_PREFIXES = {"ver": "model_version", "cnd": "candidate", "dsv": "dataset_version", "cyc": "cycle"}
MAX_RESULT_BYTES = 1_048_576
"""A larger result is a file of its own: ``{"blob": sha256}``."""


class AnalysisState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        return self in {AnalysisState.DONE, AnalysisState.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """``kind`` names the question (see evaluation/analyses.py), ``subject_kind`` and ``subject_id`` what it is about.

    ``result`` is plain JSON, or ``{"blob": sha256}`` when it is large; ``words`` says its finding in a sentence or two.
    """

    id: str
    project_id: str
    kind: str
    subject_kind: str
    subject_id: str
    params: dict[str, Any] = field(default_factory=dict)
    state: AnalysisState = AnalysisState.WAITING
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    words: str = ""
    pipeline_run_id: str = ""
    author: str = ""
    created_ms: int = 0
    ended_ms: int | None = None


def subject_kind(subject_id: str) -> str:
    """What an id is the id of, by its prefix; InvalidInput when nothing that can be analysed has it."""
    found = _PREFIXES.get(subject_id.partition("_")[0])
    if found is None:
        raise InvalidInput(f"{subject_id[:80]!r} cannot be analysed; give models:/NAME/VERSION, datasets:/NAME/VERSION, "
                           "or the id of a model version, candidate, dataset version or cycle.")  # fmt: skip
    return found
