"""Before training: rows, labels and features, against what they promise and against AIF360."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.linalg import lstsq

from fairloop.errors import InvalidInput
from fairloop.fairness.mitigation import massaging, preferential_sampling, resampling, reweighing
from fairloop.fairness.mitigation.before import label_cells
from fairloop.fairness.mitigation.features import correlation_eraser, quantile_tables, repaired


def sample(n: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    group = random.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    chance = np.select([group == "a", group == "b"], [0.5, 0.25], 0.1)
    label = (random.random(n) < chance).astype(int)
    return label, group, np.clip(0.6 * label + random.normal(0.2, 0.2, n), 0, 1)


def share(label: np.ndarray, group: np.ndarray) -> list[float]:
    return [float(label[group == g].mean()) for g in "abc"]


def test_reweighing_equals_aif360() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from aif360.algorithms.preprocessing import Reweighing
        from aif360.datasets import BinaryLabelDataset

    label, group, _ = sample()
    two = np.where(group == "a", 1.0, 0.0)
    data = BinaryLabelDataset(df=pd.DataFrame({"y": label.astype(float), "g": two}), label_names=["y"],
                              protected_attribute_names=["g"])  # fmt: skip
    theirs = Reweighing([{"g": 0.0}], [{"g": 1.0}]).fit_transform(data).instance_weights
    np.testing.assert_allclose(reweighing(label, two), theirs / theirs.mean(), rtol=1e-12)


def test_classes_and_fifths_become_independent_too() -> None:
    random = np.random.default_rng(0)
    _, group, _ = sample()
    for task, label in (
        ("multiclass", random.choice(["x", "y", "z"], 2000)),
        ("regression", random.normal(group == "a", 1)),
    ):
        cells, weight = label_cells(label, task), reweighing(label, group, task=task)
        for cell in np.unique(cells):
            rates = [np.average((cells == cell)[group == g], weights=weight[group == g]) for g in "abc"]
            assert np.ptp(rates) < 1e-12


def test_drawn_rows_are_independent_and_repeatable() -> None:
    label, group, _ = sample()
    rows = resampling(label, group)
    assert len(rows) == len(label)
    assert np.ptp(share(label[rows], group[rows])) < 0.03  # as even as whole rows can be
    np.testing.assert_array_equal(rows, resampling(label, group))
    assert (rows != resampling(label, group, seed=1)).any()
    np.testing.assert_array_equal(resampling(label, group, 0.0), np.arange(len(label)))
    assert len(resampling([], [])) == 0


def test_preferential_sampling_changes_the_rows_at_the_border() -> None:
    label, group, score = sample()
    rows = preferential_sampling(label, group, score)
    assert np.ptp(share(label[rows], group[rows])) < 0.01
    gone = np.setdiff1d(np.arange(len(label)), rows)
    lost = gone[(group[gone] == "a") & (label[gone] == 1)]
    kept = np.flatnonzero((group == "a") & (label == 1) & np.isin(np.arange(len(label)), rows))
    assert score[lost].max() <= score[kept].min()
    np.testing.assert_array_equal(preferential_sampling(label, group, score, 0.0), np.arange(len(label)))


def test_massaging_evens_the_shares_at_the_border() -> None:
    label, group, score = sample()
    even = massaging(label, group, score)
    assert np.ptp(share(even, group)) < 0.01
    raised = np.flatnonzero((group == "c") & (label == 0) & even)
    left = np.flatnonzero((group == "c") & ~even)
    assert score[raised].min() >= score[left].max()
    half = share(massaging(label, group, score, 0.5), group)
    assert np.ptp(half) == pytest.approx(np.ptp(share(label, group)) / 2, abs=0.01)
    nobody = np.array([None] * len(label), dtype=object)
    np.testing.assert_array_equal(massaging(label, nobody, score), label.astype(bool))
    with pytest.raises(InvalidInput, match="strength of -1"):
        massaging(label, group, score, -1)


# ---------------------------------------------------------------------- features
def test_no_linear_function_of_erased_features_tells_the_group() -> None:
    random = np.random.default_rng(1)
    _, group, _ = sample()
    X = random.normal(size=(2000, 5)) @ random.normal(size=(5, 5))
    X[:, 0] += group == "a"
    X[:, 3] -= 2.0 * (group == "c")
    X = np.column_stack([X, X[:, 0] + X[:, 1]])  # a column that others make up does not break it
    weight = random.random(2000)
    mean, matrix = correlation_eraser(X, group, weight)
    clean = X - (X - mean) @ matrix.T
    for g in "abc":
        told = (group == g) - np.average(group == g, weights=weight)
        covariance = ((clean - mean) * (weight * told)[:, None]).sum(axis=0)
        assert np.abs(covariance).max() < 1e-7 * weight.sum()
    before, after = (lstsq(np.column_stack([F, np.ones(2000)]) * np.sqrt(weight)[:, None], (group == "a") * np.sqrt(weight),
                           rcond=None)[0] for F in (X, clean))  # fmt: skip
    assert np.ptp(np.column_stack([X, np.ones(2000)]) @ before) > 0.5
    assert np.ptp(np.column_stack([clean, np.ones(2000)]) @ after) < 1e-3
    with pytest.raises(InvalidInput, match="Only one group"):
        correlation_eraser(X, np.array(["a"] * 2000))


def test_repaired_columns_have_one_distribution() -> None:
    random = np.random.default_rng(2)
    _, group, _ = sample()
    values = random.normal(np.where(group == "a", 3.0, 0.0), np.where(group == "b", 2.0, 1.0))
    values[:5] = np.nan
    names, knots, target = quantile_tables(values, group)
    codes = np.array([names.index(g) for g in group])
    full, half = (repaired(values, codes, knots, target, s) for s in (1.0, 0.5))
    known = np.isfinite(values)
    medians = [np.median(full[known & (group == g)]) for g in "abc"]
    assert np.ptp(medians) < 0.1
    np.testing.assert_allclose(half[known], (values[known] + full[known]) / 2)
    for g in "abc":  # the order inside a group stays
        inside = known & (group == g)
        assert (np.diff(full[inside][np.argsort(values[inside])]) >= -1e-9).all()
    assert np.isnan(full[:5]).all()
    np.testing.assert_array_equal(repaired(values, np.full(2000, -1), knots, target, 1.0), values)


def test_many_equal_values_stay_equal() -> None:
    group = np.array(["a"] * 100 + ["b"] * 100)
    values = np.r_[np.zeros(80), np.arange(20), np.zeros(60), np.arange(40)].astype(float)
    names, knots, target = quantile_tables(values, group)
    found = repaired(values, np.repeat([0, 1], 100), knots, target, 1.0)
    assert names == ["a", "b"]
    assert len(np.unique(found[:80])) == 1
