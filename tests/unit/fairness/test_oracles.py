"""Every group metric agrees with fairlearn, aif360 or scipy, or with its formula, to 1e-9."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from sklearn import metrics as sk

from fairloop.core.checks import CONDITIONAL, CRITERIA, DATA_METRICS, GROUP_METRICS, HIGHER_IS_BETTER
from fairloop.fairness.gaps import GAPS, all_gaps
from fairloop.fairness.group_metrics import Comparison, Sample
from fairloop.fairness.individual import consistency, generalized_entropy_index, theil_index
from fairloop.fairness.multiclass_gaps import class_tables, multiclass_gap
from fairloop.fairness.pretraining import DATA_GAPS, conditional_disparity, data_gaps
from fairloop.fairness.regression_gaps import regression_gaps
from fairloop.fairness.score_gaps import SCORE_GAPS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from aif360.datasets import BinaryLabelDataset
    from aif360.metrics import BinaryLabelDatasetMetric, ClassificationMetric

N = 2000
EXACT = 1e-9


def rows(k: int = 2, n: int = N) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores, groups 0 .. k-1, weights."""
    random = np.random.default_rng(k)
    group = random.integers(0, k, n)
    label = random.random(n) < 0.25 + 0.1 * (group % 3)
    return label, np.clip(0.35 * label + random.random(n) * 0.65, 0, 1), group, random.random(n)


def aif360(label: np.ndarray, predicted: np.ndarray, group: np.ndarray, weight: np.ndarray | None,
           features: np.ndarray | None = None) -> tuple[Any, Any]:  # fmt: skip
    """aif360's metrics of the data and of the answers, group 1 privileged."""
    columns = {
        f"x{i}": values for i, values in enumerate((features if features is not None else np.zeros((len(label), 1))).T)
    }
    frame = pd.DataFrame(columns | {"g": group.astype(float), "y": label.astype(float),
                                    "w": np.ones(len(label)) if weight is None else weight})  # fmt: skip
    told = {"favorable_label": 1.0, "unfavorable_label": 0.0, "label_names": ["y"],
            "protected_attribute_names": ["g"], "instance_weights_name": "w"}  # fmt: skip
    truth = BinaryLabelDataset(df=frame, **told)
    answers = truth.copy()
    answers.labels = predicted.astype(float).reshape(-1, 1)
    sides = {"unprivileged_groups": [{"g": 0.0}], "privileged_groups": [{"g": 1.0}]}
    return BinaryLabelDatasetMetric(answers, **sides), ClassificationMetric(truth, answers, **sides)


@pytest.mark.parametrize("weighted", [False, True])
def test_gaps_of_two_groups_equal_aif360(weighted: bool) -> None:
    label, score, group, weight = rows()
    predicted, weight = score >= 0.5, weight if weighted else None
    data, peer = aif360(label, predicted, group, weight)
    found = all_gaps(label, predicted, group, weight)
    ratio = peer.disparate_impact()
    expected = {
        "demographic_parity_difference": abs(peer.statistical_parity_difference()),
        "demographic_parity_ratio": min(ratio, 1 / ratio),
        "equal_opportunity_difference": abs(peer.equal_opportunity_difference()),
        "predictive_equality_difference": abs(peer.false_positive_rate_difference()),
        "equalized_odds_difference": peer.equalized_odds_difference(),
        "average_odds_difference": abs(peer.average_odds_difference()),
        "average_absolute_odds_difference": peer.average_abs_odds_difference(),
        "accuracy_difference": abs(peer.accuracy(privileged=True) - peer.accuracy(privileged=False)),
        "predictive_parity_difference": abs(peer.difference(peer.positive_predictive_value)),
        "false_discovery_rate_difference": abs(peer.false_discovery_rate_difference()),
        "false_omission_rate_difference": abs(peer.false_omission_rate_difference()),
        "label_rate_difference": abs(peer.difference(peer.base_rate)),
    }
    assert expected.keys() | {"equalized_odds_ratio"} == GAPS.keys()
    for name, value in expected.items():
        assert found[name].estimate == pytest.approx(value, abs=EXACT), name
        assert found[name].low <= value <= found[name].high, name
    assert data.mean_difference() == pytest.approx(peer.statistical_parity_difference())


