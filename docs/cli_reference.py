"""Write the reference part of docs/cli.md from the commands themselves: ``python docs/cli_reference.py``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from fairloop.cli.app import app

PAGE = Path(__file__).with_name("cli.md")
BEGIN = "<!-- reference: written by docs/cli_reference.py -->\n"


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words, groups before what they hold, in the order of the help."""
    if words:
        yield words, command
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from commands(command.get_command(None, name), (*words, name))


def _row(name: str, words: str) -> str:
    return f"| `{name}` | {' '.join(words.split()).replace('|', '/')} |"


def _rows(command: Any) -> Iterator[str]:
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            shown = (parameter.metavar or parameter.name.upper()).strip("[]")
            yield _row(shown if parameter.required else f"[{shown}]", parameter.help or "")
            continue
        value = "" if parameter.is_flag else f" {parameter.opts[0].lstrip('-').replace('-', '_').upper()}"
        told = parameter.help or ""
        if parameter.required:
            told += " Required."
        elif not parameter.is_flag and parameter.default not in (None, ""):
            told += f" Default: {parameter.default}."
        yield _row(parameter.opts[0] + value, told)


def reference() -> str:
    """One section a command: what it does, its arguments and options."""
    root = typer.main.get_command(app)
    lines = ["## Options of every command", "", "| option | meaning |", "| --- | --- |", *_rows(root), ""]
    for words, command in commands(root):
        lines += [f"{'##' if len(words) == 1 else '###'} `fairloop {' '.join(words)}`", "", command.help or "", ""]
        if rows := list(_rows(command)):
            lines += ["| argument or option | meaning |", "| --- | --- |", *rows, ""]
    return "\n".join(lines)


def page(text: str) -> str:
    """``text`` with its reference part as the commands are now."""
    return text.partition(BEGIN)[0] + BEGIN + "\n" + reference()


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    sys.stdout.write(f"Wrote {PAGE.name}.\n")
