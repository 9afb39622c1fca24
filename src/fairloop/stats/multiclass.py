"""Quality of answers among several classes: overall, averaged over the classes, and of each class.

``labels`` and ``predicted`` are classes (text or numbers) of shape (n,), ``scores`` chances of shape (n, classes) whose
columns are in the order of ``classes``. No rows, or a class without rows where one is needed, give an estimate of None.
Weighted intervals use Kish's effective sample size.

References
----------
Zou, G. Y., Donner, A. (2008). Construction of confidence limits about effect measures. Stat. Med. 27, 1693-1702.
Takahashi, K. and others (2022). Confidence interval for micro- and macro-averaged F1. Applied Intelligence 52.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.errors import InvalidInput
from fairloop.stats.arrays import ArrayLike, Floats, weights_or_none
from fairloop.stats.calibration import expected_calibration_error
from fairloop.stats.estimate import Estimate, unknown
from fairloop.stats.influence import jackknife_variance, logit_estimate, mean_estimate
from fairloop.stats.intervals import two_sided, wilson
from fairloop.stats.quality import placements

Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassQuality:
    """How well one class is found: ``n`` rows are of it in truth."""

    name: str
    n: int
    precision: Estimate
    recall: Estimate
    f1: Estimate

    def plain(self) -> dict[str, Any]:
        """As JSON-able values."""
        numbers = {"precision": self.precision.plain(), "recall": self.recall.plain(), "f1": self.f1.plain()}
        return {"class": self.name, "n": self.n} | numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Rows, weights and squared weights by (label, predicted), and the names of both axes, sorted."""

    names: tuple[str, ...]
    rows: Floats
    weight: Floats
    square: Floats

    @property
    def share(self) -> Floats:
        return self.weight / max(float(self.weight.sum()), 1e-300)

    @property
    def size(self) -> float:
        square = float(self.square.sum())
        return float(self.weight.sum()) ** 2 / square if square > 0 else 0.0


def confusion(labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None) -> Confusion:
    """Counts of every pair of classes in one pass.

    Raises
    ------
    InvalidInput
        If the lengths differ, or a class is missing (None, NaN).
    """
    (truth, answer), names = class_codes(labels, predicted)
    weight = weights_or_none(weights, len(truth))
    k = len(names)
    cells = truth * k + answer

    def total(values: Floats | None) -> Floats:
        return np.bincount(cells, weights=values, minlength=k * k).astype(np.float64).reshape(k, k)

    rows = total(None)
    twice = None if weight is None else np.square(weight)
    return Confusion(names=names, rows=rows, weight=rows if weight is None else total(weight),
                     square=rows if twice is None else total(twice))  # fmt: skip


def class_codes(labels: ArrayLike, predicted: ArrayLike) -> tuple[tuple[Codes, Codes], tuple[str, ...]]:
    """Labels and answers as places in the sorted names of all classes that occur."""
    (truth, known), (answer, others) = _factors(labels, "labels"), _factors(predicted, "predictions")
    if len(truth) != len(answer):
        raise InvalidInput(f"The predictions have {len(answer)} rows, the others {len(truth)}; give one value a row.")
    names = tuple(sorted({*known, *others}))
    place = {name: index for index, name in enumerate(names)}
    found = [np.array([place[name] for name in each], dtype=np.intp) for each in (known, others)]
    return (found[0][truth], found[1][answer]), names


def per_class(labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *,
              confidence: float = 0.95) -> list[ClassQuality]:  # fmt: skip
    """Precision, recall and F1 of every class, against the rest, with Wilson's intervals (F1's of its Jaccard index)."""
    table, z = confusion(labels, predicted, weights), two_sided(confidence)
    found = []
    for index, name in enumerate(table.names):
        mine, theirs = np.zeros_like(table.rows, dtype=bool), np.zeros_like(table.rows, dtype=bool)
        mine[index, :], theirs[:, index] = True, True
        jaccard = _share(table, mine & theirs, mine | theirs, z)
        bounds = [None if j is None else 2 * j / (1 + j) for j in (jaccard.estimate, jaccard.low, jaccard.high)]
        f1 = Estimate(estimate=bounds[0], low=bounds[1], high=bounds[2], n=jaccard.n,
                      method="wilson of the Jaccard index")  # fmt: skip
        found.append(ClassQuality(name=name, n=int(table.rows[index].sum()), f1=f1,
                                  precision=_share(table, mine & theirs, theirs, z),
                                  recall=_share(table, mine & theirs, mine, z)))  # fmt: skip
    return found


