"""What a model reads: its input columns with types and ranges, and rows of JSON turned into the frame it expects."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fairloop.errors import InvalidInput, NotANumber

MAX_CATEGORIES = 200
SAMPLE_ROWS = 3


def columns_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The columns of ``frame`` as plain JSON: name, kind (number, integer, boolean, category, text, array), the range
    of numbers, the known categories and an array's shape."""
    return [_column(str(name), frame[name]) for name in frame.columns]


def _column(name: str, values: pd.Series) -> dict[str, Any]:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return {"name": name, "kind": "category", "categories": [str(c) for c in dtype.categories[:MAX_CATEGORIES]]}
    if pd.api.types.is_bool_dtype(dtype):
        return {"name": name, "kind": "boolean"}
    if pd.api.types.is_numeric_dtype(dtype):
        found: dict[str, Any] = {"name": name, "kind": "integer" if pd.api.types.is_integer_dtype(dtype) else "number"}
        known = values.to_numpy(dtype=np.float64, na_value=np.nan)
        known = known[np.isfinite(known)]
        return found | {"low": float(known.min()), "high": float(known.max())} if len(known) else found
    if len(values) and isinstance(values.iloc[0], np.ndarray):
        every = np.stack(values.tolist())
        return {"name": name, "kind": "array", "shape": list(every.shape[1:]), "missing": False,
                "low": float(every.min()), "high": float(every.max())}  # fmt: skip
    return {"name": name, "kind": "text"}


def sample_of(frame: pd.DataFrame, rows: int = SAMPLE_ROWS) -> list[dict[str, Any]]:
    """The first rows as JSON objects; a missing value is null."""
    records: list[dict[str, Any]] = []
    for _, row in frame.head(rows).iterrows():
        records.append({str(name): _json_value(value) for name, value in row.items()})
    return records


def _json_value(value: Any) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def frame_of(columns: Mapping[str, Sequence[Any]], expected: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The model's input frame from columns of JSON values.

    Columns the model does not read are dropped; their order does not matter.

    Raises
    ------
    InvalidInput
        A column is missing, has another length than the rest, or a value has the wrong type; the message names it.
    """
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise InvalidInput(
            f"The columns have different lengths ({', '.join(map(str, sorted(lengths)))}); send one value a row."
        )
    if not expected:
        return pd.DataFrame(dict(columns))
    if missing := [c["name"] for c in expected if c["name"] not in columns]:
        names = ", ".join(missing[:5])
        raise InvalidInput(f"The request lacks the column {names}; the model reads {len(expected)} columns.")
    return pd.DataFrame({c["name"]: _arrays(c, columns[c["name"]]) if c["kind"] == "array" else
                         _values(c["name"], c["kind"], columns[c["name"]]) for c in expected})  # fmt: skip


def _arrays(column: Mapping[str, Any], values: Sequence[Any]) -> pd.Series:
    """Nested or flat lists of numbers as arrays of the column's shape."""
    shape = tuple(column["shape"])
    found: list[np.ndarray] = []
    for value in values:
        try:
            found.append(np.asarray(value, dtype=np.float32).reshape(shape))
        except (TypeError, ValueError) as cause:
            raise InvalidInput(
                f"Column {column['name']!r} needs {math.prod(shape)} numbers a row, of shape {list(shape)}."
            ) from cause
        if not np.isfinite(found[-1]).all():
            raise NotANumber(f"Column {column['name']!r} holds a number that is not finite; send finite numbers.")
    return pd.Series(found, dtype=object)


def _values(name: str, kind: str, values: Sequence[Any]) -> Any:
    if kind in {"number", "integer", "boolean"}:
        return _numbers(name, kind, values)
    for value in values:
        if not (value is None or isinstance(value, (str, int, float, bool))):
            raise InvalidInput(f"Column {name!r}: {str(value)[:40]!r} is not text; send a string or null.")
    texts = [None if v is None or (isinstance(v, float) and math.isnan(v)) else str(v) for v in values]
    if kind == "category":
        return pd.Categorical(texts, categories=pd.Index(sorted({t for t in texts if t is not None}), dtype="str"))
    return pd.array(["" if t is None else t for t in texts], dtype="str")


def _numbers(name: str, kind: str, values: Sequence[Any]) -> np.ndarray:
    missing = False
    for value in values:
        if value is None:
            missing = True
        elif not isinstance(value, (int, float)):
            raise InvalidInput(f"Column {name!r}: {str(value)[:40]!r} is not a number; send a number or null.")
        elif isinstance(value, float) and math.isinf(value):
            raise NotANumber(f"Column {name!r} holds an infinite number; send a finite number or null.")
        elif isinstance(value, float) and (math.isnan(value) or not value.is_integer()):
            missing = True
    try:
        if kind == "number" or missing:
            return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
        return np.array(values, dtype=np.bool_ if kind == "boolean" else np.int64)
    except OverflowError as cause:
        raise InvalidInput(f"Column {name!r} holds a number beyond 64 bits; send a smaller one.") from cause


def from_mlflow(schema: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Columns from the input schema an MLflow client logged; empty when it is not a schema of named columns."""
    kinds = {"long": "integer", "integer": "integer", "double": "number", "float": "number", "boolean": "boolean",
             "string": "text"}  # fmt: skip
    if not all("name" in c and isinstance(c.get("type"), str) and c["type"] in kinds for c in schema):
        return []
    return [{"name": str(c["name"]), "kind": kinds[c["type"]]} for c in schema]


def to_mlflow(columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same in MLflow's words; empty when a column is categorical, a type that MLflow's schemas do not have (it
    would turn the column into text before the model sees it)."""
    kinds = {"integer": "long", "number": "double", "boolean": "boolean", "text": "string"}
    if any(c["kind"] not in kinds for c in columns):
        return []
    return [{"name": c["name"], "type": kinds[c["kind"]], "required": True} for c in columns]
