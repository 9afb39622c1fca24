r"""What the data says before any model: how many rows each group has, and how its labels differ from the others'.

``labels`` are answers of any kind, of shape (n,): two or more classes, or numbers (cut at their deciles when they have
more than 20 values). Distributions :math:`P_i` are the shares of the labels in group i. Every metric is the largest over
pairs of groups; 0 is equal. The names and formulas are those of SageMaker Clarify's pre-training metrics. Fewer than two
groups of ``min_group`` rows give None.

References
----------
Das, S. and others (2021). Fairness measures for machine learning in finance. J. Financial Data Science 3, 33-64.
Wachter, S., Mittelstadt, B., Russell, C. (2021). Why fairness cannot be automated. CLSR 41 (conditional disparity).
Lin, J. (1991). Divergence measures based on the Shannon entropy. IEEE Trans. Inf. Theory 37, 145-151.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from fairloop.errors import InvalidInput
from fairloop.fairness.encoding import Codes
from fairloop.fairness.gaps import Gap, make_gap
from fairloop.fairness.grouping import MIN_GROUP, Grouping, group_rows
from fairloop.fairness.groups import GroupRates
from fairloop.fairness.moments import as_estimate
from fairloop.fairness.pairs import NO_PAIR, PairEstimate, Value, largest_difference, largest_value, share
from fairloop.stats.arrays import ArrayLike, Floats, weights_or_none
from fairloop.stats.calibration import upward_bias
from fairloop.stats.intervals import normal_cdf, range_quantile, two_sided, wilson

MOST_VALUES = 20
Interval = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTable:
    """Shares of the labels in each group, shape (k, classes), each group's effective size, weight and squared weight."""

    names: tuple[str, ...]
    share: Floats
    size: Floats
    weight: Floats
    square: Floats
    grouping: Grouping
    classes: tuple[str, ...]

    def values(self, label: int) -> dict[str, Value]:
        """The share of one label in each group, with Wilson's bounds."""
        return {name: share(min(float(self.share[i, label] * self.size[i]), float(self.size[i])), float(self.size[i]))
                for i, name in enumerate(self.names)}  # fmt: skip


def label_table(labels: ArrayLike, groups: Any, weights: ArrayLike | None = None, *,
                min_group: int = MIN_GROUP) -> LabelTable:  # fmt: skip
    """Counts by group and label, from one pass.

    Raises
    ------
    InvalidInput
        On a missing label, unequal lengths, negative weights.
    """
    codes, classes = label_codes(labels)
    grouping = group_rows(groups, len(codes), min_group)
    weight = weights_or_none(weights, len(codes))
    k, c = grouping.k, len(classes)
    cells = np.where(grouping.codes < 0, k * c, grouping.codes * c + codes)
    counts = np.bincount(cells, weights=weight, minlength=k * c + 1)[:-1].astype(np.float64).reshape(k, c)
    total = counts.sum(axis=1)
    square = total if weight is None else grouping.total(np.square(weight))
    return LabelTable(names=grouping.names, classes=classes, weight=total, square=square, grouping=grouping,
                      share=counts / np.maximum(total, 1e-300)[:, None],
                      size=np.square(total) / np.maximum(square, 1e-300))  # fmt: skip


def label_codes(labels: ArrayLike) -> tuple[Codes, tuple[str, ...]]:
    """Labels as places in their sorted names; many numbers by the decile they lie in."""
    array = np.asarray(labels)
    if array.ndim != 1:
        raise InvalidInput(f"The labels have {array.ndim} dimensions; give a vector with one value a row.")
    codes, values = pd.factorize(array, sort=True)
    if (codes < 0).any():
        raise InvalidInput(f"{int((codes < 0).sum())} labels are missing; remove these rows before.")
    if array.dtype.kind in "iuf" and len(values) > MOST_VALUES:
        edges = np.unique(np.quantile(array, np.linspace(0.1, 0.9, 9)))
        names = (f"up to {edges[0]:g}", *(f"up to {edge:g}" for edge in edges[1:]), f"above {edges[-1]:g}")
        return np.searchsorted(edges, array), names
    return codes.astype(np.intp, copy=False), tuple(str(value) for value in values)


