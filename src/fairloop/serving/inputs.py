"""Typed input: client values against the model's signature, refused by name when they do not fit.

Rows travel as columns (name -> list of values), the shape both the OIP and the model want. Pure Python: the numbers
become arrays only at the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fairloop.errors import InvalidInput, TooLarge

Columns = dict[str, list[Any]]
_KINDS = {
    "number": "number", "float": "number", "double": "number", "float64": "number", "float32": "number",
    "integer": "integer", "int": "integer", "long": "integer", "int64": "integer", "int32": "integer",
    "boolean": "boolean", "bool": "boolean", "category": "category", "text": "text", "string": "text", "str": "text",
    "date": "date", "datetime": "date", "array": "array",
}  # fmt: skip
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One input of a model. ``missing`` says whether it may be null, ``shape`` how many numbers an array has each way."""

    name: str
    kind: str
    missing: bool = True
    shape: tuple[int, ...] = ()

    @property
    def wanted(self) -> str:
        """What clients send, in words."""
        return f"a list of {math.prod(self.shape)} numbers" if self.kind == "array" else _READ[self.kind][1]

    @property
    def reader(self) -> Callable[[Any], Any]:
        """From a client's value to the typed one; None when it does not fit."""
        return partial(_array, shape=self.shape) if self.kind == "array" else _READ[self.kind][0]


def _number(value: Any) -> float | None:
    if type(value) in (int, float) and math.isfinite(value):
        return float(value)
    return None


def _integer(value: Any) -> int | float | None:
    if type(value) is int and abs(value) < 2**63:
        return value
    return value if type(value) is float and math.isfinite(value) and value.is_integer() else None


def _boolean(value: Any) -> bool | None:
    return bool(value) if value is True or value is False or value in (0, 1) else None


def _text(value: Any) -> str | None:
    return value if type(value) is str else None


def _category(value: Any) -> str | None:
    """Categories are text; numbers and truth values that name one are read as the text a table shows for them."""
    if type(value) is str:
        return value
    if value is True or value is False:
        return str(value).lower()
    return str(value) if type(value) in (int, float) and math.isfinite(value) else None


