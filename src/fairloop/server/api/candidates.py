"""Candidates and their evaluations over REST."""

from __future__ import annotations

from fairloop.core.models import Candidate, Evaluation
from fairloop.core.people import Project
from fairloop.core.records import Page
from fairloop.evaluation.service import NewCandidate, NewEvaluation
from fairloop.server.services import Services


def create_candidate(services: Services, project: Project, data: NewCandidate) -> Candidate:
    """Register a trained model that a step judged."""
    return services.evaluations.create_candidate(project.id, data)


def list_candidates(
    services: Services, project: Project, cycle_id: str | None = None, pipeline_run_id: str | None = None,
    cursor: str | None = None, limit: int = 100,
) -> Page[Candidate]:  # fmt: skip
    """Candidates, of one cycle or pipeline run when named, in the order they were judged."""
    return services.evaluations.page(project.id, cycle_id=cycle_id, pipeline_run_id=pipeline_run_id, cursor=cursor,
                                     limit=limit)  # fmt: skip


def get_candidate(services: Services, project: Project, candidate_id: str) -> Candidate:
    """One candidate."""
    return services.evaluations.candidate(project.id, candidate_id)


def add_evaluation(services: Services, project: Project, candidate_id: str, data: NewEvaluation) -> Evaluation:
    """Keep what was measured about a candidate on one part of the data."""
    return services.evaluations.add_evaluation(project.id, candidate_id, data)


def list_evaluations(services: Services, project: Project, candidate_id: str) -> Page[Evaluation]:
    """What was measured about a candidate: on the validation part, and on the test part once it was gated."""
    return Page(items=services.evaluations.evaluations(project.id, candidate_id))
