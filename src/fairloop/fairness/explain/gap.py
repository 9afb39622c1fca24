"""The gap between two groups, taken apart into the columns it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.errors import InvalidInput
from fairloop.fairness.explain.walks import Score, scored, spread_residual, walk
from fairloop.stats.arrays import Floats
from fairloop.stats.intervals import two_sided

MOST_ROWS = 2000
"""Rows a group that are walked in one pass; more narrow the intervals further than anybody reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GapPart:
    """One column's share of a gap, with the interval of its estimate."""

    column: str
    part: float
    low: float | None
    high: float | None

    def plain(self) -> dict[str, Any]:
        return {"column": self.column, "part": self.part, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """``parts`` (largest first, in size) add up to ``gap``: the mean over ``higher`` minus the mean over ``lower``."""

    higher: str
    lower: str
    gap: float
    parts: list[GapPart]
    n: int
    method: str

    def plain(self) -> dict[str, Any]:
        return {"higher": self.higher, "lower": self.lower, "gap": self.gap, "n": self.n, "method": self.method,
                "parts": [part.plain() for part in self.parts]}  # fmt: skip


def decompose_gap(score: Score, rows: pd.DataFrame, groups: npt.NDArray[Any], higher: str, lower: str, *,
                  rounds: int = 2, seed: int = 0) -> Decomposition:  # fmt: skip
    r"""Shapley parts of the difference of a function's mean between two groups.

    The game's value for a set S of columns is the gap when only those columns keep each person's own values and all
    others are drawn, alike for both groups, from everybody:
    :math:`v(S) = E_{x\in A}E_z f(x_S, z_{\bar S}) - E_{x\in B}E_z f(x_S, z_{\bar S})`. So :math:`v(\emptyset) = 0`,
    v(all) is the gap, and the parts add up to it. A part is what the *model* does with a column, given that the groups
    differ in it; a column that the model does not read has part 0 however much it tells about the group.

    Parameters
    ----------
    score : function
        What is compared: 0/1 decisions for the selection gap, scores or values otherwise.
    rows : pandas.DataFrame
        The columns the function reads.
    groups : array of shape (n,)
        Group of each row; others than the two only serve as references.
    higher, lower : str
        The groups compared.
    rounds : int
        Walks a row; each is two passes over all columns.
    seed : int

    Returns
    -------
    Decomposition
        With 95 % intervals of the sampling (of rows, references and orders); None with fewer than two rows a group.

    Raises
    ------
    InvalidInput
        When one of the groups has no rows.
    """
    random = np.random.default_rng(seed)
    whole = {name: np.flatnonzero(groups == name) for name in (higher, lower)}
    for name, places in whole.items():
        if not len(places):
            raise InvalidInput(f"The group {name!r} has no rows here; compare groups that are in the data.")
    size = min(MOST_ROWS, max(len(places) for places in whole.values()))
    references = random.choice(len(rows), size * rounds)
    values = scored(score, rows)
    means, variances = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    total = float(values[whole[higher]].mean() - values[whole[lower]].mean())
    for sign, places in ((1.0, whole[higher]), (-1.0, whole[lower])):
        # both groups meet the same references, so what those decide cancels
        taken = np.concatenate([_even(places, size, random) for _ in range(rounds)])
        samples = walk(score, _at(rows, taken), _at(rows, references), random)
        means += sign * samples.mean(axis=0)
        variances += _variance_of_mean(samples, taken)
    errors = np.sqrt(variances)
    parts = spread_residual(means, errors, total)
    z = two_sided(0.95)
    known = min(len(p) for p in whole.values()) > 1
    found = [GapPart(column=str(name), part=float(p), low=float(p - z * e) if known else None,
                     high=float(p + z * e) if known else None)
             for name, p, e in zip(rows.columns, parts, errors, strict=True)]  # fmt: skip
    found.sort(key=lambda part: (-abs(part.part), part.column))
    return Decomposition(higher=higher, lower=lower, gap=total, parts=found, n=sum(len(p) for p in whole.values()),
                         method="Shapley value of the gap, sampled walks; adds up to the gap")  # fmt: skip


def parts_from_values(values: Floats, columns: list[str], groups: npt.NDArray[Any], higher: str,
                      lower: str) -> Decomposition:  # fmt: skip
    r"""The same parts from exact Shapley values of each row: :math:`\bar\phi_{j,A} - \bar\phi_{j,B}`.

    Exact for these rows and the references the values were made with; the interval is Student-free normal over rows.
    """
    one, other = values[groups == higher], values[groups == lower]
    if not len(one) or not len(other):
        raise InvalidInput(f"One of the groups {higher!r} and {lower!r} has no rows here.")
    parts = one.mean(axis=0) - other.mean(axis=0)
    known = min(len(one), len(other)) > 1
    errors = (
        np.sqrt(one.var(axis=0, ddof=1) / len(one) + other.var(axis=0, ddof=1) / len(other)) if known else parts * 0
    )
    z = two_sided(0.95)
    found = [GapPart(column=name, part=float(p), low=float(p - z * e) if known else None,
                     high=float(p + z * e) if known else None)
             for name, p, e in zip(columns, parts, errors, strict=True)]  # fmt: skip
    found.sort(key=lambda part: (-abs(part.part), part.column))
    return Decomposition(higher=higher, lower=lower, gap=float(parts.sum()), parts=found, n=len(one) + len(other),
                         method="exact Shapley values of trees")  # fmt: skip


def _even(places: npt.NDArray[Any], size: int, random: np.random.Generator) -> npt.NDArray[Any]:
    """``size`` of the places, each as often as any other (give or take one)."""
    turns = -(-size // len(places))
    return np.concatenate([random.permutation(places) for _ in range(turns)])[:size]


def _variance_of_mean(samples: Floats, taken: npt.NDArray[Any]) -> Floats:
    """Variance of the mean of samples of which several belong to the same row."""
    order = np.argsort(taken, kind="stable")
    distinct, starts = np.unique(taken[order], return_index=True)
    if len(distinct) < 2:
        return np.zeros(samples.shape[1])
    sums = np.add.reduceat(samples[order] - samples.mean(axis=0), starts, axis=0)
    return np.asarray(np.square(sums).sum(axis=0) * len(distinct) / (len(distinct) - 1) / len(samples) ** 2)


def _at(rows: pd.DataFrame, places: npt.NDArray[Any]) -> pd.DataFrame:
    return rows.iloc[places].reset_index(drop=True)
