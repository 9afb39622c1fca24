"""The gaps of gaps.py for more than two classes: each class against the rest, the largest gap over classes and pairs.

With one class against the rest every metric keeps its meaning (is *blue* answered equally often? found equally
often?); the interval holds over classes and pairs together. Accuracy is one rate, not one a class.

References
----------
Hardt, M., Price, E., Srebro, N. (2016). Equality of opportunity in supervised learning. NIPS 29.
Denis, C. and others (2024). Fairness guarantees in multi-class classification with demographic parity. JMLR 25.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fairloop.errors import InvalidInput
from fairloop.fairness.gaps import GAPS, Gap, make_gap
from fairloop.fairness.grouping import MIN_GROUP, Grouping, group_rows
from fairloop.fairness.groups import GroupRates, GroupTable, rates_of
from fairloop.stats.arrays import ArrayLike, Floats, weights_or_none
from fairloop.stats.multiclass import class_codes


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTables:
    """One GroupTable a class: that class against the rest. ``right`` counts right answers, in place of positives."""

    classes: tuple[str, ...]
    tables: tuple[GroupTable, ...]
    right: GroupTable
    grouping: Grouping

    def rows(self) -> list[GroupRates]:
        """Accuracy of each group, and how often each class is answered."""
        accuracy = {row.group: row for row in rates_of(self.right)}
        found = []
        shares = [{row.group: row.rates["selection_rate"] for row in rates_of(table)} for table in self.tables]
        for name, row in accuracy.items():
            each = {f"selection_rate of {c}": share[name] for c, share in zip(self.classes, shares, strict=True)}
            found.append(GroupRates(group=name, n=row.n, rates={"accuracy": row.rates["accuracy"]} | each))
        return found


def class_tables(labels: ArrayLike | None, predicted: ArrayLike, groups: Any, weights: ArrayLike | None = None, *,
                 min_group: int = MIN_GROUP) -> ClassTables:  # fmt: skip
    """Counts by group, class and answer, from one pass.

    Raises
    ------
    InvalidInput
        On unequal lengths, a missing class, negative weights.
    """
    truth = predicted if labels is None else labels
    (label, answer), names = class_codes(truth, predicted)
    grouping = group_rows(groups, len(answer), min_group)
    weight = weights_or_none(weights, len(answer))
    k, c = grouping.k, len(names)
    cells = (grouping.codes * c + label) * c + answer
    cells[grouping.codes < 0] = k * c * c

    def total(values: Floats | None) -> Floats:
        found: Floats = np.bincount(cells, weights=values, minlength=k * c * c + 1)[:-1].astype(np.float64)
        return found.reshape(k, c, c)

    rows = total(None)
    summed = rows if weight is None else total(weight)
    square = rows if weight is None else total(np.square(weight))

    def table(cut: Any) -> GroupTable:
        return GroupTable(names=grouping.names, rows=cut(rows), weight=cut(summed), square=cut(square),
                          missing=grouping.missing, labelled=labels is not None)  # fmt: skip

    return ClassTables(classes=names, tables=tuple(table(lambda x, i=i: _against_rest(x, i)) for i in range(c)),
                       right=table(_right), grouping=grouping)  # fmt: skip


def _against_rest(counts: Floats, index: int) -> Floats:
    """(k, 4) of one class: true negative, false positive, false negative, true positive."""
    whole, hit = counts.sum(axis=(1, 2)), counts[:, index, index]
    missed, wrong = counts[:, index, :].sum(axis=1) - hit, counts[:, :, index].sum(axis=1) - hit
    return np.stack([np.maximum(whole - hit - missed - wrong, 0.0), wrong, missed, hit], axis=1)


def _right(counts: Floats) -> Floats:
    """Right answers as true positives, wrong ones as false negatives: only accuracy means something."""
    hit = np.einsum("kii->k", counts)
    zero = np.zeros_like(hit)
    return np.stack([zero, zero, np.maximum(counts.sum(axis=(1, 2)) - hit, 0.0), hit], axis=1)


def multiclass_gap(metric: str, counts: ClassTables, confidence: float = 0.95) -> Gap:
    """A gap of ``gaps.GAPS`` by its name, over all classes.

    Returns
    -------
    Gap
        ``rate`` names the class in which the groups differ most: ``true_positive_rate of blue``.

    Raises
    ------
    InvalidInput
        If no such metric exists.
    """
    kind = GAPS.get(metric)
    if kind is None:
        raise InvalidInput(f"{metric!r} compares no classes; choose one of {', '.join(GAPS)}.")
    grouping = counts.grouping
    whole = kind.rates == ("accuracy",)
    tables = [counts.right] if whole else list(counts.tables)
    found = kind.extreme(tables, confidence)
    names = list(kind.rates) if whole else [f"{rate} of {c}" for c in counts.classes for rate in kind.rates]
    if kind.form in {"average", "mean of gaps"}:
        names = names[:: len(kind.rates)]
    at = 0 if whole or found.groups is None else counts.classes.index(names[found.rate].rpartition(" of ")[2])
    told = [GroupRates(group=row.group, n=row.n, rates={
                (rate if whole else f"{rate} of {counts.classes[at]}"): row.rates[rate] for rate in kind.rates})
            for row in rates_of(tables[at] if tables else counts.right, confidence)]  # fmt: skip
    return make_gap(metric, found, told, names, n=int(counts.right.rows.sum()), pooled=grouping.pooled,
                    method=f"{kind.method} and classes", too_small=grouping.too_small,
                    missing=grouping.missing)  # fmt: skip
