"""What is measured equals scikit-learn and fairlearn, weighted or not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from sklearn import metrics as reference

from fairloop.core.checks import Check, Status
from fairloop.core.loops import gate
from fairloop.errors import NotANumber
from fairloop.evaluation.metrics import measure, verdict, verdicts

N = 3000


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(11)


def groups_of(random: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame({"sex": random.choice(["F", "M"], N), "race": random.choice(["a", "b", "c"], N)}, dtype="str")


@pytest.mark.parametrize("weighted", [False, True])
def test_binary(weighted: bool, random: np.random.Generator) -> None:
    groups = groups_of(random)
    y = (random.random(N) < np.where(groups["sex"] == "M", 0.4, 0.2)).astype(np.int8)
    scores = np.clip(0.3 * y + random.random(N) * 0.7, 0, 1)
    weights = random.random(N) + 0.5 if weighted else np.ones(N)
    sent = weights if weighted else None
    answer = (scores >= 0.5).astype(np.int8)
    found = measure("binary", y, scores, answer, groups, weights).metrics
    expected = {
        "roc_auc": reference.roc_auc_score(y, scores, sample_weight=sent),
        "average_precision": reference.average_precision_score(y, scores, sample_weight=sent),
        "accuracy": reference.accuracy_score(y, answer, sample_weight=sent),
        "balanced_accuracy": reference.balanced_accuracy_score(y, answer, sample_weight=sent),
        "f1": reference.f1_score(y, answer, sample_weight=sent),
        "log_loss": reference.log_loss(y, scores, sample_weight=sent),
        "brier_score": reference.brier_score_loss(y, scores, sample_weight=sent),
    }
    for attribute in groups:
        features = {"sensitive_features": groups[attribute], "sample_weight": sent}
        expected[f"demographic_parity_difference by {attribute}"] = demographic_parity_difference(y, answer, **features)
        expected[f"equalized_odds_difference by {attribute}"] = equalized_odds_difference(y, answer, **features)
    for name, value in expected.items():
        assert found[name]["estimate"] == pytest.approx(value, abs=1e-9), name
        assert found[name]["low"] <= value <= found[name]["high"], name


def test_regression(random: np.random.Generator) -> None:
    y = random.normal(10, 3, N)
    scores = y + random.normal(0, 1, N)
    measured = measure("regression", y, scores, scores, groups_of(random), np.ones(N))
    assert measured.metrics["mean_absolute_error"]["estimate"] == pytest.approx(
        reference.mean_absolute_error(y, scores)
    )
    assert measured.metrics["r2"]["estimate"] == pytest.approx(reference.r2_score(y, scores))
    rmse = reference.root_mean_squared_error(y, scores)
    assert measured.metrics["root_mean_squared_error"]["estimate"] == pytest.approx(rmse)
    assert {row["group"] for row in measured.groups["race"]} == {"a", "b", "c"}
    assert sum(row["n"] for row in measured.groups["sex"]) == N


def test_multiclass(random: np.random.Generator) -> None:
    classes = ["blue", "green", "red"]
    scores = random.dirichlet([1, 1, 1], N)
    y = np.array([classes[i] for i in (scores + random.random((N, 3)) * 0.5).argmax(axis=1)])
    answer = np.array(classes)[scores.argmax(axis=1)]
    found = measure("multiclass", y, scores, answer, groups_of(random), np.ones(N), classes=classes).metrics
    assert found["accuracy"]["estimate"] == pytest.approx(reference.accuracy_score(y, answer))
    assert found["balanced_accuracy"]["estimate"] == pytest.approx(reference.balanced_accuracy_score(y, answer))
    assert found["log_loss"]["estimate"] == pytest.approx(reference.log_loss(y, scores, labels=classes))
    for number in found.values():
        assert number["low"] < number["estimate"] < number["high"]


def test_a_model_that_answers_nan_is_named(random: np.random.Generator) -> None:
    scores = random.random(N)
    scores[:3] = np.nan
    with pytest.raises(NotANumber, match="NaN or infinity 3 times on 3000 rows"):
        measure("binary", np.zeros(N), scores, np.zeros(N), groups_of(random), np.ones(N))


def test_verdicts(random: np.random.Generator) -> None:
    y = (random.random(N) < 0.5).astype(np.int8)
    scores = np.clip(y * 0.5 + random.random(N) * 0.5, 0, 1)
    measured = measure("binary", y, scores, scores >= 0.5, groups_of(random), np.ones(N))
    gap = verdict(gate("demographic_parity_difference", at_most=0.3, by="sex"), measured)
    assert gap.status is Status.PASS
    assert {row["group"] for row in gap.detail["groups"]} == {"F", "M"}
    missing = verdict(gate("demographic_parity_difference", at_most=0.3, by="age"), measured)
    assert (missing.status, missing.estimate) == (Status.INSUFFICIENT, None)
    asked = [
        gate("roc_auc", at_least=0.5),
        gate("cost_usd", at_most=1),
        Check(metric="drift"),
        Check(metric="roc_auc", drop=0.1),
    ]
    found = verdicts(asked, measured, {"roc_auc": 0.99})
    assert [v.check.metric for v in found] == ["roc_auc", "roc_auc"]
    assert found[1].detail["baseline"] == 0.99


def test_a_part_with_one_answer_is_insufficient_never_pass() -> None:
    groups = pd.DataFrame({"sex": ["F", "M"] * 50}, dtype="str")
    measured = measure("binary", np.ones(100, dtype=np.int8), np.full(100, 0.7), np.ones(100), groups, np.ones(100))
    assert verdict(gate("roc_auc", at_least=0.1), measured).status is Status.INSUFFICIENT
