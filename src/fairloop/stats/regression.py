"""Quality of predicted numbers, each metric with its interval.

``truth`` and ``predicted`` are numbers of shape (n,), ``weights`` >= 0 of shape (n,) or None. NaN is refused
(``NotANumber``); without rows the estimate is None.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from fairloop.errors import InvalidInput
from fairloop.stats.arrays import ArrayLike, Floats, effective, numbers, weights_or_none
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


def median_absolute_error(
    truth: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    r"""Median of :math:`|\hat y - y|` in the unit of y: half of the errors are smaller; outliers do not move it.

    The interval lies between order statistics (of the weighted distribution, at Kish's effective size).
    """
    actual, answer, weight = _pairs(truth, predicted, weights)
    method = "order statistics"
    if len(actual) == 0:
        return unknown(0, method)
    error = np.abs(answer - actual)
    half = two_sided(confidence) / 2 / math.sqrt(effective(weight, len(error)))
    low, middle, high = _quantiles(error, weight, (0.5 - half, 0.5, 0.5 + half))
    return Estimate(estimate=middle, low=low if half < 0.5 else None, high=high if half < 0.5 else None,
                    n=len(error), method=method)  # fmt: skip


def _quantiles(values: Floats, weight: Floats | None, levels: tuple[float, float, float]) -> list[float]:
    """Averaged inverted distribution function: at a jump's very height the mean of both sides, as of a median."""
    order = np.argsort(values)
    ordered = values[order]
    reached = np.cumsum(np.ones(len(values)) if weight is None else weight[order])
    reached /= reached[-1]
    found = []
    for level in levels:
        left = min(int(np.searchsorted(reached, level - 1e-12)), len(values) - 1)
        right = min(int(np.searchsorted(reached, level + 1e-12)), len(values) - 1)
        found.append(float(ordered[left] + ordered[right]) / 2)
    return found


def mean_absolute_percentage_error(
    truth: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    r"""Mean of :math:`|\hat y - y| / |y|` (0.1 is 10 %), with Student's interval.

    A true value of 0 counts as 2.2e-16, as in scikit-learn: avoid this metric where truth comes near 0.
    """
    actual, answer, weight = _pairs(truth, predicted, weights)
    share = np.abs(answer - actual) / np.maximum(np.abs(actual), np.finfo(np.float64).eps)
    return mean_estimate(share, weight, confidence, "student")


def quantile_loss(
    truth: ArrayLike,
    predicted: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    quantile: float = 0.5,
    confidence: float = 0.95,
) -> Estimate:
    r"""Mean pinball loss, :math:`q(y-\hat y)` where truth is above and :math:`(1-q)(\hat y-y)` where it is below.

    0 is perfect; the true quantile at ``quantile`` has the least. Student's interval.

    References
    ----------
    Koenker, R., Bassett, G. (1978). Regression quantiles. Econometrica 46, 33-50.

    Raises
    ------
    InvalidInput
        If ``quantile`` is not inside (0, 1).
    """
    if not 0 < quantile < 1:
        raise InvalidInput(f"A quantile at {quantile!r} does not exist; give a number between 0 and 1.")
    actual, answer, weight = _pairs(truth, predicted, weights)
    above = actual - answer
    return mean_estimate(np.maximum(quantile * above, (quantile - 1) * above), weight, confidence, "student")


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
    """What every candidate is judged by, by its name in ``core.checks``."""
    return {
        "mean_absolute_error": mean_absolute_error(truth, predicted, weights, confidence=confidence),
        "root_mean_squared_error": root_mean_squared_error(truth, predicted, weights, confidence=confidence),
        "r2": r2(truth, predicted, weights, confidence=confidence),
    }


BY_VALUE: dict[str, Callable[..., Estimate]] = {
    "mean_absolute_error": mean_absolute_error, "root_mean_squared_error": root_mean_squared_error, "r2": r2,
    "median_absolute_error": median_absolute_error, "mean_absolute_percentage_error": mean_absolute_percentage_error,
    "quantile_loss_10": partial(quantile_loss, quantile=0.1), "quantile_loss_90": partial(quantile_loss, quantile=0.9),
}  # fmt: skip
"""Metrics of (truth, predicted, weights) by their names in ``core.checks``."""


def _pairs(truth: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats | None]:
    actual = numbers(truth, "true values")
    answer = numbers(predicted, "predictions", length=len(actual))
    return actual, answer, weights_or_none(weights, len(actual))
