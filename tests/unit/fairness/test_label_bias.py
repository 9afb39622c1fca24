"""Wrong labels are told from real differences, on scores that are known to be right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from fairloop.errors import InvalidInput
from fairloop.fairness.label_bias import OVER, UNDER, LabelShift, flip_curve, label_bias, words
from fairloop.fairness.label_curve import GROUP_LOST, LabelCurve, spline_basis


def rows(seed: int, *, lost: float = 0.0, added: float = 0.0, difference: float = -0.7, slope: float = 1.0,
         everywhere: float = 0.0, n: int = 8000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Labels, truth, groups and scores; group b is really different by ``difference`` and ``slope``."""
    random = np.random.default_rng(seed)
    inside = random.random(n) < 0.4
    scores = random.normal(0, 3, n)
    truth = random.random(n) < expit(np.where(inside, difference + slope * scores, scores))
    labels = truth.copy()
    labels[inside & truth & (random.random(n) < lost)] = False
    labels[inside & ~truth & (random.random(n) < added)] = True
    labels[random.random(n) < everywhere] ^= True
    return labels, truth, np.where(inside, "b", "a"), scores


def judged(seed: int, **planted: float) -> dict[tuple[str, str], LabelShift]:
    labels, _, groups, scores = rows(seed, **planted)
    found = label_bias(labels, groups, {"a": scores, "b": scores})
    return {(s.group, s.direction): s for s in found}


@pytest.mark.parametrize(("planted", "direction"), [({"lost": 0.3}, UNDER), ({"added": 0.2}, OVER)])
def test_planted_errors_are_named_by_group_and_direction(planted: dict[str, float], direction: str) -> None:
    found = judged(1, **planted)
    shift = found["b", direction]
    rate = next(iter(planted.values()))
    assert shift.state == "bias"
    assert shift.low is not None
    assert shift.high is not None
    assert shift.low <= rate <= shift.high
    assert all(s.state == "clear" for key, s in found.items() if key != ("b", direction))


def test_how_many_rows_are_wrong_is_told() -> None:
    labels, truth, groups, scores = rows(2, lost=0.3)
    shift = next(s for s in label_bias(labels, groups, {"a": scores, "b": scores}) if s.state == "bias")
    assert shift.rows == pytest.approx(int((labels != truth).sum()), rel=0.25)
    assert "about" in words("sex", shift)
    assert "recorded as negative" in words("sex", shift)


@pytest.mark.parametrize("real", [{"difference": -2.0}, {"slope": 0.6}, {"difference": 1.0, "slope": 1.5}])
def test_a_real_difference_is_not_blamed_on_the_labels(real: dict[str, float]) -> None:
    assert not [s for s in judged(3, **real).values() if s.found]


def test_errors_that_everybody_has_are_not_bias() -> None:
    assert not [s for s in judged(4, everywhere=0.08).values() if s.state == "bias"]


def test_few_labels_are_insufficient_and_one_group_is_nothing() -> None:
    labels, _, groups, scores = rows(5, n=300)
    found = label_bias(labels, groups, {"a": scores, "b": scores})
    assert {s.state for s in found} == {"insufficient"}
    assert "Too few labels" in words("sex", found[0])
    assert label_bias(labels, ["a"] * 300, {"a": scores}) == []


def test_more_tests_make_each_harder() -> None:
    labels, _, groups, scores = rows(6, lost=0.3)
    alone, many = (label_bias(labels, groups, {"a": scores, "b": scores}, tests=t) for t in (0, 100))
    assert all(a.p_corrected <= b.p_corrected for a, b in zip(alone, many, strict=True))  # type: ignore[operator]


def test_a_group_without_scores_is_refused() -> None:
    labels, _, groups, scores = rows(7, n=500)
    with pytest.raises(InvalidInput, match="'b' has no scores"):
        label_bias(labels, groups, {"a": scores})


def test_chances_are_calibrated_and_draws_cover_the_rate() -> None:
    labels, truth, groups, scores = rows(8, lost=0.4)
    inside = groups == "b"
    curve, fit = flip_curve(labels, scores, inside, [UNDER])
    assert fit.free == (GROUP_LOST,)
    assert fit.rate(GROUP_LOST) == pytest.approx(0.4, abs=0.06)
    chance = curve.flip_chances(fit.theta, fit.free, labels, scores, inside)
    wrong = labels != truth
    assert not chance[~inside].any()
    assert not chance[labels].any()
    for low, high in ((0.02, 0.25), (0.25, 0.99)):
        part = (chance > low) & (chance <= high)
        assert wrong[part].mean() == pytest.approx(chance[part].mean(), abs=0.1)
    rates = curve.draws(fit, 400, np.random.default_rng(0))[:, -1]
    assert np.quantile(rates, 0.01) < 0.4 < np.quantile(rates, 0.99)
    assert rates.std() < 0.08


def test_the_gradient_is_that_of_the_loss() -> None:
    labels, _, groups, scores = rows(9, lost=0.2, n=2000)
    curve = LabelCurve(labels, scores, groups == "b")
    theta = np.concatenate([np.linspace(-0.2, 0.9, curve.curve), [-0.4, 0.1, 0.05, 0.02, 0.2, 0.03]])
    _, slope = curve._loss(theta, (0, 1, 2, 3))
    for place in range(len(theta)):
        step = np.zeros_like(theta)
        step[place] = 1e-6
        numeric = (curve._loss(theta + step, (0, 1, 2, 3))[0] - curve._loss(theta - step, (0, 1, 2, 3))[0]) / 2e-6
        assert slope[place] == pytest.approx(numeric, rel=1e-4, abs=1e-3)


def test_the_spline_is_straight_outside_its_knots() -> None:
    knots = np.array([-1.0, 0.0, 1.0, 2.0])
    outside = spline_basis(np.array([3.0, 4.0, 5.0]), knots)
    assert np.allclose(np.diff(outside, n=2, axis=0), 0)
