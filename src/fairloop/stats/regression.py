"""Quality of predicted numbers, each metric with its interval.

``truth`` and ``predicted`` are numbers of shape (n,), ``weights`` >= 0 of shape (n,) or None. NaN is refused
(``NotANumber``); without rows the estimate is None.
"""

from __future__ import annotations

import math

import numpy as np

from fairloop.stats.arrays import ArrayLike, Floats, numbers, weights_or_none
from fairloop.stats.estimate import Estimate, unknown
from fairloop.stats.influence import jackknife_variance, mean_estimate, mean_variance, weighted_mean
from fairloop.stats.intervals import two_sided


def mean_absolute_error(
    truth: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    r"""Mean of :math:`|\hat y - y|` in the unit of y, with Student's interval."""
    actual, answer, weight = _pairs(truth, predicted, weights)
    return mean_estimate(np.abs(answer - actual), weight, confidence, "student")


def root_mean_squared_error(
    truth: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    r""":math:`\sqrt{\overline{(\hat y-y)^2}}` in the unit of y; the interval is that of the log of the mean
    square."""
    actual, answer, weight = _pairs(truth, predicted, weights)
    method = "normal on the log of the mean square"
    if len(actual) == 0:
        return unknown(0, method)
    square = np.square(answer - actual)
    mean = weighted_mean(square, weight)
    variance = mean_variance(square, weight)
    if not math.isfinite(variance):
        return Estimate(estimate=math.sqrt(mean), low=None, high=None, n=len(actual), method=method)
    half = two_sided(confidence) * math.sqrt(variance) / mean if mean > 0 else 0.0
    root = math.sqrt(mean)
    return Estimate(
        estimate=root,
        low=root * math.exp(-half / 2),
        high=root * math.exp(half / 2),
        n=len(actual),
        method=method,
    )


def r2(
    truth: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    r"""Explained variance :math:`1 - \sum(\hat y-y)^2/\sum(y-\bar y)^2`, with a jackknife interval.

    1 is perfect, 0 what the mean of y gets, negative is worse. The interval is symmetric for
    :math:`\ln(1-R^2)`. None with fewer than 2 rows or a constant truth.
    """
    actual, answer, weight = _pairs(truth, predicted, weights)
    method = "infinitesimal jackknife, log of unexplained share"
    if len(actual) < 2:
        return unknown(len(actual), method)
    each = np.ones(len(actual)) if weight is None else weight
    residual, spread = np.square(answer - actual), np.square(actual - weighted_mean(actual, weight))
    missed, whole = float(residual @ each), float(spread @ each)
    if whole == 0:
        return unknown(len(actual), method)
    unexplained = missed / whole
    if unexplained == 0:
        return Estimate(estimate=1.0, low=1.0, high=1.0, n=len(actual), method=method)
    variance = jackknife_variance(residual / missed - spread / whole, weight)
    half = two_sided(confidence) * math.sqrt(variance)
    return Estimate(
        estimate=1 - unexplained,
        low=1 - unexplained * math.exp(half),
        high=1 - unexplained * math.exp(-half),
        n=len(actual),
        method=method,
    )


def regression_quality(
    truth: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> dict[str, Estimate]:
    """Every metric of this module by its name in ``core.checks``."""
    return {
        "mean_absolute_error": mean_absolute_error(truth, predicted, weights, confidence=confidence),
        "root_mean_squared_error": root_mean_squared_error(truth, predicted, weights, confidence=confidence),
        "r2": r2(truth, predicted, weights, confidence=confidence),
    }


def _pairs(truth: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats | None]:
    actual = numbers(truth, "true values")
    answer = numbers(predicted, "predictions", length=len(actual))
    return actual, answer, weights_or_none(weights, len(actual))
