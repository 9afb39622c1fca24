"""Polars columns to the pandas columns that scikit-learn and LightGBM read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl

from fairloop.errors import InvalidInput
from fairloop.tables.kinds import kind_of

DAY_MS = 86_400_000


def feature_column(column: pl.Series) -> pd.Series:
    """One column: numbers keep their type (with missing values: float64), text that names categories is categorical,
    free text stays text (missing is empty), dates are days since 1970, arrays (images, embeddings) are NumPy arrays of
    float32, bytes among them scaled to 0 .. 1."""
    kind = kind_of(column)
    if kind == "category":
        return _categorical(column.cast(pl.String))
    if kind == "text":
        return pd.Series(column.fill_null("").to_list(), dtype="str", name=column.name)
    if kind == "array":
        return pd.Series(list(array_values(column)), dtype=object, name=column.name)
    if kind == "date":
        days = column.cast(pl.Int64).cast(pl.Float64) / DAY_MS if column.dtype == pl.Time else _days(column)
        return pd.Series(_floats(days), name=column.name)
    if column.null_count() or column.dtype.is_decimal() or column.dtype == pl.Null:
        return pd.Series(_floats(column), name=column.name)
    return pd.Series(column.to_numpy().copy(), name=column.name)


def _categorical(column: pl.Series) -> pd.Series:
    categories = column.drop_nulls().unique().sort()
    ids = column.replace_strict(categories, np.arange(len(categories)), default=-1, return_dtype=pl.Int32)
    dtype = pd.CategoricalDtype(pd.Index(categories.to_list(), dtype="str"))
    return pd.Series(pd.Categorical.from_codes(ids.to_numpy(), dtype=dtype), name=column.name)


def _days(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Duration:
        return column.dt.total_milliseconds().cast(pl.Float64) / DAY_MS
    return column.cast(pl.Datetime("ms")).cast(pl.Int64).cast(pl.Float64) / DAY_MS


def array_values(column: pl.Series) -> np.ndarray:
    """A column of arrays as float32 of shape (rows, ...); bytes (pixels) become 0 .. 1."""
    if column.null_count():
        raise InvalidInput(
            f"{column.null_count()} rows have no {column.name!r}; a network needs an array in every row."
        )
    if isinstance(column.dtype, pl.List):
        lengths = column.list.len().unique().to_list()
        if len(lengths) > 1:
            raise InvalidInput(
                f"The lists in {column.name!r} have between {min(lengths)} and {max(lengths)} numbers; give each row as many."
            )
        column = column.list.to_array(lengths[0] if lengths else 1)
    found = column.to_numpy()
    return found.astype(np.float32) / (255.0 if found.dtype == np.uint8 else 1.0)


def _floats(column: pl.Series) -> np.ndarray:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()


def group_labels(column: pl.Series) -> list[str | None]:
    """Groups as text; a row with a missing value belongs to no group."""
    return column.cast(pl.String).to_list()
