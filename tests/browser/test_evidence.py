"""The evidence page: reads and prints, makes a pack by keyboard, and hands out the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairloop.evidence.verify import verify_file

pytestmark = pytest.mark.browser

PAGE = "/projects/income/models/income/3/evidence"


def test_it_is_linked_from_the_version_and_says_what_is_missing(site: Any) -> None:
    page = site.open("/projects/income/models/income/3")
    page.get_by_role("link", name="Evidence", exact=True).click()
    page.wait_for_url(f"**{PAGE}")
    assert page.get_by_role("heading", level=1).inner_text().startswith("Evidence about income")
    text = page.locator("main").inner_text()
    for words in (
        "Who decided, and why",
        "How it treats groups",
        "Annex IV headings",
        "NIST AI RMF headings",
        "Missing:",
    ):
        assert words in text
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_printed_it_holds_the_cards_and_not_the_forms(site: Any) -> None:
    page = site.open(PAGE)
    page.emulate_media(media="print")
    assert not page.get_by_role("button", name="Make a pack").is_visible()
    assert not page.get_by_role("link", name="Home").first.is_visible()
    assert page.get_by_role("heading", name="Model card: income v3").is_visible()


def test_a_pack_is_made_by_keyboard_and_verifies(site: Any, tmp_path: Path) -> None:
    page = site.open(PAGE)
    page.get_by_label("What it is for").fill("the yearly audit")
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("A pack was made").wait_for()
    row = page.get_by_role("row").filter(has_text="the yearly audit")
    with page.expect_download() as waiting:
        row.get_by_role("link", name="Download").click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert file.name == "income-v3-evidence.zip"
    assert "the yearly audit" in " ".join(verify_file(file).words)
