import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fairloop.errors import InvalidInput
from fairloop.fairness.mitigation import reweighing, weights_change_scores


class Scored:
    def __init__(self, model: LogisticRegression) -> None:
        self._model = model

    def scores(self, X: np.ndarray, /) -> np.ndarray:
        return self._model.predict_proba(X)[:, 1]


def sample(n: int = 1000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    group = random.integers(0, 2, n)
    label = random.random(n) < np.where(group == 1, 0.5, 0.2)
    X = np.c_[random.normal(label, 1), random.normal(group, 0.5)]
    return X, label.astype(int), group


def test_reweighing_makes_group_and_label_independent() -> None:
    _, label, group = sample()
    own = np.random.default_rng(1).random(len(label))
    for weights in (None, own):
        weight = reweighing(label, group, 1.0, weights)
        rates = [np.average(label[group == g], weights=weight[group == g]) for g in (0, 1)]
        assert rates[0] == pytest.approx(rates[1], abs=1e-12)
        assert weight.mean() == pytest.approx(1.0)


def test_strength_goes_from_nothing_to_over_correction() -> None:
    _, label, group = sample()

    def gap(strength: float) -> float:
        weight = reweighing(label, group, strength)
        high, low = (np.average(label[group == g], weights=weight[group == g]) for g in (1, 0))
        return high - low

    assert np.allclose(reweighing(label, group, 0.0), 1.0)
    assert gap(0) > gap(0.5) > gap(1.0) > gap(2.0)
    assert gap(2.0) < 0
    np.testing.assert_allclose(
        reweighing(label, group, 1.5) / reweighing(label, group, 1.5)[0],
        (reweighing(label, group) / reweighing(label, group)[0]) ** 1.5,
    )


def test_rows_without_a_group_keep_their_factor() -> None:
    label = np.array([0, 1, 0, 1, 1, 1])
    group = np.array(["a", "a", "a", "b", "b", None], dtype=object)
    factor = reweighing(label, group) / reweighing(label, group)[-1]
    np.testing.assert_allclose(factor, [0.6, 1.8, 0.6, 0.6, 0.6, 1.0])


def test_reweighing_refuses_what_it_cannot_use() -> None:
    for strength in (-1.0, np.inf, np.nan):
        with pytest.raises(InvalidInput, match="strength"):
            reweighing([0, 1], ["a", "b"], strength)
    with pytest.raises(InvalidInput, match="labels hold"):
        reweighing([0, 3], ["a", "b"])
    assert len(reweighing([], [])) == 0


def test_a_trainer_that_uses_weights_is_told_from_one_that_does_not() -> None:
    X, label, _ = sample()
    random = np.random.default_rng(0)

    def uses(weight: np.ndarray, y: np.ndarray) -> Scored:
        return Scored(LogisticRegression().fit(X, y, sample_weight=weight))

    def ignores(weight: np.ndarray, y: np.ndarray) -> Scored:
        return Scored(LogisticRegression().fit(X, y))

    def ignores_with_another_seed_each_time(weight: np.ndarray, y: np.ndarray) -> Scored:
        rows = random.choice(len(X), len(X))
        return Scored(LogisticRegression().fit(X[rows], y[rows]))

    assert weights_change_scores(uses, X, label)
    assert weights_change_scores(uses, X, label, np.linspace(1, 2, len(X)))
    assert not weights_change_scores(ignores, X, label)
    assert not weights_change_scores(ignores_with_another_seed_each_time, X, label)
    with pytest.raises(InvalidInput, match="All labels are equal"):
        weights_change_scores(uses, X, np.ones(len(X)))
