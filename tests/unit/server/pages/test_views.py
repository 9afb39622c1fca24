"""View models: words and positions, without a browser."""

from __future__ import annotations

import pytest

from fairloop.core.checks import Check, judge
from fairloop.core.cycles import Cycle, Stage
from fairloop.server.pages.forms import local_path, optional_number
from fairloop.server.pages.views import graph, signature, stations, verdicts
from fairloop.server.pages.words import ago, duration, measured, money, number, short, state

DP = Check(metric="demographic_parity_difference", at_most=0.12, by="sex")


def test_a_strip_places_estimate_interval_and_limit_on_one_line() -> None:
    strip = verdicts.strip(judge(DP, 0.06, 0.04, 0.08, n=100, method="m"))
    assert strip["tone"] == "pass"
    assert 0 < strip["low"] < strip["at"] < strip["limit"] <= 100
    assert strip["zone"] == (0, strip["limit"])
    assert "at most 0.120" in strip["words"]


def test_a_drop_is_counted_from_the_baseline() -> None:
    check = Check(metric="roc_auc", drop=0.05)
    found = judge(check, 0.9, 0.89, 0.91, n=10, method="m", baseline=0.92)
    assert verdicts.limit_of(found) == (pytest.approx(0.87), False)


def test_without_an_estimate_nothing_is_drawn_but_words_remain() -> None:
    found = judge(Check(metric="drift"), None, None, None, n=0, method="m")
    assert verdicts.strip(found)["at"] is None
    assert "no evidence" in verdicts.card(found)["words"]


def test_a_gap_is_said_in_points_between_two_groups() -> None:
    groups = [
        {"group": "Female", "selection_rate": {"estimate": 0.10}},
        {"group": "Male", "selection_rate": {"estimate": 0.28}},
    ]
    found = judge(
        DP,
        0.18,
        0.15,
        0.21,
        n=9,
        method="m",
        detail={"groups": groups, "pair": ["Female", "Male"], "rate": "selection_rate"},
    )
    assert (
        verdicts.words(found)
        == "Women are selected 18.0 points less often than men (10.0 % against 28.0 %); the policy allows 12."
    )


@pytest.mark.parametrize(
    ("stage", "station", "tone"),
    [
        (Stage.TRAIN, 1, "run"),
        (Stage.GATE, 3, "run"),
        (Stage.APPROVE, 4, "wait"),
        (Stage.ROLL_OUT, 5, "run"),
        (Stage.LIVE, 5, "pass"),
    ],
)
def test_the_loop_shows_where_its_cycle_stands(stage: Stage, station: int, tone: str) -> None:
    cycle = Cycle(id="c", project_id="p", loop="l", loop_id="i", number=1, stage=stage, trigger={})
    drawn = stations.draw(stations.LoopState(name="l", cycle=cycle))
    assert len(drawn) == 8
    assert drawn[station]["tone"] == tone
    assert all(s["tone"] == "pass" for s in drawn[:station] if s["key"] != "approve")


def test_signatures_of_fairloop_and_of_mlflow_become_fields() -> None:
    ours = {"columns": [{"name": "age", "kind": "integer", "low": 17, "high": 90}], "sample": [{"age": 38}]}
    theirs = {"inputs": [{"name": "age", "type": "double"}, {"name": "job", "type": "string"}]}
    assert signature.fields(ours)[0]["value"] == 38
    assert [f["numeric"] for f in signature.fields(theirs)] == [True, False]
    assert signature.fields({}) == []
    assert signature.typed(signature.fields(ours)[0], "41") == 41
    assert signature.typed(signature.fields(ours)[0], "") is None


def test_a_graph_finds_the_steps_an_input_is_made_of() -> None:
    assert graph.steps_before({"list": [{"step": "a", "output": 0}, {"value": 1}, {"step": "b", "output": 1}]}) == [
        "a",
        "b",
    ]


def test_words() -> None:
    assert [duration(s) for s in (0.25, 3.21, 41, 185, 7440, 273_600)] == [
        "250 ms",
        "3.2 s",
        "41 s",
        "3 min 5 s",
        "2 h 4 min",
        "3 d 4 h",
    ]
    assert [ago(0, 3000), ago(0, 90_000), ago(7_200_000, 0)] == ["just now", "1 min ago", "in 2 h"]
    assert [number(1234), number(0.12345), number(float("nan")), number(None)] == ["1,234", "0.123", "NaN", "–"]
    assert [money(0), money(0.0021), money(4.125)] == ["0 USD", "0.0021 USD", "4.12 USD"]
    assert measured("latency_p99_ms", 12.34) == "12.3 ms"
    assert short("cyc_01j9z3k4m5n6p7q8r9") == "cyc_…p7q8r9"
    assert state("never heard of")["word"] == "Never heard of"


@pytest.mark.parametrize("text", ["//evil.example", "https://evil.example", "/\\evil", "", "javascript:x", "/a\nb"])
def test_a_form_only_leads_back_to_this_server(text: str) -> None:
    assert local_path(text) == "/"
    assert local_path("/projects/income?x=1") == "/projects/income?x=1"


def test_an_empty_number_is_none() -> None:
    assert optional_number(" ") is None
    assert optional_number("5") == 5.0
