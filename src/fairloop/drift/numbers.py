"""Profiles of columns of numbers: counts between quantiles of the reference."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

BINS = 20
_CHUNK = 65536

Values = npt.NDArray[Any]
Profile = dict[str, Any]


def values_of(series: pl.Series) -> tuple[Values, int]:
    """The present values as a numpy array of integers or floats, and how many are missing (null, NaN, no
    number)."""
    if not (series.dtype.is_numeric() or series.dtype == pl.Boolean or series.dtype.is_temporal()):
        series = series.cast(pl.Float64, strict=False)
    if series.dtype.is_temporal() or series.dtype == pl.Boolean:
        series = series.to_physical().cast(pl.Int64)
    elif series.dtype.is_decimal():
        series = series.cast(pl.Float64)
    size = len(series)
    if series.null_count():
        series = series.drop_nulls()
    array = series.to_numpy()
    if array.dtype.kind == "f" and np.isnan(array.min(initial=np.inf)):
        array = array[~np.isnan(array)]
    return array, size - len(array)


def number_reference(series: pl.Series, bins: int = BINS) -> Profile:
    """Edges at the quantiles of the present values, and the counts between them.

    Bin i holds values in (edge i-1, edge i]; the first and last are open. Values that fill several quantiles
    get one edge, so a column of few distinct values has one bin for each of the frequent ones.
    """
    values, missing = values_of(series)
    edges = _edges(values, bins)
    profile = _profile(values, missing, edges)
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    profile["low"] = float(finite.min()) if len(finite) else None
    profile["high"] = float(finite.max()) if len(finite) else None
    return profile


def number_window(series: pl.Series, reference: Profile) -> Profile:
    """Counts of other rows in the reference's bins."""
    values, missing = values_of(series)
    profile = _profile(values, missing, [float(edge) for edge in reference["edges"]])
    return profile | {"low": reference["low"], "high": reference["high"]}


def _profile(values: Values, missing: int, edges: list[float]) -> Profile:
    floats = values.astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        total, square = float(floats.sum()), float(floats @ floats)
    return {
        "kind": "number", "n": len(values) + missing, "missing": missing, "edges": edges,
        "counts": count_between(values, edges),
        "sum": total if np.isfinite(total) else None, "square": square if np.isfinite(square) else None,
    }  # fmt: skip


def _edges(values: Values, bins: int) -> list[float]:
    if len(values) == 0:
        return []
    ordered = np.sort(values)
    wanted = (np.arange(1, bins) * len(ordered)) // bins
    edges = np.unique(ordered[np.maximum(wanted - 1, 0)].astype(np.float64))
    edges = edges[np.isfinite(edges) & (edges < float(ordered[-1]))]
    return [float(edge) for edge in edges]


def count_between(values: Values, edges: list[float]) -> list[int]:
    """How many values lie in each bin, by one comparison an edge over pieces that stay in the processor's
    cache.

    Comparing against each edge beats a search per value for the few edges of a profile: comparisons run on
    whole vectors and do not branch.
    """
    if not edges:
        return [len(values)]
    below = np.zeros(len(edges), dtype=np.int64)
    limits = _limits(values, edges)
    flags = np.empty(min(_CHUNK, len(values)), dtype=np.bool_)
    for start in range(0, len(values), _CHUNK):
        piece = values[start : start + _CHUNK]
        found = flags[: len(piece)]
        for index, limit in limits:
            np.less_equal(piece, limit, out=found)
            below[index] += np.count_nonzero(found)
    counts = np.diff(below, prepend=0, append=len(values))
    return [int(count) for count in counts]


def _limits(values: Values, edges: list[float]) -> list[tuple[int, Any]]:
    """Edges in the type of the values, so that comparing converts nothing; rounding down keeps x <= edge
    exact.

    An edge below what the type can hold is left out: nothing lies at or below it.
    """
    if values.dtype == np.float32:
        narrow = np.asarray(edges, dtype=np.float32)
        over = narrow.astype(np.float64) > np.asarray(edges)
        return list(enumerate(np.where(over, np.nextafter(narrow, np.float32(-np.inf)), narrow)))
    if values.dtype.kind == "f":
        return list(enumerate(np.asarray(edges, dtype=values.dtype)))
    info = np.iinfo(values.dtype)
    floors = [math.floor(edge) for edge in edges]
    return [
        (i, np.array(min(floor, info.max), dtype=values.dtype)) for i, floor in enumerate(floors) if floor >= info.min
    ]
