"""Gaps between groups: one number for fairness, with the interval by which it is judged.

An *at most T* check passes if ``high <= T`` and fails if ``low > T``; see pairs.py for why the bounds hold
over all pairs. Without pooling the estimates equal fairlearn's. Fewer than two groups of ``min_group`` rows
give None: insufficient evidence, never pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fairloop.fairness.grouping import MIN_GROUP
from fairloop.fairness.groups import GroupRates, GroupTable, Pooling, count_groups, pool, rates_of
from fairloop.fairness.pairs import (
    PairEstimate,
    half_sum,
    largest_difference,
    shares,
    smallest_ratio,
)
from fairloop.stats.arrays import ArrayLike
from fairloop.stats.estimate import finite

_TOLD_ELSEWHERE = {"selection_rate", "true_positive_rate", "false_positive_rate"}
"""Rates for which pages and alerts have sentences of their own."""


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
        found = {
            "groups": [group.plain() for group in self.groups],
            "pair": list(self.pair) if self.pair else None,
            "rate": self.rate,
            "pooled": list(self.pooled),
            "too_small": list(self.too_small),
            "missing": self.missing,
        }
        return found | ({"words": self.words} if self.words else {})

    @property
    def words(self) -> str:
        """Which groups lie apart, for example *Precision is 0.72 for Male and 0.61 for Female.*"""
        rate = self.rate or ""
        rates = {row.group: row.rates[rate].estimate for row in self.groups if rate in row.rates}
        told = [(group, rates.get(group)) for group in self.pair or ()]
        if rate in _TOLD_ELSEWHERE or not told or any(value is None for _, value in told):
            return ""
        name = rate.replace("_", " ").replace("roc auc", "ROC AUC")
        return f"{name[:1].upper()}{name[1:]} is {' and '.join(f'{value:.3g} for {group}' for group, value in told)}."


def make_gap(metric: str, found: PairEstimate, groups: Sequence[GroupRates], rates: Sequence[str], *, n: int,
             method: str, pooled: tuple[str, ...], too_small: tuple[str, ...], missing: int) -> Gap:  # fmt: skip
    """A Gap of the extreme pair that pairs.py found; bounds that are not finite are unknown."""
    low, high = (None if bound is None else finite(bound) for bound in (found.low, found.high))
    return Gap(metric=metric, estimate=found.estimate, low=low, high=high, n=n, method=method, groups=tuple(groups),
               pair=found.groups, rate=rates[found.rate] if found.groups else None, pooled=pooled,
               too_small=too_small, missing=missing)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GapMetric:
    r"""A gap of yes-or-no answers between groups. Call it with the rows.

    ``rates`` are those of ``groups.RATES`` that it compares: the largest difference over them and over all pairs of
    groups, :math:`\max_{r,i,j}|r_i - r_j|`, unless ``form`` says otherwise.

    Parameters
    ----------
    labels : array of 0/1, shape (n,), or None
        None where the gap ``needs_labels`` not; with them the groups' other rates are reported too.
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
        In [0, 1]; None with fewer than two groups, and where no group has rows in which the rate is known. A
        group without such rows (no positives, say) is left out of the estimate, and ``high`` is wide enough that the
        check cannot pass on it.

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

    name: str
    rates: tuple[str, ...]
    form: str = "difference"
    """``difference``; ``ratio`` (lowest over highest); ``average`` (difference of the rates' mean, in which they can
    cancel); ``mean of gaps`` (mean of their differences)."""

    @property
    def needs_labels(self) -> bool:
        return self.rates != ("selection_rate",)

    def __call__(self, labels: ArrayLike | None, predicted: ArrayLike, groups: Any, weights: ArrayLike | None = None,
                 *, min_group: int = MIN_GROUP, confidence: float = 0.95) -> Gap:  # fmt: skip
        table = count_groups(labels, predicted, groups, weights)
        return gap_from_table(self.name, table, min_group=min_group, confidence=confidence)

    def of(self, pooling: Pooling, rows: Sequence[GroupRates], confidence: float) -> Gap:
        """The gap of counts whose small groups are joined, and whose rates are known."""
        found = self.extreme([pooling.table], confidence)
        return make_gap(self.name, found, rows, self.rates, n=int(pooling.table.rows.sum()), method=self.method,
                        pooled=pooling.pooled, too_small=pooling.too_small, missing=pooling.table.missing)  # fmt: skip

    @property
    def method(self) -> str:
        return f"{_METHODS[self.form]}, simultaneous over pairs"

    def extreme(self, tables: Sequence[GroupTable], confidence: float) -> PairEstimate:
        """The extreme pair over one table a class; ``rate`` counts the rates of the first table, then the next's."""
        values = [[shares(table.trials(rate)) for rate in self.rates] for table in tables]
        flat = [rate for each in values for rate in each]
        if self.form == "ratio":
            return smallest_ratio(flat, confidence)
        if self.form in _SIGNS:
            means = [{name: half_sum(one[name], other[name], sign) for name in one}
                     for one, other in values for sign in _SIGNS[self.form]]  # fmt: skip
            found = largest_difference(means, confidence, most=1.0)
            return replace(found, rate=found.rate // len(_SIGNS[self.form]))
        return largest_difference(flat, confidence, most=1.0)


_METHODS = {"difference": "newcombe", "ratio": "MOVER of logs", "average": "MOVER of wilson",
            "mean of gaps": "MOVER of wilson"}  # fmt: skip
_SIGNS = {"average": (1.0,), "mean of gaps": (1.0, -1.0)}
"""The mean of two absolute differences is the larger of those of the rates' mean and of half their difference."""

demographic_parity_difference = GapMetric(name="demographic_parity_difference", rates=("selection_rate",))
"""0 when every group is selected equally often, 1 when one always is and another never (Calders and others 2009)."""
demographic_parity_ratio = GapMetric(name="demographic_parity_ratio", rates=("selection_rate",), form="ratio")
"""1 is equal; the four-fifths rule asks for at least 0.8. None when nothing was selected anywhere."""
equal_opportunity_difference = GapMetric(name="equal_opportunity_difference", rates=("true_positive_rate",))
"""0 when those who deserve a yes get it equally often in every group (Hardt and others 2016)."""
predictive_equality_difference = GapMetric(name="predictive_equality_difference", rates=("false_positive_rate",))
"""0 when those who deserve a no are selected equally often in every group (Corbett-Davies and others 2017)."""
equalized_odds_difference = GapMetric(
    name="equalized_odds_difference", rates=("true_positive_rate", "false_positive_rate")
)
"""The larger of the two gaps above; 0 when errors fall equally on all groups (Hardt and others 2016)."""
equalized_odds_ratio = GapMetric(
    name="equalized_odds_ratio", rates=("true_positive_rate", "false_positive_rate"), form="ratio"
)
"""The smaller ratio of both rates; 1 is equal."""
average_odds_difference = GapMetric(
    name="average_odds_difference", rates=("true_positive_rate", "false_positive_rate"), form="average"
)
"""Difference of the mean of both rates (aif360); a higher true and a lower false positive rate can cancel."""
average_absolute_odds_difference = GapMetric(
    name="average_absolute_odds_difference", rates=("true_positive_rate", "false_positive_rate"), form="mean of gaps"
)
"""Mean of the differences of both rates (aif360); 0 only when both are equal."""
accuracy_difference = GapMetric(name="accuracy_difference", rates=("accuracy",))
"""0 when answers are right equally often in every group (overall accuracy equality, Berk and others 2018)."""
predictive_parity_difference = GapMetric(name="predictive_parity_difference", rates=("precision",))
"""0 when a positive answer is right equally often in every group (Chouldechova 2017)."""
false_discovery_rate_difference = GapMetric(name="false_discovery_rate_difference", rates=("false_discovery_rate",))
"""0 when a positive answer is wrong equally often in every group; the same number as predictive parity's."""
false_omission_rate_difference = GapMetric(name="false_omission_rate_difference", rates=("false_omission_rate",))
"""0 when a negative answer is wrong equally often in every group (Berk and others 2018)."""
label_rate_difference = GapMetric(name="label_rate_difference", rates=("label_rate",))
"""0 when positive labels are equally frequent: the base rates, told of the data and not of the model."""

GAPS: dict[str, GapMetric] = {
    metric.name: metric
    for metric in (
        demographic_parity_difference, demographic_parity_ratio, equal_opportunity_difference,
        predictive_equality_difference, equalized_odds_difference, equalized_odds_ratio, average_odds_difference,
        average_absolute_odds_difference, accuracy_difference, predictive_parity_difference,
        false_discovery_rate_difference, false_omission_rate_difference, label_rate_difference,
    )
}  # fmt: skip


def gap_from_table(metric: str, table: GroupTable, *, min_group: int = MIN_GROUP, confidence: float = 0.95) -> Gap:
    """A gap by its metric name from counts made earlier, for example merged over several parts of a log."""
    pooling = pool(table, min_group)
    return GAPS[metric].of(pooling, rates_of(pooling.table, confidence), confidence)


def all_gaps(
    labels: ArrayLike | None,
    predicted: ArrayLike,
    groups: Any,
    weights: ArrayLike | None = None,
    *,
    min_group: int = MIN_GROUP,
    confidence: float = 0.95,
) -> dict[str, Gap]:
    """Every gap of ``GAPS`` by its metric name from one pass; without labels only those that need none."""
    table = count_groups(labels, predicted, groups, weights)
    pooling = pool(table, min_group)
    rows = rates_of(pooling.table, confidence)
    return {
        name: metric.of(pooling, rows, confidence)
        for name, metric in GAPS.items()
        if labels is not None or not metric.needs_labels
    }