def _share(table: Confusion, hits: npt.NDArray[np.bool_], within: npt.NDArray[np.bool_], z: float) -> Estimate:
    total, n = float(table.weight[within].sum()), int(table.rows[within].sum())
    if total <= 0:
        return unknown(n, "wilson")
    size = total**2 / float(table.square[within].sum())
    share = min(1.0, float(table.weight[hits].sum()) / total)
    low, high = wilson(share * size, size, z)
    return Estimate(estimate=share, low=low, high=high, n=n, method="wilson")


def accuracy(labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *,
             confidence: float = 0.95) -> Estimate:  # fmt: skip
    """Share of right answers, with Wilson's interval."""
    table = confusion(labels, predicted, weights)
    return _share(
        table, np.eye(len(table.names), dtype=bool), np.ones_like(table.rows, dtype=bool), two_sided(confidence)
    )


def balanced_accuracy(labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *,
                      confidence: float = 0.95) -> Estimate:  # fmt: skip
    """Mean of the classes' recalls: 1 is perfect, 1 / classes what a coin gets. MOVER interval of Wilson's bounds."""
    parts = [each.recall for each in per_class(labels, predicted, weights, confidence=confidence)]
    known = [(p.estimate, p.low, p.high) for p in parts
             if p.estimate is not None and p.low is not None and p.high is not None]  # fmt: skip
    n, k, method = sum(p.n for p in parts), len(known), "MOVER of wilson"
    if not known:
        return unknown(n, method)
    middle = sum(e for e, _, _ in known) / k
    below = math.sqrt(sum((e - low) ** 2 for e, low, _ in known)) / k
    above = math.sqrt(sum((high - e) ** 2 for e, _, high in known)) / k
    return Estimate(estimate=middle, low=max(0.0, middle - below), high=min(1.0, middle + above), n=n, method=method)


def lowest_recall(labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *,
                  confidence: float = 0.95) -> Estimate:  # fmt: skip
    """The smallest recall of any class: ``low`` holds for every class, ``high`` for all together (Sidak)."""
    method = "wilson, simultaneous over classes"
    plain = [each.recall for each in per_class(labels, predicted, weights, confidence=confidence)]
    known = [part for part in plain if part.estimate is not None]
    if not known:
        return unknown(0, method)
    joint = per_class(labels, predicted, weights, confidence=confidence ** (1 / len(known)))
    value = min(part.estimate or 0.0 for part in known)
    low = min(part.low or 0.0 for part in known)
    high = min(each.recall.high for each in joint if each.recall.high is not None)
    return Estimate(estimate=value, low=low, high=max(high, value), n=sum(p.n for p in plain), method=method)


def macro_precision(labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *,
                    confidence: float = 0.95) -> Estimate:  # fmt: skip
    """Mean of the classes' precisions; a class never answered counts 0, as in scikit-learn."""
    table = confusion(labels, predicted, weights)
    answered, right = table.share.sum(axis=0), np.diag(table.share)
    inverse = np.divide(1.0, answered, out=np.zeros_like(answered), where=answered > 0)
    values = right * inverse
    slope = np.diag(inverse) - (values * inverse)[None, :]
    return _macro(table, values, slope, confidence)


def macro_f1(labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *,
             confidence: float = 0.95) -> Estimate:  # fmt: skip
    r"""Mean of the classes' F1 scores, :math:`2\pi_{cc} / (\pi_{c\cdot} + \pi_{\cdot c})`."""
    table = confusion(labels, predicted, weights)
    both = table.share.sum(axis=0) + table.share.sum(axis=1)
    inverse = np.divide(1.0, both, out=np.zeros_like(both), where=both > 0)
    values = 2 * np.diag(table.share) * inverse
    falls = values * inverse
    return _macro(table, values, np.diag(2 * inverse) - falls[None, :] - falls[:, None], confidence)


def _macro(table: Confusion, values: Floats, slope: Floats, confidence: float) -> Estimate:
    """A mean over classes, with the delta method's interval on the logit scale; ``slope`` is by cell of the table."""
    n, method = int(table.rows.sum()), "delta method, logit"
    if not len(values):
        return unknown(n, method)
    slope = slope / len(values)
    centred = slope - float((slope * table.share).sum())
    total = float(table.weight.sum())
    variance = float((np.square(centred) * table.square).sum()) / total**2
    return logit_estimate(min(1.0, float(values.mean())), variance, n=n, smallest=table.size, confidence=confidence,
                          method=method)  # fmt: skip


