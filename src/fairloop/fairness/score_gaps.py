"""Gaps between groups in the scores themselves: are they as well calibrated, and do they rank as well, for everybody?

``labels`` are 0/1 and ``scores`` of shape (n,), chances in [0, 1] for calibration. Fewer than two groups of
``min_group`` rows (one for ``calibration_within_groups``) give None.

References
----------
Kleinberg, J., Mullainathan, S., Raghavan, M. (2017). Inherent trade-offs in the fair determination of risk scores. ITCS.
Pleiss, G. and others (2017). On fairness and calibration. NIPS 30.
DeLong, E. R., DeLong, D. M., Clarke-Pearson, D. L. (1988). Biometrics 44, 837-845.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fairloop.fairness.gaps import Gap
from fairloop.fairness.grouping import MIN_GROUP, Grouping, group_rows
from fairloop.fairness.moments import moments, values_gap
from fairloop.fairness.pairs import Value, largest_difference, largest_value
from fairloop.stats import calibration
from fairloop.stats.arrays import ArrayLike, Floats, binary, chances, numbers, weights_or_none
from fairloop.stats.intervals import normal_cdf
from fairloop.stats.quality import roc_auc


def calibration_difference(labels: ArrayLike, scores: ArrayLike, groups: Any, weights: ArrayLike | None = None, *,
                           min_group: int = MIN_GROUP, confidence: float = 0.95) -> Gap:  # fmt: skip
    r"""Largest difference of the mean of :math:`s - y`: 0 when scores lie as far above the truth for every group.

    Groups whose scores are too high and too low in turn can have 0; :func:`calibration_within_groups` sees that.
    """
    truth, chance, weight = chances(labels, scores, weights)
    grouping = group_rows(groups, len(truth), min_group)
    values = moments(chance - truth, grouping, weight).values(grouping.names)
    found = largest_difference([values], confidence, most=2.0)
    return values_gap("calibration_difference", "mean_error", found, values, grouping, own="student",
                      method="MOVER of student, simultaneous over pairs", confidence=confidence)  # fmt: skip


def calibration_within_groups(labels: ArrayLike, scores: ArrayLike, groups: Any, weights: ArrayLike | None = None, *,
                              min_group: int = MIN_GROUP, confidence: float = 0.95) -> Gap:  # fmt: skip
    r"""The largest expected calibration error of any group, :math:`\max_g \sum_b \frac{n_{gb}}{n_g} |\bar y_{gb} -
    \bar s_{gb}|`.

    0 when a score can be read as a chance in every group. As of all rows (stats/calibration.py) the lower bound has the
    bias of chance taken off; it holds for all groups together.
    """
    truth, chance, weight = chances(labels, scores, weights)
    grouping = group_rows(groups, len(truth), min_group)
    error = calibration.binned_errors(truth, chance, grouping.codes, grouping.k, weight)
    values = {name: Value(float(error.error[index]), partial(error.bounds, index))
              for index, name in enumerate(grouping.names)}  # fmt: skip
    found = largest_value(values, confidence)
    return values_gap("calibration_within_groups", "expected_calibration_error", found, values, grouping,
                      own=calibration.METHOD, method=f"{calibration.METHOD}, simultaneous over groups",
                      confidence=confidence)  # fmt: skip


def roc_auc_difference(labels: ArrayLike, scores: ArrayLike, groups: Any, weights: ArrayLike | None = None, *,
                       min_group: int = MIN_GROUP, confidence: float = 0.95) -> Gap:  # fmt: skip
    """Largest difference of the area under the ROC curve within each group: 0 when all are ranked equally well.

    A group with one class only cannot be ranked; it keeps the check from passing.
    """
    truth = binary(labels, "labels")
    ranking = numbers(scores, "scores", length=len(truth))
    weight = weights_or_none(weights, len(truth))
    grouping = group_rows(groups, len(truth), min_group)
    values = {name: _area(truth, ranking, weight, grouping, index) for index, name in enumerate(grouping.names)}
    found = largest_difference([values], confidence, most=1.0)
    return values_gap("roc_auc_difference", "roc_auc", found, values, grouping, own="DeLong, logit",
                      method="MOVER of DeLong, simultaneous over pairs", confidence=confidence)  # fmt: skip


def _area(truth: Any, ranking: Floats, weight: Floats | None, grouping: Grouping, index: int) -> Value:
    inside = np.flatnonzero(grouping.codes == index)
    part = None if weight is None else weight[inside]
    rows = truth[inside], ranking[inside], part
    middle = roc_auc(*rows)

    def bounds(z: float) -> tuple[float, float]:
        found = roc_auc(*rows, confidence=2 * normal_cdf(z) - 1)
        return (0.0 if found.low is None else found.low), (1.0 if found.high is None else found.high)

    return Value(middle.estimate, bounds)


SCORE_GAPS: dict[str, Callable[..., Gap]] = {
    "calibration_difference": calibration_difference, "calibration_within_groups": calibration_within_groups,
    "roc_auc_difference": roc_auc_difference,
}  # fmt: skip
