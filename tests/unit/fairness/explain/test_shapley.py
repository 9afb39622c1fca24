"""Shapley values and gaps against brute force over all sets of columns, and against shap."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier

from fairloop.errors import InvalidInput
from fairloop.fairness.explain.gap import decompose_gap, parts_from_values
from fairloop.fairness.explain.values import Member, _shap, row_values
from fairloop.fairness.explain.walks import mixed, walk

CATEGORIES = pd.CategoricalDtype(["x", "y", "z"])


def people(n: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(seed)
    group = random.choice(["F", "M"], n, p=[0.4, 0.6])
    rows = pd.DataFrame({
        "pay": random.normal(size=n) + 0.8 * (group == "M"),
        "job": pd.Categorical(np.where(random.random(n) < 0.6, np.where(group == "M", "x", "y"), "z"), dtype=CATEGORIES),
        "luck": random.normal(size=n), "sex": (group == "M").astype(float),
    })  # fmt: skip
    return rows, group


def rule(frame: pd.DataFrame) -> np.ndarray:
    """A decision with an interaction; it does not read ``sex``."""
    job = (frame["job"] == "x").to_numpy()
    return np.asarray(frame["pay"] + 0.9 * job * (frame["luck"] > 0) + 0.3 * frame["luck"] > 0.6).astype(float)


def brute_force(score: Any, rows: pd.DataFrame, groups: np.ndarray) -> dict[str, float]:
    """Shapley values of the gap by definition: every set, every reference row."""
    names = list(rows.columns)
    n, references = len(rows), rows

    def value(chosen: tuple[str, ...]) -> float:
        total = np.zeros(n)
        for place in range(len(references)):
            frame = pd.DataFrame({c: rows[c] if c in chosen else references[c].iloc[[place] * n].reset_index(drop=True)
                                  for c in names})  # fmt: skip
            total += score(frame)
        mean = total / len(references)
        return float(mean[groups == "M"].mean() - mean[groups == "F"].mean())

    known = {s: value(s) for k in range(len(names) + 1) for s in combinations(names, k)}
    found = {}
    for name in names:
        rest = [c for c in names if c != name]
        found[name] = sum(
            factorial(k) * factorial(len(names) - k - 1) / factorial(len(names))
            * (known[tuple(c for c in names if c in {*s, name})] - known[s])
            for k in range(len(names)) for s in combinations(rest, k))  # fmt: skip
    return found


def test_the_gap_is_taken_apart_as_shapley_says() -> None:
    rows, groups = people(120)
    exact = brute_force(rule, rows, groups)
    found = decompose_gap(rule, rows, groups, "M", "F", rounds=60)
    gap = rule(rows)[groups == "M"].mean() - rule(rows)[groups == "F"].mean()
    assert sum(exact.values()) == pytest.approx(gap, abs=1e-12)
    assert found.gap == pytest.approx(gap, abs=1e-12)
    assert sum(part.part for part in found.parts) == pytest.approx(gap, abs=1e-12)
    for part in found.parts:
        assert part.part == pytest.approx(exact[part.column], abs=0.02), part.column
    assert {part.column: part.part for part in found.parts}["sex"] == 0.0
    assert [p.column for p in found.parts[:2]] == sorted(exact, key=lambda c: -abs(exact[c]))[:2]


def test_intervals_of_parts_cover() -> None:
    """The parts of a sample against those of the population, which a very large sample tells."""
    rows, groups = people(40_000, 99)
    truth = {p.column: p.part for p in decompose_gap(rule, rows, groups, "M", "F", rounds=8).parts}
    inside = []
    for seed in range(40):
        sample, named = people(1200, seed)
        found = decompose_gap(rule, sample, named, "M", "F", seed=seed)
        inside += [p.low <= truth[p.column] <= p.high for p in found.parts if p.column != "sex" and p.low is not None]
    assert np.mean(inside) >= 0.9


@given(st.integers(1, 12), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_a_walk_adds_up_exactly(n: int, seed: int) -> None:
    rows, _ = people(n, seed)
    references, _ = people(n, seed + 100)
    samples = walk(rule, rows, references, np.random.default_rng(seed))
    np.testing.assert_allclose(samples.sum(axis=1), rule(rows) - rule(references), atol=1e-12)
    assert (samples[:, 3] == 0).all()


def test_walks_without_rows() -> None:
    rows, _ = people(3)
    assert walk(rule, rows.iloc[:0], rows.iloc[:0], np.random.default_rng(0)).shape == (0, 4)


def test_mixing_keeps_types_and_missing_values() -> None:
    rows = pd.DataFrame(
        {"a": [1, 2], "t": pd.array(["one", "two"], dtype="str"), "c": pd.Categorical(["x", None], dtype=CATEGORIES)}
    )
    other = pd.DataFrame(
        {"a": [3, 4], "t": pd.array(["three", "four"], dtype="str"), "c": pd.Categorical(["z", "y"], dtype=CATEGORIES)}
    )
    own = np.array([[True, False, True], [False, True, True]])
    found = mixed(rows, other, own)
    assert found.dtypes.to_dict() == rows.dtypes.to_dict()
    assert found["a"].tolist() == [1, 4]
    assert found["t"].tolist() == ["three", "two"]
    assert found["c"].isna().tolist() == [False, True]


def test_a_group_that_is_not_there() -> None:
    rows, groups = people(20)
    with pytest.raises(InvalidInput, match="'X' has no rows"):
        decompose_gap(rule, rows, groups, "X", "F")


# ------------------------------------------------------------------ values of rows
def trained(n: int = 800) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(1)
    rows = pd.DataFrame(random.normal(size=(n, 3)), columns=["a", "b", "c"])
    return rows, (rows["a"] + rows["b"] * rows["c"] + random.normal(size=n) > 0).astype(int).to_numpy()


def probability(estimator: Any) -> Any:
    return lambda frame: estimator.predict_proba(frame)[:, 1]


@pytest.mark.parametrize("estimator", [
    RandomForestClassifier(20, max_depth=5, random_state=0, n_jobs=1),
    GradientBoostingClassifier(n_estimators=20, random_state=0),
    lightgbm.LGBMClassifier(n_estimators=20, verbose=-1, n_jobs=1),
])  # fmt: skip
def test_trees_go_through_shap_in_the_models_own_output(estimator: Any) -> None:
    """What shap says is taken only because it adds up to the probability; walks then agree with it."""
    shap = _shap()
    rows, labels = trained()
    estimator.fit(rows, labels)
    shown, references = rows.iloc[:5], rows.iloc[100:150].reset_index(drop=True)
    score = probability(estimator)
    found = row_values(score, [Member(estimator=estimator, output=1)], shown, references)
    assert "shap" in found.method
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), score(shown), atol=1e-6)
    direct = shap.TreeExplainer(estimator, data=references, feature_perturbation="interventional",
                                model_output="probability").shap_values(shown)  # fmt: skip
    np.testing.assert_allclose(found.values, direct if direct.ndim == 2 else direct[:, :, 1], atol=1e-12)
    sampled = row_values(score, [], shown, references, rounds=600)
    assert sampled.method.startswith("sampled")
    assert not sampled.exact
    np.testing.assert_allclose(sampled.base + sampled.values.sum(axis=1), score(shown), atol=1e-9)
    np.testing.assert_allclose(sampled.values, found.values, atol=0.05)
    assert found.exact == isinstance(estimator, RandomForestClassifier)
    swapped = row_values(lambda f: 1 - score(f), [Member(estimator=estimator, output=0)], shown, references)
    np.testing.assert_allclose(swapped.values, -found.values, atol=1e-9)


def test_values_that_do_not_add_up_are_thrown_away() -> None:
    """shap 0.51 says probabilities of this model that are up to 0.08 off (seen); they are sampled instead."""
    rows, labels = trained()
    estimator = HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(rows, labels)
    score = probability(estimator)
    found = row_values(score, [Member(estimator=estimator, output=1)], rows.iloc[:4], rows.iloc[50:90])
    assert found.method.startswith("sampled")
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), score(rows.iloc[:4]), atol=1e-9)


def test_a_mean_of_models_has_the_mean_of_their_values() -> None:
    rows, labels = trained()
    parts = [lightgbm.LGBMClassifier(n_estimators=k, verbose=-1, n_jobs=1).fit(rows, labels) for k in (5, 20)]
    members = [Member(estimator=parts[0], weight=0.3, output=1), Member(estimator=parts[1], weight=0.7, output=1)]

    def score(frame: pd.DataFrame) -> np.ndarray:
        return np.asarray(0.3 * probability(parts[0])(frame) + 0.7 * probability(parts[1])(frame))

    shown, references = rows.iloc[:6], rows.iloc[200:260].reset_index(drop=True)
    found = row_values(score, members, shown, references)
    assert "shap" in found.method
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), score(shown), atol=1e-6)
    alone = [row_values(probability(p), [Member(estimator=p, output=1)], shown, references).values for p in parts]
    np.testing.assert_allclose(found.values, 0.3 * alone[0] + 0.7 * alone[1], atol=1e-9)


def test_without_shap_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairloop.fairness.explain.values._shap", lambda: None)
    rows, labels = trained(200)
    estimator = RandomForestClassifier(5, random_state=0).fit(rows, labels)
    found = row_values(probability(estimator), [Member(estimator=estimator, output=1)], rows.iloc[:2], rows.iloc[:20])
    assert "pip install 'fairloop[explain]'" in found.method


def test_parts_of_a_gap_from_exact_values() -> None:
    rows, labels = trained()
    estimator = RandomForestClassifier(10, max_depth=4, random_state=0).fit(rows, labels)
    groups = np.where(rows["a"] > 0, "M", "F")
    values = row_values(probability(estimator), [Member(estimator=estimator, output=1)], rows, rows.iloc[:60])
    found = parts_from_values(values.values, values.columns, groups, "M", "F")
    scores = probability(estimator)(rows)
    assert found.gap == pytest.approx(scores[groups == "M"].mean() - scores[groups == "F"].mean(), abs=1e-6)
    assert found.parts[0].column == "a"
