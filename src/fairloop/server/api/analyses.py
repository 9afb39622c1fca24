"""Analyses over REST."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fairloop.core.analyses import Analysis
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAnalysis:
    """``subject_kind`` is model_version, candidate, dataset_version or cycle."""

    kind: str
    subject_kind: str
    subject_id: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisResult:
    result: dict[str, Any]
    words: str = ""


def start_analysis(services: Services, project: Project, identity: Identity, data: NewAnalysis) -> Analysis:
    """Ask a question about a model or data; a worker answers. Asked before, it is the analysis there is."""
    return services.analyses.start(project.id, data.kind, data.subject_kind, data.subject_id, data.params, identity)


def list_analyses(services: Services, project: Project, kind: str | None = None, subject_id: str | None = None,
                  cursor: str | None = None, limit: int = 100) -> Page[Analysis]:  # fmt: skip
    """Analyses, newest first."""
    subjects = None if subject_id is None else [subject_id]
    return services.analyses.page(project.id, kind=kind, subject_ids=subjects, cursor=cursor, limit=limit)


def get_analysis(services: Services, project: Project, analysis_id: str) -> Analysis:
    """One analysis with its result."""
    return services.analyses.get(project.id, analysis_id)


def finish_analysis(services: Services, project: Project, analysis_id: str, data: AnalysisResult) -> Analysis:
    """Hand in the answer."""
    return services.analyses.finish(project.id, analysis_id, data.result, data.words)
