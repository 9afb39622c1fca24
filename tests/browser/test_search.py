"""The cycle of a search: its trials on the chart and as a table, each with its run and its outcome."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
CYCLE = "/projects/income/cycles/cyc_5"


def test_the_trials_of_a_search_are_drawn_and_listed(site: Any) -> None:
    page = site.open(CYCLE)
    page.wait_for_selector("[data-chart=frontier] canvas, [data-chart=frontier] svg")
    fold = page.locator("#trials")
    assert fold.locator("summary").inner_text() == "8 trials of the search as a table"
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    rows = fold.locator("tbody tr").all_inner_texts()
    assert len(rows) == 8
    assert "reweighing at strength 1.5" in rows[1]
    assert "candidate" in rows[1]
    assert "not kept" in rows[3]
    assert "ValueError: learning_rate is too large" in rows[7]
    figure = page.locator("[data-chart=frontier]")
    figure.locator("[data-act=table]").click()
    told = figure.locator(".as-table").inner_text()
    assert "Trial 2: gap penalty inside LightGBM at strength 12" in told
    assert "Reweighing 1.5" in told
    if shots := os.environ.get("FAIRLOOP_SHOTS"):
        figure.locator("[data-act=table]").click()
        for theme in ("light", "dark"):
            page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            page.screenshot(path=str(Path(shots) / f"search-{theme}.png"), full_page=True)
