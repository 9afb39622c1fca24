"""Candidates and their evaluations: rows <-> dataclasses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from fairloop.core.checks import Verdict
from fairloop.core.models import Candidate, Evaluation
from fairloop.core.records import from_plain, to_plain
from fairloop.storage.tables import candidates, evaluations


def add_candidate(connection: Connection, candidate: Candidate) -> None:
    values: dict[str, Any] = {name: getattr(candidate, name) for name in Candidate.__slots__}
    connection.execute(insert(candidates).values(**values))


def candidate(connection: Connection, project_id: str, candidate_id: str) -> Candidate | None:
    query = select(candidates).where(candidates.c.project_id == project_id, candidates.c.id == candidate_id)
    row = connection.execute(query).mappings().first()
    return Candidate(**row) if row else None


def listed(connection: Connection, project_id: str, cycle_id: str | None, pipeline_run_id: str | None,
           after: str, limit: int) -> list[Candidate]:  # fmt: skip
    """Candidates in the order they were judged (ids sort by birth), after the id ``after``."""
    query = select(candidates).where(candidates.c.project_id == project_id, candidates.c.id > after)
    if cycle_id is not None:
        query = query.where(candidates.c.cycle_id == cycle_id)
    if pipeline_run_id is not None:
        query = query.where(candidates.c.pipeline_run_id == pipeline_run_id)
    found = connection.execute(query.order_by(candidates.c.id).limit(limit)).mappings()
    return [Candidate(**row) for row in found]


def set_state(connection: Connection, candidate_id: str, state: str) -> None:
    connection.execute(update(candidates).where(candidates.c.id == candidate_id).values(state=state))


def _evaluation(row: RowMapping) -> Evaluation:
    values = {name: row[name] for name in Evaluation.__slots__}
    return Evaluation(**values | {"verdicts": from_plain(list[Verdict], row["verdicts"])})


def add_evaluation(connection: Connection, evaluation: Evaluation, part_sha256: str) -> None:
    values: dict[str, Any] = {name: getattr(evaluation, name) for name in Evaluation.__slots__}
    values |= {"verdicts": to_plain(evaluation.verdicts), "part_sha256": part_sha256}
    connection.execute(insert(evaluations).values(**values))


def evaluation_of(connection: Connection, candidate_id: str, part: str) -> Evaluation | None:
    query = select(evaluations).where(evaluations.c.candidate_id == candidate_id, evaluations.c.part == part)
    row = connection.execute(query).mappings().first()
    return _evaluation(row) if row else None


def evaluations_of(connection: Connection, candidate_id: str) -> list[Evaluation]:
    """The evaluations of a candidate, oldest first."""
    query = select(evaluations).where(evaluations.c.candidate_id == candidate_id).order_by(evaluations.c.created_ms)
    return [_evaluation(row) for row in connection.execute(query).mappings()]


def uses_of(connection: Connection, project_id: str, part_sha256: str) -> int:
    """How many candidates of the project were evaluated on exactly these rows."""
    query = select(func.count()).where(evaluations.c.project_id == project_id, evaluations.c.part_sha256 == part_sha256)
    return int(connection.execute(query).scalar_one())
