"""What a column holds, told from its type and values: a number, a category, free text, a date, a truth value, an array."""

from __future__ import annotations

import polars as pl

from fairloop.errors import InvalidInput

TEXT_WORDS = 5.0
"""A column of text whose values have on average more words than this is free text, not a category."""


def kind_of(column: pl.Series) -> str:
    """``number``, ``category``, ``text``, ``boolean``, ``date`` or ``array`` (images, embeddings: as many numbers in each row); InvalidInput for what no model can read."""
    dtype = column.dtype
    if dtype.is_numeric() or dtype == pl.Null:
        return "number"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_temporal():
        return "date"
    if dtype in (pl.Categorical, pl.Enum):
        return "category"
    if dtype == pl.String:
        words = column.drop_nulls().head(2000).str.count_matches(r"\S+").mean()
        return "text" if isinstance(words, float) and words > TEXT_WORDS else "category"
    if is_array(dtype):
        return "array"
    raise InvalidInput(
        f"Column {column.name!r} holds {dtype}, which no model reads; keep numbers, text, dates and truth values, and "
        "store anything else as a reference (a path or an address)."
    )


def is_array(dtype: pl.DataType) -> bool:
    """Whether each row holds numbers in one shape, or a flat list of numbers."""
    inner = dtype
    while isinstance(inner, pl.Array):
        inner = inner.inner  # type: ignore[assignment]  # an instance, though polars says class or instance
    if isinstance(dtype, pl.List):
        inner = dtype.inner  # type: ignore[assignment]
    return dtype.is_nested() and inner.is_numeric()
