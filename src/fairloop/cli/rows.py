"""Rows of a file for an endpoint: CSV and JSON by the standard library, Parquet through polars."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fairloop.core import codec
from fairloop.errors import InvalidInput, NotFound

MISSING = {"", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A"}
_NUMBERS = {"number", "integer"}


def parse_object(text: str, option: str) -> dict[str, Any]:
    """A JSON object given on the command line."""
    try:
        value = codec.loads(text)
    except InvalidInput as cause:
        raise InvalidInput(f"{option} is not JSON ({cause.message}) Write it like '{{\"age\": 39}}'.") from cause
    if not isinstance(value, dict):
        raise InvalidInput(f"{option} must be a JSON object, like '{{\"age\": 39}}'.")
    return value


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV, JSON, JSON-lines or Parquet file; ``-`` reads JSON from stdin. CSV values stay text."""
    if str(path) == "-":
        return _json_rows(sys.stdin.read(), "stdin")
    if not path.is_file():
        raise NotFound(f"There is no file {str(path)!r}; check the path.")
    suffix = path.suffix.lower()
    if suffix in {".parquet", ".pq"}:
        from fairloop.tables.reading import read_parquet

        return [dict(row) for row in read_parquet(path).iter_rows(named=True)]
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise InvalidInput(f"{path.name} is not UTF-8 text; save it in UTF-8.") from cause
    if suffix in {".json", ".jsonl", ".ndjson"}:
        return _json_rows(text, path.name)
    if suffix in {".csv", ".tsv", ".txt"}:
        first = text.split("\n", 1)[0]
        separator = max(",;\t|", key=first.count)
        return [_csv_row(row, number, path.name) for number, row in
                enumerate(csv.DictReader(text.splitlines(), delimiter=separator), start=2)]  # fmt: skip
    raise InvalidInput(f"{path.name!r} is none of .csv, .tsv, .json, .jsonl and .parquet; convert it to one of these.")


def _csv_row(row: dict[str | Any, Any], line: int, name: str) -> dict[str, Any]:
    if None in row or None in row.values():
        raise InvalidInput(f"{name}, line {line} does not have as many values as the first line names.")
    return {key.strip(): None if value.strip() in MISSING else value.strip() for key, value in row.items()}


def _json_rows(text: str, name: str) -> list[dict[str, Any]]:
    try:
        whole = json.loads(text)
    except ValueError:
        whole = [codec.loads(line) for line in text.splitlines() if line.strip()]
    rows = whole if isinstance(whole, list) else [whole]
    if not all(isinstance(row, dict) for row in rows):
        raise InvalidInput(f"{name} must hold JSON objects: a list of them, or one a line.")
    return rows


def typed(rows: Sequence[dict[str, Any]], columns: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Only the model's columns, text read as what it wants; a value that cannot be read is left to the server."""
    if not columns:
        return list(rows)
    return [{c["name"]: _value(row[c["name"]], c["kind"]) for c in columns if c["name"] in row} for row in rows]


def _value(value: Any, kind: str) -> Any:
    if kind == "array":
        return value
    if not isinstance(value, str):
        return value if value is None or isinstance(value, (bool, int, float)) else str(value)
    if kind == "boolean":
        return {"true": True, "false": False, "1": True, "0": False}.get(value.lower(), value)
    if kind not in _NUMBERS:
        return value
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    return value


def label_of(text: str) -> Any:
    """A label from the command line: a number or truth value where it reads like one, else text."""
    if text.strip().lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        raise InvalidInput(
            f"The label {text!r} is not an answer: NaN and infinities tell nothing; leave that label out."
        )
    try:
        value = codec.loads(text)
    except InvalidInput:
        return text
    return value if isinstance(value, (bool, int, float)) else text
