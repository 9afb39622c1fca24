import numpy as np
import pytest
from sklearn import metrics

from fairloop.errors import InvalidInput
from fairloop.stats import regression
from fairloop.stats.regression import mean_absolute_error, r2, regression_quality, root_mean_squared_error


def sample(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    x = random.normal(size=n)
    return 2 * x + random.standard_t(10, n), 1.8 * x


@pytest.mark.parametrize("weighted", [False, True])
def test_estimates_equal_scikit_learn(weighted: bool) -> None:
    random = np.random.default_rng(0)
    truth, predicted = sample(random, 500)
    weight = random.random(500) if weighted else None
    found = regression_quality(truth, predicted, weight)
    for name, peer in (
        ("mean_absolute_error", metrics.mean_absolute_error),
        ("root_mean_squared_error", metrics.root_mean_squared_error),
        ("r2", metrics.r2_score),
    ):
        expected = peer(truth, predicted, sample_weight=weight)
        assert found[name].estimate == pytest.approx(expected, abs=1e-9)
        assert found[name].low < expected < found[name].high


@pytest.mark.parametrize("weighted", [False, True])
def test_intervals_cover(weighted: bool) -> None:
    random = np.random.default_rng(1)
    truth = {name: found.estimate for name, found in regression_quality(*sample(random, 1_000_000)).items()}
    hits = dict.fromkeys(truth, 0)
    for _ in range(500):
        actual, predicted = sample(random, 400)
        weight = random.gamma(4, 0.25, 400) if weighted else None
        for name, found in regression_quality(actual, predicted, weight).items():
            hits[name] += found.low <= truth[name] <= found.high
    for name, count in hits.items():
        assert 0.92 <= count / 500 <= 0.985, name


def test_edges() -> None:
    assert mean_absolute_error([], []).estimate is None
    assert root_mean_squared_error([], []).estimate is None
    assert r2([1.0], [1.0]).estimate is None
    assert r2([2.0, 2.0], [1.0, 3.0]).estimate is None
    assert root_mean_squared_error([1.0], [3.0]).estimate == 2.0
    assert root_mean_squared_error([1.0], [3.0]).low is None
    perfect = regression_quality([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert perfect["r2"].low == perfect["r2"].high == 1.0
    assert perfect["root_mean_squared_error"].high == 0.0


@pytest.mark.parametrize("weighted", [False, True])
def test_further_metrics_equal_scikit_learn(weighted: bool) -> None:
    random = np.random.default_rng(5)
    truth = random.normal(5, 2, 801)
    predicted, weight = truth + random.normal(0, 1, 801), random.integers(1, 4, 801).astype(float) if weighted else None
    expected = {
        "mean_absolute_percentage_error": metrics.mean_absolute_percentage_error(
            truth, predicted, sample_weight=weight
        ),
        "quantile_loss_10": metrics.mean_pinball_loss(truth, predicted, sample_weight=weight, alpha=0.1),
        "quantile_loss_90": metrics.mean_pinball_loss(truth, predicted, sample_weight=weight, alpha=0.9),
    }
    if weight is None:
        expected["median_absolute_error"] = metrics.median_absolute_error(truth, predicted)
    else:
        rows = np.repeat(np.arange(801), weight.astype(int))
        expected["median_absolute_error"] = metrics.median_absolute_error(truth[rows], predicted[rows])
    for name, value in expected.items():
        found = regression.BY_VALUE[name](truth, predicted, weight)
        assert found.estimate == pytest.approx(value, abs=1e-9), name
        assert found.low <= value <= found.high, name


def test_the_median_errors_interval_covers() -> None:
    random = np.random.default_rng(6)
    truth = 0.6744897501960817
    hits = 0
    for _ in range(400):
        found = regression.median_absolute_error(np.zeros(150), random.normal(size=150))
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 400 <= 0.98
    assert regression.median_absolute_error([], []).estimate is None
    assert regression.median_absolute_error([1.0, 2.0], [1.0, 3.0]).low is None
    with pytest.raises(InvalidInput, match="quantile"):
        regression.quantile_loss([1.0], [1.0], quantile=1.0)
