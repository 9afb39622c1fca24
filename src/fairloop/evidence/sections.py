"""Cards: titled sections of sentences, facts and tables, with what is missing said. One shape, shown in four ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any

from fairloop.core.records import to_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """``missing`` names what belongs here and nobody recorded."""

    title: str
    words: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    table: Table | None = None
    missing: list[str] = field(default_factory=list)

    @property
    def known(self) -> bool:
        return bool(self.words or self.facts or (self.table and self.table.rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    title: str
    lead: list[str]
    sections: list[Section]

    @property
    def missing(self) -> list[str]:
        return [f"{section.title}: {what}" for section in self.sections for what in section.missing]


def as_json(card: Card) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(card)
    return {"schema": "fairloop-card/1", **plain}


# ------------------------------------------------------------------ Markdown
def as_markdown(card: Card) -> str:
    lines = [f"# {_md(card.title)}", "", *[f"{_md(text)}\n" for text in card.lead]]
    for section in card.sections:
        lines += [f"## {_md(section.title)}", ""]
        lines += [f"{_md(text)}\n" for text in section.words]
        if section.facts:
            lines += [*[f"- **{_md(name)}**: {_md(value)}" for name, value in section.facts], ""]
        if section.table and section.table.rows:
            lines += [_row(section.table.head), _row(["---"] * len(section.table.head)),
                      *[_row(row) for row in section.table.rows], ""]  # fmt: skip
        lines += [f"- *Missing*: {_md(what)}" for what in section.missing] + ([""] if section.missing else [])
    return "\n".join(lines).rstrip() + "\n"


def _md(text: str) -> str:
    """Text from people stays text: no markup of theirs is run."""
    flat = " ".join(str(text).split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|" else c for c in flat)


def _row(cells: list[str]) -> str:
    shown = [cell if cell == "---" else _md(cell) for cell in cells]
    return f"| {' | '.join(shown)} |"


# ------------------------------------------------------------------ HTML that opens without a server
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1d2430;background:#fff}
h1{font-size:1.7rem;margin:2.5rem 0 .5rem}h2{font-size:1.15rem;margin:2rem 0 .3rem;border-bottom:1px solid #d8dde6}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.6rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #e4e8ef;vertical-align:top;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}
.missing{border-left:4px solid #b7791f;padding-left:.7rem;margin:.4rem 0}
nav a{margin-right:1rem}@media print{body{margin:0;max-width:none;font-size:11pt}h2{break-after:avoid}tr{break-inside:avoid}nav{display:none}}
@media (prefers-color-scheme:dark){@media screen{body{background:#12161d;color:#e6e9ef}h2,th,td{border-color:#2c3442}a{color:#8ab4f8}}}
"""


def as_html(title: str, cards: list[Card], links: list[tuple[str, str]] | None = None) -> str:
    """A whole document: no script, nothing fetched."""
    there = [f'<a href="{escape(to, quote=True)}">{escape(name)}</a>' for name, to in links or []]
    body = [f"<nav>{''.join(there)}</nav>"]
    for card in cards:
        body.append(f"<h1>{escape(card.title)}</h1>")
        body += [f"<p>{escape(text)}</p>" for text in card.lead]
        body += [_section(section) for section in card.sections]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head><body>\n'
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _section(section: Section) -> str:
    parts = [f"<section><h2>{escape(section.title)}</h2>", *[f"<p>{escape(text)}</p>" for text in section.words]]
    if section.facts:
        parts.append("<dl>" + "".join(f"<dt>{escape(n)}</dt><dd>{escape(v)}</dd>" for n, v in section.facts) + "</dl>")
    if section.table and section.table.rows:
        head = "".join(f"<th>{escape(name)}</th>" for name in section.table.head)
        rows = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in section.table.rows)
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    parts += [f'<p class="missing"><strong>Missing:</strong> {escape(what)}</p>' for what in section.missing]
    return "".join(parts) + "</section>"
