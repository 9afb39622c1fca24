import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import fairloop.datasets
from fairloop.drift.judge import judge_drift
from fairloop.drift.profile import profile_reference, profile_scores, profile_window
from fairloop.errors import InvalidInput

ADULT = Path(fairloop.datasets.__path__[0]) / "samples" / "adult.parquet"


@pytest.fixture(scope="module")
def adult() -> tuple[pl.DataFrame, pl.DataFrame]:
    """14 columns of Adult: reference rows and other rows."""
    table = pl.read_parquet(ADULT).drop("income", "part")
    assert table.width == 14
    order = np.random.default_rng(7).permutation(len(table))
    return table[order[:24_000]], table[order[24_000:]]


def windows(rows: pl.DataFrame, count: int, n: int = 500) -> list[pl.DataFrame]:
    random = np.random.default_rng(11)
    return [rows[random.choice(len(rows), n, replace=False)] for _ in range(count)]


def test_acceptance_no_drift_rarely_fails(adult: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    reference = profile_reference(adult[0])
    judged = [judge_drift(reference, profile_window(window, reference)) for window in windows(adult[1], 200)]
    assert sum(each["status"] == "fail" for each in judged) <= 18
    assert {each["status"] for each in judged} <= {"pass", "fail"}
    assert sum(each["severe"] for each in judged) <= 2


def test_acceptance_half_a_standard_deviation_in_one_of_14_columns_is_found(
    adult: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    reference = profile_reference(adult[0])
    for name in (
        "age",
        "hours-per-week" if "hours-per-week" in adult[0].columns else "hours_per_week",
        "fnlwgt",
    ):
        shift = 0.5 * adult[0][name].std()
        shifted = (window.with_columns(pl.col(name) + shift) for window in windows(adult[1], 50))
        found = sum(name in judge_drift(reference, profile_window(each, reference))["drifted"] for each in shifted)
        assert found >= 40, name


def test_subtler_shifts_are_found_by_their_order() -> None:
    random = np.random.default_rng(0)
    reference = profile_reference({f"x{i}": random.normal(size=20_000) for i in range(14)})
    found = 0
    for _ in range(50):
        window = {f"x{i}": random.normal(0.3 * (i == 3), 1, 500) for i in range(14)}
        found += "x3" in judge_drift(reference, profile_window(window, reference))["drifted"]
    assert found >= 40


def test_new_categories_and_new_gaps_are_found() -> None:
    random = np.random.default_rng(0)
    reference = profile_reference({"c": random.choice(list("abc"), 5000), "x": random.normal(size=5000)})
    window = {"c": random.choice(list("abcz"), 500, p=[0.32, 0.32, 0.32, 0.04]), "x": random.normal(size=500)}
    judged = judge_drift(reference, profile_window(window, reference))
    assert judged["drifted"] == ["c"]
    window = {
        "c": random.choice(list("abc"), 500),
        "x": np.where(random.random(500) < 0.05, np.nan, random.normal(size=500)),
    }
    judged = judge_drift(reference, profile_window(window, reference))
    assert judged["drifted"] == ["x"]
    assert judged["columns"]["x"]["tests"]["missing"] < 1e-6
    assert judge_drift(reference, profile_window({"c": list("abc") * 99}, reference))["drifted"] == ["x"]


def test_a_certain_but_trivial_shift_passes() -> None:
    random = np.random.default_rng(0)
    reference = profile_reference({"x": random.normal(size=300_000)})
    window = profile_window({"x": random.normal(0.05, 1, 300_000)}, reference)
    judged = judge_drift(reference, window)
    assert judged["p_value"] < 1e-9
    assert judged["status"] == "pass"
    assert judge_drift(reference, window, min_effect=0.001)["status"] == "fail"


def test_few_rows_are_no_evidence() -> None:
    reference = profile_reference({"x": range(1000)})
    few = judge_drift(reference, profile_window({"x": [10_000] * 49}, reference))
    assert few["status"] == few["columns"]["x"]["status"] == "insufficient_evidence"
    assert (few["estimate"], few["p_value"], few["drifted"], few["severe"]) == (None, None, [], False)
    none = judge_drift(reference, profile_window({"x": []}, reference))
    assert none["status"] == "insufficient_evidence"
    empty = profile_reference({"x": np.array([], dtype=float)})
    assert judge_drift(empty, profile_window({"x": range(100)}, empty))["status"] == "insufficient_evidence"


def test_prediction_drift_on_scores() -> None:
    random = np.random.default_rng(0)
    reference = profile_scores(random.beta(2, 5, 5000))
    false = sum(
        judge_drift(reference, profile_scores(random.beta(2, 5, 300), reference))["status"] == "fail"
        for _ in range(200)
    )
    assert false <= 18
    judged = judge_drift(reference, profile_scores(random.beta(3, 5, 300), reference))
    assert judged["drifted"] == ["score"]
    assert judged["severe"]


def test_the_answer_is_plain_json_with_what_a_page_draws(adult: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    reference = profile_reference(adult[0])
    judged = judge_drift(reference, profile_window(windows(adult[1], 1)[0], reference))
    text = json.dumps(judged, allow_nan=False)
    assert json.loads(text) == judged
    for column in judged["columns"].values():
        for side in ("reference", "window"):
            assert sum(each[side] for each in column["bins"]) == pytest.approx(1.0)
        assert column["distances"]["psi"] >= 0
        assert 0 <= column["p_corrected"] <= 1


def test_bad_arguments_are_named() -> None:
    reference = profile_reference({"x": range(100)})
    window = profile_window({"x": range(100)}, reference)
    for options, words in (({"alpha": 0.0}, "alpha"), ({"min_effect": -1.0}, "min_effect")):
        with pytest.raises(InvalidInput, match=words):
            judge_drift(reference, window, **options)
    with pytest.raises(InvalidInput, match="shares no column"):
        judge_drift(reference, {})
