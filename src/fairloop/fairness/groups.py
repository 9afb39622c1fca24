"""Confusion counts per group in one pass, and the rates they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairloop.fairness.encoding import Codes, encode
from fairloop.fairness.grouping import MIN_GROUP, POOLED, split_small
from fairloop.stats.arrays import ArrayLike, Bools, Floats, binary, weights_or_none
from fairloop.stats.estimate import Estimate, unknown
from fairloop.stats.intervals import two_sided, wilson

_CELLS = 4  # true negative, false positive, false negative, true positive: label * 2 + predicted
RATES = {
    "selection_rate": ((1, 3), (0, 1, 2, 3)),
    "accuracy": ((0, 3), (0, 1, 2, 3)),
    "true_positive_rate": ((3,), (2, 3)),
    "false_positive_rate": ((1,), (0, 1)),
    "label_rate": ((2, 3), (0, 1, 2, 3)),
    "precision": ((3,), (1, 3)),
    "false_discovery_rate": ((1,), (1, 3)),
    "false_omission_rate": ((2,), (0, 2)),
}
"""Rates of a group as (cells that count, cells counted in); false discovery is 1 - precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTable:
    """Counts per group and cell, shape (k, 4): rows, summed weights, summed squared weights. Add tables to
    merge them.

    Cells are true negative, false positive, false negative, true positive. Without labels (``labelled``
    False) only the sums over labels mean something. ``missing`` counts rows without a group.
    """

    names: tuple[str, ...]
    rows: Floats
    weight: Floats
    square: Floats
    missing: int
    labelled: bool

    def __add__(self, other: GroupTable) -> GroupTable:
        names = tuple(sorted({*self.names, *other.names}))
        place = {name: index for index, name in enumerate(names)}
        merged = [np.zeros((len(names), _CELLS)) for _ in range(3)]
        for table in (self, other):
            at = [place[name] for name in table.names]
            for target, source in zip(merged, (table.rows, table.weight, table.square), strict=True):
                target[at] += source
        return GroupTable(
            names=names,
            rows=merged[0],
            weight=merged[1],
            square=merged[2],
            missing=self.missing + other.missing,
            labelled=self.labelled and other.labelled,
        )

    def trials(self, rate: str) -> dict[str, tuple[float, float]]:
        """(successes, trials) of a rate per group; with weights, trials is the effective sample size."""
        hits, within = RATES[rate]
        if not self.labelled and rate != "selection_rate":
            return dict.fromkeys(self.names, (0.0, 0.0))
        above = self.weight[:, hits].sum(axis=1)
        total, square = self.weight[:, within].sum(axis=1), self.square[:, within].sum(axis=1)
        size = np.divide(total * total, square, out=np.zeros_like(total), where=square > 0)
        share = np.divide(above, total, out=np.zeros_like(total), where=total > 0)
        return {
            name: (min(float(p * n), float(n)), float(n)) for name, p, n in zip(self.names, share, size, strict=True)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRates:
    """One group's numbers with pointwise intervals, by name; unknown where they need labels that are not there."""

    group: str
    n: int
    rates: Mapping[str, Estimate]

    def plain(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {"group": self.group, "n": self.n} | {name: found.plain() for name, found in self.rates.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """Which groups were joined for being small, and which stayed too small to judge."""

    table: GroupTable
    pooled: tuple[str, ...]
    too_small: tuple[str, ...]


def count_groups(
    labels: ArrayLike | None, predicted: ArrayLike, groups: Any, weights: ArrayLike | None = None
) -> GroupTable:
    """Counts per group in one pass over the rows, for any number of groups.

    Parameters
    ----------
    labels : array of 0/1, shape (n,), or None
        None for traffic whose labels are not known yet.
    predicted : array of 0/1, shape (n,)
    groups : array, pandas or polars Series, shape (n,)
        Missing values are counted in ``missing`` and otherwise left out.
    weights : array >= 0, shape (n,), or None

    Raises
    ------
    InvalidInput
        On values that are not 0/1, on unequal lengths, on negative weights.
    NotANumber
        On NaN in labels, predictions or weights.
    """
    answer = binary(predicted, "predictions")
    truth = None if labels is None else binary(labels, "labels", length=len(answer))
    weight = weights_or_none(weights, len(answer))
    codes, names = encode(groups, len(answer))
    size = len(names) + 1
    cells = _cells(codes, truth, answer)
    rows = _sum(cells, None, size)
    if weight is None:
        summed, square = rows, rows
    else:
        summed, square = _sum(cells, weight, size), _sum(cells, np.square(weight), size)
    return GroupTable(
        names=tuple(names),
        rows=rows[1:],
        weight=summed[1:],
        square=square[1:],
        missing=int(rows[0].sum()),
        labelled=truth is not None,
    )


def _cells(codes: Codes, truth: Bools | None, answer: Bools) -> Codes:
    """(code + 1) * 4 + label * 2 + predicted: missing groups, coded -1, fall into the first four cells."""
    cells = codes + 1
    cells *= _CELLS
    if truth is not None:
        cells += truth.view(np.int8) * np.int8(2)
    cells += answer.view(np.int8)
    return cells


def _sum(cells: Codes, weights: Floats | None, size: int) -> Floats:
    counts = np.bincount(cells, weights=weights, minlength=size * _CELLS)
    return counts.astype(np.float64).reshape(size, _CELLS)


def pool(table: GroupTable, min_group: int = MIN_GROUP) -> Pooling:
    """Join groups of fewer than ``min_group`` rows into one; if even that is too small, take them out and
    name them.

    Raises
    ------
    InvalidInput
        If ``min_group`` is below 1.
    """
    kept, small, joined = split_small(table.rows.sum(axis=1), min_group)
    if kept.size == len(table.names):
        return Pooling(table=table, pooled=(), too_small=())
    names = tuple(table.names[i] for i in small)
    parts = []
    for counts in (table.rows, table.weight, table.square):
        parts.append(np.vstack([counts[kept], counts[small].sum(axis=0)]) if joined else counts[kept])
    result = GroupTable(
        names=(*(table.names[i] for i in kept), *([POOLED] if joined else [])),
        rows=parts[0],
        weight=parts[1],
        square=parts[2],
        missing=table.missing,
        labelled=table.labelled,
    )
    return Pooling(table=result, pooled=names if joined else (), too_small=() if joined else names)


def rates_of(table: GroupTable, confidence: float = 0.95) -> list[GroupRates]:
    """Every group's rates with Wilson intervals, in the table's order."""
    z = two_sided(confidence)
    columns = {rate: table.trials(rate) for rate in RATES}
    within = {rate: table.rows[:, list(cells)].sum(axis=1) for rate, (_, cells) in RATES.items()}
    result = []
    for index, name in enumerate(table.names):
        estimates = {rate: _rate(columns[rate][name], int(within[rate][index]), z) for rate in RATES}
        result.append(GroupRates(group=name, n=int(table.rows[index].sum()), rates=estimates))
    return result


def _rate(count: tuple[float, float], rows: int, z: float) -> Estimate:
    successes, trials = count
    if trials <= 0:
        return unknown(0, "wilson")
    low, high = wilson(successes, trials, z)
    return Estimate(estimate=successes / trials, low=low, high=high, n=rows, method="wilson")
