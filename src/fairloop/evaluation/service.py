"""Candidates and the evidence about them. What is measured comes from steps; here it is kept, counted and found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fairloop.core.checks import Verdict
from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.models import Candidate, Evaluation
from fairloop.core.records import Page
from fairloop.errors import Conflict, InvalidInput, NotFound
from fairloop.storage import evaluations as rows
from fairloop.storage.engine import Connection, Database

STATES = ("judged", "dominated", "chosen", "refused")
PARTS = ("validation", "test")
MAX_PAGE = 1000
_MISSING = "No such candidate, or you may not see it."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCandidate:
    """A trained model that a step registers. A step run registers one in each slot; when it runs again, it finds that
    one."""

    pipeline_run_id: str
    step_run_id: str
    model_sha256: str
    cycle_id: str | None = None
    method: str = "plain"
    strength: float | None = None
    slot: int = 0
    """Which of several candidates of one step run this is."""
    settings: dict[str, Any] | None = None
    run_id: str | None = None
    profile: dict[str, Any] = field(default_factory=dict)
    signature: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvaluation:
    """What a step measured on one part. ``part_sha256`` names the very rows, so that their re-use can be counted."""

    part: str
    n: int
    predictions_sha256: str
    part_sha256: str
    metrics: dict[str, Any]
    groups: dict[str, Any] = field(default_factory=dict)
    drivers: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)


def _id_of(step_run_id: str, slot: int) -> str:
    """One candidate per step run and slot: its id carries both, and sorts by birth like the step run's."""
    if not 0 <= slot < 1000:
        raise InvalidInput(f"slot={slot}; a step run registers candidates in the slots 0 to 999.")
    suffix = step_run_id.partition("_")[2]
    if not suffix.isalnum() or not suffix.isascii() or len(suffix) > 40:
        raise InvalidInput(f"step_run_id={step_run_id[:60]!r} is not the id of a step run.")
    return f"cnd_{suffix}" + (f"{slot:03d}" if slot else "")


class Evaluations:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create_candidate(self, project_id: str, new: NewCandidate) -> Candidate:
        candidate = Candidate(
            id=_id_of(new.step_run_id, new.slot), project_id=project_id, pipeline_run_id=new.pipeline_run_id, cycle_id=new.cycle_id,
            method=new.method, strength=new.strength, settings=new.settings, run_id=new.run_id, model_sha256=new.model_sha256,
            profile=new.profile, signature=new.signature, created_ms=self._clock.now_ms(),
        )  # fmt: skip

        def work(connection: Connection) -> Candidate:
            if known := rows.candidate(connection, project_id, candidate.id):
                return known
            rows.add_candidate(connection, candidate)
            return candidate

        return self._database.write(work)

    def add_evaluation(self, project_id: str, candidate_id: str, new: NewEvaluation) -> Evaluation:
        """Keep what was measured on a part; each part judges a candidate once, so a repeat answers with the first."""
        if new.part not in PARTS:
            raise InvalidInput(f"part={new.part!r}; it is one of {', '.join(PARTS)}.")
        now, evaluation_id = self._clock.now_ms(), new_id("evl")

        def work(connection: Connection) -> Evaluation:
            if rows.candidate(connection, project_id, candidate_id) is None:
                raise NotFound(_MISSING)
            if known := rows.evaluation_of(connection, candidate_id, new.part):
                if known.predictions_sha256 != new.predictions_sha256:
                    raise Conflict(f"The {new.part} part has judged this candidate already; a part judges once.")
                return known
            evaluation = Evaluation(
                id=evaluation_id, project_id=project_id, candidate_id=candidate_id, part=new.part, n=new.n,
                predictions_sha256=new.predictions_sha256, metrics=new.metrics, groups=new.groups, drivers=new.drivers,
                verdicts=new.verdicts, uses_of_part=rows.uses_of(connection, project_id, new.part_sha256) + 1,
                created_ms=now,
            )  # fmt: skip
            rows.add_evaluation(connection, evaluation, new.part_sha256)
            return evaluation

        return self._database.write(work)

    def candidate(self, project_id: str, candidate_id: str) -> Candidate:
        found = self._database.read(lambda c: rows.candidate(c, project_id, candidate_id))
        if found is None:
            raise NotFound(_MISSING)
        return found

    def candidates(self, project_id: str, *, cycle_id: str | None = None,
                   pipeline_run_id: str | None = None) -> list[Candidate]:  # fmt: skip
        """All candidates of a cycle or a pipeline run (one of them must be given), in the order they were judged."""
        if cycle_id is None and pipeline_run_id is None:
            raise InvalidInput("Name a cycle_id or a pipeline_run_id.")
        return self._database.read(lambda c: rows.listed(c, project_id, cycle_id, pipeline_run_id, "", 100_000))

    def page(self, project_id: str, *, cycle_id: str | None = None, pipeline_run_id: str | None = None,
             cursor: str | None = None, limit: int = 100) -> Page[Candidate]:  # fmt: skip
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"limit={limit}; ask for 1 to {MAX_PAGE}.")
        found = self._database.read(
            lambda c: rows.listed(c, project_id, cycle_id, pipeline_run_id, cursor or "", limit + 1)
        )
        return Page(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)

    def evaluations(self, project_id: str, candidate_id: str) -> list[Evaluation]:
        """What was measured about a candidate, oldest first."""

        def look(connection: Connection) -> list[Evaluation]:
            if rows.candidate(connection, project_id, candidate_id) is None:
                raise NotFound(_MISSING)
            return rows.evaluations_of(connection, candidate_id)

        return self._database.read(look)

    def evaluation(self, project_id: str, candidate_id: str, part: str) -> Evaluation | None:
        """The evaluation on ``part``, or None when that part has not judged the candidate."""
        return next((e for e in self.evaluations(project_id, candidate_id) if e.part == part), None)

    def set_state(self, project_id: str, candidate_id: str, state: str) -> Candidate:
        """Note what became of a candidate: judged, dominated, chosen or refused."""
        if state not in STATES:
            raise InvalidInput(f"state={state!r}; it is one of {', '.join(STATES)}.")

        def work(connection: Connection) -> Candidate:
            if rows.candidate(connection, project_id, candidate_id) is None:
                raise NotFound(_MISSING)
            rows.set_state(connection, candidate_id, state)
            found = rows.candidate(connection, project_id, candidate_id)
            assert found is not None  # noqa: S101  # read in the same unit of work
            return found

        return self._database.write(work)
