"""Scores as a ranking: precision against recall, and how much richer the best-scored rows are (lift).

Arguments and empty behaviour as in quality.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fairloop.errors import InvalidInput
from fairloop.stats.arrays import ArrayLike, binary, effective, numbers, weights_or_none
from fairloop.stats.calibration import expected_calibration_error
from fairloop.stats.estimate import Estimate, unknown
from fairloop.stats.influence import jackknife_variance, logit_estimate
from fairloop.stats.intervals import two_sided, wilson
from fairloop.stats.quality import average_precision, brier_score, log_loss, roc_auc

NEARBY = 0.05
"""Rows within this share of all on each side of the cut tell how frequent positives are at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """Answering positive from ``threshold`` on: the share of positives found, and the share of answers right."""

    threshold: float
    recall: Estimate
    precision: Estimate


def precision_recall_curve(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, *,
                           points: int = 100, confidence: float = 0.95) -> list[CurvePoint]:  # fmt: skip
    """Precision and recall at up to ``points`` thresholds among the scores, lowest first, with Wilson's intervals.

    Empty without positives.
    """
    truth = binary(labels, "labels")
    ranking = numbers(scores, "scores", length=len(truth))
    weight = weights_or_none(weights, len(truth))
    each = np.ones(len(truth)) if weight is None else weight
    order = np.argsort(-ranking, kind="stable")
    positive, square = each[order] * truth[order], np.square(each[order])
    found, taken = np.cumsum(positive), np.cumsum(each[order])
    squares, positive_squares = np.cumsum(square), np.cumsum(square * truth[order])
    if not len(truth) or found[-1] <= 0:
        return []
    last = np.append(np.flatnonzero(np.diff(ranking[order])), len(order) - 1)
    chosen = last[np.unique(np.linspace(0, len(last) - 1, min(points, len(last))).astype(int))][::-1]
    z, result = two_sided(confidence), []
    for at in chosen:
        precise = _share(found[at] / taken[at], taken[at] ** 2 / squares[at], int(at) + 1, z)
        recalled = _share(found[at] / found[-1], found[-1] ** 2 / positive_squares[-1], int(truth.sum()), z)
        result.append(CurvePoint(threshold=float(ranking[order[at]]), recall=recalled, precision=precise))
    return result


def _share(share: float, size: float, n: int, z: float) -> Estimate:
    share = min(1.0, float(share))
    low, high = wilson(share * float(size), float(size), z)
    return Estimate(estimate=share, low=low, high=high, n=n, method="wilson")


def lift(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, *, top: float = 0.1,
         confidence: float = 0.95) -> Estimate:  # fmt: skip
    r"""How many times more frequent positives are in the best-scored rows than in all, :math:`P(y|top)/P(y)`.

    1 ranks like a coin; at most 1 / ``top``. It is the share of positives found there, divided by ``top``; rows whose
    scores are equal at the cut count in part. The interval is the infinitesimal jackknife's of that share on the logit
    scale, with the cut estimated too. None without positives.

    Raises
    ------
    InvalidInput
        If ``top`` is not inside (0, 1).
    """
    if not 0 < top < 1:
        raise InvalidInput(f"The best {top!r} of the rows are none; give a share between 0 and 1.")
    truth = binary(labels, "labels")
    ranking = numbers(scores, "scores", length=len(truth))
    weight = weights_or_none(weights, len(truth))
    method = "infinitesimal jackknife, logit"
    each = np.ones(len(truth)) if weight is None else weight
    whole, positives = float(each.sum()), float(each @ truth)
    if positives <= 0:
        return unknown(len(truth), method)
    order = np.argsort(-ranking, kind="stable")
    reached = np.cumsum(each[order])
    cut = ranking[order[min(int(np.searchsorted(reached, top * whole)), len(order) - 1)]]
    over, at = ranking > cut, ranking == cut
    part = (top * whole - float(each @ over)) / float(each @ at)
    inside = np.where(over, 1.0, np.where(at, part, 0.0))
    found = min(1.0, float((each * truth) @ inside) / positives)
    near = np.zeros(len(truth), dtype=bool)
    near[order] = np.abs(reached / whole - top) <= NEARBY
    near |= at
    local = float(each[near] @ truth[near]) / max(float(each[near].sum()), 1e-300)
    influence = (truth * (inside - found) - local * (inside - top)) / positives
    size = effective(None if weight is None else weight[truth], int(truth.sum()))
    share = logit_estimate(found, jackknife_variance(influence, weight), n=len(truth), smallest=size,
                           confidence=confidence, method=method)  # fmt: skip
    low, high = (None if bound is None else bound / top for bound in (share.low, share.high))
    return replace(share, estimate=found / top, low=low, high=high)


BY_SCORE: dict[str, Callable[..., Estimate]] = {
    "roc_auc": roc_auc, "average_precision": average_precision, "log_loss": log_loss, "brier_score": brier_score,
    "expected_calibration_error": expected_calibration_error, "lift_top_tenth": lift,
}  # fmt: skip
"""Metrics of (labels, scores, weights) by their names in ``core.checks``."""
