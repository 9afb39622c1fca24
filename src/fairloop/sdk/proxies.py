"""Which columns betray a sensitive attribute: how well each alone predicts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from fairloop.tables.table import Table

SUSPECT = 0.6
_FOLDS = 3
_BINS = 32
_SMOOTHING = 5.0
_MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """``auc``: chance that the column ranks a member of the group above an outsider; 0.5 tells nothing, 1 everything."""

    column: str
    attribute: str
    auc: float


def suspected_proxies(table: Table, least: float = SUSPECT) -> list[Proxy]:
    """Columns that predict a sensitive attribute with an out-of-fold AUC of at least ``least``, worst first.

    Each column is cut into bins (its categories, or quantiles of a number) and the share of the group in the bin is the
    score. With more than two groups the best-predicted group counts.
    """
    if len(table) > _MOST_ROWS:
        table = table.take(np.sort(np.random.default_rng(0).permutation(len(table))[:_MOST_ROWS]))
    X = table.X
    found = []
    for attribute, groups in table.sensitive.items():
        known = groups.notna().to_numpy()
        sizes = groups[known].value_counts()
        targets = [name for name in sizes.index if 30 <= sizes[name] <= known.sum() - 30]
        for column in X.columns:
            if isinstance(X[column].dtype, pd.StringDtype):
                continue
            codes = _codes(X[column][known])
            best = max((_auc(codes, (groups[known] == name).to_numpy()) for name in targets), default=0.5)
            if best >= least:
                found.append(Proxy(column=str(column), attribute=str(attribute), auc=best))
    return sorted(found, key=lambda p: -p.auc)


def _codes(values: pd.Series) -> npt.NDArray[np.int64]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return np.asarray(values.cat.codes, dtype=np.int64) + 1
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return np.zeros(len(numbers), dtype=np.int64)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
    codes = np.searchsorted(edges, numbers, side="right") + 1
    found: npt.NDArray[np.int64] = np.where(np.isfinite(numbers), codes, 0).astype(np.int64)
    return found


def _auc(codes: npt.NDArray[np.int64], member: npt.NDArray[np.bool_]) -> float:
    """AUC of out-of-fold, smoothed group shares per bin."""
    fold = np.random.default_rng(0).integers(0, _FOLDS, len(codes))
    scores = np.zeros(len(codes))
    size = int(codes.max()) + 1
    for i in range(_FOLDS):
        learn, ask = fold != i, fold == i
        hits = np.bincount(codes[learn], weights=member[learn].astype(np.float64), minlength=size)
        rows = np.bincount(codes[learn], minlength=size)
        prior = member[learn].mean() if learn.any() else 0.5
        scores[ask] = ((hits + _SMOOTHING * prior) / (rows + _SMOOTHING))[codes[ask]]
    above = int(member.sum())
    below = len(member) - above
    if not above or not below:
        return 0.5
    return float((rankdata(scores)[member].sum() - above * (above + 1) / 2) / (above * below))
