"""What is measured equals scikit-learn and fairlearn, weighted or not."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from sklearn import metrics as reference

from fairloop.core.checks import CONDITIONAL, GROUP_METRICS, HIGHER_IS_BETTER, Check, Status
from fairloop.core.loops import gate
from fairloop.errors import InvalidInput, NotANumber
from fairloop.evaluation.metrics import feature_matrix, measure, verdict, verdicts
from fairloop.fairness.group_metrics import Comparison, Sample
from fairloop.fairness.regression_gaps import REGRESSION_GAPS
from fairloop.stats.curves import BY_SCORE
from fairloop.stats.multiclass import BY_CLASS, BY_CLASS_SCORES
from fairloop.stats.quality import BY_ANSWER
from fairloop.stats.regression import BY_VALUE

BINARY = {*BY_ANSWER, *BY_SCORE, "generalized_entropy_index", "theil_index", "consistency"}

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


# ------------------------------------------------------------------ what checks ask for
def asked_of(metrics: Iterable[str], by: str | None = None) -> list[Check]:
    return [
        Check(metric=m, by=by, **({"at_least": 0.5} if m in HIGHER_IS_BETTER else {"at_most": 0.5})) for m in metrics
    ]  # type: ignore[arg-type]


def binary(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.DataFrame, pd.DataFrame]:
    groups = groups_of(random)
    y = (random.random(N) < np.where(groups["sex"] == "M", 0.4, 0.2)).astype(np.int8)
    scores = np.clip(0.3 * y + random.random(N) * 0.7, 0, 1)
    features = pd.DataFrame({"education": pd.Categorical(random.choice(list("xyz"), N)), "age": random.normal(40, 9, N),
                             "story": pd.Series(["some text"] * N, dtype="str")})  # fmt: skip
    return y, scores, (scores >= 0.5).astype(np.int8), groups, features


def test_every_metric_of_groups_can_gate_a_binary_model(random: np.random.Generator) -> None:
    y, scores, answer, groups, features = binary(random)
    plain = asked_of(GROUP_METRICS - CONDITIONAL - {"appeal_rate_ratio"}, "sex&race") + asked_of(
        CONDITIONAL, "sex|education"
    )
    checks = [*plain, *asked_of(BINARY)]
    found = measure("binary", y, scores, answer, groups, np.ones(N), checks=checks, features=features)
    for verdict_ in verdicts(checks, found):
        name = verdict_.check.name
        assert verdict_.status is not Status.INSUFFICIENT or verdict_.estimate is not None, name
        assert verdict_.low <= verdict_.estimate <= verdict_.high, name
        assert 500 < verdict_.n <= N, name
        assert verdict_.method, name
    assert len(found.groups["sex&race"]) == 6
    assert {row["group"] for row in found.groups["sex"]} == {"F", "M"}
    assert json.loads(json.dumps(found.details))


def test_what_base_rates_forbid_stands_beside_the_verdict(random: np.random.Generator) -> None:
    y, scores, answer, groups, _ = binary(random)
    found = measure("binary", y, scores, answer, groups, np.ones(N))
    told = verdict(gate("equalized_odds_difference", at_most=0.3, by="sex"), found).detail["trade_offs"]
    assert any("equalized odds and demographic parity cannot both hold" in words for words in told)
    assert "trade_offs" not in found.details["equalized_odds_difference by race"]  # base rates that may be equal


def test_several_classes_and_numbers_have_gaps_too(random: np.random.Generator) -> None:
    classes = ["blue", "green", "red"]
    scores = random.dirichlet([1, 1, 1], N)
    y = np.array([classes[i] for i in (scores + random.random((N, 3)) * 0.5).argmax(axis=1)])
    answer, groups = np.array(classes)[scores.argmax(axis=1)], groups_of(random)
    checks = [*asked_of(BY_CLASS), *asked_of(BY_CLASS_SCORES), *asked_of(["predictive_parity_difference"], "race")]
    found = measure("multiclass", y, scores, answer, groups, np.ones(N), classes=classes, checks=checks)
    for each in verdicts(checks, found):
        assert each.low <= each.estimate <= each.high, each.check.name
    assert [row["class"] for row in found.details["macro_f1"]["classes"]] == classes
    assert found.metrics["demographic_parity_difference by sex"]["estimate"] is not None
    assert found.groups["sex"][0]["accuracy"]["estimate"] > 0.5

    truth = random.normal(10, 3, N)
    value = truth + random.normal(0, 1, N)
    checks = [*asked_of(BY_VALUE), *asked_of(REGRESSION_GAPS, "sex&race")]
    found = measure("regression", truth, value, value, groups, np.ones(N), checks=checks)
    for each in verdicts(checks, found):
        assert each.low <= each.estimate <= each.high, each.check.name


def test_what_is_not_defined_is_insufficient_with_its_reason(random: np.random.Generator) -> None:
    y, scores, answer, groups, features = binary(random)
    checks = [*asked_of(["macro_f1", "consistency"]), *asked_of(["accuracy_difference"], "age"),
              *asked_of(["conditional_label_disparity"], "sex|nothing")]  # fmt: skip
    told = verdicts(checks, measure("binary", y, scores, answer, groups, np.ones(N), checks=checks))
    assert {each.status for each in told} == {Status.INSUFFICIENT}
    reasons = [each.detail["reason"] for each in told]
    assert reasons[0] == "macro_f1 is not defined for a binary target."
    assert "features are not known" in reasons[1]
    assert reasons[2].startswith("There is no column 'age'")
    assert reasons[3].startswith("There is no column 'nothing'")
    number = asked_of(["demographic_parity_difference"], "sex")
    found = measure("regression", scores, scores, scores, groups, np.ones(N), checks=number)
    assert verdict(number[0], found).detail["reason"].endswith("not defined for a regression target.")
    with pytest.raises(InvalidInput, match="No column"):
        feature_matrix(features[["story"]])


def test_unlabelled_rows_have_only_what_needs_no_labels(random: np.random.Generator) -> None:
    _, scores, answer, groups, _ = binary(random)
    sample = Sample(task="binary", labels=None, scores=scores, predicted=answer, columns=dict(groups.items()))
    told = Comparison(sample, ["sex"])
    assert told.gap("demographic_parity_ratio").estimate is not None
    with pytest.raises(InvalidInput, match="needs labels"):
        told.gap("equalized_odds_difference")
    with pytest.raises(InvalidInput, match="compares no groups"):
        told.gap("roc_auc")
