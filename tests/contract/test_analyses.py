"""Analyses on both databases: asked once, found again, answered once, failed when their run left no answer."""

from __future__ import annotations

from typing import Any

import pytest

from fairloop.core.analyses import AnalysisState, subject_kind
from fairloop.core.clock import Clock
from fairloop.core.people import Identity
from fairloop.core.pipelines import Capture
from fairloop.core.signals import Signals
from fairloop.errors import InvalidInput, NotFound, TooLarge
from fairloop.evaluation.analyses import Analyses
from fairloop.evaluation.service import Evaluations, NewCandidate
from fairloop.pipelines.graph import system_step
from fairloop.pipelines.service import Pipelines
from fairloop.pipelines.waiting import Waiters
from fairloop.projects.service import Projects
from fairloop.storage.engine import Database

ANN = Identity(kind="person", name="Ann")


class World:
    def __init__(self, database: Database) -> None:
        clock = Clock()
        projects = Projects(database, clock)
        self.project, self.other = projects.create("one").id, projects.create("two").id
        self.pipelines = Pipelines(database, clock, Signals(), Waiters())
        self.analyses = Analyses(database, clock, self.pipelines)
        evaluations = Evaluations(database, clock)
        new = NewCandidate(pipeline_run_id="prn_gone", step_run_id="stp_01", model_sha256="a" * 64)
        self.candidate = evaluations.create_candidate(self.project, new).id

    def ask(self, params: dict[str, Any] | None = None, project: str = "") -> Any:
        return self.analyses.start(project or self.project, "explain", "candidate", self.candidate, params or {}, ANN)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_asked_once_and_answered_once(world: World) -> None:
    first = world.ask({"part": "test", "columns": ["a"]})
    assert (first.state, first.author, first.words) == (AnalysisState.WAITING, "Ann", "")
    run = world.pipelines.get(world.project, first.pipeline_run_id)
    assert (run.purpose, run.graph.steps[0].function["module"]) == ("analysis", "fairloop.evaluation.analysing")
    assert world.ask({"columns": ["a"], "part": "test"}) == first
    assert world.ask({"part": "validation"}).id != first.id
    done = world.analyses.finish(world.project, first.id, {"n": 1.5, "nan": float("nan")}, "Because.")
    assert (done.state, done.words, done.result["n"]) == (AnalysisState.DONE, "Because.", 1.5)
    assert done.ended_ms is not None
    again = world.analyses.finish(world.project, first.id, {"n": 2}, "Or because.")
    assert (again.words, again.result["n"], again.ended_ms) == ("Because.", 1.5, done.ended_ms)
    assert world.ask({"part": "test", "columns": ["a"]}).words == "Because."
    newest = world.analyses.newest(world.project, "explain", [world.candidate])
    assert newest is not None
    assert newest.id == first.id
    assert world.analyses.newest(world.project, "counterfactual", [world.candidate]) is None


def test_a_run_that_leaves_no_answer_has_failed_and_the_question_is_asked_anew(world: World) -> None:
    first = world.ask()
    world.pipelines.cancel(world.project, first.pipeline_run_id)
    found = world.analyses.get(world.project, first.id)
    assert found.state is AnalysisState.FAILED
    assert "cancelled" in found.error
    second = world.ask()
    assert second.id != first.id
    assert second.state is AnalysisState.WAITING


def test_a_step_before(world: World) -> None:
    gather = system_step("inputs", "fairloop.monitoring.steps", "prediction_inputs", {})
    asked = world.analyses.start(world.project, "counterfactual", "candidate", world.candidate, {}, ANN, gather=gather)
    steps = world.pipelines.get(world.project, asked.pipeline_run_id).graph.steps
    assert [step.key for step in steps] == ["inputs", "counterfactual"]
    assert steps[1].inputs["given"] == {"step": "inputs", "output": 0}


def test_pages_and_filters(world: World) -> None:
    asked = [world.ask({"seed": seed}).id for seed in range(3)]
    page = world.analyses.page(world.project, limit=2)
    assert [a.id for a in page.items] == asked[:0:-1]
    rest = world.analyses.page(world.project, limit=2, cursor=page.next)
    assert ([a.id for a in rest.items], rest.next) == (asked[:1], None)
    assert world.analyses.page(world.project, kind="counterfactual").items == []
    assert len(world.analyses.page(world.project, subject_ids=[world.candidate, "ver_x"]).items) == 3
    assert world.analyses.page(world.other).items == []
    with pytest.raises(InvalidInput, match="limit=0"):
        world.analyses.page(world.project, limit=0)


def test_other_projects_see_nothing(world: World) -> None:
    asked = world.ask()
    with pytest.raises(NotFound):
        world.analyses.get(world.other, asked.id)
    with pytest.raises(NotFound):
        world.analyses.finish(world.other, asked.id, {}, "")
    with pytest.raises(NotFound):
        world.ask(project=world.other)


def test_the_sources_that_made_the_subject_explain_it(world: World) -> None:
    graph = world.pipelines.get(world.project, world.ask().pipeline_run_id).graph
    world.pipelines.start(world.project, graph, Capture(environment="e1"), {}, author="Ann", id="prn_gone")
    run = world.pipelines.get(world.project, world.ask({"seed": 9}).pipeline_run_id)
    assert run.capture.environment == "e1"


def test_what_cannot_be_asked(world: World) -> None:
    start = world.analyses.start
    with pytest.raises(InvalidInput, match="kind='prophecy'"):
        start(world.project, "prophecy", "candidate", world.candidate, {}, ANN)
    with pytest.raises(InvalidInput, match="subject_kind='planet'"):
        start(world.project, "explain", "planet", "x", {}, ANN)
    for kind in ("model_version", "candidate", "dataset_version", "cycle"):
        with pytest.raises(NotFound):
            start(world.project, "explain", kind, "nobody", {}, ANN)
    with pytest.raises(TooLarge):
        world.analyses.finish(world.project, world.ask().id, {"a": "x" * 1_100_000}, "")
    with pytest.raises(InvalidInput, match="cannot be analysed"):
        subject_kind("run_1")
    assert subject_kind("dsv_1") == "dataset_version"
