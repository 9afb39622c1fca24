import numpy as np
import pytest

from fairloop.errors import InvalidInput
from fairloop.fairness.pairs import PairEstimate, largest_gap, shares
from fairloop.fairness.pairs import smallest_ratio as smallest_of
from fairloop.stats.intervals import newcombe_difference

SIZES = {2: [400, 100], 5: [1000, 500, 200, 100, 60], 10: [2000, 1000, 600, 400, 300, 200, 150, 100, 60, 40]}


def smallest_ratio(rates: dict[str, tuple[float, float]]) -> PairEstimate:
    return smallest_of([shares(rates)])


def drawn(random: np.random.Generator, sizes: list[int], rates: np.ndarray) -> dict[str, tuple[float, float]]:
    counts = random.binomial(sizes, rates)
    return {str(i): (float(count), float(n)) for i, (count, n) in enumerate(zip(counts, sizes, strict=True))}


def shapes(k: int) -> dict[str, np.ndarray]:
    return {
        "all equal": np.full(k, 0.3),
        "all rare": np.full(k, 0.05),
        "smallest lower": np.r_[np.full(k - 1, 0.4), 0.2],
        "largest higher": np.r_[0.5, np.full(k - 1, 0.3)],
        "two halves": np.where(np.arange(k) % 2, 0.3, 0.45),
    }


@pytest.mark.parametrize("k", [2, 5, 10])
@pytest.mark.parametrize("shape", ["all equal", "all rare", "smallest lower", "largest higher", "two halves"])
def test_interval_covers_the_largest_gap_of_unequal_groups(k: int, shape: str) -> None:
    random = np.random.default_rng(k)
    rates = shapes(k)[shape]
    truth = float(np.ptp(rates))
    repeats = 300
    above = below = 0
    for _ in range(repeats):
        found = largest_gap([drawn(random, SIZES[k], rates)])
        above += found.low > truth + 1e-12
        below += found.high < truth - 1e-12
    assert above / repeats <= 0.075  # 5 % and three standard errors less one third
    assert below / repeats <= 0.05
    assert (above + below) / repeats <= 0.075


@pytest.mark.parametrize("k", [2, 5, 10])
def test_equal_groups_rarely_fail_odds_and_a_true_gap_is_found(k: int) -> None:
    random = np.random.default_rng(k)
    false = found = passed = 0
    for _ in range(200):
        positives = drawn(random, [n // 3 + 5 for n in SIZES[k]], np.full(k, 0.7))
        negatives = drawn(random, SIZES[k], np.full(k, 0.1))
        false += largest_gap([positives, negatives]).low > 0
        rates = np.r_[0.55, np.full(k - 1, 0.25)]
        found += largest_gap([drawn(random, SIZES[k], rates)]).low > 0.1
        passed += largest_gap([drawn(random, [20 * n for n in SIZES[k]], np.full(k, 0.2))]).high <= 0.1
    assert false <= 18
    assert found >= {2: 150, 5: 180, 10: 190}[k]
    assert passed >= 180


def test_two_equal_groups_of_100_do_not_fail_and_a_gap_of_a_quarter_does() -> None:
    random = np.random.default_rng(0)
    false = sum(largest_gap([drawn(random, [100, 100], np.full(2, 0.3))]).low > 0.10 for _ in range(200))
    found = sum(largest_gap([drawn(random, [500, 500], np.array([0.25, 0.5]))]).low > 0.10 for _ in range(200))
    assert false <= 18
    assert found >= 180


def test_two_groups_give_newcombes_interval() -> None:
    found = largest_gap([{"a": (56.0, 70.0), "b": (48.0, 80.0)}])
    assert (found.low, found.high) == pytest.approx(newcombe_difference(56, 70, 48, 80))
    assert found.groups == ("a", "b")
    assert largest_gap([{"b": (48.0, 80.0), "a": (56.0, 70.0)}]) == found


def test_a_group_without_trials_prevents_a_pass_but_is_no_gap() -> None:
    found = largest_gap([{"a": (300.0, 1000.0), "b": (300.0, 1000.0), "c": (0.0, 0.0)}])
    assert found.estimate == 0.0
    assert found.low == 0.0
    assert found.high > 0.6


def test_nothing_to_compare() -> None:
    for rates in ({}, {"a": (1.0, 2.0)}, {"a": (1.0, 2.0), "b": (0.0, 0.0)}):
        assert largest_gap([rates]).estimate is None
        assert smallest_ratio(rates).estimate is None
    with pytest.raises(InvalidInput, match="at least one"):
        largest_gap([])
    with pytest.raises(InvalidInput, match="cannot be"):
        largest_gap([{"a": (3.0, 2.0), "b": (1.0, 2.0)}])


@pytest.mark.parametrize("k", [2, 5])
def test_ratio_covers(k: int) -> None:
    random = np.random.default_rng(k)
    for rates in (np.full(k, 0.4), np.r_[np.full(k - 1, 0.4), 0.3]):
        truth = rates.min() / rates.max()
        missed = 0
        for _ in range(300):
            found = smallest_ratio(drawn(random, SIZES[k], rates))
            missed += not found.low <= truth <= found.high + 1e-12
        assert missed / 300 <= 0.08


def test_ratio_with_empty_rates() -> None:
    none_selected = smallest_ratio({"a": (0.0, 50.0), "b": (0.0, 50.0)})
    assert none_selected.estimate is None
    one = smallest_ratio({"a": (0.0, 50.0), "b": (25.0, 50.0)})
    assert one.estimate == one.low == 0.0
    assert 0 < one.high < 0.3
    assert one.groups == ("b", "a")
