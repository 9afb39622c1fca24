from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from fairloop.errors import InvalidInput, NotFound
from fairloop.tables.profile import profile_columns
from fairloop.tables.reading import read_file
from fairloop.tables.table import Table


def test_csv_types_and_missing_values(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a;b;c;d\n1;x y;?;2024-01-01\n;NA;2.5;2024-02-01\n3;z;nan;\n", "utf-8")
    frame = read_file(file)
    assert [str(t) for t in frame.dtypes] == ["Int64", "String", "Float64", "Date"]
    assert frame["a"].to_list() == [1, None, 3]
    assert frame["b"].to_list() == ["x y", None, "z"]
    assert frame["c"].to_list() == [None, 2.5, None]


def test_a_type_is_inferred_over_all_rows(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a\n" + "1\n" * 20_000 + "2.5\n")
    assert read_file(file)["a"].dtype == pl.Float64


def test_a_byte_order_mark_and_spaces_do_not_enter_names(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes("﻿a, b\n1,2\n".encode())
    assert read_file(file).columns == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("gone.csv", None, NotFound, "no file"),
        ("t.xlsx", b"x", InvalidInput, "neither .csv, .tsv nor .parquet"),
        ("t.csv", b"", InvalidInput, "is empty"),
        ("t.csv", b"a,a\n1,2\n", InvalidInput, "column 'a' twice"),
        ("t.csv", b"a,b\n\xff\xfe,2\n", InvalidInput, "t.csv"),
        ("t.parquet", b"not parquet at all", InvalidInput, "not a readable Parquet file"),
    ],
)
def test_a_broken_file_is_one_sentence(
    name: str, content: bytes | None, error: type[Exception], words: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(error, match=words) as told:
        read_file(file)
    assert "\n" not in str(told.value)


def test_a_reserved_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("_y,a\n1,2\n")
    with pytest.raises(InvalidInput, match="reserved"):
        Table.from_file(file)


def test_profiles() -> None:
    frame = pl.DataFrame({
        "n": [1.0, 2.0, 3.0, None], "c": ["a", "b", "a", None],
        "t": ["these are quite a few words to read", "and here are some more of the words", "x y z a b c d", None],
        "k": [5, 5, 5, 5], "d": pl.Series(["2024-01-01", "2024-01-03", None, None]).str.to_date(), "_row": [0, 1, 2, 3],
    })  # fmt: skip
    found = profile_columns(frame)
    assert found["rows"] == 4
    columns = found["columns"]
    assert list(columns) == ["n", "c", "t", "k", "d"]
    assert (columns["n"]["missing"], columns["n"]["min"], columns["n"]["max"], columns["n"]["mean"]) == (1, 1, 3, 2)
    assert sum(columns["n"]["histogram"]["counts"]) == 3
    assert columns["c"]["frequent"] == [["a", 2], ["b", 1]]
    assert columns["t"]["kind"] == "text"
    assert columns["k"]["histogram"]["counts"] == [4]
    assert columns["d"]["max"] == "2024-01-03"
