"""Quality of binary answers, each metric with its interval, in O(n log n) at most.

Everywhere ``labels`` are 0/1 of shape (n,), ``scores`` probabilities or any ranking of shape (n,),
``predicted`` 0/1, ``weights`` >= 0 of shape (n,) or None. NaN is refused (``NotANumber``); no rows, or rows
that do not determine the metric (one class only), give an estimate of None. Weighted intervals use Kish's
effective sample size.

References
----------
DeLong, E. R., DeLong, D. M., Clarke-Pearson, D. L. (1988). Comparing the areas under two or more correlated
ROC curves. Biometrics 44, 837-845.
Sun, X., Xu, W. (2014). Fast implementation of DeLong's algorithm. IEEE Signal Processing Letters 21,
1389-1393.
Zou, G. Y., Donner, A. (2008). Construction of confidence limits about effect measures: MOVER. Stat. Med. 27,
1693-1702.
Boyd, K., Eng, K. H., Page, C. D. (2013). Area under the precision-recall curve. ECML PKDD,
451-466.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from fairloop.stats.arrays import ArrayLike, Bools, Floats, binary, chances, effective, numbers, weights_or_none
from fairloop.stats.estimate import Estimate, unknown
from fairloop.stats.influence import (
    jackknife_variance,
    logit_estimate,
    mean_estimate,
    mean_variance,
    weighted_mean,
)
from fairloop.stats.intervals import two_sided, wilson

_WILSON = "wilson"


def roc_auc(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    r"""Area under the ROC curve with DeLong's interval on the logit scale.

    .. math:: A = \frac{1}{mn}\sum_{i:y=1}\sum_{j:y=0}\left[1(s_i>s_j) + \tfrac12 1(s_i=s_j)\right]

    0.5 ranks like a coin, 1 puts every positive above every negative. The variance is that of the placement
    values of both classes; all of it from one sort. With weights, shares and variance are weighted.

    Returns
    -------
    Estimate
        In [0, 1]. None when a class is missing.
    """
    truth = binary(labels, "labels")
    ranking = numbers(scores, "scores", length=len(truth))
    weight = weights_or_none(weights, len(truth))
    method = "DeLong, logit"
    placed = placements(truth, ranking, weight)
    if placed is None:
        return unknown(len(truth), method)
    area, beaten, outranked = placed
    weight_above = None if weight is None else weight[truth]
    weight_below = None if weight is None else weight[~truth]
    variance = mean_variance(beaten, weight_above) + mean_variance(outranked, weight_below)
    smallest = min(effective(weight_above, len(beaten)), effective(weight_below, len(outranked)))
    return logit_estimate(area, variance, n=len(truth), smallest=smallest, confidence=confidence, method=method)


def placements(truth: Bools, ranking: Floats, weight: Floats | None) -> tuple[float, Floats, Floats] | None:
    """The area under the ROC curve, for each positive the share of negatives below it, and for each negative the
    share of positives above it; None when a class is missing or weighs nothing."""
    above, below = ranking[truth], ranking[~truth]
    weight_above = None if weight is None else weight[truth]
    weight_below = None if weight is None else weight[~truth]
    if not len(above) or not len(below):
        return None
    if (weight_above is not None and weight_above.sum() == 0) or (weight_below is not None and weight_below.sum() == 0):
        return None
    beaten = _share_below(above, below, weight_below)
    outranked = 1.0 - _share_below(below, above, weight_above)
    return min(1.0, max(0.0, weighted_mean(beaten, weight_above))), beaten, outranked


def _share_below(values: Floats, others: Floats, weights: Floats | None) -> Floats:
    """For each value the (weighted) share of ``others`` below it, ties counting half."""
    if weights is None:
        ordered = np.sort(others)
        query = np.argsort(values)
        arranged = values[query]
        twice = np.searchsorted(ordered, arranged, "left") + np.searchsorted(ordered, arranged, "right")
        share = np.empty(len(values))
        share[query] = twice / (2.0 * len(others))
        return share
    order = np.argsort(others)
    ordered = others[order]
    total = np.concatenate(([0.0], np.cumsum(weights[order])))
    lower, upper = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    result: Floats = (total[lower] + total[upper]) / (2.0 * total[-1])
    return result


def accuracy(
    labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    """Share of right answers, with Wilson's interval."""
    truth, answer, weight = _answers(labels, predicted, weights)
    return _proportion(truth == answer, None, weight, confidence)


