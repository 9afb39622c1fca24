"""Analyses over REST."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fairloop.core.analyses import Analysis
from fairloop.core.people import Identity, Project
from fairloop.core.pipelines import StepSpec
from fairloop.core.records import Page
from fairloop.errors import InvalidInput
from fairloop.pipelines.graph import system_step
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
    gather = None
    if prediction_id := data.params.get("prediction_id"):
        gather = _gather(services, project, data, str(prediction_id))
    return services.analyses.start(project.id, data.kind, data.subject_kind, data.subject_id, data.params, identity,
                                   gather=gather)  # fmt: skip


def _gather(services: Services, project: Project, data: NewAnalysis, prediction_id: str) -> StepSpec:
    """The step that reads what a prediction was made from, out of the log of the endpoint that made it."""
    deployment = services.serving.deployment_of_prediction(project.id, prediction_id)
    if (data.subject_kind, data.subject_id) != ("model_version", deployment.model_version_id):
        raise InvalidInput(
            f"This prediction was made by the model version {deployment.model_version_id}; ask about that one."
        )
    folder = services.monitoring.endpoint_folder(deployment.endpoint_id)
    endpoints = {e.id: e.name for e in services.serving.endpoints(project.id)}
    inputs = {"folder": {"value": str(folder)}, "endpoint": {"value": endpoints[deployment.endpoint_id]},
              "prediction_id": {"value": prediction_id}}  # fmt: skip
    return system_step("inputs", "fairloop.monitoring.steps", "prediction_inputs", inputs)


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
