import numpy as np
import pytest

from fairloop.errors import InvalidInput
from fairloop.fairness import individual
from fairloop.fairness.individual import between_group_entropy, consistency, generalized_entropy_index, theil_index


def test_no_errors_are_no_inequality_but_not_for_sure() -> None:
    label = [0, 1] * 50
    for metric in (generalized_entropy_index, theil_index):
        found = metric(label, label)
        assert (found.estimate, found.low) == (0.0, 0.0)
        assert 0 < found.high < 0.1
        assert metric([], []).estimate is None
        assert metric([1, 1], [0, 0]).estimate is None  # nobody has any benefit
    with pytest.raises(InvalidInput, match="alpha"):
        generalized_entropy_index(label, label, alpha=0)


def test_a_weight_counts_as_rows() -> None:
    label, answer = np.array([0, 1, 1, 0, 1] * 20), np.array([1, 1, 0, 0, 1] * 20)
    twice = np.tile(np.arange(100), 2)
    weighted = generalized_entropy_index(label, answer, np.full(100, 2.0))
    assert weighted.estimate == pytest.approx(generalized_entropy_index(label[twice], answer[twice]).estimate)
    assert weighted.low == pytest.approx(generalized_entropy_index(label, answer).low)
    groups = ["a", "b"] * 50
    one, other = (
        between_group_entropy(label, answer, groups),
        between_group_entropy(label, answer, groups, np.full(100, 3)),
    )
    assert (one.estimate, one.high) == pytest.approx((other.estimate, other.high))
    assert between_group_entropy(label, answer, ["a"] * 100).estimate is None


def test_entropies_cover() -> None:
    random = np.random.default_rng(0)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        label = random.random(n) < 0.4
        return label, random.random(n) < np.where(label, 0.7, 0.2)

    rows = draw(2_000_000)
    for metric in (generalized_entropy_index, theil_index):
        truth = metric(*rows).estimate
        hits = sum((f := metric(*draw(300))).low <= truth <= f.high for _ in range(400))
        assert 0.92 <= hits / 400 <= 0.985


def test_similar_people_with_equal_answers_are_consistent() -> None:
    random = np.random.default_rng(1)
    features = random.normal(size=(500, 2))
    by_place, by_chance = features[:, 0] > 0, random.random(500) < 0.5
    sure, not_sure = consistency(features, by_place), consistency(features, by_chance)
    assert sure.low > 0.9
    assert not_sure.high < 0.7
    assert consistency(features, np.ones(500)).low == 1.0
    assert consistency(features[:3], by_place[:3]).estimate is None
    assert consistency(features, by_place, np.r_[np.ones(250), np.zeros(250)]).estimate == pytest.approx(
        1 - np.abs(by_place - _means(features, by_place))[:250].mean()
    )
    with pytest.raises(InvalidInput, match="no matrix"):
        consistency(np.full((5, 2), np.nan), [0, 1, 0, 1, 0])


def _means(features: np.ndarray, answer: np.ndarray) -> np.ndarray:
    near = np.linalg.norm(features[:, None] - features[None], axis=2).argsort(axis=1)[:, :5]
    return answer[near].mean(axis=1)


def test_of_many_rows_every_so_many_th_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(individual, "MOST_ROWS", 100)
    features = np.random.default_rng(2).normal(size=(1000, 2))
    assert consistency(features, features[:, 0] > 0).n == 100
