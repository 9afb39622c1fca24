"""Promises: what is chosen, how wide they are, and that influence points where labels move the gap."""

from __future__ import annotations

import numpy as np
import pytest

from fairloop.errors import InvalidInput
from fairloop.fairness.prescription import (
    Promise,
    by_expected_effect,
    gap_pull,
    leaf_influence,
    promise,
    promises,
    worthwhile,
)


def made(relabel: int, estimate: float, half: float = 0.01, now: float = 0.2) -> Promise:
    return Promise(relabel=relabel, collect=0, now=now, estimate=estimate, low=estimate - half, high=estimate + half,
                   wrong=1.0, draws=8)  # fmt: skip


def test_a_promise_covers_one_more_draw() -> None:
    random, inside = np.random.default_rng(0), 0
    for _ in range(500):
        drawn = random.normal(0.1, 0.02, 17)
        inside += promise(drawn[:16], now=0.1, relabel=1).holds(float(drawn[16]))
    assert inside / 500 > 0.95


def test_no_promise_is_surer_than_the_model() -> None:
    sure = promise([0.1] * 10, now=0.2, relabel=5)
    assert sure.high - sure.low > 0.02
    assert promise([0.0, 0.01] * 5, now=0.2, relabel=5).low >= 0.0
    with pytest.raises(InvalidInput, match="3 draws"):
        promise([0.1, 0.2, 0.3], now=0.2, relabel=5)


def test_pull_and_influence_have_the_sign_that_closes_the_gap() -> None:
    scores = np.array([0.5, 0.5, 0.02, 0.5])
    high, low = np.array([True, False, False, True]), np.array([False, True, True, False])
    pull = gap_pull(scores, high, low)
    assert pull[0] < 0 < pull[1]
    assert pull[2] == pytest.approx(0, abs=1e-6)
    found = leaf_influence(np.array([[0], [1], [1]]), np.array([[0], [1], [1], [0]]), pull)
    assert found[0] < 0 < found[1] == found[2]
    with pytest.raises(InvalidInput):
        gap_pull(scores, high, np.zeros(4, dtype=bool))


def test_rows_that_help_come_first_and_those_that_hurt_are_not_left_out() -> None:
    chances = np.array([0.9, 0.5, 0.0, 0.9])
    influence = np.array([0.1, 0.3, 9.0, -0.5])
    labels = np.array([False, False, False, False])
    assert by_expected_effect(chances, labels, influence).tolist() == [1, 0, 3]
    assert by_expected_effect(chances, ~labels, influence).tolist() == [3, 0, 1]


def test_each_size_is_promised_from_the_same_draws() -> None:
    labels = np.zeros(10, dtype=bool)
    draws = [np.arange(10) < 4 + d % 2 for d in range(8)]
    found = promises(labels, draws, np.arange(10), [2, 6], lambda y: 0.5 - 0.1 * float(y.sum()))
    assert [p.relabel for p in found] == [2, 6]
    assert found[0].estimate == pytest.approx(0.3)
    assert found[0].now == 0.5
    assert found[1].estimate == pytest.approx(0.05)
    assert found[1].wrong == 4.5


def test_the_smallest_size_that_does_most_is_prescribed() -> None:
    listed = [made(100, 0.17), made(200, 0.11), made(400, 0.1), made(800, 0.1)]
    best = worthwhile(listed)
    assert best is not None
    assert best.relabel == 200
    aimed = worthwhile(listed, target=0.1)
    assert aimed is not None
    assert aimed.relabel == 400
    assert worthwhile([made(100, 0.195, half=0.02)]) is None
    assert worthwhile([]) is None
