"""Profiles of tables: what a window of rows looks like in a few hundred counts, JSON-able and mergeable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import polars as pl

from fairloop.drift.categories import category_reference, category_window
from fairloop.drift.numbers import number_reference, number_window
from fairloop.drift.text import text_reference, text_window
from fairloop.errors import InvalidInput

Profile = dict[str, Any]
Profiles = dict[str, Profile]
Frame: TypeAlias = Any  # polars or pandas frame, or mapping of column to values

KINDS = ("number", "category", "text")
SCORE = "score"
_TEXT_WORDS = 4.0
_TEXT_DISTINCT = 0.5
_REFERENCES = {"number": number_reference, "category": category_reference, "text": text_reference}
_WINDOWS = {"number": number_window, "category": category_window, "text": text_window}


def profile_reference(frame: Frame, columns: Sequence[str] | None = None,
                      kinds: Mapping[str, str] | None = None) -> Profiles:  # fmt: skip
    """Profiles of the rows that later windows are compared with.

    Parameters
    ----------
    frame : polars or pandas frame, or mapping of column to values
    columns : sequence of str, optional
        All by default. Columns of lists, structs or bytes are passed over.
    kinds : mapping of column to {"number", "category", "text"}, optional
        By default from the type; strings are text when they hold 4 words or more on average and most are
        distinct.

    Returns
    -------
    dict
        Column to profile, of plain JSON values. Without rows every count is 0 and the judge answers
        insufficient.

    Raises
    ------
    InvalidInput
        On an unknown column or kind.
    """
    table = _table(frame, columns)
    result: Profiles = {}
    for series in table.iter_columns():
        kind = (kinds or {}).get(series.name) or kind_of(series)
        if kind is None:
            continue
        if kind not in KINDS:
            raise InvalidInput(f"Unknown kind {kind!r} for column {series.name!r}; known are: {', '.join(KINDS)}.")
        result[series.name] = _REFERENCES[kind](series)
    return result


def profile_window(frame: Frame, reference: Mapping[str, Profile]) -> Profiles:
    """Counts of a window of rows in the reference's bins.

    A column the window lacks counts as missing in every row. A value that cannot be read as the reference's
    kind (text where numbers were) counts as missing.
    """
    table = _table(frame, None)
    present = set(table.columns)
    result: Profiles = {}
    for name, known in reference.items():
        series = table[name] if name in present else None
        if series is None or not _is_flat(series):
            series = pl.Series(name, [None] * len(table), dtype=pl.String)
        result[name] = _WINDOWS[known["kind"]](series, known)
    return result


def profile_scores(scores: Any, reference: Mapping[str, Profile] | None = None) -> Profiles:
    """The profile of a model's scores under the name ``score``: a reference, or a window when one is
    given."""
    frame = {SCORE: np.asarray(scores, dtype=np.float64)}
    return profile_reference(frame) if reference is None else profile_window(frame, reference)


def merge(first: Mapping[str, Profile], second: Mapping[str, Profile]) -> Profiles:
    """The profile of both windows' rows together.

    Raises
    ------
    InvalidInput
        If the two were not counted in the same bins.
    """
    if first.keys() != second.keys():
        raise InvalidInput("The two profiles hold different columns; merge windows of one reference only.")
    return {name: _merge(name, profile, second[name]) for name, profile in first.items()}


def _merge(name: str, first: Profile, second: Profile) -> Profile:
    bins = ("kind", "edges", "categories", "low", "high")
    if any(first.get(key) != second.get(key) for key in bins):
        raise InvalidInput(f"Column {name!r} was counted in different bins; merge windows of one reference only.")
    merged = dict(first)
    for key in ("n", "missing"):
        merged[key] = first[key] + second[key]
    for key in ("sum", "square"):
        if key in first:
            known = first[key] is not None and second[key] is not None
            merged[key] = first[key] + second[key] if known else None
    if "counts" in first:
        merged["counts"] = [a + b for a, b in zip(first["counts"], second["counts"], strict=True)]
    if "new" in first:
        merged["new"] = sorted({*first["new"], *second["new"]})[:5]
    if "features" in first:
        merged["features"] = merge(first["features"], second["features"])
    return merged


def _is_flat(series: pl.Series) -> bool:
    """Whether each row holds one value that can be counted: no list, struct, bytes or Python object."""
    return not (series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object))


def kind_of(series: pl.Series) -> str | None:
    """number, category or text; None for what has no profile (lists, structs, bytes)."""
    if series.dtype.is_numeric() or series.dtype.is_temporal() or series.dtype == pl.Null:
        return "number"
    if not _is_flat(series):
        return None
    if series.dtype != pl.String:
        return "category"
    sample = series.drop_nulls().head(2000)
    if len(sample) == 0:
        return "category"
    words = sample.str.count_matches(r"\S+").mean()
    is_text = isinstance(words, float) and words >= _TEXT_WORDS and sample.n_unique() > _TEXT_DISTINCT * len(sample)
    return "text" if is_text else "category"


def _table(frame: Frame, columns: Sequence[str] | None) -> pl.DataFrame:
    if isinstance(frame, pl.DataFrame):
        table = frame
    elif isinstance(frame, pd.DataFrame):
        table = pl.from_pandas(frame)
    else:
        table = pl.DataFrame(dict(frame), strict=False)
    if columns is None:
        return table
    unknown = [name for name in columns if name not in table.columns]
    if unknown:
        raise InvalidInput(f"No column {unknown[0]!r} to profile; the table has: {', '.join(table.columns)}.")
    return table.select(list(columns))
