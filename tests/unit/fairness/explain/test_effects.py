"""Partial dependence against scikit-learn, accumulated local effects against what a linear model has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.inspection import partial_dependence as reference

from fairloop.fairness.explain.effects import accumulated_effect, partial_dependence


@pytest.fixture(scope="module")
def fitted() -> tuple[pd.DataFrame, Any]:
    random = np.random.default_rng(0)
    rows = pd.DataFrame(random.normal(size=(300, 3)), columns=["a", "b", "c"])
    return rows, GradientBoostingRegressor(n_estimators=30, random_state=0).fit(
        rows, rows["a"] ** 2 + rows["b"] * rows["c"]
    )


def test_partial_dependence_is_scikit_learns(fitted: tuple[pd.DataFrame, Any]) -> None:
    rows, model = fitted
    for column in rows:
        found = partial_dependence(model.predict, rows, column)
        told = reference(model, rows, [column], custom_values={column: np.array(found.at)}, method="brute")
        np.testing.assert_allclose(found.value, told["average"][0], rtol=1e-9)
        assert sum(found.rows) == len(rows)


def test_accumulated_effect_of_a_line_is_the_line(fitted: tuple[pd.DataFrame, Any]) -> None:
    rows, _ = fitted
    rows = rows.assign(b=rows["a"] + 0.1 * rows["b"])  # dependent columns do not disturb it
    found = accumulated_effect(lambda f: 2.0 * f["a"].to_numpy() - 5.0 * f["b"].to_numpy(), rows, "a", points=100)
    assert found is not None
    slopes = np.diff(found.value) / np.diff(found.at)
    np.testing.assert_allclose(slopes, 2.0, rtol=1e-9)
    centre = np.average(np.interp(rows["a"], found.at, found.value))
    assert centre == pytest.approx(0.0, abs=0.02)
    assert sum(found.rows) == len(rows)


def test_accumulated_effect_by_hand() -> None:
    """Two bins, four rows; the differences are computed on paper."""
    rows = pd.DataFrame({"x": [0.0, 1.0, 2.0, 4.0], "z": [1.0, 2.0, 3.0, 4.0]})
    found = accumulated_effect(lambda f: (f["x"] * f["z"]).to_numpy(), rows, "x", points=2)
    assert found is not None
    assert found.at == [0.0, 1.0, 4.0]
    # bin 1: rows 0 and 1 move 0 to 1: z = 1 and 2, mean 1.5; bin 2: rows 2 and 3 move 1 to 4: 3 * (3 + 4) / 2 = 10.5
    assert np.diff(found.value).tolist() == pytest.approx([1.5, 10.5])


def test_columns_without_a_curve() -> None:
    rows = pd.DataFrame({"c": pd.Categorical(["x", "y", "x"]), "k": [1.0, 1.0, 1.0], "t": [True, False, True]})
    score = lambda f: np.arange(len(f), dtype=float)  # noqa: E731  # any function of rows
    assert accumulated_effect(score, rows, "c") is None
    assert accumulated_effect(score, rows, "k") is None
    assert accumulated_effect(score, rows, "t") is None
    assert partial_dependence(score, rows, "c").at == ["x", "y"]
    assert partial_dependence(score, rows, "t").at == [True, False]
