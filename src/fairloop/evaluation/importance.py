"""Permutation importance: how much worse the model gets when one column is shuffled."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata, t

from fairloop.registry.model import Model

FOLDS = 8
MOST_ROWS = 6000
Array = npt.NDArray[Any]


def permutation_importance(
    model: Model, X: pd.DataFrame, y: Array, *, seed: int = 0, sensitive: pd.DataFrame | None = None
) -> list[dict[str, Any]]:
    """Loss of quality per column, largest first, with 95 % intervals.

    The rows are dealt into folds; in each fold the column is shuffled once, and the drop of quality (ROC AUC, R squared
    or accuracy) is one observation. The interval is Student's over the folds, so it holds both the chance of the shuffle
    and that of the rows, at the price of one prediction a row and column.

    Parameters
    ----------
    model : Model
    X : pandas.DataFrame
    y : array, shape (n,)
        As ``Table.y``.
    seed : int
    sensitive : pandas.DataFrame, optional
        For a model that reads sensitive attributes; they are not shuffled.

    Returns
    -------
    list of dict
        column, importance, low, high, metric. Bounds are None with fewer than two folds of both answers.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(X))[:MOST_ROWS]
    X, y = X.iloc[order].reset_index(drop=True), y[order]
    told = None if sensitive is None else sensitive.iloc[order].reset_index(drop=True)
    folds = [fold for fold in np.array_split(np.arange(len(X)), FOLDS) if len(fold) > 1]
    names = model.inputs or list(X.columns)
    metric, quality = _quality(model)
    base = model.scores(X, told)
    found = []
    for name in names:
        shuffled = X.copy(deep=False)
        moved = np.concatenate([random.permutation(fold) for fold in folds])
        place = np.arange(len(X))
        place[np.concatenate(folds)] = moved
        shuffled[name] = X[name].iloc[place].array
        changed = model.scores(shuffled, told)
        drops = [quality(y[f], base[f]) - quality(y[f], changed[f]) for f in folds]
        found.append({"column": name, "metric": metric} | _interval(np.array([d for d in drops if np.isfinite(d)])))
    return sorted(found, key=lambda row: -row["importance"])


def _interval(drops: npt.NDArray[np.float64]) -> dict[str, float | None]:
    if len(drops) < 2:
        return {"importance": float(drops.mean()) if len(drops) else 0.0, "low": None, "high": None}
    middle = float(drops.mean())
    half = float(t.ppf(0.975, len(drops) - 1) * drops.std(ddof=1) / np.sqrt(len(drops)))
    return {"importance": middle, "low": middle - half, "high": middle + half}


def _quality(model: Model) -> tuple[str, Any]:
    if model.task == "binary":
        return "roc_auc", _auc
    if model.task == "regression":
        return "r2", _r2
    return "accuracy", lambda y, scores: float((model.decide(scores).astype(str) == y.astype(str)).mean())


def _auc(y: Array, scores: Array) -> float:
    above = int(y.sum())
    below = len(y) - above
    if not above or not below:
        return float("nan")
    return float((rankdata(scores)[y == 1].sum() - above * (above + 1) / 2) / (above * below))


def _r2(y: Array, scores: Array) -> float:
    spread = float(np.square(y - y.mean()).sum())
    return 1 - float(np.square(y - scores).sum()) / spread if spread > 0 else float("nan")
