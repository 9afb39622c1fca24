from __future__ import annotations

from typing import Any

import pytest

from fairloop.core.pipelines import Capture, Graph, StepSpec
from fairloop.errors import InvalidInput
from fairloop.pipelines.graph import bind, cache_key, plan, resolve, system_step, worker_key


def spec(key: str, **inputs: Any) -> StepSpec:
    return StepSpec(key=key, name=key, function={"module": "m", "qualname": key}, inputs=inputs, source="s")


def test_a_plan_knows_edges_inside_lists_and_dicts() -> None:
    graph = Graph(name="p", params={"n": 1}, steps=[
        spec("a"), spec("b", x={"param": "n"}),
        spec("c", xs={"list": [{"step": "a"}, {"dict": {"k": {"step": "b", "output": 0}}}]})])  # fmt: skip
    found = plan(graph)
    assert found.parents["c"] == ["a", "b"]
    assert found.children == {"a": ["c"], "b": ["c"], "c": []}


@pytest.mark.parametrize(("steps", "words"), [
    ([], "no steps"),
    ([spec("a"), spec("a")], "have the key 'a'"),
    ([spec("a", x={"step": "b"})], "not a step before it"),
    ([spec("a", x={"step": "a"})], "not a step before it"),
    ([spec("a", x={"param": "n"})], "parameter 'n'"),
    ([spec("a"), spec("b", x={"step": "a", "output": 1})], "reads output 1"),
])  # fmt: skip
def test_graphs_that_cannot_run_are_refused(steps: list[StepSpec], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        plan(Graph(name="p", steps=steps))


def test_resolve_puts_stored_outputs_in_place() -> None:
    table = {"kind": "table", "sha256": "0" * 64}
    outputs = {"a": [{"json": 1}, table]}
    form = {"dict": {"one": {"step": "a"}, "rest": {"list": [{"step": "a", "output": 1}, {"param": "n"}, {"param": "t"},
                                                             {"stored": table}, {"value": {"step": "not a reference"}}]}}}  # fmt: skip
    assert resolve(form, outputs, {"n": [2], "t": table}) == {"dict": {
        "one": {"json": 1},
        "rest": {"list": [table, {"json": [2]}, table, table, {"json": {"step": "not a reference"}}]}}}  # fmt: skip


def test_a_value_that_looks_like_a_reference_is_no_edge() -> None:
    graph = Graph(name="p", steps=[spec("a", x={"value": {"step": "ghost", "list": [{"param": "ghost"}]}})])
    assert plan(graph).parents["a"] == []


def test_bind_fills_defaults_and_names_what_is_wrong() -> None:
    graph = Graph(name="p", steps=[spec("a")], params={"n": 1, "t": {"table": True}})
    assert bind(graph, {"t": {"dataset_version": "d"}}) == {"n": 1, "t": {"dataset_version": "d"}}
    with pytest.raises(InvalidInput, match="needs a table for 't'"):
        bind(graph, {})
    with pytest.raises(InvalidInput, match=r"no parameter 'm'; it has: n, t"):
        bind(graph, {"m": 1, "t": 1})


def test_the_cache_key_tells_what_matters_from_what_does_not() -> None:
    capture, inputs = (
        Capture(environment="e"),
        {"x": {"kind": "table", "sha256": "1" * 64, "roles": {"target": "y"}}},
    )
    key = cache_key(spec("a"), inputs, capture)
    assert key
    same = {"x": {**inputs["x"], "rows": 5, "dataset_version": "dsv_1"}}
    assert cache_key(spec("a"), same, Capture(environment="e", snapshot="other")) == key
    others = [
        cache_key(spec("b"), inputs, capture), cache_key(spec("a"), inputs, Capture(environment="f")),
        cache_key(spec("a"), {"x": {**inputs["x"], "roles": {"target": "z"}}}, capture),
        cache_key(spec("a"), {"x": {"json": 1}}, capture), cache_key(spec("a"), {"x": {"json": 1.0}}, capture),
        cache_key(spec("a"), {"x": {"json": True}}, capture), cache_key(spec("a"), {"x": {"json": -0.0}}, capture),
        cache_key(spec("a"), {"x": {"json": 0.0}}, capture), cache_key(spec("a"), {"x": {"json": float("nan")}}, capture),
    ]  # fmt: skip
    assert len({key, *others}) == len(others) + 1


def test_steps_that_judge_are_never_cached() -> None:
    judge = system_step("candidate", "fairloop.evaluation.steps", "judge", {}, returns="candidate")
    assert cache_key(judge, {}, Capture()) == ""
    assert cache_key(StepSpec(key="a", name="a", function={}, source=""), {}, Capture()) == ""


def test_workers_are_never_shared_across_projects_or_sources() -> None:
    one = Capture(snapshot="s", environment="e", python="p")
    keys = {worker_key("prj_1", one), worker_key("prj_2", one), worker_key("prj_1", Capture()),
            worker_key("prj_1", Capture(snapshot="s", environment="f", python="p"))}  # fmt: skip
    assert len(keys) == 4
