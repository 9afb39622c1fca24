"""Verdicts on windows: waiting for what comes late, judging it against fairlearn and sklearn, and few false alarms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from sklearn.metrics import roc_auc_score

from fairloop.core.checks import Check, Status, Verdict
from fairloop.core.monitors import Watched, Window
from fairloop.drift.profile import profile_reference, profile_scores
from fairloop.monitoring.judge import Rows, judge_window
from fairloop.monitoring.latency import Traffic, difference, quantile_bounds
from fairloop.monitoring.persistence import persistence

DRIFT, SCORES = Check(metric="drift"), Check(metric="prediction_drift")
PARITY = Check(metric="demographic_parity_difference", at_most=0.12, by="sex")
ODDS = Check(metric="equalized_odds_difference", at_most=0.2, by="sex")
FALL = Check(metric="roc_auc", drop=0.05)
FAST = Check(metric="latency_p99_ms", at_most=50)
COLUMNS = 14


def features(rng: np.random.Generator, n: int, shift: float = 0.0) -> pl.DataFrame:
    columns: dict[str, Any] = {f"x{i}": rng.normal(size=n) for i in range(COLUMNS - 4)}
    columns["x0"] = columns["x0"] + shift
    columns |= {f"c{i}": rng.choice(["a", "b", "c", "d"], size=n, p=[0.5, 0.3, 0.15, 0.05]) for i in range(4)}
    return pl.DataFrame(columns)


def traffic(
    rng: np.random.Generator, n: int = 500, *, gap: float = 0.0, shift: float = 0.0, quality: float = 2.0
) -> Rows:
    sex = rng.choice(["Female", "Male"], size=n)
    labels = (rng.random(n) < 0.3).astype(float)
    scores = 1 / (1 + np.exp(-(rng.normal(size=n) + quality * labels - 1.5)))
    predicted = (rng.random(n) < 0.2 + gap * (sex == "Male")).astype(float)
    return Rows(features=features(rng, n, shift), scores=scores, predicted=predicted, labels=labels,
                sensitive={"sex": pl.Series("sex", sex.tolist())})  # fmt: skip


@pytest.fixture(scope="module")
def watched() -> Watched:
    rng = np.random.default_rng(0)
    reference = traffic(rng, 8000)
    return Watched(
        deployment_id="dep",
        live=True,
        profile={"columns": profile_reference(reference.features), "scores": profile_scores(reference.scores)},
        baseline={"roc_auc": {"estimate": float(roc_auc_score(reference.labels, reference.scores))}},
        baseline_part="test",
    )


def judged(rows: Rows, check: Check, watched: Watched, *, closed: bool = False) -> Verdict:
    verdicts, _ = judge_window(rows, [check], watched, Traffic(), closed=closed)
    return verdicts[0]


def window(number: int, verdict: Verdict) -> Window:
    return Window(
        id=str(number),
        project_id="p",
        monitor_id="m",
        deployment_id="d",
        start_ms=number,
        end_ms=number,
        n=500,
        labelled=0,
        verdicts=[verdict],
    )


# ------------------------------------------------------------------ false alarms and power
def test_no_drift_rarely_fails_and_hardly_ever_alarms(watched: Watched) -> None:
    rng = np.random.default_rng(1)
    verdicts = [judged(traffic(rng), DRIFT, watched) for _ in range(200)]
    assert sum(v.status is Status.FAIL for v in verdicts) <= 18
    windows = [window(i, v) for i, v in enumerate(verdicts)]
    alarms = [i for i in range(1, len(windows) + 1) if (p := persistence(windows[:i], "drift")) and p.alarming]
    assert len(alarms) <= 1


def test_scores_without_drift_rarely_fail(watched: Watched) -> None:
    rng = np.random.default_rng(2)
    verdicts = [judged(traffic(rng), SCORES, watched) for _ in range(200)]
    assert sum(v.status is Status.FAIL for v in verdicts) <= 18


def test_a_shift_of_half_a_standard_deviation_alarms(watched: Watched) -> None:
    rng = np.random.default_rng(3)
    verdicts = [judged(traffic(rng, shift=0.5), DRIFT, watched) for _ in range(50)]
    found = [v for v in verdicts if v.status is Status.FAIL and "x0" in v.detail["failing"]]
    assert len(found) >= 40
    both = persistence([window(0, found[0]), window(1, found[1])], "drift")
    assert both is not None
    assert both.alarming


def test_equal_groups_rarely_fail_and_a_gap_does() -> None:
    rng = np.random.default_rng(4)
    plain = Watched(deployment_id="dep", live=True)
    equal = [judged(traffic(rng, 200), PARITY, plain) for _ in range(200)]
    assert sum(v.status is Status.FAIL for v in equal) <= 18
    biased = [judged(traffic(rng, 1000, gap=0.25), PARITY, plain) for _ in range(50)]
    assert sum(v.status is Status.FAIL for v in biased) >= 45
    assert any(v.detail["severe"] for v in biased if v.status is Status.FAIL)


# ------------------------------------------------------------------ the numbers
def test_gaps_and_quality_are_those_of_fairlearn_and_sklearn(watched: Watched) -> None:
    rows = traffic(np.random.default_rng(5), 900, gap=0.2)
    sex = rows.sensitive["sex"].to_list()
    wanted = demographic_parity_difference(rows.labels, rows.predicted, sensitive_features=sex)
    assert judged(rows, PARITY, watched).estimate == pytest.approx(wanted, abs=1e-12)
    odds = equalized_odds_difference(rows.labels, rows.predicted, sensitive_features=sex)
    assert judged(rows, ODDS, watched).estimate == pytest.approx(odds, abs=1e-12)
    assert judged(rows, FALL, watched).estimate == pytest.approx(roc_auc_score(rows.labels, rows.scores), abs=1e-12)


def test_a_fall_in_quality_is_found(watched: Watched) -> None:
    rng = np.random.default_rng(6)
    assert judged(traffic(rng, 2000), FALL, watched).status is Status.PASS
    fallen = judged(traffic(rng, 2000, quality=0.8), FALL, watched)
    assert fallen.status is Status.FAIL
    assert fallen.detail["baseline"] == watched.baseline["roc_auc"]["estimate"]


# ------------------------------------------------------------------ what is not known yet
def without_labels(rows: Rows, share: float) -> Rows:
    labels = rows.labels.copy()
    labels[: round(share * rows.n)] = np.nan
    return replace(rows, labels=labels)


def test_late_labels_are_awaited(watched: Watched) -> None:
    rows = without_labels(traffic(np.random.default_rng(7)), 0.5)
    verdicts, detail = judge_window(rows, [DRIFT, PARITY, FALL, ODDS], watched, Traffic(), closed=False)
    assert detail["pending"] == ["roc_auc", "equalized_odds_difference by sex"]
    assert verdicts[2].status is Status.INSUFFICIENT
    assert verdicts[2].method == "waiting for labels: 250 of 500 known"
    assert detail["coverage"] == {"labels": 250, "sensitive": {"sex": 500}}


def test_when_the_wait_is_over_little_evidence_may_fail_but_never_passes(watched: Watched) -> None:
    rng = np.random.default_rng(8)
    good = without_labels(traffic(rng, 4000), 0.4)
    verdict = judged(good, FALL, watched, closed=True)
    assert verdict.status is Status.INSUFFICIENT
    assert verdict.estimate is not None
    assert "only 2400 of 4000" in verdict.method
    bad = without_labels(traffic(rng, 4000, quality=0.5), 0.4)
    assert judged(bad, FALL, watched, closed=True).status is Status.FAIL
    none = without_labels(good, 1.0)
    assert judged(none, FALL, watched, closed=True).method == "no labels came"


def test_absent_sensitive_values_are_insufficient_never_pass(watched: Watched) -> None:
    rows = replace(traffic(np.random.default_rng(9)), sensitive={})
    for closed in (False, True):
        assert judged(rows, PARITY, watched, closed=closed).status is Status.INSUFFICIENT


def test_most_of_the_sensitive_values_are_enough(watched: Watched) -> None:
    rows = traffic(np.random.default_rng(10))
    sex = [None if i % 10 == 0 else v for i, v in enumerate(rows.sensitive["sex"])]
    verdict = judged(replace(rows, sensitive={"sex": pl.Series("sex", sex)}), PARITY, watched)
    assert verdict.n == 450
    assert verdict.status is not Status.INSUFFICIENT or verdict.estimate is not None


def test_a_model_without_reference_cannot_drift() -> None:
    rows = traffic(np.random.default_rng(11))
    plain = Watched(deployment_id="dep", live=True)
    for check in (DRIFT, SCORES, FALL):
        assert judged(rows, check, plain).status is Status.INSUFFICIENT
    value = Watched(deployment_id="dep", live=True, task="regression")
    assert judged(rows, PARITY, value).method == "demographic_parity_difference is not defined for a regression target."
    assert judged(rows, Check(metric="roc_auc", at_least=0.5), value).status is Status.INSUFFICIENT
    assert judged(rows, Check(metric="mean_absolute_error", at_most=9), value).status is Status.PASS


def test_any_gap_and_any_quality_can_be_watched(watched: Watched) -> None:
    rng = np.random.default_rng(12)
    rows = traffic(rng, 2000, gap=0.3)
    race = pl.Series("race", rng.choice(["a", "b"], 2000).tolist())
    rows = replace(rows, sensitive=rows.sensitive | {"race": race})
    both = judged(rows, Check(metric="demographic_parity_ratio", at_least=0.8, by="sex&race"), watched)
    assert both.status is Status.FAIL
    assert {row["group"] for row in both.detail["groups"]} == {"Female & a", "Female & b", "Male & a", "Male & b"}
    assert judged(rows, Check(metric="calibration_difference", at_most=0.5, by="sex"), watched).status is Status.PASS
    strata = Check(metric="conditional_demographic_disparity", at_most=0.01, by="sex|c0")
    assert judged(rows, strata, watched).status is Status.FAIL
    none = replace(strata, by="sex|nothing")
    assert "no column 'nothing'" in judged(rows, none, watched).method
    similar = judged(rows, Check(metric="consistency", at_least=0.3), watched)
    assert similar.estimate is not None
    number = Watched(deployment_id="dep", live=True, task="regression")
    assert judged(rows, Check(metric="mean_prediction_difference", at_most=0.2, by="sex"), number).status is Status.PASS


# ------------------------------------------------------------------ speed
def slow(counts: dict[int, int]) -> list[int]:
    return [counts.get(i, 0) for i in range(101)]


def test_latency_needs_enough_requests_to_pass(watched: Watched) -> None:
    few = Traffic(slow=slow({5: 100}))
    verdicts, _ = judge_window(traffic(np.random.default_rng(12)), [FAST], watched, few, closed=False)
    assert verdicts[0].status is Status.INSUFFICIENT
    for counts, status in (({5: 1000}, Status.PASS), ({5: 900, 60: 100}, Status.FAIL)):
        verdicts, _ = judge_window(
            traffic(np.random.default_rng(12)), [FAST], watched, Traffic(slow=slow(counts)), closed=False
        )
        assert verdicts[0].status is status


def test_latency_bounds_hold_the_true_quantile() -> None:
    rng = np.random.default_rng(13)
    outside = 0
    for _ in range(300):
        buckets = rng.geometric(0.2, size=2000)
        low, high = quantile_bounds(
            slow(dict(zip(*np.unique(np.minimum(buckets, 100), return_counts=True), strict=True))), 0.5, 0.95
        )[1:]
        edge = 0.05 * 1.15**4  # the median of the geometric law with 0.2 is 4: bucket index 4
        outside += not (low <= edge * 1.0001 and (high is None or high >= edge * 0.999))
    assert outside <= 15


def test_counters_that_were_reset_count_from_nothing() -> None:
    assert difference([5, 5], [3, 1]) == [2, 4]
    assert difference([1, 0], [3, 1]) == [1, 0]
    assert difference([1, 0], []) == [1, 0]


def test_failures_and_memory(watched: Watched) -> None:
    rows = traffic(np.random.default_rng(14))
    checks = [Check(metric="error_rate", at_most=0.01), Check(metric="memory_bytes", at_most=1000)]
    told = Traffic(slow=slow({3: 900}), errors=100, memory_bytes=4000)
    verdicts, _ = judge_window(rows, checks, watched, told, closed=False)
    assert [v.status for v in verdicts] == [Status.FAIL, Status.FAIL]
    assert [v.detail["severe"] for v in verdicts] == [True, False]
