"""Short forms on a page: each is explained where it stands first, whoever wrote it."""

from __future__ import annotations

import re
from html import escape

from fairloop.core.glossary import ABBREVIATIONS

_TAG = re.compile(r"(<!--.*?-->|<[^>]*>)", re.DOTALL)
_SHORT = re.compile(rf"(?<![\w.$-])({'|'.join(sorted(ABBREVIATIONS, key=len, reverse=True))})(?![\w-]|\.\w)")
_VERBATIM = {"script", "style", "code", "pre", "textarea", "title", "option", "abbr", "svg"}


def explained(html: str) -> str:
    """``html`` with the first use of each short form in its text wrapped in ``<abbr title>``.

    Code, form fields and what is explained already stay as they are.
    """
    seen: set[str] = set()
    within: list[str] = []
    parts = _TAG.split(html)
    for place, part in enumerate(parts):
        if place % 2:
            _enter_or_leave(part, within)
        elif part and not within:
            parts[place] = _SHORT.sub(lambda m: _wrapped(m[1], seen), part)
    return "".join(parts)


def _enter_or_leave(tag: str, within: list[str]) -> None:
    found = re.match(r"</?([a-zA-Z]+)", tag)
    name = found[1].lower() if found else ""
    if name not in _VERBATIM or tag.endswith("/>"):
        return
    if tag.startswith("</"):
        if within and within[-1] == name:
            within.pop()
    elif not within or within[-1] in {"svg"}:
        within.append(name)


def _wrapped(short: str, seen: set[str]) -> str:
    if short in seen:
        return short
    seen.add(short)
    return f'<abbr title="{escape(ABBREVIATIONS[short], quote=True)}">{short}</abbr>'
