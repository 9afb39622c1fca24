"""Write docs/short_forms.md from the glossary of the code: ``python docs/short_forms.py``."""

from __future__ import annotations

from pathlib import Path

from fairloop.core.glossary import ABBREVIATIONS

PAGE = Path(__file__).with_name("short_forms.md")
HEAD = """# Short forms

What capital letters stand for on the pages and in these documents. On a page, point at a short form where it stands first.

| short | words |
| --- | --- |
"""


def page() -> str:
    """The whole document."""
    return HEAD + "".join(f"| {short} | {words} |\n" for short, words in sorted(ABBREVIATIONS.items()))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    print(f"Wrote {PAGE.name}.")
