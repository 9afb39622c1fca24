"""Everything that is measured from (labels, scores, groups, weights), each number with its interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.core.checks import GROUP_METRICS, Check, Status, Verdict, judge
from fairloop.errors import InvalidInput, NotANumber
from fairloop.fairness.group_metrics import Comparison, Sample
from fairloop.fairness.impossibility import trade_offs
from fairloop.fairness.individual import consistency, generalized_entropy_index, theil_index
from fairloop.stats.curves import BY_SCORE
from fairloop.stats.estimate import Estimate
from fairloop.stats.multiclass import BY_CLASS, BY_CLASS_SCORES, per_class
from fairloop.stats.quality import BY_ANSWER, binary_quality
from fairloop.stats.regression import BY_VALUE, regression_quality
from fairloop.stats.weak_evidence import CONFIDENT, severe_on_weak_evidence

Array = npt.NDArray[Any]
ELSEWHERE = {"cost_usd", "drift", "prediction_drift", "error_rate"}
"""Metrics that a table cannot answer: the loop knows the cost, the watch the rest."""
DEFAULT_GAPS = {
    "binary": ("demographic_parity_difference", "demographic_parity_ratio", "equal_opportunity_difference",
               "equalized_odds_difference", "label_rate_difference"),
    "multiclass": ("demographic_parity_difference", "equalized_odds_difference", "accuracy_difference"),
    "regression": ("mean_prediction_difference", "mean_error_difference", "mean_absolute_error_difference"),
}  # fmt: skip
"""What every candidate is measured by for every sensitive attribute; a check adds what it asks for."""
MOST_CATEGORIES = 50
"""A column of more categories tells one person from another; it is not used to find similar people."""
_BY_ANSWER: dict[str, Callable[..., Estimate]] = {
    **BY_ANSWER, "generalized_entropy_index": generalized_entropy_index, "theil_index": theil_index,
}  # fmt: skip
SEVERE = "severe_on_weak_evidence"
QUALITY = {*_BY_ANSWER, *BY_SCORE, *BY_VALUE, *BY_CLASS, *BY_CLASS_SCORES, "consistency", SEVERE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """``metrics`` maps a check's name (``roc_auc``, ``demographic_parity_difference by sex``) to estimate, low, high, n
    and method; ``details`` holds the evidence behind gaps, ``groups`` the rows of each attribute's table."""

    metrics: dict[str, dict[str, Any]]
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def measure(task: str, labels: Array, scores: Array, predicted: Array, groups: pd.DataFrame,
            weights: npt.NDArray[np.float64], *, threshold: float = 0.5, classes: list[Any] | None = None,
            checks: Sequence[Check] = (), features: pd.DataFrame | None = None) -> Measured:  # fmt: skip
    """Quality overall and gaps by each sensitive attribute: the usual ones, and those that ``checks`` ask for.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}
    labels : array, shape (n,)
        0/1 for binary, numbers for regression, classes for multiclass.
    scores : array, shape (n,) or, for multiclass, (n, classes)
    predicted : array, shape (n,)
    groups : pandas.DataFrame
        One column a sensitive attribute; a missing value belongs to no group.
    weights : array of float64, shape (n,)
        Ones are the same as no weights, and give the exact intervals of unweighted rows.
    classes : list, optional
        Order of the columns of multiclass ``scores``.
    checks : sequence of Check
        What cannot be measured on these rows has no number, and its reason in ``details``.
    features : pandas.DataFrame, optional
        For ``consistency`` and for strata (``by="sex|education"``).

    Raises
    ------
    NotANumber
        The model answered NaN or infinity.
    """
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores)).sum())
        raise NotANumber(f"The model answered NaN or infinity {bad} times on {len(labels)} rows; repair the trainer.")
    weight = None if bool((weights == 1.0).all()) else weights
    columns = {name: groups[name] for name in groups}
    if features is not None:
        columns = {name: features[name] for name in features} | columns
    sample = Sample(task=task, labels=labels, scores=scores, predicted=predicted, columns=columns, weights=weight)
    found = Measured(metrics=_quality(sample, threshold, classes or []))
    for check in checks:
        if check.metric == SEVERE and task == "binary":
            found.details[check.name] = {"words": severe_words(scores, predicted)}
        if check.metric in QUALITY and check.name not in found.metrics:
            _keep(found, check.name, lambda c=check: asked_quality(c.metric, sample, classes, features))  # type: ignore[misc]
        if task == "multiclass" and check.metric in BY_CLASS:
            rows = [each.plain() for each in per_class(labels, predicted, weight)]
            found.details.setdefault(check.name, {})["classes"] = rows
    for attribute in groups.columns:
        asked = [check.metric for check in checks if check.metric in GROUP_METRICS and check.by == attribute]
        _compare(found, sample, str(attribute), (str(attribute),), None, [*DEFAULT_GAPS[task], *asked])
    others = {check.by: check for check in checks if check.metric in GROUP_METRICS and check.by not in groups}
    for by, check in others.items():
        asked = [other.metric for other in checks if other.metric in GROUP_METRICS and other.by == by]
        _compare(found, sample, str(by), check.attributes, check.given, asked)
    return found


