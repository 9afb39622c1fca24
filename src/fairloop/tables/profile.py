"""What stands in each column: type, missing values, range, frequent values. For dataset pages; plain JSON values."""

from __future__ import annotations

from typing import Any

import polars as pl

from fairloop.tables.features import array_values
from fairloop.tables.kinds import kind_of
from fairloop.tables.table import RESERVED

FREQUENT = 20
BINS = 20
_SHOWN = 80


def profile_columns(frame: pl.DataFrame) -> dict[str, Any]:
    """``{"rows", "columns": {name: {...}}}``.

    Every column has ``kind``, ``type``, ``missing`` and ``distinct``; numbers have ``min``, ``max``, ``mean``,
    ``quartiles`` and ``histogram`` (edges and counts); categories and truth values have ``frequent`` ([value, count],
    most frequent first); texts have ``words`` (the mean number) and ``examples``; dates have ``min`` and ``max``; arrays have ``shape``, ``min``
    and ``max``.
    """
    names = [name for name in frame.columns if name not in RESERVED]
    return {"rows": frame.height, "columns": {name: _column(frame[name]) for name in names}}


def _column(column: pl.Series) -> dict[str, Any]:
    kind = kind_of(column)
    known = column.drop_nulls()
    if kind == "array":
        return _array(column)
    found: dict[str, Any] = {"kind": kind, "type": str(column.dtype), "missing": column.null_count(),
                             "distinct": known.n_unique()}  # fmt: skip
    if kind == "number":
        return found | _number(known.cast(pl.Float64))
    if kind == "date":
        return found | {"min": str(known.min()), "max": str(known.max())} if len(known) else found
    if kind == "text":
        words = known.str.count_matches(r"\S+").mean()
        return found | {"words": words, "examples": [text[:_SHOWN] for text in known.head(3).to_list()]}
    return found | {"frequent": _frequent(known)}


def _array(column: pl.Series) -> dict[str, Any]:
    values = array_values(column.drop_nulls())
    found: dict[str, Any] = {"kind": "array", "type": str(column.dtype), "missing": column.null_count(),
                             "distinct": len(values), "shape": list(values.shape[1:])}  # fmt: skip
    return found | {"min": float(values.min()), "max": float(values.max())} if values.size else found


def _number(known: pl.Series) -> dict[str, Any]:
    finite = known.filter(known.is_finite())
    if not len(finite):
        return {}
    low, high = float(finite.min()), float(finite.max())  # type: ignore[arg-type]  # not empty
    quartiles = [finite.quantile(q) for q in (0.25, 0.5, 0.75)]
    return {
        "min": low,
        "max": high,
        "mean": finite.mean(),
        "quartiles": quartiles,
        "histogram": _histogram(finite, low, high),
    }


def _histogram(finite: pl.Series, low: float, high: float) -> dict[str, Any]:
    width = (high - low) / BINS
    if width <= 0:
        return {"edges": [low, high], "counts": [len(finite)]}
    bins = ((finite - low) / width).floor().clip(0, BINS - 1).cast(pl.Int64).rename("value")
    counts = dict(bins.value_counts(name="n").iter_rows())
    return {"edges": [low + i * width for i in range(BINS)] + [high], "counts": [counts.get(i, 0) for i in range(BINS)]}


def _frequent(known: pl.Series) -> list[list[Any]]:
    text = known.cast(pl.String).rename("value")
    counts = text.value_counts(name="n").sort(["n", "value"], descending=[True, False]).head(FREQUENT)
    return [[value[:_SHOWN], n] for value, n in counts.iter_rows()]
