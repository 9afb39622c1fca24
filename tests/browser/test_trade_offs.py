"""What no model can have together is on the verdict's card, folded, and opens by keyboard."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_a_verdict_says_what_base_rates_forbid(site: Any) -> None:
    page = site.open("/projects/income/models/income/3")
    card = page.locator(".verdict", has_text="equalized odds difference").first
    fold = card.locator("summary", has_text="What no model can have together here")
    assert not card.get_by_text("cannot both hold").is_visible()
    fold.focus()
    page.keyboard.press("Enter")
    assert card.get_by_text("cannot both hold").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
