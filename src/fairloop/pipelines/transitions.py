"""The moves of a run's rows, each inside one unit of work: begin, claim, finish, lose, cancel.

Every function takes the connection of a ``Database.write`` and has no effect elsewhere. A step's row holds the truth:
``token`` grows with each claim, and only the holder of the current token may end the step.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from fairloop.core.ids import new_id
from fairloop.core.pipelines import PipelineRun, State, StepRun
from fairloop.errors import NotFound, StaleLease
from fairloop.pipelines.graph import Plan, cache_key, resolve, worker_key
from fairloop.storage import pipelines as rows

MAX_LOSSES = 3
"""A step whose process was lost so often is not begun again: it is probably what kills it."""
_LATE = "This attempt no longer holds the step: it was cancelled, or begun again elsewhere. Its result was not kept."


@dataclass(slots=True)
class Change:
    """What a unit of work did, for those to wake after its commit."""

    worker_key: str = ""
    ready: int = 0
    ended: bool = False
    claimed: StepRun | None = None
    finished: StepRun | None = None
    states: dict[str, State] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended. ``state`` is done, failed, cancelled or lost."""

    state: str
    outputs: list[Any] = field(default_factory=list)
    used: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    log: list[Any] = field(default_factory=list)


def begin(connection: Any, run: PipelineRun, plan: Plan, now_ms: int) -> Change:
    """Store a run with its steps; those that need nothing become ready."""
    rows.add_run(connection, run)
    steps = [
        StepRun(id=new_id("stp"), project_id=run.project_id, pipeline_run_id=run.id, key=spec.key, name=spec.name,
                state=State.PENDING, needs=spec.needs)
        for spec in plan.graph.steps
    ]  # fmt: skip
    rows.add_steps(connection, steps, worker_key(run.project_id, run.capture))
    return _advance(connection, run, plan, list(plan.steps), now_ms)


def _advance(connection: Any, run: PipelineRun, plan: Plan, keys: list[str], now_ms: int) -> Change:
    """Look at ``keys`` again after something before them ended; ends the run when nothing is left."""
    change = Change(worker_key=worker_key(run.project_id, run.capture), states=rows.states(connection, run.id))
    queue = list(keys)
    while queue:
        key = queue.pop(0)
        before = [change.states[parent] for parent in plan.parents[key]]
        if change.states[key] is not State.PENDING or not all(state.final for state in before):
            continue
        if all(state is State.DONE for state in before):
            change.states[key] = _make_ready(connection, run, plan, key, now_ms)
            change.ready += change.states[key] is State.READY
        else:
            change.states[key] = State.SKIPPED
            rows.update_step(connection, run.id, key, state=str(State.SKIPPED), ended_ms=now_ms)
        if change.states[key].final:
            queue += plan.children[key]
    if all(state.final for state in change.states.values()):
        _end(connection, run, change.states, now_ms)
        change.ended = True
    return change


def _make_ready(connection: Any, run: PipelineRun, plan: Plan, key: str, now_ms: int) -> State:
    spec, parents = plan.steps[key], plan.parents[key]
    outputs = rows.outputs_of(connection, run.id, parents) if parents else {}
    inputs = {name: resolve(form, outputs, run.params) for name, form in spec.inputs.items()}
    found = cache_key(spec, inputs, run.capture)
    hit = rows.cached(connection, run.project_id, found) if found else None
    if hit is not None and any(output.get("own_class") for output in hit.outputs):
        hit = None  # its class was defined by a session that is over
    values: dict[str, Any] = {"inputs": inputs, "cache_key": found, "ready_ms": now_ms}
    if hit is None:
        rows.update_step(connection, run.id, key, state=str(State.READY), **values)
        return State.READY
    rows.update_step(connection, run.id, key, state=str(State.DONE), outputs=hit.outputs, cached_from=hit.id,
                     run_id=hit.run_id, ended_ms=now_ms, **values)  # fmt: skip
    return State.DONE


def _end(connection: Any, run: PipelineRun, states: dict[str, State], now_ms: int) -> None:
    state, error = State.DONE, ""
    steps = rows.steps_of(connection, run.id)
    if State.FAILED in states.values():
        state = State.FAILED
        failed = min((s for s in steps if s.state is State.FAILED), key=lambda s: s.ended_ms or 0)
        error = f"Step {failed.key!r} failed: {failed.error.splitlines()[-1] if failed.error else 'no reason given'}"
    elif State.CANCELLED in states.values():
        state = State.CANCELLED
    cost = sum(float(step.used.get("cost_usd", 0.0)) for step in steps)
    rows.update_run(connection, run.id, state=str(state), error=error, ended_ms=now_ms, cost_usd=cost)