def precision(
    labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    """Share of positive answers that are right, with Wilson's interval. None when nothing was answered
    positive."""
    truth, answer, weight = _answers(labels, predicted, weights)
    return _proportion(truth, answer, weight, confidence)


def recall(
    labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    """Share of positives found (true positive rate), with Wilson's interval. None without positives."""
    truth, answer, weight = _answers(labels, predicted, weights)
    return _proportion(answer, truth, weight, confidence)


def specificity(
    labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    """Share of negatives left alone (true negative rate), with Wilson's interval. None without negatives."""
    truth, answer, weight = _answers(labels, predicted, weights)
    return _proportion(~answer, ~truth, weight, confidence)


def f1(
    labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    r"""Harmonic mean of precision and recall, :math:`F = 2J/(1+J)` with :math:`J = TP/(TP+FP+FN)`.

    J is a proportion and F grows with it, so F's interval is Wilson's for J carried over. None when no row is
    positive in truth or answer.
    """
    truth, answer, weight = _answers(labels, predicted, weights)
    share = _proportion(truth & answer, truth | answer, weight, confidence)
    if share.estimate is None or share.low is None or share.high is None:
        return unknown(share.n, "wilson of the Jaccard index")
    low, middle, high = (2 * j / (1 + j) for j in (share.low, share.estimate, share.high))
    return Estimate(estimate=middle, low=low, high=high, n=share.n, method="wilson of the Jaccard index")


def balanced_accuracy(
    labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    """Mean of the true positive and true negative rates; MOVER interval from Wilson's bounds of both."""
    truth, answer, weight = _answers(labels, predicted, weights)
    found = _proportion(answer, truth, weight, confidence)
    cleared = _proportion(~answer, ~truth, weight, confidence)
    numbers_known = (found.estimate, found.low, found.high, cleared.estimate, cleared.low, cleared.high)
    if any(value is None for value in numbers_known):
        return unknown(len(truth), "MOVER of two wilson")
    p, p_low, p_high, q, q_low, q_high = (float(value) for value in numbers_known if value is not None)
    middle = (p + q) / 2
    return Estimate(
        estimate=middle,
        low=middle - math.hypot(p - p_low, q - q_low) / 2,
        high=middle + math.hypot(p_high - p, q_high - q) / 2,
        n=len(truth),
        method="MOVER of two wilson",
    )


def matthews_correlation(
    labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    r"""Correlation of answer and truth, :math:`(ad-bc)/\sqrt{(a+b)(c+d)(a+c)(b+d)}` of the confusion counts.

    1 is always right, 0 no better than chance, -1 always wrong. The interval is the infinitesimal jackknife's on
    Fisher's scale (artanh). None when truth or answer is the same for all rows.

    References
    ----------
    Matthews, B. W. (1975). Comparison of the predicted and observed secondary structure. BBA 405, 442-451.
    """
    truth, answer, weight = _answers(labels, predicted, weights)
    method = "infinitesimal jackknife, Fisher's z"
    if not len(truth):
        return unknown(0, method)
    y, a = weighted_mean(truth.astype(float), weight), weighted_mean(answer.astype(float), weight)
    if not (0 < y < 1 and 0 < a < 1):
        return unknown(len(truth), method)
    scale = math.sqrt(y * (1 - y) * a * (1 - a))
    first, second = truth - y, answer - a
    value = min(1.0, max(-1.0, weighted_mean(first * second, weight) / scale))
    if abs(value) == 1:
        return Estimate(estimate=value, low=value, high=value, n=len(truth), method=method)
    slope = (np.square(first) / (y * (1 - y)) + np.square(second) / (a * (1 - a))) / 2
    spread = math.sqrt(mean_variance(first * second / scale - value * slope, weight))
    half, centre = two_sided(confidence) * spread / (1 - value * value), math.atanh(value)
    return Estimate(estimate=value, low=math.tanh(centre - half), high=math.tanh(centre + half), n=len(truth),
                    method=method)  # fmt: skip


def average_precision(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    r"""Average precision, :math:`\sum_k (R_k - R_{k-1}) P_k` over thresholds, with a logit interval.

    The variance is the infinitesimal jackknife's, from one sort. The positives' share is the value of a
    random ranking. None without positives.
    """
    truth = binary(labels, "labels")
    ranking = numbers(scores, "scores", length=len(truth))
    weight = weights_or_none(weights, len(truth))
    method = "infinitesimal jackknife, logit"
    if not truth.any():
        return unknown(len(truth), method)
    order = np.argsort(-ranking, kind="stable")
    ordered = ranking[order]
    each = np.ones(len(truth)) if weight is None else weight[order]
    positive = each * truth[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    group = np.repeat(np.arange(len(last)), np.diff(np.concatenate(([-1], last))))
    found, taken = np.cumsum(positive)[last], np.cumsum(each)[last]
    total = float(found[-1])
    if total == 0:
        return unknown(len(truth), method)
    step = np.diff(np.concatenate(([0.0], found)))
    share = np.divide(found, taken, out=np.zeros_like(found), where=taken > 0)
    value = min(1.0, float(share @ step) / total)
    inverse = np.divide(1.0, taken, out=np.zeros_like(taken), where=taken > 0)
    gain = np.cumsum((step * inverse)[::-1])[::-1]
    loss = np.cumsum((step * share * inverse)[::-1])[::-1]
    influence = np.where(truth[order], share[group] - value + gain[group], 0.0) - loss[group]
    variance = jackknife_variance(influence / total, None if weight is None else each)
    size = effective(None if weight is None else weight[truth], int(truth.sum()))
    return logit_estimate(value, variance, n=len(truth), smallest=size, confidence=confidence, method=method)


def log_loss(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    r"""Mean of :math:`-y\ln s - (1-y)\ln(1-s)`; 0 is perfect, ln 2 = 0.693 a coin. Scores are kept off 0 and
    1.

    Scores are clipped to [2.2e-16, 1 - 2.2e-16] as scikit-learn does.

    Raises
    ------
    InvalidInput
        If a score lies outside [0, 1].
    """
    truth, chance, weight = chances(labels, scores, weights)
    edge = np.finfo(np.float64).eps
    clipped = np.clip(chance, edge, 1 - edge)
    loss = -np.log(np.where(truth, clipped, 1 - clipped))
    return mean_estimate(loss, weight, confidence, "student")


def brier_score(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    r"""Mean of :math:`(s-y)^2`; 0 is perfect, 0.25 what a constant 1/2 gets.

    Raises
    ------
    InvalidInput
        If a score lies outside [0, 1].
    """
    truth, chance, weight = chances(labels, scores, weights)
    return mean_estimate(np.square(chance - truth), weight, confidence, "student")


def binary_quality(
    labels: ArrayLike,
    scores: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    threshold: float = 0.5,
    confidence: float = 0.95,
) -> dict[str, Estimate]:
    """What every candidate is judged by, by its name in ``core.checks``; answers are positive where score >=
    threshold.

    ``log_loss`` and ``brier_score`` are left out when a score lies outside [0, 1].
    """
    truth = binary(labels, "labels")
    ranking = numbers(scores, "scores", length=len(truth))
    answer = ranking >= threshold
    result = {
        "roc_auc": roc_auc(truth, ranking, weights, confidence=confidence),
        "average_precision": average_precision(truth, ranking, weights, confidence=confidence),
        "accuracy": accuracy(truth, answer, weights, confidence=confidence),
        "balanced_accuracy": balanced_accuracy(truth, answer, weights, confidence=confidence),
        "precision": precision(truth, answer, weights, confidence=confidence),
        "recall": recall(truth, answer, weights, confidence=confidence),
        "f1": f1(truth, answer, weights, confidence=confidence),
    }
    if len(ranking) and ranking.min() >= 0 and ranking.max() <= 1:
        result["log_loss"] = log_loss(truth, ranking, weights, confidence=confidence)
        result["brier_score"] = brier_score(truth, ranking, weights, confidence=confidence)
    return result


BY_ANSWER: dict[str, Callable[..., Estimate]] = {
    "accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "precision": precision, "recall": recall,
    "specificity": specificity, "f1": f1, "matthews_correlation": matthews_correlation,
}  # fmt: skip
"""Metrics of (labels, predicted, weights) by their names in ``core.checks``."""


def _answers(labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None) -> tuple[Bools, Bools, Floats | None]:
    truth = binary(labels, "labels")
    return truth, binary(predicted, "predictions", length=len(truth)), weights_or_none(weights, len(truth))


def _proportion(hits: Bools, within: Bools | None, weight: Floats | None, confidence: float) -> Estimate:
    """The (weighted) share of ``hits`` among the rows ``within``."""
    rows = len(hits) if within is None else int(np.count_nonzero(within))
    if weight is None:
        size, successes = float(rows), float(np.count_nonzero(hits if within is None else hits & within))
        total = size
    else:
        used = weight if within is None else np.where(within, weight, 0.0)
        total, size = float(used.sum()), effective(used, rows)
        successes = float(used[hits].sum())
    if total <= 0:
        return unknown(rows, _WILSON)
    share = min(1.0, successes / total)
    low, high = wilson(share * size, size, two_sided(confidence))
    return Estimate(estimate=share, low=low, high=high, n=rows, method=_WILSON)
