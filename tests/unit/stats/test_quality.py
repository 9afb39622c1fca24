from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics

from fairloop.errors import InvalidInput, NotANumber
from fairloop.stats import quality

PEERS: dict[str, Callable[..., float]] = {
    "roc_auc": metrics.roc_auc_score,
    "average_precision": metrics.average_precision_score,
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "precision": metrics.precision_score,
    "recall": metrics.recall_score,
    "f1": metrics.f1_score,
    "log_loss": metrics.log_loss,
    "brier_score": metrics.brier_score_loss,
}
ON_SCORES = {"roc_auc", "average_precision", "log_loss", "brier_score"}


def sample(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    label = random.random(n) < 0.3
    signal = random.normal(label * 1.2, 1)
    return label, 1 / (1 + np.exp(-(np.log(0.3 / 0.7) + 1.2 * signal - 0.72)))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_estimates_equal_scikit_learn(ties: bool, weighted: bool) -> None:
    random = np.random.default_rng(0)
    label, score = sample(random, 1500)
    score = np.round(score, 1) if ties else score
    weight = random.gamma(2, 1, 1500) if weighted else None
    found = quality.binary_quality(label, score, weight, threshold=0.4)
    assert found.keys() == PEERS.keys()
    for name, peer in PEERS.items():
        expected = peer(label, score if name in ON_SCORES else score >= 0.4, sample_weight=weight)
        assert found[name].estimate == pytest.approx(expected, abs=1e-9), name
        assert found[name].low <= expected <= found[name].high


def test_delong_variance_equals_the_definition() -> None:
    random = np.random.default_rng(3)
    label, score = sample(random, 120)
    score = np.round(score, 1)
    above, below = score[label], score[~label]
    kernel = (above[:, None] > below) + 0.5 * (above[:, None] == below)
    variance = kernel.mean(1).var(ddof=1) / len(above) + kernel.mean(0).var(ddof=1) / len(below)
    area = kernel.mean()
    found = quality.roc_auc(label, score)
    logit = np.log(found.high / (1 - found.high)) - np.log(area / (1 - area))
    from scipy.stats import t

    assert logit == pytest.approx(
        t.ppf(0.975, min(len(above), len(below)) - 1) * np.sqrt(variance) / (area * (1 - area)), rel=1e-9
    )


def test_weights_of_one_change_nothing_and_scale_does_not_matter() -> None:
    random = np.random.default_rng(0)
    label, score = sample(random, 300)
    weight = random.random(300)
    assert quality.binary_quality(label, score, np.ones(300)) == quality.binary_quality(label, score)
    for name, once in quality.binary_quality(label, score, weight).items():
        tenfold = quality.binary_quality(label, score, 10 * weight)[name]
        assert (tenfold.low, tenfold.high) == pytest.approx((once.low, once.high), abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_intervals_cover(weighted: bool) -> None:
    random = np.random.default_rng(1)
    truth = {name: found.estimate for name, found in quality.binary_quality(*sample(random, 1_000_000)).items()}
    hits = dict.fromkeys(truth, 0)
    repeats = 500
    for _ in range(repeats):
        label, score = sample(random, 400)
        weight = random.gamma(4, 0.25, 400) if weighted else None
        for name, found in quality.binary_quality(label, score, weight).items():
            hits[name] += found.low <= truth[name] <= found.high
    for name, count in hits.items():
        assert 0.92 <= count / repeats <= 0.985, name


def test_one_class_or_no_rows_is_unknown_not_zero() -> None:
    for metric in (quality.roc_auc, quality.average_precision, quality.balanced_accuracy, quality.recall):
        assert metric([0, 0, 0], [0, 0, 1]).estimate is None
    assert quality.precision([0, 1], [0, 0]).estimate is None
    assert quality.f1([0, 0], [0, 0]).estimate is None
    for metric in (quality.accuracy, quality.log_loss, quality.brier_score, quality.roc_auc):
        nothing = metric([], [])
        assert (nothing.estimate, nothing.low, nothing.high, nothing.n) == (None, None, None, 0)


def test_perfect_ranking_still_has_doubt() -> None:
    found = quality.roc_auc([0] * 10 + [1] * 10, list(range(20)))
    assert found.estimate == found.high == 1.0
    assert 0.6 < found.low < 0.8


def test_one_row_has_an_estimate_but_no_interval() -> None:
    found = quality.brier_score([1], [0.5])
    assert (found.estimate, found.low, found.high) == (0.25, None, None)


@pytest.mark.parametrize(
    ("label", "score", "weight", "error", "words"),
    [
        ([0, 1], [0.1, float("nan")], None, NotANumber, "Row 1 of the scores is nan"),
        ([0, float("nan")], [0.1, 0.2], None, InvalidInput, "labels hold"),
        ([0, 2], [0.1, 0.2], None, InvalidInput, "labels hold"),
        ([0, 1, 1], [0.1, 0.2], None, InvalidInput, "2 rows, the others 3"),
        ([0, 1], [[0.1], [0.2]], None, InvalidInput, "dimensions"),
        ([0, 1], ["a", "b"], None, InvalidInput, "not numbers"),
        ([0, 1], [0.1, 0.2], [1, -1], InvalidInput, "Weights"),
        ([0, 1], [0.1, 0.2], [0, 0], InvalidInput, "Weights"),
    ],
)
def test_bad_input_is_named(label: list, score: list, weight: list | None, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        quality.roc_auc(label, score, weight)


def test_scores_that_are_no_probabilities() -> None:
    for metric in (quality.log_loss, quality.brier_score):
        with pytest.raises(InvalidInput, match="no probabilities"):
            metric([0, 1], [-2.0, 2.0])
    assert "log_loss" not in quality.binary_quality([0, 1], [-2.0, 2.0])


def test_zero_weight_removes_a_row() -> None:
    random = np.random.default_rng(5)
    label, score = sample(random, 200)
    weight = np.r_[np.ones(150), np.zeros(50)]
    for name, found in quality.binary_quality(label, score, weight).items():
        expected = quality.binary_quality(label[:150], score[:150])[name]
        assert found.estimate == pytest.approx(expected.estimate, abs=1e-12), name
    assert quality.roc_auc([0, 1, 1], [0.1, 0.2, 0.3], [1, 0, 0]).estimate is None


@pytest.mark.parametrize("weighted", [False, True])
def test_specificity_and_matthews_correlation(weighted: bool) -> None:
    random = np.random.default_rng(9)
    label, score = sample(random, 800)
    weight, answer = random.random(800) if weighted else None, score >= 0.4
    found = quality.matthews_correlation(label, answer, weight)
    assert found.estimate == pytest.approx(metrics.matthews_corrcoef(label, answer, sample_weight=weight), abs=1e-9)
    assert found.low < found.estimate < found.high
    expected = metrics.recall_score(label, answer, pos_label=0, sample_weight=weight)
    assert quality.specificity(label, answer, weight).estimate == pytest.approx(expected, abs=1e-9)
    assert quality.matthews_correlation(label, np.ones(800)).estimate is None
    assert quality.matthews_correlation(label, label).low == 1.0
    assert quality.matthews_correlation([], []).estimate is None


def test_matthews_correlation_covers() -> None:
    random = np.random.default_rng(10)
    label, score = sample(random, 1_000_000)
    truth = quality.matthews_correlation(label, score >= 0.4).estimate
    hits = 0
    for _ in range(400):
        label, score = sample(random, 300)
        found = quality.matthews_correlation(label, score >= 0.4)
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 400 <= 0.98
