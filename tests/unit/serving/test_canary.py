"""The canary judge on simulated traffic with fixed seeds, looked at again and again."""

from __future__ import annotations

import random

from fairloop.core.checks import Check, Status
from fairloop.serving.canary import POOLED, Judgement, judge_step, pooled
from fairloop.serving.counters import Counts, Traffic, traffic_of

PARITY = Check(metric="demographic_parity_difference", at_most=0.12, by="sex")
LATENCY = Check(metric="latency_p99_ms", at_most=20)


def simulate(
    seed: int,
    candidate: dict[str, float],
    incumbent: dict[str, float],
    *,
    gates: list[Check],
    requests: int = 2000,
    errors: float = 0.0,
    latency_ms: float = 2.0,
    every: int = 100,
) -> Judgement:
    """One request at a time, half to each version; the first decision that is not hold."""
    draw = random.Random(seed)
    new, old = Counts(), Counts()
    judged = judge_step(Traffic(), Traffic(), gates=gates, judge_by=["sex"], last=True, answers=0, min_answers=200)
    for number in range(1, requests + 1):
        mine = draw.random() < 0.5
        counts, rates = (new, candidate) if mine else (old, incumbent)
        if mine and draw.random() < errors:
            counts.failed()
        else:
            sex = "F" if draw.random() < 0.33 else "M"
            positive = draw.random() < rates[sex]
            counts.answered(1, positive, latency_ms if mine else 2.0)
            counts.told("sex", sex, positive)
        if number % every == 0:
            judged = judge_step(traffic_of(new), traffic_of(old), gates=gates, judge_by=["sex"], last=True,
                                answers=new.requests, min_answers=200)  # fmt: skip
            if judged.decision != "hold":
                break
    return judged


FAIR, SAME = {"F": 0.13, "M": 0.16}, {"F": 0.20, "M": 0.20}


def decisions(count: int, *args: dict[str, float], **options: object) -> list[str]:
    return [simulate(seed, *args, **options).decision for seed in range(count)]  # type: ignore[arg-type]


def test_a_version_exactly_at_its_limit_is_rarely_rolled_back() -> None:
    found = decisions(60, {"F": 0.10, "M": 0.22}, {"F": 0.10, "M": 0.22}, gates=[PARITY, LATENCY], requests=1500)
    assert found.count("roll_back") <= 3


def test_the_same_version_twice_is_rarely_rolled_back_and_mostly_promoted() -> None:
    found = decisions(60, SAME, SAME, gates=[], requests=3000)
    assert found.count("roll_back") <= 3
    assert found.count("go") >= 45


def test_a_fair_version_within_its_limit_goes() -> None:
    found = decisions(30, FAIR, {"F": 0.12, "M": 0.29}, gates=[PARITY, LATENCY], requests=4000)
    assert found.count("go") >= 27


def test_a_version_bad_for_one_group_is_found() -> None:
    assert decisions(30, {"F": 0.02, "M": 0.30}, FAIR, gates=[PARITY]).count("roll_back") >= 29
    assert decisions(30, {"F": 0.02, "M": 0.20}, SAME, gates=[], requests=4000).count("roll_back") >= 27


def test_a_version_that_fails_or_is_slow_is_found() -> None:
    judged = simulate(1, SAME, SAME, gates=[], errors=0.1)
    assert judged.decision == "roll_back"
    assert "Failed requests" in judged.reason
    judged = simulate(1, SAME, SAME, gates=[LATENCY], latency_ms=100.0)
    assert judged.decision == "roll_back"
    assert "Slower than 20 ms" in judged.reason


def test_a_slow_machine_is_not_the_candidates_fault() -> None:
    new, old = Counts(), Counts()
    for _ in range(500):
        new.answered(1, 0, 100.0)
        old.answered(1, 0, 100.0)
    judged = judge_step(traffic_of(new), traffic_of(old), gates=[LATENCY], judge_by=[], last=False, answers=500,
                        min_answers=200)  # fmt: skip
    assert judged.decision == "go"
    assert judged.verdicts[-1].status is Status.INSUFFICIENT


def test_without_sensitive_values_nothing_is_proved() -> None:
    counts = Counts()
    for _ in range(5000):
        counts.answered(1, 0, 1.0)
    traffic = traffic_of(counts)
    early, late = (judge_step(traffic, traffic, gates=[PARITY], judge_by=["sex"], last=last, answers=5000,
                              min_answers=200) for last in (False, True))  # fmt: skip
    assert early.decision == "go"
    assert late.decision == "hold"
    assert "'sex'" in late.reason


def test_few_answers_hold() -> None:
    judged = judge_step(Traffic(), Traffic(), gates=[PARITY], judge_by=["sex"], last=False, answers=3, min_answers=200)
    assert judged.decision == "hold"
    assert judged.reason.startswith("3 of 200 answers")


def test_small_groups_are_pooled_or_left_out() -> None:
    assert pooled({"a": (1000, 1), "b": (1000, 2), "c": (25, 1), "d": (25, 2)}) == {
        "a": (1000, 1), "b": (1000, 2), POOLED: (50, 3)}  # fmt: skip
    assert pooled({"a": (1000, 1), "b": (5, 5)}) == {"a": (1000, 1)}
