"""Pipeline runs: start, look at, cancel, read logs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from threading import Lock
from typing import Any

from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.pipelines import Capture, Graph, LogLine, PipelineRun, State, StepRun
from fairloop.core.records import Page
from fairloop.core.signals import Signals
from fairloop.errors import InvalidInput, NotFound
from fairloop.pipelines import transitions
from fairloop.pipelines.graph import Plan, bind, is_stored, is_table_param, plan
from fairloop.pipelines.waiting import Waiters
from fairloop.storage import pipelines as rows
from fairloop.storage.engine import Database

_PAGE = 100
_LOG_CHUNKS = 1000
_REMEMBERED = 128
Steps = list[StepRun]
Lines = list[LogLine]


class Pipelines:
    """``signals`` wake the scheduler, ``waiters`` the warm workers."""

    def __init__(self, database: Database, clock: Clock, signals: Signals, waiters: Waiters) -> None:
        self._database = database
        self._clock = clock
        self._signals = signals
        self._waiters = waiters
        self._plans: OrderedDict[str, tuple[PipelineRun, Plan]] = OrderedDict()
        self._lock = Lock()

    def start(self, project_id: str, graph: Graph, capture: Capture, params: dict[str, Any], *, author: str,
              purpose: str = "pipeline", cycle_id: str | None = None, id: str | None = None) -> PipelineRun:  # fmt: skip
        """Store the run and make its first steps ready. Starting an ``id`` twice gives the run there is."""
        checked, now = plan(graph), self._clock.now_ms()
        bound = bind(graph, params)
        run = PipelineRun(id=id or new_id("prn"), project_id=project_id, pipeline=graph.name, state=State.READY,
                          graph=graph, capture=capture, params=bound, cycle_id=cycle_id, purpose=purpose,
                          author=author, created_ms=now)  # fmt: skip

        def work(connection: Any) -> tuple[PipelineRun, transitions.Change | None]:
            if id is not None and (known := rows.get_run(connection, project_id, id)) is not None:
                return known, None
            settled = replace(run, params=self.tables(connection, project_id, graph, bound))
            return settled, transitions.begin(connection, settled, checked, now)

        stored, change = self._database.write(work)
        if change is not None:
            self.announce(change)
        return stored

    @staticmethod
    def tables(connection: Any, project_id: str, graph: Graph, params: dict[str, Any]) -> dict[str, Any]:
        """``params`` with the tables named by dataset version as the stored tables they are."""
        found = dict(params)
        for name, value in params.items():
            if isinstance(value, dict) and set(value) == {"dataset_version"}:
                table = rows.table_of(connection, project_id, value["dataset_version"])
                if table is None:
                    raise NotFound("No such dataset version, or you may not see it.")
                found[name] = table
            elif is_table_param(graph.params[name]) and not is_stored(value):
                raise InvalidInput(f"The parameter {name!r} of {graph.name!r} is a table; give a dataset version.")
        return found

    def announce(self, change: transitions.Change) -> None:
        """After a commit: wake who can go on because of it."""
        open_steps = change.ready - (change.claimed is not None)
        if open_steps > 0:
            self._waiters.wake(change.worker_key)
        if open_steps > 0 or change.ended:
            self._signals.notify()

    def get(self, project_id: str, run_id: str) -> PipelineRun:
        run = self._database.read(lambda c: rows.get_run(c, project_id, run_id))
        if run is None:
            raise NotFound("No such pipeline run, or you may not see it.")
        return run

    def steps(self, project_id: str, run_id: str) -> Steps:
        """The run's steps in the order of its graph."""
        _, known = self.planned(project_id, run_id)
        order = {key: number for number, key in enumerate(known.steps)}
        return sorted(self._database.read(lambda c: rows.steps_of(c, run_id)), key=lambda step: order[step.key])

    def step(self, project_id: str, step_run_id: str) -> StepRun:
        step = self._database.read(lambda c: rows.get_step(c, step_run_id))
        if step is None or step.project_id != project_id:
            raise NotFound("No such step run, or you may not see it.")
        return step

    def list(self, project_id: str, purpose: str | None = None, cursor: str | None = None) -> Page[PipelineRun]:
        """Newest first."""
        before = None
        if cursor is not None:
            ms, _, run_id = cursor.partition("-")
            if not ms.isdigit():
                raise InvalidInput(f"{cursor[:80]!r} is not a cursor of this list; start again without one.")
            before = int(ms), run_id
        found = self._database.read(
            lambda c: rows.list_runs(c, project_id, purpose=purpose, before=before, limit=_PAGE + 1)
        )
        last = found[_PAGE - 1] if len(found) > _PAGE else None
        return Page(items=found[:_PAGE], next=f"{last.created_ms}-{last.id}" if last else None)

    def cost(self, project_id: str, run_ids: Iterable[str]) -> float:
        """US dollars the runs have cost, those still running not counted."""
        return self._database.read(lambda c: rows.cost_of(c, project_id, run_ids))

    def cancel(self, project_id: str, run_id: str) -> PipelineRun:
        """Stop a run: waiting steps at once, running ones as soon as their workers have ended their processes."""
        run, known = self.planned(project_id, run_id)

        def work(connection: Any) -> transitions.Change | None:
            now = rows.get_run(connection, project_id, run_id)
            if now is None or now.state.final:
                return None
            return transitions.cancel(connection, run, known, self._clock.now_ms())

        if (change := self._database.write(work)) is not None:
            self.announce(change)
            self._signals.notify()
        return self.get(project_id, run_id)

    def log(self, project_id: str, step_run_id: str, after_seq: int = 0) -> Lines:
        """Lines after ``after_seq``, in order; as many as one answer holds."""
        self.step(project_id, step_run_id)
        return self._database.read(lambda c: rows.log_after(c, step_run_id, after_seq, _LOG_CHUNKS))

    def planned(self, project_id: str, run_id: str) -> tuple[PipelineRun, Plan]:
        """The run as it was started, with its plan: what never changes about it, remembered."""
        with self._lock:
            if (known := self._plans.get(run_id)) is not None and known[0].project_id == project_id:
                self._plans.move_to_end(run_id)
                return known
        run = self.get(project_id, run_id)
        found = run, plan(run.graph)
        with self._lock:
            self._plans[run_id] = found
            while len(self._plans) > _REMEMBERED:
                self._plans.popitem(last=False)
        return found
