import numpy as np
import pytest
from sklearn import metrics

from fairloop.errors import InvalidInput
from fairloop.stats.curves import BY_SCORE, lift, precision_recall_curve


def sample(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    label = random.random(n) < 0.2
    return label, random.normal(label * 1.0, 1)


@pytest.mark.parametrize("weighted", [False, True])
def test_points_of_the_curve_are_scikit_learns(weighted: bool) -> None:
    random = np.random.default_rng(0)
    label, score = sample(random, 800)
    score, weight = np.round(score, 1), random.random(800) if weighted else None
    precision, recall, thresholds = metrics.precision_recall_curve(label, score, sample_weight=weight)
    known = {round(t, 6): (p, r) for t, p, r in zip(thresholds, precision[:-1], recall[:-1], strict=True)}
    found = precision_recall_curve(label, score, weight, points=20)
    assert 10 <= len(found) <= 20
    for point in found:
        assert (point.precision.estimate, point.recall.estimate) == pytest.approx(
            known[round(point.threshold, 6)], abs=1e-9
        )
        assert point.precision.low <= point.precision.estimate <= point.precision.high
    assert [p.threshold for p in found] == sorted(p.threshold for p in found)
    assert precision_recall_curve([0, 0], [0.1, 0.2]) == []


def test_lift_is_the_top_tenths_share_over_all() -> None:
    label, score = sample(np.random.default_rng(1), 1000)
    top = np.argsort(-score)[:100]
    found = lift(label, score)
    assert found.estimate == pytest.approx(label[top].mean() / label.mean(), abs=1e-9)
    assert found.low < found.estimate < found.high
    assert lift(label, np.zeros(1000)).estimate == pytest.approx(1.0)
    assert lift(label, label.astype(float)).estimate == pytest.approx(min(10, 1 / label.mean()))
    twice = lift(label, score, np.full(1000, 3.0))
    assert (twice.estimate, twice.low) == pytest.approx((found.estimate, found.low))
    assert lift([0, 0], [0.1, 0.2]).estimate is None
    with pytest.raises(InvalidInput, match="share between"):
        lift(label, score, top=1.0)


def test_lift_covers() -> None:
    random = np.random.default_rng(2)
    truth = lift(*sample(random, 1_000_000)).estimate
    hits = sum((f := lift(*sample(random, 1500))).low <= truth <= f.high for _ in range(300))
    assert 0.92 <= hits / 300 <= 0.985


def test_names() -> None:
    assert {"roc_auc", "lift_top_tenth", "expected_calibration_error"} <= BY_SCORE.keys()
