r"""How unequally errors treat people one by one, and whether similar people get the same answer.

The *benefit* of a person is :math:`b_i = \hat y_i - y_i + 1`: 0 when a deserved yes was denied, 2 when an undeserved
one was given, else 1. ``labels`` and ``predicted`` are 0/1 of shape (n,), ``weights`` >= 0 or None.

References
----------
Speicher, T. and others (2018). A unified approach to quantifying algorithmic unfairness. KDD.
Zemel, R. and others (2013). Learning fair representations. ICML 30.
Efron, B., Stein, C. (1981). The jackknife estimate of variance. Ann. Stat. 9, 586-596.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import NearestNeighbors

from fairloop.errors import InvalidInput
from fairloop.fairness.gaps import Gap, make_gap
from fairloop.fairness.grouping import MIN_GROUP, group_rows
from fairloop.fairness.groups import GroupRates
from fairloop.fairness.moments import as_estimate, moments
from fairloop.fairness.pairs import PairEstimate
from fairloop.stats.arrays import ArrayLike, Floats, binary, numbers, weights_or_none
from fairloop.stats.estimate import Estimate, unknown
from fairloop.stats.influence import weighted_mean
from fairloop.stats.intervals import two_sided, wilson

NEIGHBOURS = 5
MOST_ROWS = 10_000
"""Neighbours are sought among so many rows at most, evenly spaced."""
_METHOD = "delta method on the log"


def generalized_entropy_index(labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *,
                              alpha: float = 2.0, confidence: float = 0.95) -> Estimate:  # fmt: skip
    r"""Inequality of benefits, :math:`\frac{1}{n\alpha(\alpha-1)}\sum_i[(b_i/\mu)^\alpha - 1]`; Theil's at alpha 1.

    0 when every person has the same benefit (no error at all, or the same error for all); larger alpha heeds high
    benefits more.

    Returns
    -------
    Estimate
        >= 0; None without rows or when nobody has any benefit.

    Raises
    ------
    InvalidInput
        If ``alpha`` is not above 0.
    """
    if not alpha > 0:
        raise InvalidInput(f"alpha={alpha!r} has no value for people without benefit; give a number above 0.")
    counts, square, n = _benefits(labels, predicted, weights)
    total = float(counts.sum())
    benefit = np.array([0.0, 1.0, 2.0])
    mean = float(counts @ benefit) / total if total > 0 else 0.0
    if mean == 0:
        return unknown(n, _METHOD)
    share = counts / total
    if alpha == 1:
        term = np.array([0.0, 0.0, 2.0 * math.log(2.0)])
        moment = float(share @ term)
        value = moment / mean - math.log(mean)
        slope = (term - moment) / mean - (moment / mean**2 + 1 / mean) * (benefit - mean)
    else:
        term = benefit**alpha
        moment, scale = float(share @ term), alpha * (alpha - 1)
        value = (moment / mean**alpha - 1) / scale
        slope = ((term - moment) / mean**alpha - alpha * moment * (benefit - mean) / mean ** (alpha + 1)) / scale
    size = total**2 / float(square.sum())
    variance = float(np.square(slope) @ square) / total**2 * size / max(size - 1, 1e-9)
    value, z = max(0.0, value), two_sided(confidence)
    if value < 1e-15:
        return Estimate(estimate=0.0, low=0.0, high=wilson(0.0, size, z)[1], n=n, method=_METHOD)
    half = min(z * math.sqrt(variance) / value, 700.0)
    return Estimate(estimate=value, low=value * math.exp(-half), high=value * math.exp(half), n=n, method=_METHOD)


def theil_index(labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *,
                confidence: float = 0.95) -> Estimate:  # fmt: skip
    r"""Theil's index of the benefits, :math:`\frac1n\sum_i \frac{b_i}{\mu}\ln\frac{b_i}{\mu}`; 0 is equal."""
    return generalized_entropy_index(labels, predicted, weights, alpha=1.0, confidence=confidence)


def _benefits(labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, int]:
    """Weight and squared weight of benefits 0, 1 and 2, and the number of rows."""
    truth = binary(labels, "labels")
    answer = binary(predicted, "predictions", length=len(truth))
    weight = weights_or_none(weights, len(truth))
    benefit = (1 + answer.view(np.int8) - truth.view(np.int8)).astype(np.intp)
    counts = np.bincount(benefit, weights=weight, minlength=3).astype(np.float64)
    twice = None if weight is None else np.square(weight)
    square = np.bincount(benefit, weights=twice, minlength=3).astype(np.float64)
    return counts, square, len(truth)


