"""Rows from files, typed as the model wants them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from fairloop.cli.rows import label_of, parse_object, read_rows, typed
from fairloop.errors import InvalidInput

COLUMNS = [{"name": "age", "kind": "integer"}, {"name": "pay", "kind": "number"}, {"name": "job", "kind": "category"},
           {"name": "ok", "kind": "boolean"}]  # fmt: skip


def test_csv_values_become_what_the_model_wants(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("age;pay;job;ok;income\n39; 1.5 ;007;true;x\n?;2;;0;y\n", "utf-8")
    assert typed(read_rows(file), COLUMNS) == [
        {"age": 39, "pay": 1.5, "job": "007", "ok": True},
        {"age": None, "pay": 2, "job": None, "ok": False},
    ]


def test_a_value_that_cannot_be_read_is_left_for_the_server_to_name() -> None:
    assert typed([{"age": "old"}], COLUMNS) == [{"age": "old"}]
    assert typed([{"any": 1}], []) == [{"any": 1}]


def test_json_lines_and_parquet(tmp_path: Path) -> None:
    lines = tmp_path / "rows.jsonl"
    lines.write_text('{"a": 1}\n{"a": null}\n')
    assert read_rows(lines) == [{"a": 1}, {"a": None}]
    pl.DataFrame({"a": [1, 2]}).write_parquet(tmp_path / "rows.parquet")
    assert read_rows(tmp_path / "rows.parquet") == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(("name", "text", "words"), [
    ("a.csv", "a,b\n1\n", "line 2 does not have as many values"), ("a.json", "[1, 2]", "must hold JSON objects"),
    ("a.xls", "x", "none of .csv"), ("a.jsonl", "{}\n{", "not valid JSON"),
])  # fmt: skip
def test_files_that_do_not_fit(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=words):
        read_rows(tmp_path / name)


def test_labels_and_objects() -> None:
    assert [label_of(t) for t in ("1", "true", "0.5", ">50K", "[1]", "null")] == [1, True, 0.5, ">50K", "[1]", "null"]
    assert parse_object('{"a": 1}', "--row") == {"a": 1}
    for text in ("{a: 1}", "[1]"):
        with pytest.raises(InvalidInput, match="--row"):
            parse_object(text, "--row")
