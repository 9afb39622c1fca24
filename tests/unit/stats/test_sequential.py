import math

import numpy as np
import pytest

from fairloop.errors import InvalidInput
from fairloop.stats.sequential import (
    decide,
    log_evidence_above,
    mean_difference,
    proportion,
    proportion_difference,
    selection_gap,
)

LOOKS = sorted({int(look) for look in np.geomspace(1, 200, 30)})


def totals(random: np.random.Generator, size: int, rate: float) -> list[int]:
    return [int(count) for count in random.binomial(size, rate, LOOKS[-1]).cumsum()]


@pytest.mark.parametrize(("rate", "share"), [(0.02, 10), (0.2, 10), (0.2, 50)])
def test_null_canaries_looked_at_after_every_batch_are_not_rejected(rate: float, share: int) -> None:
    random = np.random.default_rng(0)
    rejected = 0
    for _ in range(400):
        new, old = totals(random, share, rate), totals(random, 100 - share, rate)
        rejected += any(
            log_evidence_above((new[i - 1], share * i), (old[i - 1], (100 - share) * i), 0.0) >= math.log(20)
            for i in LOOKS
        )
    assert rejected <= 20


def test_null_canaries_gap_by_group_at_its_limit_is_not_rejected() -> None:
    random = np.random.default_rng(1)
    rejected = 0
    for _ in range(400):
        rates = {"a": (30, 0.30), "b": (15, 0.22), "c": (5, 0.26)}
        counts = {name: totals(random, size, rate) for name, (size, rate) in rates.items()}
        rejected += any(
            decide(
                selection_gap({name: (counts[name][i - 1], size * i) for name, (size, _) in rates.items()}),
                0.08,
            )
            == "fail"
            for i in LOOKS[::6]
        )
    assert rejected <= 20


def test_worse_in_one_group_is_found() -> None:
    random = np.random.default_rng(2)
    found = 0
    for _ in range(100):
        a, b = totals(random, 20, 0.35), totals(random, 10, 0.10)
        looks = (selection_gap({"a": (a[i - 1], 20 * i), "b": (b[i - 1], 10 * i)}) for i in LOOKS if i <= 50)
        found += any(decide(look, 0.12) == "fail" for look in looks)
    assert found >= 80


def test_errors_twice_as_frequent_are_found_and_equal_ones_pass_within_a_margin() -> None:
    random = np.random.default_rng(3)
    worse = [
        proportion_difference(int(random.binomial(2000, 0.06)), 2000, int(random.binomial(2000, 0.02)), 2000)
        for _ in range(100)
    ]
    assert sum(decide(found, 0.0) == "fail" for found in worse) >= 95
    equal = [
        proportion_difference(int(random.binomial(2000, 0.01)), 2000, int(random.binomial(2000, 0.01)), 2000)
        for _ in range(100)
    ]
    assert sum(decide(found, 0.02) == "pass" for found in equal) >= 95


def test_interval_of_a_difference_covers_at_every_look() -> None:
    random = np.random.default_rng(4)
    missed = 0
    for _ in range(200):
        new, old = totals(random, 20, 0.15), totals(random, 30, 0.10)
        looks = (proportion_difference(new[i - 1], 20 * i, old[i - 1], 30 * i) for i in LOOKS[::4])
        missed += any(not look.low <= 0.05 <= look.high for look in looks)
    assert missed <= 10


def test_one_rate_is_exact_at_every_look() -> None:
    random = np.random.default_rng(5)
    missed = 0
    for _ in range(300):
        counts = totals(random, 10, 0.05)
        looks = (proportion(counts[i - 1], 10 * i) for i in LOOKS[::3])
        missed += any(not look.low <= 0.05 <= look.high for look in looks)
    assert missed <= 15


def test_means_cover_at_every_look_and_find_a_slower_arm() -> None:
    random = np.random.default_rng(6)
    missed = found = 0
    for _ in range(200):
        new, old, slow = (random.lognormal(0, 0.5, 4000) for _ in range(3))
        slow = slow * 1.2
        looks = [(n, new[:n], old[:n], slow[:n]) for n in (30, 60, 120, 250, 500, 1000, 2000, 4000)]
        spread = [mean_difference(n, a.mean(), a.var(ddof=1), n, b.mean(), b.var(ddof=1)) for n, a, b, _ in looks]
        missed += any(not look.low <= 0 <= look.high for look in spread)
        n, _, b, c = looks[-1]
        last = mean_difference(n, c.mean(), c.var(ddof=1), n, b.mean(), b.var(ddof=1))
        found += decide(last, 0.0) == "fail"
    assert missed <= 10
    assert found >= 190


def test_edges() -> None:
    assert proportion(0, 0).estimate is None
    assert proportion(0, 40).low == 0.0
    assert proportion(40, 40).high == 1.0
    assert proportion_difference(0, 0, 3, 10).estimate is None
    assert proportion_difference(10, 10, 0, 10).estimate == 1.0
    assert selection_gap({"a": (1, 10), "b": (0, 0)}).estimate is None
    assert selection_gap({"a": (5, 10), "b": (5, 10)}).low == 0.0
    assert mean_difference(10, 1.0, 1.0, 10, 1.0, 1.0).estimate is None
    constant = mean_difference(50, 2.0, 0.0, 50, 1.0, 0.0)
    assert (constant.low, constant.high) == (1.0, 1.0)
    assert decide(proportion(0, 0), 0.1) == "open"
    small = proportion_difference(1, 2, 1, 2)
    assert -1 <= small.low < small.estimate < small.high <= 1


def test_bad_counts_are_refused() -> None:
    with pytest.raises(InvalidInput, match="cumulative counts"):
        proportion(3, 2)
    with pytest.raises(InvalidInput, match="confidence"):
        proportion(1, 2, confidence=1.0)
    with pytest.raises(InvalidInput, match="finite"):
        mean_difference(50, math.nan, 1.0, 50, 1.0, 1.0)


def test_the_server_can_import_it_without_numpy() -> None:
    import subprocess
    import sys

    code = "import sys, fairloop.stats.sequential, fairloop.fairness.pairs; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
