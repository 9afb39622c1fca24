"""Labels as CSV: the rows to label with an empty answer, and answers read back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from fairloop.core.labeling import ANSWERS, MOST_ITEMS, FinalLabel, NewItem, RowAnswer
from fairloop.errors import InvalidInput

ROW, ANSWER = "row_id", "answer"
_UNSAFE = ("=", "+", "-", "@", "\t", "\r")


def rows_csv(items: Sequence[NewItem]) -> str:
    """The rows as a labeller sees them, with an empty column ``answer`` to fill in."""
    names = list(dict.fromkeys(name for item in items for name in item.values))
    lines = [[item.row_id, "", *(_cell(item.values.get(name)) for name in names)] for item in items]
    return _written([ROW, ANSWER, *names], lines)


def labels_csv(labels: Iterable[FinalLabel]) -> str:
    """What every row's answers came to."""
    lines = [[label.row_id, label.answer, str(label.state), label.answers] for label in labels]
    return _written([ROW, ANSWER, "state", "answers"], lines)


def read_answers(text: str) -> list[RowAnswer]:
    """Answers from CSV with the columns ``row_id`` and ``answer``; lines with an empty answer are passed over.

    Raises
    ------
    InvalidInput
        A column is missing, a row id is no whole number, or an answer is not positive, negative or skip.
    """
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    missing = [name for name in (ROW, ANSWER) if name not in (reader.fieldnames or [])]
    if missing:
        raise InvalidInput(f"The first line must name the columns {ROW} and {ANSWER}; {missing[0]} is missing.")
    found = []
    for line, row in enumerate(reader, start=2):
        answer = (row[ANSWER] or "").strip().lower()
        if not answer:
            continue
        if answer not in ANSWERS:
            raise InvalidInput(f"Line {line}: {answer[:40]!r} is not an answer; write {', '.join(ANSWERS)}.")
        try:
            found.append(RowAnswer(row_id=int(row[ROW] or ""), answer=answer))
        except ValueError as cause:
            raise InvalidInput(f"Line {line}: {str(row[ROW])[:40]!r} is no row id.") from cause
        if len(found) > MOST_ITEMS:
            raise InvalidInput(f"There are more than {MOST_ITEMS} answers; send them in parts.")
    if not found:
        raise InvalidInput("No line has an answer; write positive, negative or skip in the column answer.")
    return found


def _written(head: Sequence[object], lines: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([_cell(name) for name in head])
    writer.writerows(lines)
    return buffer.getvalue()


def _cell(value: object) -> object:
    """Text that a spreadsheet would run as a formula is quoted; numbers stay as they are."""
    if isinstance(value, str) and value.startswith(_UNSAFE):
        return "'" + value
    return "" if value is None else value
