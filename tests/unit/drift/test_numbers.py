import datetime

import numpy as np
import polars as pl
import pytest

from fairloop.drift.numbers import count_between, number_reference, number_window


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32", "int8", "uint8"])
def test_counts_equal_a_search_per_value(dtype: str) -> None:
    random = np.random.default_rng(0)
    values = (random.normal(size=200_000) * 30 + 50).clip(0, 120).astype(dtype)
    edges = [-3.0, 0.0, 10.5, 20.1, 50.0, 50.2, 99.999, 119.0]
    expected = np.bincount(np.searchsorted(edges, values.astype(np.float64), "left"), minlength=len(edges) + 1)
    assert count_between(values, edges) == list(expected)


def test_edges_beyond_the_type_of_the_values() -> None:
    assert count_between(np.array([0, 100, 127], dtype=np.int8), [-1000.0, 50.0, 1000.0]) == [0, 1, 2, 0]


def test_a_reference_fills_its_bins_evenly() -> None:
    profile = number_reference(pl.Series("x", np.random.default_rng(0).normal(size=10_000)))
    assert len(profile["edges"]) == 19
    assert profile["counts"] == [500] * 20


def test_few_distinct_values_get_a_bin_each() -> None:
    profile = number_reference(pl.Series("x", [0] * 900 + [5] * 60 + [7] * 40))
    assert profile["edges"] == [0.0, 5.0]
    assert profile["counts"] == [900, 60, 40]


@pytest.mark.parametrize(
    ("series", "missing"),
    [
        (pl.Series("x", [1.0, None, float("nan"), 2.0]), 2),
        (pl.Series("x", [1, None, 2, 3]), 1),
        (pl.Series("x", [None, None], dtype=pl.Null), 2),
        (pl.Series("x", ["1", "2", "no number"]), 1),
        (pl.Series("x", [True, False, None]), 1),
        (pl.Series("x", [datetime.date(2026, 1, 1), None]), 1),
        (pl.Series("x", ["1.50"]).cast(pl.Decimal(10, 2)), 0),
        (pl.Series("x", [], dtype=pl.Float64), 0),
    ],
)
def test_missing_values_are_their_own_bin(series: pl.Series, missing: int) -> None:
    profile = number_reference(series)
    assert profile["missing"] == missing
    assert profile["n"] == len(series)
    assert sum(profile["counts"]) + missing == len(series)
    assert number_window(series, profile)["counts"] == profile["counts"]


def test_infinite_values_fall_into_the_outer_bins() -> None:
    reference = number_reference(pl.Series("x", list(range(100))))
    window = number_window(pl.Series("x", [float("inf"), float("-inf"), 50.0]), reference)
    assert window["counts"][0] == window["counts"][-1] == 1
    assert window["sum"] is None
    odd = number_reference(pl.Series("x", [float("-inf"), 1.0, 2.0, float("inf")]))
    assert (odd["low"], odd["high"]) == (1.0, 2.0)
