"""The work protocol: what worker processes ask and report. Every answer is given after its commit is on disk."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from fairloop.core import codec
from fairloop.core.clock import Clock
from fairloop.core.pipelines import State, StepRun
from fairloop.core.records import to_plain
from fairloop.core.runs import Metric, RunStatus
from fairloop.costs.prices import PriceBook
from fairloop.errors import InvalidInput, StaleLease
from fairloop.pipelines import transitions
from fairloop.pipelines.service import Pipelines
from fairloop.pipelines.transitions import Change, Outcome
from fairloop.storage import pipelines as rows
from fairloop.storage.engine import Database
from fairloop.tracking.service import Tracking

_LONGEST_PARAM = 500
_STATUS = {State.DONE: RunStatus.FINISHED, State.FAILED: RunStatus.FAILED, State.CANCELLED: RunStatus.KILLED}
_OUTCOMES = {"done", "failed", "cancelled", "lost"}


class Work:
    """``submit`` methods return futures that resolve once the change is on disk: handlers await them."""

    def __init__(self, database: Database, clock: Clock, pipelines: Pipelines, tracking: Tracking,
                 prices: PriceBook, lease_s: float) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._pipelines = pipelines
        self._tracking = tracking
        self._prices = prices
        self._lease_s = lease_s

    def waiting(self, project_id: str, key: str, worker: str) -> bool:
        """Whether there is a step for this worker to begin."""
        step = self._database.read(lambda c: rows.next_for(c, key, worker))
        return step is not None and step.project_id == project_id

    def submit_claim(self, project_id: str, key: str, worker: str) -> Future[StepRun | None]:
        return self._database.submit(lambda c: transitions.claim(c, project_id, key, worker, self._clock.now_ms()))

    def submit_heartbeat(self, project_id: str, step_run_id: str, token: int, log: list[Any]) -> Future[bool]:
        """A sign of life, with the lines written since the last one; resolves to whether to cancel."""
        now = self._clock.now_ms()

        def work(connection: Any) -> bool:
            step = transitions.held(connection, project_id, step_run_id, token)
            if log:
                rows.add_log(connection, step_run_id, step.attempt, now, log)
            return bool(rows.beat(connection, step_run_id, token))

        return self._database.submit(work)

    def submit_result(self, project_id: str, run_id: str, step_run_id: str, token: int, outcome: Outcome,
                      take: tuple[str, str] | None) -> Future[Change]:  # fmt: skip
        """End an attempt and, in the same commit, claim the next step for ``take`` (worker key, worker)."""
        if outcome.state not in _OUTCOMES:
            raise InvalidInput(f"{outcome.state!r} is not how a step ends; send one of {', '.join(sorted(_OUTCOMES))}.")
        run, plan = self._pipelines.planned(project_id, run_id)
        now = self._clock.now_ms()

        def work(connection: Any) -> Change:
            step = transitions.held(connection, project_id, step_run_id, token)
            if step.pipeline_run_id != run_id:
                raise StaleLease(f"The step {step_run_id} belongs to another pipeline run.")
            change = transitions.finish(connection, run, plan, step, self._priced(step, outcome, now), now)
            if take is not None:
                change.claimed = transitions.claim(connection, project_id, *take, now, run_id=run_id)
            return change

        return self._database.submit(work)

    def _priced(self, step: StepRun, outcome: Outcome, now_ms: int) -> Outcome:
        used = dict(outcome.used)
        used.setdefault("wall_s", max(0, now_ms - (step.started_ms or now_ms)) / 1000)
        used["cost_usd"] = self._prices.cost_usd(step.needs, used["wall_s"], int(used.get("memory_bytes", 0)))
        return replace(outcome, used=used)

    def lose(self, step: StepRun, reason: str) -> bool:
        """Take a step from a process that is gone; False when it reported after all."""
        run, plan = self._pipelines.planned(step.project_id, step.pipeline_run_id)
        now = self._clock.now_ms()
        outcome = self._priced(step, Outcome(state="lost", error=reason), now)

        def work(connection: Any) -> Change | None:
            held = rows.get_step(connection, step.id)
            if held is None or held.state is not State.RUNNING or held.token != step.token:
                return None
            return transitions.finish(connection, run, plan, held, outcome, now)

        change = self._database.write(work)
        if change is not None:
            self._pipelines.announce(change)
        return change is not None

    def fail_ready(self, key: str, reason: str) -> None:
        """End every ready step of a worker key: no worker can be started for it."""
        now = self._clock.now_ms()
        while (step := self._database.read(lambda c: rows.next_for(c, key))) is not None:
            run, plan = self._pipelines.planned(step.project_id, step.pipeline_run_id)
            self._pipelines.announce(self._database.write(
                lambda c, s=step, r=run, p=plan: transitions.give_up(c, r, p, s, reason, now)))  # type: ignore[misc]  # fmt: skip

    # ------------------------------------------------------------------ tracking runs of steps
    def is_tracked(self, step: StepRun) -> bool:
        """Whether the step is a Run too: trainers and judges of candidates are."""
        _, plan = self._pipelines.planned(step.project_id, step.pipeline_run_id)
        return plan.steps[step.key].returns != ""

    def track(self, step: StepRun) -> StepRun:
        """``step`` with its Run, made when its first attempt begins; the Run ends when the step does."""
        if step.run_id is not None:
            return step
        run, _ = self._pipelines.planned(step.project_id, step.pipeline_run_id)
        tags = {"fairloop.pipeline_run": run.id, "fairloop.step_run": step.id, "fairloop.step": step.key}
        tags |= {"mlflow.source.git.commit": run.capture.git["commit"]} if run.capture.git.get("commit") else {}
        tags |= {"mlflow.source.name": run.capture.entry} if run.capture.entry else {}
        made = self._tracking.create_run(step.project_id, run.pipeline, step.key, user=run.author, tags=tags,
                                         step_run_id=step.id)  # fmt: skip
        self._database.write(lambda c: rows.set_tracking_run(c, step.id, made.id))
        return replace(step, run_id=made.id)

    def note(self, step: StepRun) -> None:
        """What is known of an ended attempt, on its Run: arguments the step did not log itself, and what it used."""
        assert step.run_id is not None  # noqa: S101  # the caller has looked
        known = self._tracking.get(step.project_id, step.run_id).params
        given = {name: form["json"] for name, form in step.inputs.items() if "json" in form}
        params = {name: value if isinstance(value, str) else codec.dumps(value) for name, value in given.items()}
        params = {name: text for name, text in params.items() if name not in known and 0 < len(text) <= _LONGEST_PARAM}
        now = self._clock.now_ms()
        metrics = [Metric(key=f"system/{name}", value=float(value), timestamp_ms=now)
                   for name, value in step.used.items() if isinstance(value, (int, float))]  # fmt: skip
        self._tracking.log_batch(step.project_id, step.run_id, metrics=metrics, params=params)
        # an MLflow client in the step may have ended the run with the attempt: the step decides
        status = _STATUS.get(step.state, RunStatus.RUNNING)
        self._tracking.set_status(step.project_id, step.run_id, status, reason=step.error if status.final else "")

    # ------------------------------------------------------------------ what a worker is told
    def assignment(self, step: StepRun) -> dict[str, Any]:
        """What a worker needs to run a step it has claimed."""
        run, plan = self._pipelines.planned(step.project_id, step.pipeline_run_id)
        spec = plan.steps[step.key]
        return {
            "step_run_id": step.id, "pipeline_run_id": step.pipeline_run_id, "cycle_id": run.cycle_id,
            "token": step.token, "attempt": step.attempt, "key": step.key, "name": spec.name,
            "pipeline": run.pipeline, "function": spec.function, "inputs": step.inputs, "outputs": spec.outputs,
            "returns": spec.returns, "needs": to_plain(spec.needs), "run_id": step.run_id, "lease_s": self._lease_s,
        }  # fmt: skip
