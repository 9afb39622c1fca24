"""Rows and answers as CSV."""

from __future__ import annotations

import csv
import io

import pytest

from fairloop.core.labeling import FinalLabel, ItemState, NewItem, RowAnswer
from fairloop.errors import InvalidInput
from fairloop.labeling.files import labels_csv, read_answers, rows_csv


def test_rows_come_back_as_answers() -> None:
    items = [
        NewItem(row_id=7, values={"a": 1.5, "words": 'one, "two"\nthree'}),
        NewItem(row_id=-3, values={"a": None, "b": "x"}),
    ]
    text = rows_csv(items)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["row_id"] for row in rows] == ["7", "-3"]
    assert rows[0]["words"] == 'one, "two"\nthree'
    rows[0]["answer"], rows[1]["answer"] = "Positive ", "skip"
    filled = io.StringIO()
    writer = csv.DictWriter(filled, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    assert read_answers("\ufeff" + filled.getvalue()) == [
        RowAnswer(row_id=7, answer="positive"),
        RowAnswer(row_id=-3, answer="skip"),
    ]


def test_a_spreadsheet_runs_nothing() -> None:
    text = rows_csv([NewItem(row_id=1, values={"a": '=HYPERLINK("http://x")', "=b": "@SUM(1)", "n": -2})])
    head, row = list(csv.reader(io.StringIO(text)))
    assert head[2:] == ["a", "'=b", "n"]
    assert row[2:] == ['\'=HYPERLINK("http://x")', "'@SUM(1)", "-2"]


@pytest.mark.parametrize(("text", "words"), [
    ("row,answer\n1,positive\n", "row_id is missing"), ("", "row_id is missing"), ("row_id,answer\n1,\n", "No line"),
    ("row_id,answer\nx,skip\n", "Line 2: 'x'"), ("row_id,answer\n1,skip\n2,yes\n", "Line 3: 'yes'"),
    ("row_id,answer\n1.5,skip\n", "1.5"),
])  # fmt: skip
def test_what_cannot_be_read_is_named(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_answers(text)


def test_labels() -> None:
    listed = [FinalLabel(row_id=1, state=ItemState.SETTLED, answer="positive", answers=2)]
    assert labels_csv(listed) == "row_id,answer,state,answers\n1,positive,settled,2\n"
