"""Everything that is measured from (labels, scores, groups, weights), each number with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.core.checks import Check, Status, Verdict, judge
from fairloop.errors import NotANumber
from fairloop.fairness.gaps import all_gaps
from fairloop.fairness.groups import group_rates
from fairloop.stats.estimate import Estimate, unknown
from fairloop.stats.quality import accuracy, binary_quality
from fairloop.stats.regression import mean_absolute_error, regression_quality

Array = npt.NDArray[Any]
ELSEWHERE = {"cost_usd", "drift", "prediction_drift", "error_rate"}
"""Metrics that a table cannot answer: the loop knows the cost, the watch the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """``metrics`` maps a check's name (``roc_auc``, ``demographic_parity_difference by sex``) to estimate, low, high, n
    and method; ``details`` holds the evidence behind gaps, ``groups`` the rows of each attribute's table."""

    metrics: dict[str, dict[str, Any]]
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def measure(task: str, labels: Array, scores: Array, predicted: Array, groups: pd.DataFrame,
            weights: npt.NDArray[np.float64], *, threshold: float = 0.5, classes: list[Any] | None = None) -> Measured:  # fmt: skip
    """Quality overall, and for a binary or regression target by each sensitive attribute.

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

    Raises
    ------
    NotANumber
        The model answered NaN or infinity.
    """
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores)).sum())
        raise NotANumber(f"The model answered NaN or infinity {bad} times on {len(labels)} rows; repair the trainer.")
    weight = None if bool((weights == 1.0).all()) else weights
    if task == "binary":
        return _binary(labels, scores, predicted, groups, weight, threshold)
    if task == "regression":
        return _regression(labels, scores, groups, weight)
    return Measured(metrics=_multiclass(labels, scores, predicted, weight, classes or []))


def _binary(labels: Array, scores: Array, predicted: Array, groups: pd.DataFrame,
            weight: Array | None, threshold: float) -> Measured:  # fmt: skip
    found = binary_quality(labels, scores, weight, threshold=threshold)
    metrics: dict[str, dict[str, Any]] = {name: estimate.plain() for name, estimate in found.items()}
    details, tables = {}, {}
    for attribute in groups.columns:
        gaps = all_gaps(labels, predicted, groups[attribute], weight)
        for name, gap in gaps.items():
            metrics[f"{name} by {attribute}"] = gap.plain()
            details[f"{name} by {attribute}"] = gap.detail()
        tables[str(attribute)] = [row.plain() for row in group_rates(labels, predicted, groups[attribute], weight)]
    return Measured(metrics=metrics, details=details, groups=tables)


def _regression(labels: Array, scores: Array, groups: pd.DataFrame, weight: Array | None) -> Measured:
    metrics: dict[str, dict[str, Any]] = {n: e.plain() for n, e in regression_quality(labels, scores, weight).items()}
    tables: dict[str, list[dict[str, Any]]] = {}
    for attribute in groups.columns:
        rows = []
        for group, inside in groups.groupby(attribute, observed=True).indices.items():
            part = None if weight is None else weight[inside]
            error = mean_absolute_error(labels[inside], scores[inside], part)
            rows.append({"group": str(group), "n": len(inside), "mean_absolute_error": error.plain(),
                         "mean_prediction": float(np.average(scores[inside], weights=part)),
                         "mean_label": float(np.average(labels[inside], weights=part))})  # fmt: skip
        tables[str(attribute)] = rows
    return Measured(metrics=metrics, groups=tables)


def _multiclass(labels: Array, scores: Array, predicted: Array, weight: Array | None,
                classes: list[Any]) -> dict[str, dict[str, Any]]:  # fmt: skip
    right = labels.astype(str) == predicted.astype(str)
    ones = np.ones(len(right), dtype=np.int8)
    recalls = []
    for answer in np.unique(labels):
        inside = labels == answer
        recalls.append(accuracy(ones[inside], right[inside], None if weight is None else weight[inside]))
    found = {"accuracy": accuracy(ones, right, weight), "balanced_accuracy": _mean_of(recalls, len(right)),
             "log_loss": _log_loss(labels, scores, weight, classes)}  # fmt: skip
    return {name: estimate.plain() for name, estimate in found.items()}


def _mean_of(parts: list[Estimate], n: int) -> Estimate:
    """The mean of independent proportions with the MOVER interval of their Wilson bounds."""
    method = "MOVER of wilson"
    known = [(p.estimate, p.low, p.high) for p in parts if p.estimate is not None]
    if not known:
        return unknown(n, method)
    k = len(known)
    middle = sum(e for e, _, _ in known if e is not None) / k
    below = math.sqrt(sum((e - low) ** 2 for e, low, _ in known if e is not None and low is not None)) / k
    above = math.sqrt(sum((high - e) ** 2 for e, _, high in known if e is not None and high is not None)) / k
    return Estimate(estimate=middle, low=max(0.0, middle - below), high=min(1.0, middle + above), n=n, method=method)


def _log_loss(labels: Array, scores: Array, weight: Array | None, classes: list[Any]) -> Estimate:
    place = {str(name): index for index, name in enumerate(classes)}
    column = np.array([place.get(str(label), -1) for label in labels])
    if (column < 0).any():
        return unknown(len(labels), "student")
    chance = np.clip(scores[np.arange(len(labels)), column], np.finfo(np.float64).eps, 1.0)
    # log loss is a mean of losses, so its interval is that of a mean absolute error of the losses against 0
    return mean_absolute_error(np.zeros(len(labels)), np.log(chance), weight)


def verdict(check: Check, measured: Measured, *, baseline: float | None = None) -> Verdict:
    """The answer to ``check``; what could not be measured is insufficient evidence, never pass."""
    found = measured.metrics.get(check.name)
    if found is None:
        known = ", ".join(sorted(measured.metrics)[:8])
        return Verdict(check=check, status=Status.INSUFFICIENT, estimate=None, low=None, high=None, n=0,
                       method="not measured", detail={"reason": f"{check.name} was not measured; known are {known}"})  # fmt: skip
    return judge(check, found["estimate"], found["low"], found["high"], n=found["n"], method=found["method"],
                 detail=measured.details.get(check.name), baseline=baseline)  # fmt: skip


def verdicts(checks: list[Check], measured: Measured, baselines: dict[str, float] | None = None) -> list[Verdict]:
    """One verdict a check, but for those that a table cannot answer (cost, drift, failed requests)."""
    known = baselines or {}
    return [
        verdict(check, measured, baseline=known.get(check.name)) for check in checks if check.metric not in ELSEWHERE
    ]
