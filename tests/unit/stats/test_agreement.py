"""Agreement of two people, against published numbers and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from fairloop.stats.agreement import krippendorff_alpha


def test_krippendorffs_own_example() -> None:
    """Krippendorff (2011), example A: binary data, two observers, no missing values."""
    one, other = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    found = krippendorff_alpha(zip(one, other, strict=True))
    assert found.estimate == pytest.approx(0.095, abs=5e-4)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.095 < found.high


def test_close_to_kappa_for_many_items_and_the_order_of_people_does_not_count() -> None:
    random = np.random.default_rng(0)
    one = random.random(5000) < 0.3
    other = one ^ (random.random(5000) < 0.1)
    found = krippendorff_alpha(zip(one.tolist(), other.tolist(), strict=True))
    assert found.estimate == pytest.approx(cohen_kappa_score(one, other), abs=2e-3)
    assert krippendorff_alpha(zip(other.tolist(), one.tolist(), strict=True)) == found


def test_the_interval_covers() -> None:
    random, inside = np.random.default_rng(1), 0
    for _ in range(400):
        one = random.random(200) < 0.4
        other = one ^ (random.random(200) < 0.15)
        found = krippendorff_alpha(zip(one.tolist(), other.tolist(), strict=True))
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= 0.6926 <= found.high
    assert 0.92 <= inside / 400 <= 0.98


def test_too_few_or_all_equal_is_unknown() -> None:
    assert krippendorff_alpha([("yes", "no")] * 9).estimate is None
    assert krippendorff_alpha([("yes", "yes")] * 20).estimate is None
    assert krippendorff_alpha([("yes", "yes"), ("no", "no")] * 20).estimate == 1