def data_gap(metric: str, table: LabelTable, confidence: float = 0.95) -> Gap:
    r"""One metric of the data by its name.

    ``class_imbalance``
        :math:`|n_i - n_j| / (n_i + n_j)`; 1 when one group has all rows.
    ``label_rate_difference``
        :math:`|P_i(1) - P_j(1)|` of the last of two labels (difference in positive proportions of labels); of more
        labels as ``label_ks_distance``.
    ``label_kl_divergence``
        :math:`\sum_y P_i(y)\ln(P_i(y)/P_j(y))`, the larger of both directions; None when a group lacks a label.
    ``label_js_divergence``
        :math:`\tfrac12[KL(P_i\|M) + KL(P_j\|M)]`, M their mean; at most ln 2.
    ``label_lp_norm``
        :math:`\sqrt{\sum_y (P_i(y)-P_j(y))^2}`; at most :math:`\sqrt2`.
    ``label_total_variation``
        :math:`\tfrac12\sum_y |P_i(y)-P_j(y)|`; at most 1.
    ``label_ks_distance``
        :math:`\max_y |P_i(y)-P_j(y)|`; at most 1.

    Raises
    ------
    InvalidInput
        If no such metric exists.
    """
    c = len(table.classes)
    if metric == "class_imbalance":
        found, method = _imbalance(table, confidence), "wilson of one group's share in two"
    elif metric in {"label_rate_difference", "label_ks_distance"} or (metric in _OF_DIFFERENCE and c <= 2):
        labels = [c - 1] if c <= 2 else range(c)
        found, method = largest_difference([table.values(y) for y in labels], confidence, most=1.0), "newcombe"
        if metric == "label_lp_norm":
            found = _scaled(found, math.sqrt(2))
    elif metric in _PAIRS:
        found, method = _largest(table, _PAIRS[metric], confidence), "delta method on the root"
    else:
        raise InvalidInput(f"{metric!r} is no metric of the data; choose one of {', '.join(DATA_GAPS)}.")
    several = c > 2 and metric in {"label_rate_difference", "label_ks_distance"}
    at = found.rate if several else c - 1
    rate = "label_rate" if c <= 2 else f"share of label {table.classes[at]}"
    rates = [f"share of label {name}" for name in table.classes] if several else [rate] * max(c, 1)
    values = table.values(at)
    if metric == "class_imbalance":
        rates = ["share of rows"]
        values = {name: share(float(w), float(table.weight.sum()))
                  for name, w in zip(table.names, table.weight, strict=True)}  # fmt: skip
    rows, grouping = table.grouping.total().astype(int).tolist(), table.grouping
    told = [GroupRates(group=name, n=n, rates={rates[found.rate]: as_estimate(value, n, "wilson", confidence)})
            for (name, value), n in zip(values.items(), rows, strict=True)]  # fmt: skip
    return make_gap(metric, found, told, rates, n=sum(rows), method=f"{method}, simultaneous over pairs",
                    pooled=grouping.pooled, too_small=grouping.too_small, missing=grouping.missing)  # fmt: skip


def data_gaps(labels: ArrayLike, groups: Any, weights: ArrayLike | None = None, *, min_group: int = MIN_GROUP,
              confidence: float = 0.95) -> dict[str, Gap]:  # fmt: skip
    """Every metric of :func:`data_gap` by its name, from one pass."""
    table = label_table(labels, groups, weights, min_group=min_group)
    return {metric: data_gap(metric, table, confidence) for metric in DATA_GAPS}


