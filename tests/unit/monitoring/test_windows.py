"""Where windows end, and what a label says."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from fairloop.monitoring.windows import assemble, cut, features_of, is_positive, window_id


def test_windows_are_cut_in_order_and_the_rest_waits() -> None:
    assert cut([1, 2, 3, 7, 8, 9, 12], 3) == [(1, 3), (7, 9)]
    assert cut([1, 2], 3) == []


def test_a_window_keeps_its_id() -> None:
    assert window_id("mon", "dep", 5) == window_id("mon", "dep", 5)
    assert len({window_id("mon", "dep", 5), window_id("mon", "dep", 6), window_id("mon", "dex", 5)}) == 3


@pytest.mark.parametrize(
    ("label", "positive", "wanted"),
    [
        (">50K", ">50K", 1),
        ("<=50K", ">50K", 0),
        (1, ">50K", 1),
        (0, ">50K", 0),
        (True, ">50K", 1),
        (1, 1, 1),
        ("1", 1, 1),
        (0, 1, 0),
        (2, 1, 0),
        (1, 2, 0),
        (2, 2, 1),
        (1, None, 1),
        (False, None, 0),
        (True, True, 1),
        ("yes", None, np.nan),
    ],
)
def test_labels(label: Any, positive: Any, wanted: float) -> None:
    assert is_positive(label, positive) == pytest.approx(wanted, nan_ok=True)


def test_rows_are_joined_with_what_is_known() -> None:
    log = pl.DataFrame({"id": ["a", "b", "c"], "features": ['{"x":1}', '{"x":2.5}', '{"x":null}'],
                        "score": [0.1, None, 0.3], "predicted": [0.0, 1.0, None]})  # fmt: skip
    labels = pl.DataFrame({"id": ["c", "a"], "label": ['"yes"', "0"]})
    told = pl.DataFrame({"id": ["b"], "attribute": ["sex"], "value": ["Male"]})
    rows = assemble(log, labels, told, task="binary", positive="yes")
    np.testing.assert_array_equal(rows.labels, [0, np.nan, 1])
    np.testing.assert_array_equal(rows.scores, [0.1, np.nan, 0.3])
    assert rows.sensitive["sex"].to_list() == [None, "Male", None]
    assert rows.features["x"].to_list() == [1.0, 2.5, None]
    numbers = assemble(
        log, pl.DataFrame({"id": ["a", "b"], "label": ["2.5", '"x"']}), told, task="regression", positive=None
    )
    np.testing.assert_array_equal(numbers.labels, [2.5, np.nan, np.nan])


def test_features_of_mixed_types_are_text() -> None:
    assert features_of(['{"a":1}', '{"a":"x"}'])["a"].to_list() == ["1", "x"]
