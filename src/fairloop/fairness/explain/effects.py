"""How the answer moves with one column: partial dependence and accumulated local effects.

References
----------
Friedman, J. H. (2001). Greedy function approximation: a gradient boosting machine. Ann. Stat. 29, 1189-1232.
Apley, D. W., Zhu, J. (2020). Visualizing the effects of predictor variables in black box supervised learning models.
JRSS B 82, 1059-1086.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fairloop.fairness.explain.walks import Score, scored
from fairloop.stats.arrays import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A curve over ``at`` (numbers, or names of categories)."""

    column: str
    kind: str
    at: list[Any]
    value: list[float]
    rows: list[int]

    def plain(self) -> dict[str, Any]:
        return {"column": self.column, "kind": self.kind, "at": self.at, "value": self.value, "rows": self.rows}


def partial_dependence(score: Score, rows: pd.DataFrame, column: str, *, points: int = 16) -> Effect:
    r"""Mean answer when everybody gets the same value of a column: :math:`\mathrm{PD}(v) = \frac1n\sum_i f(v, x_{i,-j})`.

    At up to ``points`` values: quantiles of a number, the most frequent categories. It puts people where nobody is when
    columns depend on each other; see :func:`accumulated_effect` for that. ``rows`` of the effect counts who has about
    that value. Empty without rows.
    """
    values, counts = _grid(rows[column], points)
    means = []
    for value in values:
        changed = rows.copy(deep=False)
        changed[column] = _filled(rows[column], value)
        means.append(float(scored(score, changed).mean()))
    return Effect(column=column, kind="partial dependence", at=values, value=means, rows=counts)


def accumulated_effect(score: Score, rows: pd.DataFrame, column: str, *, points: int = 16) -> Effect | None:
    r"""First-order accumulated local effect of a number: differences between the ends of each bin, only for those in it.

    .. math:: \mathrm{ALE}(z_k) = \sum_{b\le k}\frac{1}{n_b}\sum_{i\in b} f(z_b, x_{i,-j}) - f(z_{b-1}, x_{i,-j}) - c

    with c such that the mean over all rows is 0. For a linear model it is slope times (value - mean) at the bin edges.
    None for a column that is no number, or that has one value only.
    """
    values = rows[column]
    if not pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        return None
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    known = np.flatnonzero(np.isfinite(numbers))
    if not len(known):
        return None
    edges: Floats = np.unique(np.quantile(numbers[known], np.linspace(0, 1, points + 1), method="inverted_cdf"))
    if len(edges) < 2:
        return None
    within = rows.iloc[known].reset_index(drop=True)
    place = np.clip(np.searchsorted(edges, numbers[known], side="left") - 1, 0, len(edges) - 2)
    ends = []
    for side in (0, 1):
        changed = within.copy(deep=False)
        changed[column] = edges[place + side]
        ends.append(scored(score, changed))
    counts = np.bincount(place, minlength=len(edges) - 1)
    steps = np.bincount(place, weights=ends[1] - ends[0], minlength=len(edges) - 1) / np.maximum(counts, 1)
    curve: Floats = np.concatenate([[0.0], np.cumsum(steps)])
    centre = float(((curve[:-1] + curve[1:]) / 2) @ counts / counts.sum())
    return Effect(column=column, kind="accumulated local effect", at=[float(e) for e in edges],
                  value=[float(v) for v in curve - centre], rows=[0, *counts.tolist()])  # fmt: skip


def _grid(column: pd.Series, points: int) -> tuple[list[Any], list[int]]:
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        known = numbers[np.isfinite(numbers)]
        distinct = np.unique(known)
        if len(distinct) > points:
            distinct = np.unique(np.quantile(known, np.linspace(0.02, 0.98, points), method="inverted_cdf"))
        nearest = np.abs(known[:, None] - distinct[None, :]).argmin(axis=1) if len(known) else np.empty(0, dtype=int)
        counts = np.bincount(nearest, minlength=len(distinct)).tolist()
        whole = pd.api.types.is_integer_dtype(column.dtype)
        return [int(v) if whole else float(v) for v in distinct], counts
    counted = column.value_counts()
    counted = counted[counted > 0].iloc[:points]
    return [v.item() if isinstance(v, np.generic) else v for v in counted.index], [int(c) for c in counted]


def _filled(column: pd.Series, value: Any) -> Any:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Categorical([value] * len(column), dtype=column.dtype)
    return pd.Series([value] * len(column), dtype=column.dtype, index=column.index)
