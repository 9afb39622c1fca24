"""Thin groups and regions, and how many rows they lack."""

from __future__ import annotations

import numpy as np
import pytest

from fairloop.errors import InvalidInput
from fairloop.fairness.coverage import coverage
from fairloop.stats.intervals import wilson


def test_the_missing_rows_bring_the_interval_within_the_width() -> None:
    random = np.random.default_rng(0)
    regions = random.integers(0, 2, 4000)
    groups = np.where((regions == 1) & (random.random(4000) < 0.01), "few", "many")
    labels = random.random(4000) < 0.4
    found = {(c.group, c.region): c for c in coverage(labels, groups, regions, ["here", "there"])}
    thin = found["few", "there"]
    assert thin.thin
    assert not found["many", "here"].thin
    low, high = wilson(0.4 * (thin.n + thin.missing), thin.n + thin.missing)
    assert (high - low) / 2 == pytest.approx(0.1, abs=0.015)
    assert thin.share < 0.02
    assert thin.usual < 0.01


def test_an_empty_cell_knows_nothing_and_rare_regions_do_not_count() -> None:
    groups = ["a"] * 500 + ["b"] * 500
    regions = np.array([0] * 500 + [1] * 495 + [2] * 5)
    found = {(c.group, c.region): c for c in coverage([0, 1] * 500, groups, regions, ["x", "y", "z"])}
    assert ("a", "z") not in found
    cell = found["a", "y"]
    assert (cell.n, cell.rate, cell.low, cell.high) == (0, None, 0.0, 1.0)
    assert 90 <= cell.missing <= 100
    assert coverage([], [], [], ["x"]) == []


def test_rows_without_a_group_are_left_out() -> None:
    found = coverage([1, 0, 1, 0] * 100, ["a", "b", None, None] * 100, np.zeros(400, dtype=int), ["all"])
    assert sum(c.n for c in found) == 200


@pytest.mark.parametrize(("options", "words"), [
    ({"width": 0.6}, "width=0.6"), ({"regions": [0, 0]}, "2 regions"), ({"regions": [0, 0, 5, 0]}, "no name"),
])  # fmt: skip
def test_what_cannot_be_is_refused(options: dict[str, object], words: str) -> None:
    told: dict[str, object] = {"regions": [0, 0, 0, 0], **options}
    with pytest.raises(InvalidInput, match=words):
        coverage([0, 1, 0, 1], ["a", "b"] * 2, told.pop("regions"), ["all"], **told)  # type: ignore[arg-type]