@pytest.mark.parametrize("k", [2, 5, 10])
@pytest.mark.parametrize("weighted", [False, True])
def test_gaps_of_any_number_of_groups_equal_fairlearn(k: int, weighted: bool) -> None:
    label, score, group, weight = rows(k, 400 * k)
    predicted, weight = score >= 0.5, weight if weighted else None
    found = all_gaps(label, predicted, group, weight)
    told = {"y_true": label, "y_pred": predicted, "sensitive_features": group}
    expected = {
        name: getattr(fl, name)(label, predicted, sensitive_features=group, sample_weight=weight)
        for name in ("demographic_parity_difference", "demographic_parity_ratio", "equal_opportunity_difference",
                     "equalized_odds_difference", "equalized_odds_ratio")
    }  # fmt: skip
    framed: dict[str, Callable[..., float]] = {
        "predictive_equality_difference": fl.false_positive_rate, "accuracy_difference": sk.accuracy_score,
        "predictive_parity_difference": sk.precision_score,
    }  # fmt: skip
    for name, metric in framed.items():
        params = {"sample_params": {"sample_weight": weight}} if weighted else {}
        expected[name] = fl.MetricFrame(metrics=metric, **told, **params).difference()
    for name, value in expected.items():
        assert found[name].estimate == pytest.approx(value, abs=EXACT), name
        assert found[name].low <= value <= found[name].high, name


@pytest.mark.parametrize("weighted", [False, True])
def test_gaps_of_numbers_equal_fairlearn(weighted: bool) -> None:
    random = np.random.default_rng(1)
    group, weight = random.integers(0, 4, N), random.random(N) if weighted else None
    truth = random.normal(1e6, 2, N)
    predicted = truth + random.normal(0.1 * group, 1 + 0.2 * group)
    found = regression_gaps(truth, predicted, group, weight)
    peers: dict[str, Callable[..., float]] = {
        "mean_prediction_difference": fl.mean_prediction,
        "mean_absolute_error_difference": sk.mean_absolute_error,
        "root_mean_squared_error_difference": sk.root_mean_squared_error,
        "mean_error_difference": lambda y, p, sample_weight=None: np.average(p - y, weights=sample_weight),
    }
    assert peers.keys() == found.keys()
    for name, metric in peers.items():
        params = {"sample_params": {"sample_weight": weight}} if weighted else {}
        frame = fl.MetricFrame(metrics=metric, y_true=truth, y_pred=predicted, sensitive_features=group, **params)
        assert found[name].estimate == pytest.approx(
            frame.difference(), abs=EXACT if "prediction" not in name else 1e-6
        )
        assert 0 <= found[name].low <= found[name].estimate <= found[name].high
        assert found[name].words


@pytest.mark.parametrize("weighted", [False, True])
def test_several_classes_are_each_against_the_rest(weighted: bool) -> None:
    random = np.random.default_rng(2)
    group, weight = random.integers(0, 3, N), random.random(N) if weighted else None
    label = random.integers(0, 4, N)
    predicted = np.where(random.random(N) < 0.6 + 0.1 * group, label, random.integers(0, 4, N))
    counts = class_tables(label, predicted, group, weight)
    for name, metric in GAPS.items():
        parts = [metric(label == c, predicted == c, group, weight) for c in range(4)]
        if name == "accuracy_difference":
            frame = fl.MetricFrame(metrics=sk.accuracy_score, y_true=label, y_pred=predicted, sensitive_features=group,
                                   sample_params={"sample_weight": weight} if weighted else None)  # fmt: skip
            expected = frame.difference()
        else:
            pick = min if name in HIGHER_IS_BETTER else max
            expected = pick(part.estimate for part in parts)
        found = multiclass_gap(name, counts)
        assert found.estimate == pytest.approx(expected, abs=EXACT), name
        assert found.low <= expected <= found.high, name
        assert found.rate is not None
        assert all(found.rate in row.rates for row in found.groups), name


@pytest.mark.parametrize("weighted", [False, True])
def test_gaps_of_scores_equal_scikit_learn(weighted: bool) -> None:
    label, score, group, weight = rows(3)
    weight = weight if weighted else None

    def calibration_error(y: np.ndarray, s: np.ndarray, w: np.ndarray | None) -> float:
        w = np.ones(len(y)) if w is None else w
        place = np.searchsorted(np.linspace(0, 1, 11)[1:-1], s)
        return sum(abs(np.sum(w[place == b] * (y - s)[place == b])) for b in range(10)) / w.sum()

    parts = [(label[group == g], score[group == g], None if weight is None else weight[group == g]) for g in range(3)]
    areas = [sk.roc_auc_score(y, s, sample_weight=w) for y, s, w in parts]
    errors = [np.average(s - y, weights=w) for y, s, w in parts]
    expected = {
        "roc_auc_difference": np.ptp(areas), "calibration_difference": np.ptp(errors),
        "calibration_within_groups": max(calibration_error(*part) for part in parts),
    }  # fmt: skip
    assert expected.keys() == SCORE_GAPS.keys()
    for name, value in expected.items():
        found = SCORE_GAPS[name](label, score, group, weight)
        assert found.estimate == pytest.approx(value, abs=EXACT), name
        assert found.low <= value <= found.high, name


