import numpy as np
import pytest
from scipy import stats

from fairloop.errors import InvalidInput
from fairloop.stats.intervals import (
    newcombe_difference,
    normal_cdf,
    normal_quantile,
    range_quantile,
    two_sided,
    wilson,
)


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (0, 30), (1, 30), (15, 30), (30, 30), (500, 1000)])
def test_wilson_equals_scipy(successes: int, n: int) -> None:
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_without_trials_knows_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("successes", "n"), [(-1, 10), (11, 10), (float("nan"), 10)])
def test_impossible_counts_are_refused(successes: float, n: float) -> None:
    with pytest.raises(InvalidInput, match="cannot be"):
        wilson(successes, n)


def test_newcombe_reproduces_his_published_example() -> None:
    # Newcombe 1998, table II, method 10: 56/70 against 48/80.
    assert newcombe_difference(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe_difference(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert newcombe_difference(10, 10, 0, 10) == pytest.approx((0.6075, 1.0), abs=5e-5)


def test_newcombe_covers_in_simulation() -> None:
    random = np.random.default_rng(0)
    for n_1, p_1, n_2, p_2 in ((40, 0.1, 100, 0.3), (60, 0.5, 60, 0.5), (200, 0.02, 50, 0.1)):
        counts = zip(random.binomial(n_1, p_1, 2000), random.binomial(n_2, p_2, 2000), strict=True)
        hits = sum(low <= p_1 - p_2 <= high for low, high in (newcombe_difference(a, n_1, b, n_2) for a, b in counts))
        assert 0.93 <= hits / 2000 <= 0.98


@pytest.mark.parametrize("groups", [3, 5, 10])
def test_range_quantile_equals_tukeys(groups: int) -> None:
    assert range_quantile(0.95, groups) == pytest.approx(
        stats.studentized_range.ppf(0.95, groups, np.inf) / np.sqrt(2), abs=1e-7
    )


def test_two_groups_need_no_correction() -> None:
    assert range_quantile(0.95, 2) == two_sided(0.95) == pytest.approx(1.959963984540054, abs=1e-12)


def test_quantiles_and_their_limits() -> None:
    assert normal_cdf(normal_quantile(0.3)) == pytest.approx(0.3, abs=1e-12)
    for bad in (0.0, 1.0, -1.0):
        with pytest.raises(InvalidInput):
            normal_quantile(bad)
    with pytest.raises(InvalidInput, match="no pairs"):
        range_quantile(0.95, 1)
    with pytest.raises(InvalidInput, match="confidence"):
        range_quantile(1.5, 3)
