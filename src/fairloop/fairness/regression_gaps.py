r"""Gaps between groups in predicted numbers: mean prediction, mean error, size of the errors.

``labels`` and ``predicted`` are numbers of shape (n,), in any unit; a gap has that unit, and 0 is equal. With fewer than
two groups of ``min_group`` rows a gap is None. NaN is refused (``NotANumber``). The largest difference over all pairs,
as in gaps.py, from Student's (for the root of the mean square, log-normal) intervals of each group by MOVER.

References
----------
Agarwal, A., Dudik, M., Wu, Z. S. (2019). Fair regression. ICML 36, 120-129.
Zou, G. Y., Donner, A. (2008). Construction of confidence limits about effect measures. Stat. Med. 27, 1693-1702.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fairloop.errors import InvalidInput
from fairloop.fairness.gaps import Gap
from fairloop.fairness.grouping import MIN_GROUP, Grouping, group_rows
from fairloop.fairness.moments import moments, root, values_gap
from fairloop.fairness.pairs import largest_difference
from fairloop.stats.arrays import ArrayLike, Floats, numbers, weights_or_none

REGRESSION_GAPS = {
    "mean_prediction_difference": "mean_prediction",
    "mean_error_difference": "mean_error",
    "mean_absolute_error_difference": "mean_absolute_error",
    "root_mean_squared_error_difference": "root_mean_squared_error",
}
"""Metric to the number of each group that it compares."""


def regression_gap(metric: str, labels: ArrayLike | None, predicted: ArrayLike, groups: Any,
                   weights: ArrayLike | None = None, *, min_group: int = MIN_GROUP,
                   confidence: float = 0.95) -> Gap:  # fmt: skip
    r"""The largest difference between groups in one number.

    Parameters
    ----------
    metric : str
        ``mean_prediction_difference``: mean of :math:`\hat y` (needs no labels; demographic parity of numbers).
        ``mean_error_difference``: mean of :math:`\hat y - y`; 0 when no group is told more than its truth than another.
        ``mean_absolute_error_difference``: mean of :math:`|\hat y - y|`.
        ``root_mean_squared_error_difference``: root of the mean of :math:`(\hat y - y)^2`.
    labels : array, shape (n,), or None
    predicted : array, shape (n,)

    Raises
    ------
    InvalidInput
        An unknown metric, no labels where they are needed, unequal lengths.
    """
    answer = numbers(predicted, "predictions")
    truth = None if labels is None else numbers(labels, "labels", length=len(answer))
    weight = weights_or_none(weights, len(answer))
    grouping = group_rows(groups, len(answer), min_group)
    return grouped_gap(metric, truth, answer, grouping, weight, confidence)


def grouped_gap(metric: str, truth: Floats | None, answer: Floats, grouping: Grouping, weight: Floats | None,
                confidence: float = 0.95) -> Gap:  # fmt: skip
    """:func:`regression_gap` of rows whose groups are coded already."""
    rate = REGRESSION_GAPS.get(metric)
    if rate is None:
        raise InvalidInput(f"{metric!r} compares no numbers; choose one of {', '.join(REGRESSION_GAPS)}.")
    if rate == "mean_prediction":
        found = moments(answer, grouping, weight)
    elif truth is None:
        raise InvalidInput(f"{metric} needs the true values; give labels.")
    elif rate == "mean_error":
        found = moments(answer - truth, grouping, weight)
    elif rate == "mean_absolute_error":
        found = moments(np.abs(answer - truth), grouping, weight)
    else:
        found = moments(np.square(answer - truth), grouping, weight)
    values, own = found.values(grouping.names), "student"
    if rate == "root_mean_squared_error":
        spreads = dict(zip(grouping.names, np.sqrt(found.variance).tolist(), strict=True))
        values = {name: root(value, spreads[name]) for name, value in values.items()}
        own = "normal on the log of the mean square"
    largest = largest_difference([values], confidence)
    return values_gap(metric, rate, largest, values, grouping, own=own, confidence=confidence,
                      method=f"MOVER of {own}, simultaneous over pairs")  # fmt: skip


def regression_gaps(labels: ArrayLike, predicted: ArrayLike, groups: Any, weights: ArrayLike | None = None, *,
                    min_group: int = MIN_GROUP, confidence: float = 0.95) -> dict[str, Gap]:  # fmt: skip
    """Every gap of this module by its metric name."""
    answer = numbers(predicted, "predictions")
    truth = numbers(labels, "labels", length=len(answer))
    weight = weights_or_none(weights, len(answer))
    grouping = group_rows(groups, len(answer), min_group)
    return {metric: grouped_gap(metric, truth, answer, grouping, weight, confidence) for metric in REGRESSION_GAPS}
