"""What a network leans on, and swapped words, on the page that says why."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.test_pages import IN, settled, until

pytestmark = pytest.mark.browser

WHY = f"{IN}/models/income/3/why"


def test_findings_come_before_the_numbers(site: Any) -> None:
    page = site.open(WHY)
    settled(page)
    concepts = page.locator("[data-analysis=concepts]")
    assert (
        concepts.locator("ol.summary li")
        .first.inner_text()
        .startswith("The model's answer 'doctor' leans on the concept 'male'")
    )
    row = concepts.locator("table.data").first.locator("tbody tr")
    assert "+0.21 (+0.17 to +0.24)" in row.inner_text()
    assert row.inner_text().rstrip().endswith("yes")
    assert "Since doctor v1" in concepts.inner_text()
    swap = page.locator("[data-analysis=swap]")
    assert "he → she" in swap.inner_text()
    assert "too few" in swap.inner_text()


def test_the_page_fits_a_phone(site: Any) -> None:
    page = site.open(WHY)
    page.set_viewport_size({"width": 400, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_asking_for_a_concept_by_keyboard(site: Any) -> None:
    page = site.open(f"{IN}/models/income/1/why")
    page.locator("summary", has_text="Concept").focus()
    page.keyboard.press("Enter")
    page.get_by_label("What people call it").fill("male")
    page.get_by_label("Rows that show it").fill("sex=male")
    page.get_by_role("button", name="Look inside").press("Enter")
    until(page, "document.body.innerText.includes('Asked. The answer comes here by itself.')")
    assert page.get_by_text("Concepts, asked").is_visible()
