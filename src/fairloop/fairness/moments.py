"""Means of any number in each group, from sums made in one pass, with Student's intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, stdtrit

from fairloop.fairness.gaps import Gap, make_gap
from fairloop.fairness.grouping import Grouping
from fairloop.fairness.groups import GroupRates
from fairloop.fairness.pairs import PairEstimate, Value
from fairloop.stats.arrays import Floats
from fairloop.stats.estimate import Estimate, finite, unknown
from fairloop.stats.intervals import two_sided


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Of one number, per group: rows, (weighted) mean, the mean's variance, Kish's effective size."""

    rows: Floats
    mean: Floats
    variance: Floats
    size: Floats

    def values(self, names: tuple[str, ...]) -> dict[str, Value]:
        """The means as Values, with Student's bounds."""
        return {name: student(*numbers) for name, *numbers in
                zip(names, self.mean.tolist(), self.variance.tolist(), self.size.tolist(), strict=True)}  # fmt: skip


def moments(values: Floats, grouping: Grouping, weights: Floats | None = None) -> Moments:
    r"""Mean and variance of the mean, :math:`\sum w^2(x-\bar x)^2/(\sum w)^2\cdot n_e/(n_e-1)`, of each group.

    Sums are taken about the mean of all rows, so that large numbers close together lose no digits.
    """
    centre = float(values.mean()) if len(values) else 0.0
    shifted = values - centre
    rows = grouping.total()
    if weights is None:
        total = square = rows
        first, second = grouping.total(shifted), grouping.total(np.square(shifted))
        mean = _ratio(first, total)
        spread = second - mean * first
    else:
        squared = np.square(weights)
        total, square = grouping.total(weights), grouping.total(squared)
        mean = _ratio(grouping.total(weights * shifted), total)
        cross, second = grouping.total(squared * shifted), grouping.total(squared * np.square(shifted))
        spread = second - 2 * mean * cross + np.square(mean) * square
    size = _ratio(np.square(total), square)
    raw = _ratio(np.maximum(spread, 0.0), np.square(total))
    variance = np.where(size > 1, raw * _ratio(size, size - 1), np.inf)
    return Moments(rows=rows, mean=np.where(total > 0, mean + centre, np.nan), variance=variance, size=size)


def student(mean: float, variance: float, size: float) -> Value:
    """A mean with Student's bounds at ``size`` - 1 degrees of freedom; unknown without rows."""
    if not math.isfinite(mean):
        return Value(None, lambda z: (-math.inf, math.inf))
    spread = math.sqrt(variance)

    def bounds(z: float) -> tuple[float, float]:
        half = float(stdtrit(max(size - 1, 1e-3), ndtr(z))) * spread
        return mean - half, mean + half

    return Value(mean, bounds)


def root(value: Value, spread: float) -> Value:
    """The root of a mean square whose standard deviation is ``spread``, with normal bounds of its logarithm."""
    mean = value.estimate
    if mean is None or mean < 0:
        return Value(None, lambda z: (0.0, math.inf))
    middle = math.sqrt(mean)

    def bounds(z: float) -> tuple[float, float]:
        half = z * spread / mean / 2 if mean > 0 else 0.0
        return middle * math.exp(-half), middle * math.exp(half) if half < 700 else math.inf

    return Value(middle, bounds)


def as_estimate(value: Value, n: int, method: str, confidence: float = 0.95) -> Estimate:
    """One group's number with its own interval."""
    if value.estimate is None:
        return unknown(n, method)
    low, high = value.bounds(two_sided(confidence))
    return Estimate(estimate=value.estimate, low=finite(low), high=finite(high), n=n, method=method)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def values_gap(metric: str, rate: str, found: PairEstimate, values: dict[str, Value], grouping: Grouping, *,
               own: str, method: str, confidence: float) -> Gap:  # fmt: skip
    """A Gap of one number a group; ``own`` is the method of each group's interval, ``method`` the gap's."""
    rows: Any = dict(zip(grouping.names, grouping.total().astype(int).tolist(), strict=True))
    groups = [GroupRates(group=name, n=rows[name], rates={rate: as_estimate(value, rows[name], own, confidence)})
              for name, value in values.items()]  # fmt: skip
    return make_gap(metric, found, groups, (rate,), n=sum(rows.values()), method=method, pooled=grouping.pooled,
                    too_small=grouping.too_small, missing=grouping.missing)  # fmt: skip
