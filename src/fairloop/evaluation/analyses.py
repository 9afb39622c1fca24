"""Analyses: started as a pipeline run of one step, answered by that step, found again by what they asked."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from fairloop import __version__
from fairloop.core import codec
from fairloop.core.analyses import MAX_RESULT_BYTES, SUBJECTS, Analysis, AnalysisState
from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.people import Identity
from fairloop.core.pipelines import Capture, Graph, State, StepSpec
from fairloop.core.records import Page
from fairloop.errors import InvalidInput, NotFound, TooLarge
from fairloop.pipelines.graph import system_step
from fairloop.pipelines.service import Pipelines
from fairloop.storage import analyses as rows
from fairloop.storage import datasets as dataset_rows
from fairloop.storage import evaluations as evaluation_rows
from fairloop.storage import loops as loop_rows
from fairloop.storage import models as model_rows
from fairloop.storage import pipelines as pipeline_rows
from fairloop.storage.engine import Connection, Database

KINDS: dict[str, dict[str, str]] = {
    "explain": {"module": "fairloop.evaluation.explain", "qualname": "explain"},
    "counterfactual": {"module": "fairloop.evaluation.explain_one", "qualname": "counterfactual"},
    "concepts": {"module": "fairloop.evaluation.concepts_asked", "qualname": "concepts"},
    "swap": {"module": "fairloop.evaluation.concepts_asked", "qualname": "swap"},
    "data_bias": {"module": "fairloop.evaluation.data_bias", "qualname": "data_bias"},
    "prescription": {"module": "fairloop.evaluation.data_bias_prescription", "qualname": "prescription"},
    "label_effect": {"module": "fairloop.evaluation.data_bias_effect", "qualname": "label_effect"},
}
"""Kind to the function ``(context, subject, params) -> {"words": ..., ...}`` that a worker calls; see analysing.py."""
MAX_PAGE = 1000
_MISSING = "No such analysis, or you may not see it."


class Analyses:
    def __init__(self, database: Database, clock: Clock, pipelines: Pipelines) -> None:
        self._database = database
        self._clock = clock
        self._pipelines = pipelines

    def start(self, project_id: str, kind: str, subject_kind: str, subject_id: str, params: dict[str, Any],
              identity: Identity, *, gather: StepSpec | None = None) -> Analysis:  # fmt: skip
        """Ask; the same question asked before answers with the analysis there is, unless it failed.

        ``gather`` is a step to run first; its result reaches the kind's function as ``params["given"]``.
        """
        if kind not in KINDS:
            raise InvalidInput(f"kind={kind[:80]!r}; it is one of {', '.join(sorted(KINDS))}.")
        if subject_kind not in SUBJECTS:
            raise InvalidInput(f"subject_kind={subject_kind[:80]!r}; it is one of {', '.join(SUBJECTS)}.")
        asked = codec.dumps([kind, subject_kind, subject_id, params, __version__])
        key = hashlib.sha256(asked.encode()).hexdigest()
        fresh = Analysis(id=new_id("ana"), project_id=project_id, kind=kind, subject_kind=subject_kind,
                         subject_id=subject_id, params=params, pipeline_run_id=new_id("prn"), author=identity.name,
                         created_ms=self._clock.now_ms())  # fmt: skip

        def work(connection: Connection) -> tuple[Analysis, Capture]:
            capture = _capture_of(connection, project_id, subject_kind, subject_id)
            known = rows.newest_of(connection, project_id, key)
            if known is not None and (known.state.final or not _ended(connection, known)):
                return known, capture
            rows.add(connection, fresh, key)
            return fresh, capture

        found, capture = self._database.write(work)
        if not found.state.final:  # starting the same run twice gives the run there is
            self._start(found, capture, gather)
        return self.get(project_id, found.id)

    def _start(self, analysis: Analysis, capture: Capture, gather: StepSpec | None) -> None:
        inputs: dict[str, Any] = {"analysis_id": {"value": analysis.id}, "function": {"value": KINDS[analysis.kind]}}
        if gather is not None:
            inputs["given"] = {"step": gather.key, "output": 0}
        step = system_step(analysis.kind, "fairloop.evaluation.analysing", "run", inputs)
        self._pipelines.start(analysis.project_id, Graph(name=analysis.kind.replace("_", " "), steps=[*([gather] if gather else []), step]), capture, {},
                              author=analysis.author, purpose="analysis", id=analysis.pipeline_run_id)  # fmt: skip

    def get(self, project_id: str, analysis_id: str) -> Analysis:
        found = self._database.read(lambda c: rows.by_id(c, project_id, analysis_id))
        if found is None:
            raise NotFound(_MISSING)
        return self._now(found)

    def page(self, project_id: str, *, kind: str | None = None, subject_ids: list[str] | None = None,
             cursor: str | None = None, limit: int = 100) -> Page[Analysis]:  # fmt: skip
        """Newest first."""
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"limit={limit}; ask for 1 to {MAX_PAGE}.")
        found = self._database.read(lambda c: rows.listed(c, project_id, kind=kind, subject_ids=subject_ids,
                                                          before=cursor, limit=limit + 1))  # fmt: skip
        items = [self._now(analysis) for analysis in found[:limit]]
        return Page(items=items, next=items[-1].id if len(found) > limit else None)

    def newest(self, project_id: str, kind: str, subject_ids: list[str]) -> Analysis | None:
        """The newest finished analysis of a kind about any of the subjects: what pages and evidence quote."""
        found = self._database.read(lambda c: rows.listed(c, project_id, kind=kind, subject_ids=subject_ids, before=None,
                                                          limit=1, state=AnalysisState.DONE))  # fmt: skip
        return found[0] if found else None

    def finish(self, project_id: str, analysis_id: str, result: dict[str, Any], words: str) -> Analysis:
        """Keep the answer; a second one changes nothing."""
        if len(codec.dumps(result)) > MAX_RESULT_BYTES:
            raise TooLarge(f"The result is over {MAX_RESULT_BYTES} bytes; store it as a file and send its hash.")

        def work(connection: Connection) -> None:
            if rows.by_id(connection, project_id, analysis_id) is None:
                raise NotFound(_MISSING)
            rows.end(connection, analysis_id, state=AnalysisState.DONE, result=result, words=words,
                     ended_ms=self._clock.now_ms())  # fmt: skip

        self._database.write(work)
        return self.get(project_id, analysis_id)

    def _now(self, analysis: Analysis) -> Analysis:
        """With the state its pipeline run gives it: only an answer is written down, everything else is looked up."""
        if analysis.state.final:
            return analysis
        try:
            run = self._pipelines.get(analysis.project_id, analysis.pipeline_run_id)
        except NotFound:  # noted, and the server died before the run began: asking again starts it
            return analysis
        if run.state.final:
            error = run.error or f"Its pipeline run is {run.state} and left no answer; look at its log."
            settled = self._database.read(lambda c: rows.by_id(c, analysis.project_id, analysis.id))
            if settled is not None and settled.state.final:
                return settled
            return replace(analysis, state=AnalysisState.FAILED, error=error, ended_ms=run.ended_ms)
        running = run.state is State.RUNNING
        return replace(analysis, state=AnalysisState.RUNNING) if running else analysis


def _ended(connection: Connection, analysis: Analysis) -> bool:
    """Whether the run of an open analysis is over: it left no answer, and the question is asked anew."""
    run = pipeline_rows.get_run(connection, analysis.project_id, analysis.pipeline_run_id)
    return run is not None and run.state.final


def _capture_of(connection: Connection, project_id: str, kind: str, subject_id: str) -> Capture:
    """The environment and sources that made the subject; NotFound when there is no such subject in the project."""
    candidate_id = subject_id if kind == "candidate" else None
    if kind == "model_version":
        version = model_rows.version_by_id(connection, project_id, subject_id)
        if version is None:
            raise NotFound("No such model version, or you may not see it.")
        candidate_id = version.candidate_id
    elif kind == "dataset_version" and dataset_rows.by_id(connection, project_id, subject_id) is None:
        raise NotFound("No such dataset version, or you may not see it.")
    elif kind == "cycle":
        cycle = loop_rows.cycle_by_id(connection, subject_id)
        if cycle is None or cycle.project_id != project_id:
            raise NotFound("No such cycle, or you may not see it.")
        candidate_id = cycle.chosen_candidate_id
    if candidate_id is None:
        return Capture()
    candidate = evaluation_rows.candidate(connection, project_id, candidate_id)
    if candidate is None:
        raise NotFound("No such candidate, or you may not see it.")
    run = pipeline_rows.get_run(connection, project_id, candidate.pipeline_run_id)
    return run.capture if run is not None else Capture()
