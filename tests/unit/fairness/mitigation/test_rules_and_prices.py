"""After training: rules on scores. During training: the price on the gap, and its gradient."""

from __future__ import annotations

import numpy as np
import pytest

from fairloop.errors import InvalidInput
from fairloop.fairness.mitigation import after
from fairloop.fairness.mitigation.after import Adjustment, gap_of, rates
from fairloop.fairness.mitigation.boosting import GapPenalty
from fairloop.fairness.mitigation.reductions import priced

NAMES = ["a", "b", "c"]


def sample(n: int = 6000, groups: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Calibrated scores, labels, groups, and a feature that half tells the group."""
    random = np.random.default_rng(5)
    codes = random.integers(0, groups, n)
    z = random.normal(np.array([0.8, -0.4, -1.0])[codes], 1.2)
    score = 1 / (1 + np.exp(-z))
    return score, random.random(n) < score, codes, codes + random.normal(0, 0.7, n)


def hard_gap(score: np.ndarray, label: np.ndarray, codes: np.ndarray, criterion: str, threshold: float = 0.5) -> float:
    return gap_of(
        rates((score >= threshold).astype(float), label, codes, codes.max() + 1, np.ones(len(score)), criterion)
    )


@pytest.mark.parametrize("criterion", ["demographic_parity", "equalized_odds"])
@pytest.mark.parametrize("make", [after.group_thresholds, after.reject_option])
def test_rules_by_group_close_the_gap_and_are_deterministic(make: object, criterion: str) -> None:
    score, label, codes, _ = sample(groups=2)
    plain = hard_gap(score, label, codes, criterion)
    rule = make(score, label, codes, NAMES[:2], "sex", criterion=criterion)  # type: ignore[operator]
    found = rule.apply(score, codes)
    assert hard_gap(found, label, codes, criterion) < 0.5 * plain
    np.testing.assert_array_equal(found, rule.apply(score, codes))
    assert ((found >= 0) & (found <= 1)).all()
    assert rule.needs_attribute


def test_a_threshold_decides_exactly_where_it_stands() -> None:
    rule = Adjustment(kind="group_thresholds", attribute="sex", groups=["a"], values={"threshold": [0.3, 0.7]})
    score = np.array([0.3, np.nextafter(0.3, 0), 0.0, 1.0, 0.7, 0.69])
    assert (rule.apply(score, np.array([0, 0, 0, 0, 1, 1])) >= 0.5).tolist() == [True, False, False, True, True, False]
    assert rule.codes(["a", "z", None]).tolist() == [0, 1, 1]
    with pytest.raises(InvalidInput, match="reads 'sex' of the person"):
        rule.apply(score)
    with pytest.raises(InvalidInput, match="Unknown adjustment 'magic'"):
        Adjustment(kind="magic", attribute="sex", groups=[])


def test_partial_strength_leaves_its_share_of_the_gap() -> None:
    score, label, codes, _ = sample()
    plain = hard_gap(score, label, codes, "demographic_parity")
    for strength in (0.25, 0.5, 1.0):
        rule = after.group_thresholds(
            score, label, codes, NAMES, "sex", criterion="demographic_parity", strength=strength
        )
        found = hard_gap(rule.apply(score, codes), label, codes, "demographic_parity")
        assert found == pytest.approx((1 - strength) * plain, abs=0.03)


@pytest.mark.parametrize("criterion", ["demographic_parity", "equalized_odds"])
def test_expected_thresholds_read_chances_and_not_groups(criterion: str) -> None:
    score, label, codes, hint = sample(groups=2)
    if criterion == "demographic_parity":
        odds = np.exp(-((hint - 1) ** 2 - hint**2) / (2 * 0.49))
        second = odds / (1 + odds)
        chances = np.stack([1 - second, second], axis=1)[:, None, :]
    else:
        told = np.clip(hint, 0.05, 0.95)
        chances = np.repeat(np.stack([1 - told, told], axis=1)[:, None, :], 2, axis=1)
    rule = after.expected_thresholds(score, label, codes, NAMES[:2], "sex", chances, criterion=criterion)
    assert not rule.needs_attribute
    found = rule.apply(score, None, chances)
    assert hard_gap(found, label, codes, criterion) < 0.6 * hard_gap(score, label, codes, criterion)
    assert np.corrcoef(found, score)[0, 1] > 0.7


def test_calibrated_scores_mean_the_same_in_every_group() -> None:
    score, label, codes, _ = sample()
    bent = score ** np.array([1.0, 2.0, 0.5])[codes]
    rule = after.calibrated_scores(bent, label, codes, NAMES, "sex")
    found = rule.apply(bent, codes)
    for code in range(3):
        inside = codes == code
        assert abs(found[inside].mean() - label[inside].mean()) < 0.01
        assert abs(bent[inside].mean() - label[inside].mean()) > 0.03 or code == 0
    none = after.calibrated_scores(bent, label, codes, NAMES, "sex", strength=0.0)
    np.testing.assert_allclose(none.apply(bent, codes), bent, atol=1e-9)


def test_calibrated_equalized_odds_evens_the_mean_errors() -> None:
    score, label, codes, _ = sample()
    sharp = np.where(codes == 0, np.clip(score + 0.25 * (label - 0.5), 0, 1), score)
    rule = after.calibrated_equalized_odds(sharp, label, codes, NAMES, "sex")
    found = rule.apply(sharp, codes)

    def errors(p: np.ndarray) -> list[float]:
        return [float((p[(codes == g) & ~label].mean() + (1 - p[(codes == g) & label]).mean()) / 2) for g in range(3)]

    assert np.ptp(errors(sharp)) > 0.05
    assert np.ptp(errors(found)) < 1e-9


# ---------------------------------------------------------------------- during
@pytest.mark.parametrize("criterion", ["demographic_parity", "equalized_odds"])
def test_the_penalty_is_the_gradient_of_what_it_says(criterion: str) -> None:
    random = np.random.default_rng(0)
    y, codes = random.integers(0, 2, 60).astype(float), random.integers(-1, 2, 60)
    weight, raw, price, k = random.random(60) + 0.5, random.normal(size=60), 3.0, 2.0
    weight /= weight.mean()
    penalty = GapPenalty(labels=y, weights=weight, codes=codes, price=price, criterion=criterion, sharpness=k)

    def loss(f: np.ndarray) -> float:
        p, q = 1 / (1 + np.exp(-f)), 1 / (1 + np.exp(-k * f))
        total = float(-(weight * (y * np.log(p) + (1 - y) * np.log(1 - p))).sum())
        for event in [np.ones(60, dtype=bool)] if criterion == "demographic_parity" else [y == 0, y == 1]:
            rows = event & (codes >= 0)
            mean = np.average(q[rows], weights=weight[rows])
            for g in (0, 1):
                inside = rows & (codes == g)
                part = weight[inside].sum() / weight[rows].sum()
                total += price / 2 * weight.sum() * part * (np.average(q[inside], weights=weight[inside]) - mean) ** 2
        return total

    slope, curve = penalty(raw, None)
    for i in range(0, 60, 7):
        step = np.zeros(60)
        step[i] = 1e-5
        assert slope[i] == pytest.approx((loss(raw + step) - loss(raw - step)) / 2e-5, rel=1e-4, abs=1e-6)
    assert (curve > 0).all()


def test_a_price_buys_a_smaller_gap_and_none_is_refused() -> None:
    from sklearn.linear_model import LogisticRegression

    score, label, codes, hint = sample(2000, groups=2)
    X = np.c_[np.log(score / (1 - score)), hint]

    class Scored:
        def __init__(self, model: LogisticRegression) -> None:
            self._model = model

        def scores(self, X: np.ndarray, /) -> np.ndarray:
            return self._model.predict_proba(X)[:, 1]

    def fit(weight: np.ndarray, y: np.ndarray) -> Scored:
        return Scored(LogisticRegression().fit(X, y, sample_weight=weight))

    plain = fit(np.ones(2000), label.astype(np.int8))
    gaps = [hard_gap(priced(fit, X, label, codes, price, plain=plain).scores(X), label, codes, "demographic_parity")
            for price in (0.05, 0.2)]  # fmt: skip
    assert gaps[1] < gaps[0] < hard_gap(plain.scores(X), label, codes, "demographic_parity")
    with pytest.raises(InvalidInput, match=r"A price of 0\.0 has no meaning"):
        priced(fit, X, label, codes, 0.0)
    with pytest.raises(InvalidInput, match="everybody gets the same answer"):
        priced(fit, X, np.zeros(2000, dtype=bool), codes, 1e-4, plain=plain)
