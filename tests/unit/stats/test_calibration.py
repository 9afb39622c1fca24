import numpy as np
import pytest
from sklearn.calibration import calibration_curve as peer

from fairloop.errors import InvalidInput
from fairloop.stats.calibration import binned_errors, calibration_curve, expected_calibration_error, upward_bias


def sample(random: np.random.Generator, n: int, *, off: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    chance = random.beta(2, 3, n)
    return random.random(n) < np.clip(chance + off * (chance - 0.5), 0, 1), chance


def test_the_curve_is_scikit_learns() -> None:
    label, chance = sample(np.random.default_rng(0), 1000)
    chance[:50] = np.round(chance[:50], 1)
    found = calibration_curve(label, chance, bins=7)
    frequency, mean = peer(label, chance, n_bins=7)
    np.testing.assert_allclose([point.frequency.estimate for point in found], frequency, atol=1e-9)
    np.testing.assert_allclose([point.mean_score for point in found], mean, atol=1e-9)
    error = sum(p.frequency.n / 1000 * abs(p.frequency.estimate - p.mean_score) for p in found)
    assert expected_calibration_error(label, chance, bins=7).estimate == pytest.approx(error, abs=1e-9)
    assert all(p.above < p.mean_score <= p.up_to for p in found if p.above > 0)


def test_weights_count_rows_twice() -> None:
    label, chance = sample(np.random.default_rng(1), 400)
    weight = np.where(np.arange(400) % 2, 2.0, 1.0)
    twice = np.repeat(np.arange(400), weight.astype(int))
    once = expected_calibration_error(label, chance, weight)
    assert once.estimate == pytest.approx(expected_calibration_error(label[twice], chance[twice]).estimate, abs=1e-12)
    assert [p.mean_score for p in calibration_curve(label, chance, weight)] == pytest.approx(
        [p.mean_score for p in calibration_curve(label[twice], chance[twice])]
    )


def test_groups_in_one_pass_equal_groups_alone() -> None:
    label, chance = sample(np.random.default_rng(2), 900)
    codes = np.random.default_rng(3).integers(-1, 2, 900)
    found = binned_errors(label, chance, codes, 2, None)
    for group in (0, 1):
        inside = codes == group
        alone = expected_calibration_error(label[inside], chance[inside])
        assert found.error[group] == pytest.approx(alone.estimate, abs=1e-12)
        assert found.bounds(group, 1.959963984540054) == pytest.approx((alone.low, alone.high), abs=1e-9)


def test_scores_that_are_chances_are_not_blamed_and_others_are() -> None:
    random = np.random.default_rng(4)
    blamed = found = 0
    for _ in range(200):
        blamed += expected_calibration_error(*sample(random, 500)).low > 0
        found += expected_calibration_error(*sample(random, 2000, off=-0.5)).low > 0.03
    assert blamed <= 10
    assert found >= 180


def test_bias_of_an_absolute_value() -> None:
    zero, far = upward_bias(np.array([0.0]), np.array([1.0])), upward_bias(np.array([9.0]), np.array([1.0]))
    assert zero == pytest.approx(np.sqrt(2 / np.pi))
    assert far == pytest.approx(0.0, abs=1e-9)
    assert upward_bias(np.array([1.0]), np.array([0.0])) == 0.0


def test_nothing_and_no_chances() -> None:
    assert expected_calibration_error([], []).estimate is None
    assert calibration_curve([], []) == []
    with pytest.raises(InvalidInput, match="no probabilities"):
        expected_calibration_error([0, 1], [0.5, 1.5])
