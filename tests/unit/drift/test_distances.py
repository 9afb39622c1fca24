import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance

from fairloop.drift.distances import (
    all_distances,
    chi_squared,
    excess_psi,
    jensen_shannon,
    kolmogorov_smirnov,
    paired_counts,
    psi,
    wasserstein,
)
from fairloop.drift.profile import profile_reference, profile_window
from fairloop.errors import InvalidInput


def pair(reference: object, window: object, kind: str = "number") -> tuple[dict, dict]:
    known = profile_reference({"x": reference}, kinds={"x": kind})
    return known["x"], profile_window({"x": window}, known)["x"]


def normal(n: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, n)


def test_distances_equal_scipy_on_the_same_bins() -> None:
    known, seen = pair(normal(5000, 0), normal(2000, 1, 0.3))
    first, second = paired_counts(known, seen)
    p, q = first / first.sum(), second / second.sum()
    assert jensen_shannon(known, seen) == pytest.approx(distance.jensenshannon(p, q, base=2), abs=1e-9)
    table = np.array([first, second])[:, first + second > 0]
    assert chi_squared(known, seen) == pytest.approx(
        stats.chi2_contingency(table, correction=False).statistic, abs=1e-9
    )
    smooth = [(counts[:-1] + 0.5) / (counts[:-1] + 0.5).sum() for counts in (first, second)]
    expected = stats.entropy(smooth[0], smooth[1]) + stats.entropy(smooth[1], smooth[0])
    assert psi(known, seen) == pytest.approx(expected, abs=1e-9)


def test_distances_of_numbers_are_near_those_of_the_raw_values() -> None:
    reference, window = normal(20_000, 0), normal(5000, 1, 0.5)
    known, seen = pair(reference, window)
    assert kolmogorov_smirnov(known, seen) == pytest.approx(stats.ks_2samp(reference, window).statistic, abs=0.03)
    assert wasserstein(known, seen) == pytest.approx(stats.wasserstein_distance(reference, window), rel=0.2)
    assert psi(known, seen) == pytest.approx(0.25, rel=0.2)


def test_equal_profiles_are_at_distance_zero() -> None:
    values = normal(1000, 0)
    for name, value in all_distances(*pair(values, values)).items():
        assert value == pytest.approx(0.0, abs=1e-12), name


def test_nothing_in_common_is_the_largest_distance() -> None:
    known, seen = pair(["a"] * 100, ["b"] * 100, "category")
    assert jensen_shannon(known, seen) == pytest.approx(1.0)
    assert kolmogorov_smirnov(known, seen) is None
    assert wasserstein(known, seen) is None
    assert np.isfinite(psi(known, seen))


def test_excess_psi_does_not_grow_with_noise() -> None:
    random = np.random.default_rng(0)
    reference = random.normal(size=10_000)
    raw, excess = [], []
    for _ in range(100):
        known, seen = pair(reference, random.normal(size=100))
        raw.append(psi(known, seen))
        excess.append(excess_psi(known, seen))
    assert np.mean(raw) > 0.15
    assert np.mean(excess) < 0.05


def test_without_rows_a_distance_is_unknown() -> None:
    assert set(all_distances(*pair(normal(100, 0), [])).values()) == {None}
    assert excess_psi(*pair(normal(100, 0), [])) is None
    assert kolmogorov_smirnov(*pair(normal(100, 0), [None] * 5)) is None


def test_other_bins_are_refused() -> None:
    known, _ = pair(normal(100, 0), [])
    _, seen = pair(normal(100, 1), normal(10, 2))
    with pytest.raises(InvalidInput, match="do not share bins"):
        psi(known, seen)
