"""Labelled traffic as rows of a training table: the same columns, types and roles."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from fairloop.core import codec
from fairloop.monitoring.windows import features_of
from fairloop.tables.table import RESERVED, ROW, Table

_DAY_US = 86_400_000_000


def with_traffic(train: Table, predictions: pl.DataFrame, labels: pl.DataFrame, sensitive: pl.DataFrame, *,
                 first_id: int) -> Table:  # fmt: skip
    """``train`` and below it one row per labelled prediction, numbered from ``first_id``.

    A sensitive value nobody told is missing; a label the target cannot hold leaves its row out.
    """
    plain = train.frame.drop([name for name in RESERVED if name != ROW and name in train.frame.columns])
    rows = predictions.join(labels.select("id", "label"), on="id", how="inner", maintain_order="left")
    ids = rows["id"].to_list()
    columns: dict[str, pl.Series] = {}
    features = features_of(rows["features"])
    for name in train.features:
        if name in features.columns:
            columns[name] = _cast(features[name], plain.schema[name])
    for name in train.roles.sensitive:
        told = dict(sensitive.filter(pl.col("attribute") == name).select("id", "value").iter_rows())
        columns[name] = _cast(pl.Series(name, [told.get(i) for i in ids], dtype=pl.String), plain.schema[name])
    if train.roles.weight is not None:
        columns[train.roles.weight] = pl.Series(train.roles.weight, [1.0] * len(ids)).cast(
            plain.schema[train.roles.weight]
        )
    target = train.roles.target
    assert target is not None  # noqa: S101  # a table a model learned from has one
    columns[target] = _targets(train, rows["label"].to_list(), plain.schema[target])
    height = len(ids)
    new = pl.DataFrame([columns.get(name, pl.Series(name, [None] * height, dtype=dtype)).alias(name)
                        for name, dtype in plain.schema.items() if name != ROW])  # fmt: skip
    new = new.filter(pl.col(target).is_not_null())
    numbers = pl.Series(ROW, range(first_id, first_id + new.height), dtype=pl.Int64)
    joined = pl.concat(
        [plain.with_columns(pl.col(ROW).cast(pl.Int64)), new.with_columns(numbers).select(plain.columns)]
    )
    return Table(joined, train.roles)


def _cast(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Logged values in the table's type; dates are logged as days since 1970, truth values of categories as text."""
    if dtype == pl.Date:
        return values.cast(pl.Float64, strict=False).floor().cast(pl.Int32).cast(pl.Date)
    if isinstance(dtype, pl.Datetime):
        return (
            (values.cast(pl.Float64, strict=False) * _DAY_US).round().cast(pl.Int64).cast(pl.Datetime("us")).cast(dtype)
        )
    if dtype == pl.Boolean and values.dtype == pl.String:
        truth = {"true": True, "false": False}
        return values.str.to_lowercase().replace_strict(truth, default=None, return_dtype=pl.Boolean)
    if isinstance(dtype, (pl.Enum, pl.Categorical)):
        return values.cast(pl.String, strict=False).cast(dtype, strict=False)
    if isinstance(dtype, pl.Array) and isinstance(values.dtype, pl.List):
        numbers = np.stack([np.asarray(row, dtype=np.float64) for row in values.to_list()])
        if _inner(dtype) == pl.UInt8:  # features.py scales pixels to 0 .. 1
            numbers = np.rint(numbers * 255)
        return pl.Series(values.name, numbers.reshape(len(values), *dtype.shape)).cast(dtype, strict=False)
    return values.cast(dtype, strict=False)


def _inner(dtype: pl.DataType) -> pl.DataType:
    """What the numbers of an array are."""
    while isinstance(dtype, pl.Array):
        dtype = dtype.inner  # type: ignore[assignment]  # an instance, though polars says class or instance
    return dtype


def _targets(train: Table, labels: list[str], dtype: pl.DataType) -> pl.Series:
    """Labels as the target writes them: people may send the answer itself or 1 and 0 for yes and no."""
    known = train.frame[train.roles.target].drop_nulls().unique().to_list() if train.roles.target else []
    by_text = {str(value): value for value in known}
    positive = by_text.get(str(train.roles.positive))
    others = [value for value in known if value != positive]
    negative = others[0] if train.task == "binary" and len(others) == 1 else None

    def answer(label: Any) -> Any:
        if train.task == "regression":
            return label if isinstance(label, (int, float)) else None
        if str(label) in by_text:
            return by_text[str(label)]
        if not isinstance(label, (bool, int, float)) or label not in (0, 1):
            return None
        if positive is None:
            return next((value for value in known if value == label), None)
        return positive if label else negative

    values = [answer(codec.loads(text, trusted=True)) for text in labels]
    return pl.Series(values, dtype=dtype, strict=False)