def between_group_entropy(labels: ArrayLike, predicted: ArrayLike, groups: Any, weights: ArrayLike | None = None, *,
                          min_group: int = MIN_GROUP, confidence: float = 0.95) -> Gap:  # fmt: skip
    r"""The part of the generalized entropy (alpha 2) that lies between groups, :math:`\tfrac12\sum_g
    \frac{n_g}{n}[(\mu_g/\mu)^2 - 1]`.

    0 when the mean benefit of all groups is the same. None with fewer than two groups.
    """
    truth = binary(labels, "labels")
    answer = binary(predicted, "predictions", length=len(truth))
    weight = weights_or_none(weights, len(truth))
    grouping = group_rows(groups, len(truth), min_group)
    benefit = 1.0 + answer.astype(np.float64) - truth
    found = moments(benefit, grouping, weight)
    total = grouping.total(weight) if weight is not None else found.rows
    result = PairEstimate(estimate=None, low=None, high=None, groups=None, rate=0)
    if grouping.k >= 2 and total.sum() > 0:
        result = _between(found.mean, found.variance, total / total.sum(), grouping.names, two_sided(confidence))
    values, rows = found.values(grouping.names), found.rows.astype(int).tolist()
    told = [GroupRates(group=name, n=n, rates={"mean_benefit": as_estimate(values[name], n, "student", confidence)})
            for name, n in zip(grouping.names, rows, strict=True)]  # fmt: skip
    return make_gap("between_group_entropy", result, told, ("mean_benefit",), n=sum(rows),
                    method="normal, bias of chance taken off below", pooled=grouping.pooled,
                    too_small=grouping.too_small, missing=grouping.missing)  # fmt: skip


def _between(mean: Floats, variance: Floats, share: Floats, names: tuple[str, ...], z: float) -> PairEstimate:
    whole = float(share @ mean)
    if whole <= 0:
        return PairEstimate(estimate=None, low=None, high=None, groups=None, rate=0)
    apart = mean - whole
    value = float(share @ np.square(apart)) / whole**2 / 2
    unit = share * (1 - share) * variance / whole**2 / 2
    first = float(np.square(share * apart / whole**2) @ variance)
    spread = math.sqrt(first + 2 * float(unit @ unit))
    low = min(value, max(0.0, value - float(unit.sum()) - z * spread))
    order = np.argsort(mean)
    pair = names[int(order[-1])], names[int(order[0])]
    return PairEstimate(estimate=value, low=low, high=value + z * spread, groups=pair, rate=0)


def consistency(features: npt.ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *,
                neighbours: int = NEIGHBOURS, confidence: float = 0.95) -> Estimate:  # fmt: skip
    r"""How far each answer agrees with those for the most similar people, :math:`1 - \frac1n\sum_i |\hat y_i -
    \frac1k\sum_{j\in kNN(i)} \hat y_j|`.

    1 when similar people always get the same answer, 0.5 and below when answers ignore who is similar. A person is one
    of the own neighbours, as in aif360. Distances are Euclidean: scale the features before.

    Parameters
    ----------
    features : array of numbers, shape (n, columns)
        Of more than 10,000 rows every so-many-th is used.
    predicted : array of numbers in [0, 1], shape (n,)

    Returns
    -------
    Estimate
        None with as few rows as neighbours. The interval is normal with the jackknife's variance: a row that is left out
        is replaced by the next in every neighbourhood it was in.
    """
    matrix = np.asarray(features, dtype=np.float64)
    answer = numbers(predicted, "predictions", length=len(matrix))
    weight = weights_or_none(weights, len(matrix))
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise InvalidInput("The features are no matrix of finite numbers; fill missing values before.")
    if len(matrix) > MOST_ROWS:
        kept = np.linspace(0, len(matrix) - 1, MOST_ROWS).astype(int)
        matrix, answer, weight = matrix[kept], answer[kept], None if weight is None else weight[kept]
    n, method = len(matrix), "normal, jackknife"
    if n <= max(neighbours, 2):
        return unknown(n, method)
    search = NearestNeighbors(n_neighbors=neighbours, algorithm="ball_tree").fit(matrix)
    near = search.kneighbors(matrix, return_distance=False)
    further = search.kneighbors(matrix, n_neighbors=neighbours + 1, return_distance=False)[:, -1]
    each = np.ones(n) if weight is None else weight
    mean = answer[near].mean(axis=1)
    apart = np.abs(answer - mean)
    value = 1.0 - weighted_mean(apart, weight)
    moved = np.abs(answer[:, None] - mean[:, None] - (answer[further][:, None] - answer[near]) / neighbours)
    change = np.where(near == np.arange(n)[:, None], 0.0, each[:, None] * (moved - apart[:, None]))
    gained = np.bincount(near.ravel(), weights=change.ravel(), minlength=n)
    total = float(each.sum())
    without = (float(each @ apart) - each * apart + gained) / np.maximum(total - each, 1e-300)
    variance = float(np.square(without - without.mean()).sum()) * (n - 1) / n
    half = two_sided(confidence) * math.sqrt(variance)
    return Estimate(estimate=value, low=max(0.0, value - half), high=min(1.0, value + half), n=n, method=method)
