"""Intervals from influence values: the infinitesimal jackknife, shared by the quality metrics."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit, logit, stdtrit

from fairloop.stats.arrays import Floats
from fairloop.stats.estimate import Estimate, finite, unknown
from fairloop.stats.intervals import two_sided


def weighted_mean(values: Floats, weights: Floats | None) -> float:
    if weights is None:
        return float(values.mean())
    return float(values @ weights / weights.sum())


def mean_variance(values: Floats, weights: Floats | None) -> float:
    r"""Variance of the (weighted) mean: :math:`\sum w_i^2 (x_i-\bar x)^2 / (\sum w_i)^2 \cdot
    n_e/(n_e-1)`."""
    centred = values - weighted_mean(values, weights)
    if weights is None:
        size, raw = float(len(values)), float(centred @ centred) / len(values) ** 2
    else:
        total = float(weights.sum())
        scaled = weights * centred / total
        size, raw = total**2 / float(weights @ weights), float(scaled @ scaled)
    return raw * size / (size - 1) if size > 1 else math.inf


def mean_estimate(values: Floats, weights: Floats | None, confidence: float, method: str) -> Estimate:
    """A mean with Student's interval; unknown bounds with one row, unknown altogether without rows."""
    n = len(values)
    if n == 0:
        return unknown(0, method)
    estimate = weighted_mean(values, weights)
    variance = mean_variance(values, weights)
    if not math.isfinite(variance):
        return Estimate(estimate=estimate, low=None, high=None, n=n, method=method)
    size = n if weights is None else float(weights.sum()) ** 2 / float(weights @ weights)
    half = float(stdtrit(max(size - 1, 1e-3), 0.5 + confidence / 2)) * math.sqrt(variance)
    return Estimate(estimate=estimate, low=finite(estimate - half), high=finite(estimate + half), n=n, method=method)


def logit_estimate(
    value: float, variance: float, *, n: int, smallest: float, confidence: float, method: str
) -> Estimate:
    """An interval for a number in [0, 1], symmetric on the logit scale so that its bounds stay inside.

    Student's quantile with ``smallest`` - 1 degrees of freedom, the size of the smaller class, in place of
    the normal one. At exactly 0 or 1, or without spread, the bound towards the middle is Wilson's for
    ``smallest`` trials.
    """
    z = two_sided(confidence)
    if 0.0 < value < 1.0 and variance > 0 and math.isfinite(variance):
        quantile = float(stdtrit(max(smallest - 1, 1.0), 0.5 + confidence / 2))
        half = quantile * math.sqrt(variance) / (value * (1 - value))
        centre = float(logit(value))
        low, high = float(expit(centre - half)), float(expit(centre + half))
    else:
        share = z * z / (smallest + z * z) if smallest > 0 else 1.0
        low, high = max(0.0, value - share), min(1.0, value + share)
    return Estimate(estimate=value, low=low, high=high, n=n, method=method)


def jackknife_variance(influence: Floats, weights: Floats | None) -> float:
    r""":math:`\sum (w_i \cdot \partial T/\partial w_i)^2`, the infinitesimal jackknife's variance of a
    statistic T."""
    scaled = influence if weights is None else influence * weights
    return float(np.dot(scaled, scaled))
