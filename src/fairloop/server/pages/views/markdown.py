"""Comments as HTML: Markdown without raw HTML, cleaned once more by an allow-list. Nothing else may mark text as safe.

Two libraries, each of which would do alone: what one lets slip the other stops (reliability test S65).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from fairloop.projects.discussion import mention_pattern

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

TAGS = {"p", "br", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr", "h3", "h4", "table",
        "thead", "tbody", "tr", "th", "td", "b"}  # fmt: skip
SCHEMES = {"http", "https", "mailto"}
_DEEPEST = 12


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # when the first comment is shown, not when the server starts

    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": _DEEPEST})
    return parser.enable(["table", "strikethrough"]).disable(["image"])


def render(text: str, names: Iterable[str] = ()) -> str:
    """Safe HTML of a comment; ``@name`` of one of ``names`` stands out."""
    import nh3  # as above

    tokens = _parser().parse(text)
    pattern = mention_pattern(names)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = "h3" if token.tag in {"h1", "h2", "h3"} else "h4"
        if pattern is not None and token.children:
            token.children = [part for child in token.children for part in _marked(child, pattern)]
    html = _parser().renderer.render(tokens, _parser().options, {})
    return nh3.clean(html, tags=TAGS, attributes={"a": {"href", "title"}}, url_schemes=SCHEMES,
                     link_rel="noopener noreferrer nofollow", strip_comments=True)  # fmt: skip


def _marked(token: Token, pattern: re.Pattern[str]) -> list[Token]:
    """A piece of text cut where somebody is named."""
    if token.type != "text" or not pattern.search(token.content):
        return [token]
    parts: list[Token] = []
    at = 0
    for match in pattern.finditer(token.content):
        parts.append(token.copy(content=token.content[at : match.start()]))
        parts.append(token.copy(type="html_inline", content=f"<b>@{escape(match[1])}</b>"))
        at = match.end()
    return [*parts, token.copy(content=token.content[at:])]
