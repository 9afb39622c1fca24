"""What commands print: JSON as REST returns it, or text that reads well without colour."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print what REST returns.")]
_WIDE = 200
_LONG = 160


def show_json(value: Any) -> None:
    """``value`` as JSON on stdout, indented for people; numbers stand as the server sent them."""
    from fairloop.core import codec

    plain = json.loads(codec.dumps(value))
    print(json.dumps(plain, indent=2, ensure_ascii=False))


def clean(text: object) -> str:
    """Text in one line, without control characters: names come from people, and a terminal obeys."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Aligned columns; ``empty`` says what to do when there is nothing."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    listed = [[clean(cell) for cell in row] for row in rows]
    if not listed:
        print(empty)
        return
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for row in listed:
        table.add_row(*row)
    console = Console(markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    console.print(table)


def show_fields(fields: dict[str, Any]) -> None:
    """One object, a field a line; nested values as compact JSON, long ones cut."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        nested = isinstance(value, (dict, list))
        text = json.dumps(value, ensure_ascii=False) if nested else when(value) if name.endswith("_at") else value
        line = clean("-" if text is None or text == "" else text)
        cut = f"{line[:_LONG]} ... (all of it with --json)" if nested and len(line) > _LONG else line
        print(f"{name:<{width}}  {cut}")


def when(text: object) -> str:
    """An RFC 3339 time as people write it, in UTC."""
    if not isinstance(text, str) or not text:
        return "-"
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def notice(words: str) -> None:
    """Progress and hints go to stderr, so that stdout can be piped."""
    print(words, file=sys.stderr, flush=True)