def _quality(sample: Sample, threshold: float, classes: list[Any]) -> dict[str, dict[str, Any]]:
    labels, scores, weight = np.asarray(sample.labels), sample.scores, sample.weights
    if sample.task == "binary":
        found = binary_quality(labels, scores, weight, threshold=threshold)
    elif sample.task == "regression":
        found = regression_quality(labels, scores, weight)
    else:
        found = {name: asked_quality(name, sample, classes) for name in ("accuracy", "balanced_accuracy", "log_loss")}
    return {name: estimate.plain() for name, estimate in found.items()}


def asked_quality(metric: str, sample: Sample, classes: list[Any] | None = None,
                  features: pd.DataFrame | None = None, *, confidence: float = 0.95) -> Estimate:  # fmt: skip
    """One quality metric by its name.

    Raises
    ------
    InvalidInput
        When it is not defined for this kind of target, or needs what is not there.
    """
    labels, weight = np.asarray(sample.labels), sample.weights
    if metric == "consistency" and sample.task == "binary":
        if features is None:
            raise InvalidInput("consistency compares similar people, and their features are not known here.")
        return consistency(feature_matrix(features), sample.predicted, weight, confidence=confidence)
    if sample.task == "multiclass" and metric in BY_CLASS_SCORES:
        return BY_CLASS_SCORES[metric](labels, sample.scores, classes or [], weight, confidence=confidence)
    if metric == SEVERE and sample.task == "binary":
        return severe_on_weak_evidence(sample.scores, sample.predicted, weight, confidence=confidence)
    by_answer = {"binary": _BY_ANSWER, "multiclass": BY_CLASS}.get(sample.task, {})
    if metric in by_answer:
        return by_answer[metric](labels, sample.predicted, weight, confidence=confidence)
    by_score = {"binary": BY_SCORE, "regression": BY_VALUE}.get(sample.task, {})
    if metric in by_score:
        return by_score[metric](labels, sample.scores, weight, confidence=confidence)
    raise InvalidInput(f"{metric} is not defined for a {sample.task} target.")


def severe_words(scores: Array, severe: Array) -> str:
    """What ``severe_on_weak_evidence`` found, counted."""
    given = np.asarray(severe).astype(bool)
    weak = int((given & (scores < CONFIDENT)).sum())
    return (f"{weak} of {int(given.sum())} severe answers rest on weak evidence (a score below {CONFIDENT:g}): these must go to "
            "a person.")  # fmt: skip


def feature_matrix(features: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Numbers in standard deviations, categories as 0/1 columns; texts, arrays and very many categories are left out.

    Raises
    ------
    InvalidInput
        When no column is left.
    """
    parts = []
    for name in features:
        column = features[name]
        if pd.api.types.is_numeric_dtype(column):
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            values = np.where(np.isfinite(values), values, np.nan)
            centre = np.nanmean(values) if np.isfinite(values).any() else 0.0
            values = np.nan_to_num(values - centre, nan=0.0)
            parts.append((values / (values.std() or 1.0))[:, None])
        elif isinstance(column.dtype, pd.CategoricalDtype) and len(column.cat.categories) <= MOST_CATEGORIES:
            parts.append(pd.get_dummies(column).to_numpy(dtype=np.float64))
    if not parts:
        raise InvalidInput("No column tells who is similar: there are no numbers and no columns of few categories.")
    return np.hstack(parts)


def _compare(found: Measured, sample: Sample, by: str, attributes: Sequence[str], given: str | None,
             metrics: Sequence[str]) -> None:  # fmt: skip
    try:
        groups = Comparison(sample, attributes, given)
    except InvalidInput as cause:
        found.details.update({f"{metric} by {by}": {"reason": cause.message} for metric in metrics})
        return
    for metric in dict.fromkeys(metrics):
        _keep(found, f"{metric} by {by}", lambda m=metric: groups.gap(m))  # type: ignore[misc]
    if given is None:
        found.groups[by] = groups.rows()
    if sample.task != "binary" or given is not None:
        return
    told = trade_offs(found.groups[by], found.metrics.get(f"label_rate_difference by {by}"))
    for metric in metrics:
        if words := [each.words for each in told if each.about(metric)]:
            found.details[f"{metric} by {by}"]["trade_offs"] = words


def _keep(found: Measured, name: str, make: Callable[[], Any]) -> None:
    try:
        made = make()
    except InvalidInput as cause:
        found.details[name] = {"reason": cause.message}
        return
    found.metrics[name] = made.plain()
    if hasattr(made, "detail"):
        found.details[name] = made.detail()


def verdict(check: Check, measured: Measured, *, baseline: float | None = None) -> Verdict:
    """The answer to ``check``; what could not be measured is insufficient evidence, never pass."""
    found = measured.metrics.get(check.name)
    if found is None:
        known = ", ".join(sorted(measured.metrics)[:8])
        told = measured.details.get(check.name) or {"reason": f"{check.name} was not measured; known are {known}"}
        return Verdict(check=check, status=Status.INSUFFICIENT, estimate=None, low=None, high=None, n=0,
                       method="not measured", detail=told)  # fmt: skip
    return judge(check, found["estimate"], found["low"], found["high"], n=found["n"], method=found["method"],
                 detail=measured.details.get(check.name), baseline=baseline)  # fmt: skip


def verdicts(checks: list[Check], measured: Measured, baselines: dict[str, float] | None = None) -> list[Verdict]:
    """One verdict a check, but for those that a table cannot answer (cost, drift, failed requests)."""
    known = baselines or {}
    return [
        verdict(check, measured, baseline=known.get(check.name)) for check in checks if check.metric not in ELSEWHERE
    ]
