"""Gaps between groups: one number for fairness, with the interval by which it is judged.

An *at most T* check passes if ``high <= T`` and fails if ``low > T``; see pairs.py for why the bounds hold
over all pairs. Without pooling the estimates equal fairlearn's. Fewer than two groups of ``min_group`` rows
give None: insufficient evidence, never pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fairloop.fairness.groups import MIN_GROUP, GroupRates, GroupTable, Pooling, count_groups, pool, rates_of
from fairloop.fairness.pairs import PairEstimate, largest_gap, smallest_ratio
from fairloop.stats.arrays import ArrayLike

_RATES = {
    "demographic_parity_difference": ("selection_rate",),
    "demographic_parity_ratio": ("selection_rate",),
    "equal_opportunity_difference": ("true_positive_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
}
_METHOD = "newcombe, simultaneous over pairs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A gap between groups with its interval and the groups behind it.

    ``pair`` is (group with the higher rate, group with the lower); ``rate`` names the rate in which they
    differ most; ``pooled`` groups were joined for being small, ``too_small`` ones left out; ``missing`` rows
    had no group.
    """

    metric: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    method: str
    groups: tuple[GroupRates, ...]
    pair: tuple[str, str] | None
    rate: str | None
    pooled: tuple[str, ...]
    too_small: tuple[str, ...]
    missing: int

    def plain(self) -> dict[str, Any]:
        """The number as JSON-able values: estimate, low, high, n, method."""
        return {
            "estimate": self.estimate,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "method": self.method,
        }

    def detail(self) -> dict[str, Any]:
        """The evidence as JSON-able values, for ``Verdict.detail``."""
        return {
            "groups": [group.plain() for group in self.groups],
            "pair": list(self.pair) if self.pair else None,
            "rate": self.rate,
            "pooled": list(self.pooled),
            "too_small": list(self.too_small),
            "missing": self.missing,
        }


def gap_from_table(metric: str, table: GroupTable, *, min_group: int = MIN_GROUP, confidence: float = 0.95) -> Gap:
    """A gap by its metric name from counts made earlier, for example merged over several parts of a log."""
    return _gap(metric, pool(table, min_group), confidence)


def _gap(metric: str, pooling: Pooling, confidence: float) -> Gap:
    table, names = pooling.table, _RATES[metric]
    trials = [table.trials(name) for name in names]
    found: PairEstimate
    if metric == "demographic_parity_ratio":
        found, method = smallest_ratio(trials[0], confidence), "MOVER of logs, simultaneous over pairs"
    else:
        found, method = largest_gap(trials, confidence), _METHOD
    return Gap(
        metric=metric,
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        n=int(table.rows.sum()),
        method=method,
        groups=tuple(rates_of(table, confidence)),
        pair=found.groups,
        rate=names[found.rate] if found.groups else None,
        pooled=pooling.pooled,
        too_small=pooling.too_small,
        missing=table.missing,
    )


def demographic_parity_difference(
    labels: ArrayLike | None,
    predicted: ArrayLike,
    groups: Any,
    weights: ArrayLike | None = None,
    *,
    min_group: int = MIN_GROUP,
    confidence: float = 0.95,
) -> Gap:
    r"""Largest difference in selection rate: :math:`\max_{i,j}|P(\hat Y=1|A=i) - P(\hat Y=1|A=j)|`.

    0 when every group is selected equally often, 1 when one always is and another never.

    Parameters
    ----------
    labels : array of 0/1, shape (n,), or None
        Not needed for the gap; with them the groups' other rates are reported too.
    predicted : array of 0/1, shape (n,)
    groups : array, pandas or polars Series, shape (n,)
    weights : array >= 0, shape (n,), or None
    min_group : int
        Smaller groups are pooled, or left out and named when even together they are smaller.
    confidence : float
        Of the interval over all pairs together.

    Returns
    -------
    Gap
        In [0, 1]; None with fewer than two groups.

    Raises
    ------
    InvalidInput, NotANumber
        As :func:`fairloop.fairness.groups.count_groups`.

    Examples
    --------
    >>> predicted = [1] * 30 + [0] * 20 + [1] * 10 + [0] * 40
    >>> gap = demographic_parity_difference(None, predicted, ["a"] * 50 + ["b"] * 50)
    >>> round(gap.estimate, 3), round(gap.low, 3), round(gap.high, 3), gap.pair
    (0.4, 0.212, 0.554, ('a', 'b'))
    """
    table = count_groups(labels, predicted, groups, weights)
    return gap_from_table("demographic_parity_difference", table, min_group=min_group, confidence=confidence)


def equalized_odds_difference(
    labels: ArrayLike,
    predicted: ArrayLike,
    groups: Any,
    weights: ArrayLike | None = None,
    *,
    min_group: int = MIN_GROUP,
    confidence: float = 0.95,
) -> Gap:
    r"""The larger of the largest gaps in true positive rate and in false positive rate.

    .. math:: \max_{y\in\{0,1\}}\max_{i,j}|P(\hat Y=1|A=i,Y=y) - P(\hat Y=1|A=j,Y=y)|

    0 when errors fall equally on all groups. A group without positives (or negatives) leaves that rate
    unknown: the estimate ignores it, and ``high`` is wide enough that the check cannot pass on it. Other
    arguments as :func:`demographic_parity_difference`.
    """
    table = count_groups(labels, predicted, groups, weights)
    return gap_from_table("equalized_odds_difference", table, min_group=min_group, confidence=confidence)


def equal_opportunity_difference(
    labels: ArrayLike,
    predicted: ArrayLike,
    groups: Any,
    weights: ArrayLike | None = None,
    *,
    min_group: int = MIN_GROUP,
    confidence: float = 0.95,
) -> Gap:
    r"""Largest difference in true positive rate, the gap of equalized odds without its second half.

    .. math:: \max_{i,j}|P(\hat Y=1|A=i,Y=1) - P(\hat Y=1|A=j,Y=1)|
    """
    table = count_groups(labels, predicted, groups, weights)
    return gap_from_table("equal_opportunity_difference", table, min_group=min_group, confidence=confidence)


def demographic_parity_ratio(
    labels: ArrayLike | None,
    predicted: ArrayLike,
    groups: Any,
    weights: ArrayLike | None = None,
    *,
    min_group: int = MIN_GROUP,
    confidence: float = 0.95,
) -> Gap:
    """Lowest selection rate over the highest: 1 is equal; the four-fifths rule asks for at least 0.8.

    None with fewer than two groups or when nothing was selected anywhere.
    """
    table = count_groups(labels, predicted, groups, weights)
    return gap_from_table("demographic_parity_ratio", table, min_group=min_group, confidence=confidence)


def all_gaps(
    labels: ArrayLike | None,
    predicted: ArrayLike,
    groups: Any,
    weights: ArrayLike | None = None,
    *,
    min_group: int = MIN_GROUP,
    confidence: float = 0.95,
) -> dict[str, Gap]:
    """Every gap by its metric name from one pass; without labels only those that need none."""
    table = count_groups(labels, predicted, groups, weights)
    pooling = pool(table, min_group)
    names = [name for name, rates in _RATES.items() if labels is not None or rates == ("selection_rate",)]
    return {name: _gap(name, pooling, confidence) for name in names}


GAPS: dict[str, Callable[..., Gap]] = {
    "demographic_parity_difference": demographic_parity_difference,
    "demographic_parity_ratio": demographic_parity_ratio,
    "equal_opportunity_difference": equal_opportunity_difference,
    "equalized_odds_difference": equalized_odds_difference,
}