def conditional_disparity(labels: ArrayLike, groups: Any, strata: Any, weights: ArrayLike | None = None, *,
                          metric: str = "conditional_label_disparity", min_group: int = MIN_GROUP,
                          confidence: float = 0.95) -> Gap:  # fmt: skip
    r"""A group's share among the negative labels less its share among the positive ones, within strata.

    .. math:: \max_g \frac1n \sum_s n_s \left[P(g|y=0,s) - P(g|y=1,s)\right]

    0 when in every stratum each group has the same share of the refused and of the accepted: a gap that the stratum
    explains (departments that refuse everybody more often) is gone. Strata with one answer only say nothing and are
    left out. Of predictions in place of labels it is Clarify's CDDPL (``metric`` only names the answer).

    Parameters
    ----------
    labels : array of 0/1, shape (n,)
    strata : array, shape (n,)
        Any values; more than 20 numbers are cut at their quintiles.
    """
    codes, _ = label_codes(np.asarray(labels).astype(np.int8))
    answer = np.asarray(labels).astype(bool)
    grouping, where = group_rows(groups, len(codes), min_group), _strata(strata, len(codes))
    given = weights_or_none(weights, len(codes))
    weight = np.ones(len(codes)) if given is None else given
    k, s = grouping.k, int(where.max(initial=-1)) + 1
    cells = np.where((grouping.codes < 0) | (where < 0), 2 * k * s, (where * 2 + answer) * k + grouping.codes)

    def total(values: Floats) -> Floats:
        found: Floats = np.bincount(cells, weights=values, minlength=2 * k * s + 1)[:-1].astype(np.float64)
        return found.reshape(s, 2, k)

    counts, square = total(weight), total(np.square(weight)).sum(axis=2)
    sums = counts.sum(axis=2)
    both = (sums > 0).all(axis=1)
    counts, sums, square = counts[both], sums[both], square[both]
    whole = float(sums.sum()) or 1.0
    of_all = sums.sum(axis=1) / whole
    shares = counts / sums[:, :, None]
    apart = shares[:, 0, :] - shares[:, 1, :]
    value = of_all @ apart
    spread = np.square(of_all) @ (shares * (1 - shares) * (square / np.square(sums))[:, :, None]).sum(axis=1)
    spread += of_all @ np.square(apart - value) * float(square.sum()) / whole**2
    known = grouping.k >= 2 and bool(both.any())
    values = {name: _normal(float(value[i]), math.sqrt(float(spread[i])))
              for i, name in enumerate(grouping.names) if known}  # fmt: skip
    rows = grouping.total().astype(int).tolist()
    told = [GroupRates(group=name, n=n, rates={"disparity": as_estimate(values[name], n, "normal", confidence)})
            for name, n in zip(grouping.names, rows, strict=True) if name in values]  # fmt: skip
    found = largest_value(values, confidence)
    if found.low is not None:  # the groups' disparities add up to 0, so the largest is not below it
        found = replace(found, low=max(0.0, found.low))
    return make_gap(metric, found, told, ("disparity",), n=sum(rows),
                    method="normal, simultaneous over groups", pooled=grouping.pooled, too_small=grouping.too_small,
                    missing=grouping.missing)  # fmt: skip


def _strata(strata: Any, length: int) -> Codes:
    values = strata if isinstance(strata, pd.Series) else pd.Series(np.asarray(strata))
    if len(values) != length:
        raise InvalidInput(f"The strata have {len(values)} rows, the others {length}; give one value a row.")
    if (
        pd.api.types.is_numeric_dtype(values)
        and not pd.api.types.is_bool_dtype(values)
        and values.nunique() > MOST_VALUES
    ):
        values = pd.qcut(values, 5, duplicates="drop")
    found: Codes = pd.factorize(values, use_na_sentinel=True)[0].astype(np.intp)
    return found


def _normal(value: float, spread: float) -> Value:
    return Value(value, lambda z: (value - z * spread, value + z * spread))


def _imbalance(table: LabelTable, confidence: float) -> PairEstimate:
    k = len(table.names)
    if k < 2:
        return NO_PAIR
    best, pair, low, high = -1.0, (0, 1), 0.0, 0.0
    for i, j in itertools.combinations(range(k), 2):
        total = float(table.weight[i] + table.weight[j])
        size, part = total**2 / float(table.square[i] + table.square[j]), float(table.weight[i]) / total
        lower, upper = (2 * bound - 1 for bound in wilson(min(part * size, size), size, two_sided(confidence)))
        high = max(high, abs(lower), abs(upper))
        lower, upper = (2 * bound - 1 for bound in wilson(min(part * size, size), size, range_quantile(confidence, k)))
        low = max(low, lower, -upper)
        if abs(2 * part - 1) > best:
            best, pair = abs(2 * part - 1), (i, j) if part >= 0.5 else (j, i)
    names = table.names[pair[0]], table.names[pair[1]]
    return PairEstimate(estimate=best, low=min(low, best), high=max(high, best), groups=names, rate=0)


def _scaled(found: PairEstimate, factor: float) -> PairEstimate:
    numbers = (None if v is None else v * factor for v in (found.estimate, found.low, found.high))
    estimate, low, high = numbers
    return PairEstimate(estimate=estimate, low=low, high=high, groups=found.groups, rate=found.rate)


def _largest(table: LabelTable, measure: Callable[..., Interval], confidence: float) -> PairEstimate:
    """The largest of a distance over ordered pairs; ``measure`` gives (value, low, high) at a normal quantile."""
    k = len(table.names)
    if k < 2:
        return NO_PAIR
    best, pair, low, high = -1.0, ("", ""), 0.0, 0.0
    for i, j in itertools.permutations(range(k), 2):
        rows = table.share[i], table.share[j], float(table.size[i]), float(table.size[j])
        value, _, upper = measure(*rows, two_sided(confidence))
        _, lower, _ = measure(*rows, range_quantile(confidence, k))
        low, high = max(low, lower), max(high, upper)
        if value > best:
            order = (i, j) if rows[0][-1] >= rows[1][-1] else (j, i)
            best, pair = value, (table.names[order[0]], table.names[order[1]])
    if not math.isfinite(best):
        return NO_PAIR
    return PairEstimate(estimate=best, low=min(low, best), high=max(high, best), groups=pair, rate=0)