def test_entropy_and_consistency_equal_aif360() -> None:
    label, score, group, _ = rows()
    predicted = score >= 0.5
    random = np.random.default_rng(3)
    features = random.normal(size=(N, 3))
    data, peer = aif360(label, predicted, group, None, features)
    for alpha in (2, 1, 3, 0.5):
        found = generalized_entropy_index(label, predicted, alpha=alpha)
        assert found.estimate == pytest.approx(peer.generalized_entropy_index(alpha), abs=EXACT)
    assert theil_index(label, predicted).estimate == pytest.approx(peer.theil_index(), abs=EXACT)
    between = Comparison(
        Sample(task="binary", labels=label, scores=score, predicted=predicted, columns={"g": group}), ["g"]
    )
    expected = peer.between_group_generalized_entropy_index()
    assert between.gap("between_group_entropy").estimate == pytest.approx(expected, abs=EXACT)
    with_group = np.column_stack([features, group])
    assert consistency(with_group, predicted).estimate == pytest.approx(float(data.consistency()[0]), abs=EXACT)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_of_the_data_equal_scipy(classes: int, weighted: bool) -> None:
    random = np.random.default_rng(classes)
    group, weight = random.choice(3, N, p=[0.5, 0.3, 0.2]), random.random(N) if weighted else None
    label = np.minimum(random.integers(0, classes + 1, N) - (group == 2) * random.integers(0, 2, N), classes - 1).clip(
        0
    )
    each = np.ones(N) if weight is None else weight
    shares = [np.array([each[(group == g) & (label == c)].sum() for c in range(classes)]) for g in range(3)]
    sizes = np.array([share.sum() for share in shares])
    shares = [share / share.sum() for share in shares]
    pairs = [(p, q) for p in shares for q in shares if p is not q]
    expected = {
        "class_imbalance": max(abs(a - b) / (a + b) for a in sizes for b in sizes),
        "label_rate_difference": max(np.abs(p - q).max() for p, q in pairs),
        "label_kl_divergence": max(entropy(p, q) for p, q in pairs),
        "label_js_divergence": max(jensenshannon(p, q) ** 2 for p, q in pairs),
        "label_lp_norm": max(np.linalg.norm(p - q) for p, q in pairs),
        "label_total_variation": max(np.abs(p - q).sum() / 2 for p, q in pairs),
        "label_ks_distance": max(np.abs(p - q).max() for p, q in pairs),
    }
    found = data_gaps(label, group, weight)
    assert expected.keys() == found.keys() == set(DATA_GAPS)
    for name, value in expected.items():
        assert found[name].estimate == pytest.approx(value, abs=EXACT), name
        assert found[name].low <= value <= found[name].high, name


def test_conditional_disparity_is_clarifys() -> None:
    label, _, group, _ = rows(2)
    strata = np.random.default_rng(0).integers(0, 4, N)
    total = 0.0
    for s in range(4):
        inside = strata == s
        refused, accepted = (group[inside & (label == y)] == 0 for y in (False, True))
        total += inside.sum() / N * (refused.mean() - accepted.mean())
    found = conditional_disparity(label, group, strata)
    assert found.estimate == pytest.approx(abs(total), abs=EXACT)
    assert found.low <= found.estimate <= found.high


def test_every_group_metric_has_been_compared() -> None:
    compared = {*GAPS, *SCORE_GAPS, *DATA_GAPS, *CONDITIONAL, "between_group_entropy", "mean_prediction_difference",
                "mean_error_difference", "mean_absolute_error_difference", "root_mean_squared_error_difference"}  # fmt: skip
    assert compared >= GROUP_METRICS - {"appeal_rate_ratio"}
    assert set(CRITERIA) <= GROUP_METRICS
    assert DATA_METRICS <= GROUP_METRICS
