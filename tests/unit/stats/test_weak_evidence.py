"""Severe answers on weak evidence."""

from __future__ import annotations

import numpy as np
import pytest

from fairloop.stats.intervals import wilson
from fairloop.stats.weak_evidence import severe_on_weak_evidence


def test_it_is_the_share_of_severe_answers_below_the_limit() -> None:
    scores, severe = np.array([0.95, 0.7, 0.6, 0.1, 0.85]), np.array([1, 1, 1, 0, 1])
    found = severe_on_weak_evidence(scores, severe)
    assert (found.estimate, found.n) == (0.5, 4)
    assert (found.low, found.high) == pytest.approx(wilson(2, 4))


def test_without_a_severe_answer_nothing_is_known() -> None:
    found = severe_on_weak_evidence([0.1, 0.2], [0, 0])
    assert (found.estimate, found.low, found.high, found.n) == (None, None, None, 0)


def test_weights_count() -> None:
    found = severe_on_weak_evidence([0.9, 0.6], [1, 1], [3.0, 1.0])
    assert found.estimate == pytest.approx(0.25)


def test_the_interval_covers() -> None:
    draw, hits = np.random.default_rng(0), 0
    for _ in range(500):
        weak = draw.random(120) < 0.2
        found = severe_on_weak_evidence(np.where(weak, 0.6, 0.9), np.ones(120))
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.2 <= found.high
    assert 0.92 <= hits / 500 <= 0.98