def _variance(slope_p: Floats, slope_q: Floats, p: Floats, q: Floats, n: float, m: float) -> float:
    """The delta method's variance of a function of two multinomial samples."""
    return float((p @ slope_p**2 - (p @ slope_p) ** 2) / n + (q @ slope_q**2 - (q @ slope_q) ** 2) / m)


def _kl(p: Floats, q: Floats, n: float, m: float, z: float) -> Interval:
    if ((q == 0) & (p > 0)).any():
        return math.inf, 0.0, math.inf
    inside = p > 0
    logs = np.log(np.where(inside, p, 1.0) / np.where(inside, q, 1.0))
    slope = np.where(inside, -np.divide(p, q, out=np.zeros_like(p), where=q > 0), 0.0)
    first = _variance(logs + 1.0, slope, p, q, n, m)
    return _root_interval(float(p @ logs), (1 / n + 1 / m) / 2, len(p) - 1, first, z)


def _js(p: Floats, q: Floats, n: float, m: float, z: float) -> Interval:
    middle = (p + q) / 2
    safe = np.where(middle > 0, middle, 1.0)
    up, down = (np.log(np.where(x > 0, x, 1.0) / np.where(x > 0, safe, 1.0)) / 2 for x in (p, q))
    first = _variance(up, down, p, q, n, m)
    return _root_interval(float(p @ up + q @ down), (1 / n + 1 / m) / 8, len(p) - 1, first, z)


def _lp(p: Floats, q: Floats, n: float, m: float, z: float) -> Interval:
    apart = p - q
    first = 4 * _variance(apart, -apart, p, q, n, m)
    spread = (np.diag(p) - np.outer(p, p)) / n + (np.diag(q) - np.outer(q, q)) / m
    total, square = float(np.trace(spread)), float(np.square(spread).sum())
    unit, freedom = (square / total, total**2 / square) if square > 0 else (0.0, 0.0)
    value, low, high = _root_interval(float(apart @ apart), unit, freedom, first, z)
    return math.sqrt(value), math.sqrt(low), math.sqrt(high)


def _tv(p: Floats, q: Floats, n: float, m: float, z: float) -> Interval:
    apart = p - q
    each = np.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    value, sign = float(np.abs(apart).sum()) / 2, np.sign(apart) / 2
    spread = math.sqrt(_variance(sign, -sign, p, q, n, m))
    bias = float(upward_bias(apart, each).sum()) / 2
    low = 0.0 if _js(p, q, n, m, z)[1] == 0 else max(0.0, value - bias - z * spread)
    return value, min(value, low), min(1.0, value + z * spread)


def _root_interval(value: float, unit: float, freedom: float, first: float, z: float) -> Interval:
    r"""The interval of a number that near 0 is ``unit`` times a chi-squared of ``freedom``.

    ``low`` is 0 unless that chi-squared is significant. Else the number's root is normal after the expectation of all but
    one degree of freedom is taken off; the standard deviation is the root of ``unit`` near 0, the delta method's
    (``first`` is the variance of the value itself) further off.
    """
    value = max(0.0, value)
    centre = math.sqrt(max(0.0, value - unit * (freedom - 1)))
    spread = math.sqrt(unit)
    if centre > 2 * spread:
        spread = max(math.sqrt(first) / (2 * math.sqrt(value)), spread / 2)
    chance = chdtrc(freedom, value / unit) if unit > 0 and freedom > 0 else 1.0
    low = 0.0 if chance > 2 * (1 - normal_cdf(z)) else max(0.0, centre - z * spread) ** 2
    return value, min(low, value), max((centre + z * spread) ** 2, value)


_PAIRS: dict[str, Callable[..., Interval]] = {
    "label_kl_divergence": _kl, "label_js_divergence": _js, "label_lp_norm": _lp, "label_total_variation": _tv,
}  # fmt: skip
_OF_DIFFERENCE = {"label_lp_norm", "label_total_variation"}
DATA_GAPS = ("class_imbalance", "label_rate_difference", *_PAIRS, "label_ks_distance")
