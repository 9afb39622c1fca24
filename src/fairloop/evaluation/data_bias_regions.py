"""Regions of the data, in words: the leaves of a small tree that predicts the label."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from fairloop.evaluation.data_bias_reference import Judged
from fairloop.stats.arrays import Floats

LEAVES = 8
_DEPTH = 3
_LEAST = 0.04
_CATEGORIES = 12
Indices = npt.NDArray[np.intp]


def regions_of(judged: Judged) -> tuple[Indices, list[str]]:
    """The region of every row and what each region is: at most 8, none below 4 % of the rows."""
    columns, names = _columns(judged)
    if not names:
        return np.zeros(len(judged.table), dtype=np.intp), ["all rows"]
    tree = DecisionTreeClassifier(max_leaf_nodes=LEAVES, max_depth=_DEPTH, min_samples_leaf=_LEAST, random_state=0)
    tree.fit(columns, judged.labels)
    leaves = tree.apply(columns)
    paths = _paths(tree.tree_, names)
    used = sorted(paths)
    place = np.zeros(max(used) + 1, dtype=np.intp)
    place[used] = np.arange(len(used))
    return place[leaves], [paths[leaf] for leaf in used]


def _columns(judged: Judged) -> tuple[Floats, list[tuple[str, str | None]]]:
    """Numbers as they are (missing: the median), each frequent category as a column of its own, no free text."""
    X = judged.table.X
    parts: list[Floats] = []
    names: list[tuple[str, str | None]] = []
    for name in judged.table.features:
        column = X[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            for value in column.value_counts().index[:_CATEGORIES]:
                parts.append((column == value).to_numpy().astype(np.float64))
                names.append((name, str(value)))
        elif pd.api.types.is_numeric_dtype(column.dtype):
            numbers = column.to_numpy().astype(np.float64)
            known = numbers[np.isfinite(numbers)]
            parts.append(np.where(np.isfinite(numbers), numbers, np.median(known) if len(known) else 0.0))
            names.append((name, None))
    stacked: Floats = np.stack(parts, axis=1) if parts else np.zeros((len(X), 0))
    return stacked, names


def _paths(tree: Any, names: list[tuple[str, str | None]]) -> dict[int, str]:
    """Leaf to the conditions on the way to it, each feature's numbers joined to one range."""
    found: dict[int, str] = {}
    waiting: list[tuple[int, dict[tuple[str, str | None], tuple[float, float]]]] = [(0, {})]
    while waiting:
        node, bounds = waiting.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left < 0:
            found[node] = " and ".join(_said(name, *b) for name, b in bounds.items()) or "all rows"
            continue
        name, cut = names[int(tree.feature[node])], float(tree.threshold[node])
        low, high = bounds.get(name, (-np.inf, np.inf))
        waiting += [(left, {**bounds, name: (low, min(high, cut))}), (right, {**bounds, name: (max(low, cut), high)})]
    return found


def _said(name: tuple[str, str | None], low: float, high: float) -> str:
    column, category = name
    if category is not None:
        return f"{column} is {category}" if low > -np.inf else f"{column} is not {category}"
    if low == -np.inf:
        return f"{column} at most {high:.4g}"
    return f"{column} above {low:.4g}" if high == np.inf else f"{column} above {low:.4g} up to {high:.4g}"