def claim(
    connection: Any, project_id: str, key: str, worker: str, now_ms: int, *, run_id: str | None = None
) -> StepRun | None:
    """Give a ready step to ``worker`` under a new token; None when nothing is ready for its key.

    A worker holds one step at a time: one that asks while it holds a step never got the answer that gave it, and gets
    the same step under the same token again.
    """
    step = rows.next_for(connection, key, worker, run_id)
    if step is None or step.project_id != project_id:
        return None
    if step.state is State.RUNNING:
        return step
    taken = replace(step, state=State.RUNNING, attempt=step.attempt + 1, token=step.token + 1, worker=worker,
                    started_ms=now_ms)  # fmt: skip
    rows.update_step(connection, step.pipeline_run_id, step.key, state=str(State.RUNNING), attempt=taken.attempt,
                     token=taken.token, worker=worker, started_ms=now_ms)  # fmt: skip
    if step.pipeline_run_id != run_id:
        rows.mark_started(connection, step.pipeline_run_id, now_ms)
    return taken


def held(connection: Any, project_id: str, step_run_id: str, token: int) -> StepRun:
    """The running step if ``token`` still holds it; else StaleLease, or NotFound in another project."""
    step = rows.get_step(connection, step_run_id)
    if step is None or step.project_id != project_id:
        raise NotFound("No such step run, or you may not see it.")
    if step.state is not State.RUNNING or step.token != token:
        raise StaleLease(_LATE)
    return step


def finish(connection: Any, run: PipelineRun, plan: Plan, step: StepRun, outcome: Outcome, now_ms: int) -> Change:
    """End an attempt: the step is done, or begun again, or over. The caller has checked the token."""
    state, error, losses = _verdict(connection, step, outcome)
    used = dict(outcome.used)
    used["cost_usd"] = used.get("cost_usd", 0.0) + float(step.used.get("cost_usd", 0.0))
    if outcome.log:
        rows.add_log(connection, step.id, step.attempt, now_ms, outcome.log)
    values: dict[str, Any] = {"state": str(state), "used": used, "error": error, "losses": losses}
    if state is State.DONE:
        values["outputs"] = outcome.outputs
    if state.final:
        rows.update_step(connection, run.id, step.key, ended_ms=now_ms, **values)
        change = _advance(connection, run, plan, plan.children[step.key], now_ms)
    else:
        rows.update_step(connection, run.id, step.key, ready_ms=now_ms, **values)
        change = Change(worker_key=worker_key(run.project_id, run.capture), ready=1)
    change.finished = replace(step, state=state, used=used, error=error)
    return change


def _verdict(connection: Any, step: StepRun, outcome: Outcome) -> tuple[State, str, int]:
    """State, error and losses of the step after this attempt."""
    if outcome.state == "done":
        return State.DONE, "", step.losses
    if outcome.state == "cancelled" or rows.to_cancel(connection, step.id):
        return State.CANCELLED, outcome.error or "Cancelled.", step.losses
    if outcome.state == "lost":
        losses = step.losses + 1
        if losses >= MAX_LOSSES:
            return (
                State.FAILED,
                f"{outcome.error} This happened {losses} times; it is not begun again.",
                losses,
            )
        return State.READY, outcome.error, losses
    if step.attempt - step.losses <= step.needs.retries:
        return State.READY, outcome.error, step.losses
    return State.FAILED, outcome.error, step.losses


def cancel(connection: Any, run: PipelineRun, plan: Plan, now_ms: int) -> Change:
    """Cancel what has not begun at once, and ask the workers of what runs to end it."""
    rows.ask_cancel(connection, run.id)
    for key, state in rows.states(connection, run.id).items():
        if state in {State.PENDING, State.READY}:
            rows.update_step(connection, run.id, key, state=str(State.CANCELLED), ended_ms=now_ms)
    return _advance(connection, run, plan, [], now_ms)


def give_up(connection: Any, run: PipelineRun, plan: Plan, step: StepRun, reason: str, now_ms: int) -> Change:
    """Fail a step that is ready but that nobody can begin."""
    held = rows.get_step(connection, step.id)
    if held is None or held.state is not State.READY:
        return Change()
    rows.update_step(connection, run.id, step.key, state=str(State.FAILED), error=reason, ended_ms=now_ms)
    return _advance(connection, run, plan, plan.children[step.key], now_ms)
