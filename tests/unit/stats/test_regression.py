import numpy as np
import pytest
from sklearn import metrics

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
