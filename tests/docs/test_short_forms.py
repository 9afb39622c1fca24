"""No unexplained short form: on every page of the server, and in every document."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairloop.core.glossary import ABBREVIATIONS, PLAIN
from fairloop.server.pages.explain import _VERBATIM
from support.asgi import World, world_of

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FOR_EVERYBODY = [ROOT / "README.md", *(DOCS / name for name in ("index.md", "people.md", "evidence.md", "tutorial.md"))]
"""What managers and approvers read: each short form is explained right where it stands first."""
OTHERS = [page for page in sorted(DOCS.rglob("*.md")) if page not in FOR_EVERYBODY and page.name != "short_forms.md"]
"""Written for people who program: these link to the list of short forms."""
SHORT = re.compile(r"(?<![\w.$/-])([A-Z][A-Z0-9]+)(?=s?(?![\w-]|\.\w))")


def prose(page: Path) -> str:
    """A document's text without code, links' targets and placeholders."""
    text = page.read_text("utf-8")
    for pattern in (r"```.*?```", r"<!--.*?-->", r"`[^`\n]*`"):
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    return re.sub(r"^    .*$", "", text, flags=re.MULTILINE)


def unexplained(text: str) -> list[str]:
    """Short forms whose first use has no words in brackets beside it: ``ROC (words)``, ``ROC AUC (words)``, ``words (ROC)``."""
    found = []
    for short in dict.fromkeys(m[1] for m in SHORT.finditer(text) if m[1] in ABBREVIATIONS):
        first = re.search(rf"(?<![\w.$/-]){short}(?=s?(?![\w-]))", text)
        assert first is not None
        before, behind = text[: first.start()], text[first.end() :]
        if not re.match(r"s?(?: [A-Z][A-Z0-9]+)* ?\(", behind) and not re.search(r"\w \((?:[A-Z0-9]+ )*$", before):
            found.append(short)
    return found


@pytest.mark.parametrize("page", [*FOR_EVERYBODY, *OTHERS], ids=lambda p: p.name)
def test_documents_use_known_short_forms(page: Path) -> None:
    text = prose(page)
    unknown = {m[1] for m in SHORT.finditer(text)} - ABBREVIATIONS.keys() - PLAIN
    assert not unknown, "add them to core/glossary.py, or write the words"


@pytest.mark.parametrize("page", FOR_EVERYBODY, ids=lambda p: p.name)
def test_what_everybody_reads_explains_at_first_use(page: Path) -> None:
    assert unexplained(prose(page)) == []


@pytest.mark.parametrize("page", OTHERS, ids=lambda p: p.name)
def test_other_documents_explain_or_link_to_the_list(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not unexplained(prose(page)) or "short_forms.md)" in text, (
        f"{unexplained(prose(page))}; link to short_forms.md"
    )


def test_the_list_is_the_code() -> None:
    sys.path.insert(0, str(DOCS))
    try:
        import short_forms
    finally:
        sys.path.remove(str(DOCS))
    assert (DOCS / "short_forms.md").read_text("utf-8") == short_forms.page(), "run: python docs/short_forms.py"


def test_the_rule_itself() -> None:
    assert unexplained("The ROC AUC (ranking quality) and AUC") == []
    assert unexplained("the command line (CLI) and CLI") == []
    assert unexplained("The ROC curve, later ROC (words)") == ["ROC"]


# ------------------------------------------------------------------ pages
@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    try:
        from seed import seed
    finally:
        sys.path.pop(0)
    loop = asyncio.new_event_loop()
    made = world_of(tmp_path_factory.mktemp("pages"), auth=False, loop=loop)
    seed(made.services, run_count=12)
    made.services.people.ensure_owner("root")
    yield made
    made.services.close()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def visible(html: str) -> Iterator[str]:
    """Pieces of text a reader sees, without code and what is explained already."""
    within: list[str] = []
    for place, part in enumerate(re.split(r"(<!--.*?-->|<[^>]*>)", html, flags=re.DOTALL)):
        if place % 2:
            name = re.match(r"</?([a-zA-Z]+)", part)
            if name and name[1].lower() in _VERBATIM and not part.endswith("/>"):
                if part.startswith("</"):
                    if within and within[-1] == name[1].lower():
                        within.pop()
                elif not within:
                    within.append(name[1].lower())
        elif not within:
            yield part


def pages() -> list[Any]:
    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    try:
        import test_pages
        import test_people
    finally:
        sys.path.pop(0)
    return [*test_pages.PAGES, *test_people.PAGES]


def test_pages_explain_every_short_form(world: World) -> None:
    from urllib.parse import unquote

    unknown: dict[str, set[str]] = {}
    explained = 0
    for path in pages():
        place, _, query = path.partition("?")
        answer = world.call(
            "GET", unquote(place), query=query, headers={"X-Fairloop-Person": "owner", "Accept": "text/html"}
        )
        assert answer.status == 200, (path, answer.status)
        html = answer.body.decode()
        explained += html.count("<abbr")
        known = set(re.findall(r"<abbr [^>]*>(\w+)</abbr>", html))
        for text in visible(html):
            for short in {m[1] for m in SHORT.finditer(text)} - PLAIN - known:
                unknown.setdefault(short, set()).add(path)
    assert unknown == {}
    assert explained > 30