def macro_roc_auc(labels: ArrayLike, scores: npt.NDArray[Any], classes: Sequence[Any],
                  weights: ArrayLike | None = None, *, confidence: float = 0.95) -> Estimate:  # fmt: skip
    """Mean over the classes of the ROC AUC of its scores against the rest; 0.5 ranks like a coin, 1 is perfect.

    The influence of each row on all areas together gives the interval (logit scale).
    """
    column, weight = _columns(labels, classes), weights_or_none(weights, len(scores))
    each = np.ones(len(column)) if weight is None else weight
    areas, influence, method = [], np.zeros(len(column)), "DeLong, logit"
    for index in range(len(classes)):
        truth = column == index
        placed = placements(truth, np.asarray(scores[:, index], dtype=np.float64), weight)
        if placed is None:
            return unknown(len(column), method)
        area, beaten, outranked = placed
        areas.append(area)
        influence[truth] += (beaten - area) / float(each[truth].sum())
        influence[~truth] += (outranked - area) / float(each[~truth].sum())
    if not areas:
        return unknown(0, method)
    smallest = min(int((column == index).sum()) for index in range(len(classes)))
    return logit_estimate(sum(areas) / len(areas), jackknife_variance(influence / len(areas), weight), n=len(column),
                          smallest=smallest, confidence=confidence, method=method)  # fmt: skip


def log_loss(labels: ArrayLike, scores: npt.NDArray[Any], classes: Sequence[Any], weights: ArrayLike | None = None, *,
             confidence: float = 0.95) -> Estimate:  # fmt: skip
    r"""Mean of :math:`-\ln s_y`, the score of the true class; 0 is perfect. Student's interval. None when a label is
    none of ``classes``."""
    column = _columns(labels, classes)
    if (column < 0).any():
        return unknown(len(column), "student")
    chance = np.clip(scores[np.arange(len(column)), column], np.finfo(np.float64).eps, 1.0)
    return mean_estimate(-np.log(chance), weights_or_none(weights, len(column)), confidence, "student")


def brier_score(labels: ArrayLike, scores: npt.NDArray[Any], classes: Sequence[Any], weights: ArrayLike | None = None,
                *, confidence: float = 0.95) -> Estimate:  # fmt: skip
    r"""Mean of :math:`\sum_c (s_c - 1[y=c])^2`; 0 is perfect, 2 surely wrong. Student's interval."""
    column = _columns(labels, classes)
    if (column < 0).any():
        return unknown(len(column), "student")
    apart = np.array(scores, dtype=np.float64)
    apart[np.arange(len(column)), column] -= 1.0
    return mean_estimate(np.square(apart).sum(axis=1), weights_or_none(weights, len(column)), confidence, "student")


def top_calibration_error(labels: ArrayLike, scores: npt.NDArray[Any], classes: Sequence[Any],
                          weights: ArrayLike | None = None, *, confidence: float = 0.95) -> Estimate:  # fmt: skip
    """The calibration error of the highest score as the chance that its class is right (Guo and others 2017)."""
    column, chance = _columns(labels, classes), np.asarray(scores, dtype=np.float64)
    if not len(column):
        return unknown(0, "normal")
    right = chance.argmax(axis=1) == column
    return expected_calibration_error(right, chance.max(axis=1).clip(0.0, 1.0), weights, confidence=confidence)


BY_CLASS: dict[str, Callable[..., Estimate]] = {
    "accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "lowest_recall": lowest_recall,
    "macro_precision": macro_precision, "macro_f1": macro_f1,
}  # fmt: skip
"""Metrics of (labels, predicted, weights) by their names in ``core.checks``."""
BY_CLASS_SCORES: dict[str, Callable[..., Estimate]] = {
    "log_loss": log_loss, "brier_score": brier_score, "macro_roc_auc": macro_roc_auc,
    "expected_calibration_error": top_calibration_error,
}  # fmt: skip
"""Metrics of (labels, scores, classes, weights) by their names in ``core.checks``."""


def _columns(labels: ArrayLike, classes: Sequence[Any]) -> npt.NDArray[np.intp]:
    """The column of each label among ``classes``, -1 for another."""
    codes, names = _factors(labels, "labels")
    place = {str(name): index for index, name in enumerate(classes)}
    found: Codes = np.array([place.get(name, -1) for name in names], dtype=np.intp)[codes]
    return found


def _factors(values: ArrayLike, name: str) -> tuple[Codes, list[str]]:
    """Values as places among the distinct ones, and these as text."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise InvalidInput(f"The {name} have {array.ndim} dimensions; give a vector with one value a row.")
    codes, distinct = pd.factorize(array.astype(object) if array.dtype.kind in "US" else array)
    if (codes < 0).any():
        raise InvalidInput(f"A value of the {name} is missing; remove the row before judging.")
    return codes.astype(np.intp, copy=False), [str(value) for value in distinct]