def _date(value: Any) -> float | None:
    """Days since 1970, from that number or from ISO 8601 text."""
    if type(value) is not str:
        return _number(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() / _DAY_S


def _array(value: Any, shape: tuple[int, ...]) -> list[float] | None:
    """Nested lists of the shape, or one flat list of as many numbers, as one flat list."""
    if isinstance(value, list) and not (value and isinstance(value[0], list)):
        shape = (math.prod(shape),)
    found: list[Any] = [value]
    for size in shape:
        if any(not isinstance(part, list) or len(part) != size for part in found):
            return None
        found = [v for part in found for v in part]
    numbers = [_number(v) for v in found]
    return None if None in numbers else [v for v in numbers if v is not None]


_READ: dict[str, tuple[Callable[[Any], Any], str]] = {
    "number": (_number, "a finite number"), "integer": (_integer, "a whole number"),
    "boolean": (_boolean, "true or false"), "text": (_text, "text"), "category": (_category, "text"),
    "date": (_date, "a date such as '2026-11-22'"),
}  # fmt: skip


class Inputs:
    """A model's input columns, and the checks on what clients send for them."""

    def __init__(self, columns: Sequence[Column], *, max_rows: int = 10_000) -> None:
        self.columns = list(columns)
        self.names = [c.name for c in columns]
        self.arrays = {c.name for c in columns if c.kind == "array"}
        self._readers = {c.name: c.reader for c in columns}
        self._max_rows = max_rows

    def check(self, found: Columns) -> tuple[Columns, int]:
        """The columns in the model's order with typed values, and the number of rows.

        Raises
        ------
        InvalidInput
            A column is missing, unknown, of another length, or holds a value that does not fit; named in the message.
        TooLarge
            More rows than one request may carry.
        """
        for name in found:
            if name not in self._readers:
                raise InvalidInput(
                    f"{name[:80]!r} is not an input of this model; leave it out. Sensitive values go into "
                    f"parameters.sensitive. Its inputs are: {', '.join(self.names)[:400]}."
                )
        lengths = {len(values) for values in found.values()}
        if len(lengths) > 1:
            raise InvalidInput(
                f"The columns have different numbers of rows ({sorted(lengths)}); send one value per row."
            )
        n = lengths.pop() if lengths else 0
        if n == 0:
            raise InvalidInput(f"No rows: send at least one row with {', '.join(self.names)[:400]}.")
        if n > self._max_rows:
            raise TooLarge(f"{n} rows in one request; send at most {self._max_rows} at once.")
        return {c.name: self._column(c, found.get(c.name)) for c in self.columns}, n

    def _column(self, column: Column, values: list[Any] | None) -> list[Any]:
        if values is None:
            unknown = ", or null when it is unknown" if column.missing else ""
            raise InvalidInput(f"The input {column.name!r} is missing; send {column.wanted}{unknown}.")
        read = self._readers[column.name]
        typed = [None if value is None else read(value) for value in values]
        if None in typed:
            self._check_missing(column, values, typed)
        return typed

    @staticmethod
    def _check_missing(column: Column, values: list[Any], typed: list[Any]) -> None:
        """What is None in ``typed`` was null and may be."""
        for row, (value, good) in enumerate(zip(values, typed, strict=True)):
            if value is None and not column.missing:
                raise InvalidInput(f"{column.name!r} in row {row} is null, but this model needs a value there.")
            if value is not None and good is None:
                raise InvalidInput(f"{column.name!r} in row {row} is {_shown(value)}; send {column.wanted}.")

    def from_records(self, records: Sequence[Any]) -> tuple[Columns, int]:
        """Checked columns of a list of objects."""
        columns: Columns = {}
        for row, record in enumerate(records):
            if not isinstance(record, dict):
                raise InvalidInput(f"Row {row} is {_shown(record)}; send an object with a value per column.")
            for name in record:
                if name not in columns:
                    columns[name] = []
        for row, record in enumerate(records):
            for name, values in columns.items():
                if name not in record:
                    raise InvalidInput(
                        f"Row {row} has no {name[:80]!r}; send it for every row, or null when it is unknown."
                    )
                values.append(record[name])
        return self.check(columns)

    def from_rows(self, names: Sequence[Any] | None, rows: Sequence[Any]) -> tuple[Columns, int]:
        """Checked columns of a list of lists; without ``names`` the values stand in the signature's order."""
        wanted = self.names if names is None else [str(n) for n in names]
        if len(set(wanted)) != len(wanted):
            raise InvalidInput("A column stands twice in 'columns'; keep one.")
        for row, values in enumerate(rows):
            if not isinstance(values, list) or len(values) != len(wanted):
                raise InvalidInput(f"Row {row} does not hold {len(wanted)} values ({', '.join(wanted)[:400]}).")
        if not rows:
            return self.check({name: [] for name in wanted})
        return self.check({name: list(column) for name, column in zip(wanted, zip(*rows, strict=True), strict=True)})


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return repr(value)[:60]


def columns_of(signature: dict[str, Any]) -> list[Column]:
    """Input columns of a model's signature, ours (``{"columns": [...]}``) or MLflow's (``{"inputs": [...]}``).

    Raises
    ------
    InvalidInput
        The signature names no inputs, or a type that cannot be served.
    """
    entries = signature.get("columns") or signature.get("inputs") or []
    if not entries or not all(isinstance(e, dict) and e.get("name") for e in entries):
        raise InvalidInput("The model has no signature with named input columns; log it with an input example.")
    columns = []
    for entry in entries:
        kind = _KINDS.get(str(entry.get("kind") or entry.get("type")))
        if kind is None:
            raise InvalidInput(f"The input {entry['name']!r} has type {entry.get('type')!r}, which is not served.")
        missing = entry.get("missing", entry.get("nullable"))
        if missing is None:
            missing = not entry.get("required", False)
        shape = tuple(int(size) for size in entry.get("shape", [])) if kind == "array" else ()
        columns.append(
            Column(name=str(entry["name"]), kind=kind, missing=bool(missing) and kind != "array", shape=shape)
        )
    return columns


def sensitive_of(parameters: Any, n: int) -> list[dict[str, str]] | None:
    """Per row the sensitive values in a request's ``parameters`` (``{"sensitive": {attribute: value or list}}``)."""
    told = parameters.get("sensitive") if isinstance(parameters, dict) else None
    if told is None:
        return None
    if not isinstance(told, dict) or len(told) > 20:
        raise InvalidInput('parameters.sensitive must be an object such as {"sex": ["Female", "Male"]}.')
    rows: list[dict[str, str]] = [{} for _ in range(n)]
    for attribute, values in told.items():
        listed = values if isinstance(values, list) else [values] * n
        if len(listed) != n:
            raise InvalidInput(f"parameters.sensitive.{attribute[:40]} holds {len(listed)} values for {n} rows.")
        for row, value in zip(rows, listed, strict=True):
            if value is None:
                continue
            text = _category(value)
            if text is None or len(text) > 200:
                raise InvalidInput(f"parameters.sensitive.{attribute[:40]} holds {_shown(value)}; send short text.")
            row[attribute[:200]] = text
    return rows
