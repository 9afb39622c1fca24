"""Pipeline runs and the work protocol, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fairloop.artifacts.local import LocalStore
from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.pipelines import Capture, Graph, Needs, State, StepRun, StepSpec
from fairloop.core.runs import RunStatus
from fairloop.core.signals import Signals
from fairloop.costs.prices import load_prices
from fairloop.errors import InvalidInput, NotFound, StaleLease
from fairloop.pipelines.graph import worker_key
from fairloop.pipelines.service import Pipelines
from fairloop.pipelines.transitions import MAX_LOSSES, Outcome
from fairloop.pipelines.waiting import Waiters
from fairloop.pipelines.work import Work
from fairloop.projects.files import Files
from fairloop.projects.service import Projects
from fairloop.storage.engine import Database
from fairloop.tracking.service import Tracking

CAPTURE = Capture(snapshot="s", environment="e", python="p")


def spec(key: str, inputs: dict[str, Any] | None = None, **changes: Any) -> StepSpec:
    values = {"key": key, "name": key, "function": {"module": "m", "qualname": key}, "inputs": inputs or {}}
    return StepSpec(**(values | changes))


def after(key: str) -> dict[str, Any]:
    return {"x": {"step": key, "output": 0}}


class World:
    def __init__(self, database: Database, folder: Path) -> None:
        clock = Clock()
        projects = Projects(database, clock)
        self.project = projects.create("one").id
        self.other = projects.create("two").id
        self.tracking = Tracking(database, clock, Files(database, LocalStore(folder), clock))
        self.pipelines = Pipelines(database, clock, Signals(), Waiters())
        self.work = Work(database, clock, self.pipelines, self.tracking, load_prices(None), 30.0)
        self.key = worker_key(self.project, CAPTURE)

    def start(self, *steps: StepSpec) -> str:
        return self.pipelines.start(self.project, Graph(name="p", steps=list(steps)), CAPTURE, {}, author="ada").id

    def claim(self, worker: str = "") -> StepRun | None:
        """By a worker of its own unless one is named: a worker holds one step at a time."""
        return self.work.submit_claim(self.project, self.key, worker or new_id("wrk")).result()

    def end(
        self, step: StepRun, state: str = "done", *outputs: Any, take: bool = False, **changes: Any
    ) -> StepRun | None:
        outcome = Outcome(state=state, outputs=[{"json": v} for v in outputs or [None]], **changes)
        asked = (self.key, "w") if take else None
        change = self.work.submit_result(
            self.project, step.pipeline_run_id, step.id, step.token, outcome, asked
        ).result()
        self.pipelines.announce(change)
        return change.claimed

    def states(self, run_id: str) -> dict[str, str]:
        return {s.key: str(s.state) for s in self.pipelines.steps(self.project, run_id)}


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path / "artifacts")


def test_readiness_inputs_and_end(world: World) -> None:
    graph = Graph(name="p", steps=[spec("a", {"x": {"param": "n"}}), spec("b", after("a"))], params={"n": 1})
    run = world.pipelines.start(world.project, graph, CAPTURE, {"n": float("nan")}, author="ada")
    assert world.states(run.id) == {"a": "ready", "b": "pending"}
    first = world.claim()
    assert first is not None
    assert first.inputs["x"]["json"] != first.inputs["x"]["json"]  # NaN came through
    second = world.end(first, "done", 7, take=True)
    assert second is not None
    assert (second.key, second.inputs) == ("b", {"x": {"json": 7}})
    assert world.pipelines.get(world.project, run.id).state is State.RUNNING
    assert world.end(second, "done", 8, used={"wall_s": 3600.0, "memory_bytes": 0}, take=True) is None
    ended = world.pipelines.get(world.project, run.id)
    assert ended.state is State.DONE
    assert ended.cost_usd == pytest.approx(load_prices(None).core, rel=0.01)
    assert world.pipelines.cost(world.project, [run.id, "prn_none"]) == ended.cost_usd


def test_a_failure_skips_what_depends_on_it_and_nothing_else(world: World) -> None:
    run = world.start(spec("a"), spec("b", after("a")), spec("c"), spec("d", after("b")))
    taken = {s.key: s for s in (world.claim(), world.claim()) if s}
    assert set(taken) == {"a", "c"}
    world.end(taken["a"], "failed", error="file.py, line 3\nValueError: no")
    assert world.states(run) == {"a": "failed", "b": "skipped", "c": "running", "d": "skipped"}
    world.end(taken["c"])
    ended = world.pipelines.get(world.project, run)
    assert (ended.state, ended.error) == (State.FAILED, "Step 'a' failed: ValueError: no")


def test_retries_count_failures_and_not_losses(world: World) -> None:
    run = world.start(spec("a", needs=Needs(retries=1)))
    step = world.claim()
    assert step is not None
    assert world.work.lose(step, "its process is gone")
    for _ in range(2):
        step = world.claim()
        assert step is not None
        world.end(step, "failed", error="boom")
    found = world.pipelines.steps(world.project, run)[0]
    assert (found.state, found.attempt, found.losses, found.token) == (State.FAILED, 3, 1, 3)


def test_a_worker_that_never_got_the_answer_gets_the_same_step_again(world: World) -> None:
    run = world.start(spec("a"), spec("b"))
    first = world.claim("one")
    assert first is not None
    assert world.work.waiting(world.project, world.key, "one")
    again = world.claim("one")
    assert again is not None
    assert (again.id, again.token, again.attempt) == (first.id, first.token, first.attempt)
    other = world.claim("two")
    assert other is not None
    assert other.id != first.id
    assert not world.work.waiting(world.project, world.key, "three")
    world.end(again)
    world.end(other)
    assert world.claim("one") is None
    assert world.pipelines.get(world.project, run).state is State.DONE


def test_a_step_that_kills_its_process_is_given_up(world: World) -> None:
    run = world.start(spec("a"))
    for _ in range(MAX_LOSSES):
        step = world.claim()
        assert step is not None
        assert world.work.lose(step, "its process is gone")
    assert world.claim() is None
    assert world.pipelines.get(world.project, run).state is State.FAILED


def test_an_old_token_is_refused_everywhere(world: World) -> None:
    run = world.start(spec("a"))
    old = world.claim("slow")
    assert old is not None
    assert world.work.lose(old, "no sign of life")
    with pytest.raises(StaleLease):
        world.end(old, "done", "too late")  # nobody has it yet
    new = world.claim("fast")
    assert new is not None
    with pytest.raises(StaleLease):
        world.end(old, "done", "too late")  # another has it
    with pytest.raises(StaleLease):
        world.work.submit_heartbeat(world.project, old.id, old.token, [[1, "out", "ghost"]]).result()
    world.end(new, "done", "right")
    with pytest.raises(StaleLease):
        world.end(new, "done", "twice")
    found = world.pipelines.steps(world.project, run)[0]
    assert (found.outputs, found.worker) == ([{"json": "right"}], "fast")
    assert world.pipelines.log(world.project, found.id) == []
    assert not world.work.lose(new, "gone after its report")


def test_cancel_ends_what_waits_and_asks_what_runs(world: World) -> None:
    run = world.start(spec("a", needs=Needs(retries=5)), spec("b", after("a")), spec("c"))
    step = world.claim()
    assert step is not None
    world.pipelines.cancel(world.project, run)
    assert sorted(world.states(run).values()) == ["cancelled", "cancelled", "running"]
    assert world.work.submit_heartbeat(world.project, step.id, step.token, []).result() is True
    world.end(step, "cancelled")
    assert world.pipelines.get(world.project, run).state is State.CANCELLED
    assert world.pipelines.cancel(world.project, run).state is State.CANCELLED
    assert world.claim() is None


def test_a_cancelled_step_that_is_lost_does_not_run_again(world: World) -> None:
    run = world.start(spec("a"))
    step = world.claim()
    assert step is not None
    world.pipelines.cancel(world.project, run)
    assert world.work.lose(step, "its process is gone")
    assert world.pipelines.get(world.project, run).state is State.CANCELLED


def test_a_result_with_the_same_key_is_used_again(world: World) -> None:
    for round_ in range(2):
        run = world.start(
            spec("a", source="1"),
            spec("b", after("a"), source="2"),
            spec("c", after("b"), cache=False, source="3"),
        )
        if round_ == 0:
            step = world.claim()
            while step is not None:
                step = world.end(step, "done", step.key, take=True)
    steps = {s.key: s for s in world.pipelines.steps(world.project, run)}
    assert steps["a"].cached_from
    assert steps["b"].cached_from
    assert steps["b"].outputs == [{"json": "b"}]
    assert steps["c"].state is State.READY
    step = world.claim()
    assert step is not None
    world.end(step)
    changed = world.start(spec("a", source="other"), spec("b", after("a"), source="2"))
    assert world.states(changed) == {"a": "ready", "b": "pending"}


def test_many_claims_at_once_give_each_step_once(world: World) -> None:
    world.start(*[spec(f"s{i}") for i in range(24)])
    with ThreadPoolExecutor(8) as pool:
        taken = [s for s in pool.map(lambda i: world.claim(f"w{i}"), range(30)) if s is not None]
    assert sorted(s.key for s in taken) == sorted(f"s{i}" for i in range(24))


def test_starting_the_same_id_twice_gives_one_run(world: World) -> None:
    graph = Graph(name="p", steps=[spec("a")])
    made = [world.pipelines.start(world.project, graph, CAPTURE, {}, author="ada", id="prn_fixed") for _ in range(2)]
    assert made[0] == made[1]
    assert len(world.pipelines.list(world.project).items) == 1


def test_other_projects_see_nothing(world: World) -> None:
    run = world.start(spec("a"))
    step = world.claim()
    assert step is not None
    for ask in (lambda: world.pipelines.get(world.other, run), lambda: world.pipelines.steps(world.other, run),
                lambda: world.pipelines.log(world.other, step.id), lambda: world.pipelines.cancel(world.other, run),
                lambda: world.work.submit_heartbeat(world.other, step.id, step.token, []).result()):  # fmt: skip
        with pytest.raises(NotFound):
            ask()
    assert world.pipelines.list(world.other).items == []
    assert world.work.submit_claim(world.other, world.key, "w").result() is None


def test_pages_go_from_new_to_old(world: World) -> None:
    made = [world.start(spec("a")) for _ in range(120)]
    first = world.pipelines.list(world.project)
    second = world.pipelines.list(world.project, cursor=first.next)
    assert sorted(r.id for r in [*first.items, *second.items]) == sorted(made)
    assert second.next is None
    with pytest.raises(InvalidInput, match="cursor"):
        world.pipelines.list(world.project, cursor="nonsense")


def test_log_chunks_are_read_after_a_place(world: World) -> None:
    world.start(spec("a"))
    step = world.claim()
    assert step is not None
    world.work.submit_heartbeat(world.project, step.id, step.token, [[1, "out", "one"], [2, "err", "two"]]).result()
    world.end(step, "done", log=[[3, "out", "three"]])
    lines = world.pipelines.log(world.project, step.id)
    assert [(line.stream, line.text) for line in lines] == [("out", "one"), ("err", "two"), ("out", "three")]
    assert [line.text for line in world.pipelines.log(world.project, step.id, lines[1].seq)] == ["three"]


def test_a_trainer_is_a_run_too(world: World) -> None:
    world.start(spec("fit", {"rate": {"value": 0.1}}, returns="model"))
    step = world.claim()
    assert step is not None
    assert world.work.is_tracked(step)
    tracked = world.work.track(step)
    assert world.work.track(tracked) == tracked
    change = world.work.submit_result(world.project, step.pipeline_run_id, step.id, step.token,
                                      Outcome(state="done", outputs=[{"json": 1}]), None).result()  # fmt: skip
    assert change.finished is not None
    assert change.finished.run_id == tracked.run_id
    world.work.note(change.finished)
    assert tracked.run_id is not None
    run = world.tracking.get(world.project, tracked.run_id)
    assert run.params == {"rate": "0.1"}
    assert "system/wall_s" in {m.key for m in run.metrics}
    assert run.status == "FINISHED"


def test_the_run_of_a_step_ends_as_the_step_does(world: World) -> None:
    world.start(spec("fit", returns="model", needs=Needs(retries=1)))
    for expected in ("RUNNING", "FAILED"):
        step = world.claim()
        assert step is not None
        step = world.work.track(step)
        assert step.run_id is not None
        world.tracking.set_status(world.project, step.run_id, RunStatus.FAILED)  # as an MLflow client would
        outcome = Outcome(state="failed", error="boom")
        change = world.work.submit_result(
            world.project, step.pipeline_run_id, step.id, step.token, outcome, None
        ).result()
        assert change.finished is not None
        world.work.note(change.finished)
        assert world.tracking.get(world.project, step.run_id).status == expected


def test_parameters_are_checked(world: World) -> None:
    graph = Graph(name="p", steps=[spec("a", {"x": {"param": "t"}})], params={"t": {"table": True}})
    for params, words in (({}, "needs a table"), ({"t": 5}, "is a table"), ({"u": 1}, "no parameter 'u'")):
        with pytest.raises(InvalidInput, match=words):
            world.pipelines.start(world.project, graph, CAPTURE, params, author="ada")
    with pytest.raises(NotFound):
        world.pipelines.start(world.project, graph, CAPTURE, {"t": {"dataset_version": "dsv_none"}}, author="ada")
    assert world.pipelines.list(world.project).items == []
