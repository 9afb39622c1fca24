"""Doubtful data and labelling in a real browser: every state whole, answers by keyboard, nothing that would anchor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fairloop.settings import Settings

pytestmark = pytest.mark.browser

IN = "/projects/default"


@pytest.fixture(scope="module")
def labelling(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    import tests.browser.conftest as around
    from tests.browser import labels_seed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(around, "seed", labels_seed.seed)
        settings = Settings(data=tmp_path_factory.mktemp("labelling"), port=around.free_port())
        for url in around.serve(settings, patch, seeded=True):
            context = chromium.new_context(viewport={"width": 1280, "height": 900})
            site = around.Site(url, context)
            yield site
            context.close()
            assert not site.wrong, site.wrong


def test_what_is_thin_or_doubtful_stands_on_the_version_page(labelling: Any) -> None:
    page = labelling.open(f"{IN}/data/credit/1")
    told = page.inner_text("#doubtful")
    assert "women look under-recorded: 41 % [33, 48]" in told
    assert "Looks wrong" in told
    assert "capital-gain above 7074" in told
    assert "62" in told
    told = page.inner_text("#prescription")
    assert "0.13 [0.11, 0.15]" in told
    assert "prescribed" in told
    assert "Looking" in labelling.open(f"{IN}/data/credit/3").inner_text("#doubtful")
    failed = labelling.open(f"{IN}/data/credit/4")
    assert "binary target" in failed.inner_text("#doubtful")
    assert failed.is_visible("text=Look again")
    for path in (f"{IN}/data/credit/1", f"{IN}/labels"):
        page = labelling.open(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_version_made_of_labels_says_promise_and_measurement(labelling: Any) -> None:
    page = labelling.open(f"{IN}/data/credit/2")
    assert "inside the promised 0.11 to 0.15" in page.inner_text("#promise")
    page.click("text=The labelling task")
    page.wait_for_selector("h1:has-text('First round')")
    assert "1.00" in page.inner_text("#label-task")
    assert page.locator("text=Label rows").count() == 0


def test_rows_are_answered_by_keyboard_and_undone(labelling: Any) -> None:
    page = labelling.open(f"{IN}/labels")
    page.click("text=paid of credit v1")
    page.click("text=Label rows")
    page.wait_for_selector("h1:has-text('Would this person pay back?')")
    told = page.inner_text("main")
    assert "Rome <b>" in told
    assert "not known" in told
    shown = page.locator(".label-row dt").all_inner_texts()
    assert "sex" not in shown
    assert "paid" not in shown
    first = page.inner_text(".label-row")
    page.keyboard.press("1")
    page.wait_for_selector("text=You have answered 1 row")
    assert page.inner_text(".label-row") != first
    page.keyboard.press("u")
    page.wait_for_selector("text=You have answered 0 rows")
    assert page.inner_text(".label-row") == first
    for count in range(1, 13):
        page.keyboard.press("123"[count % 3])
        page.wait_for_selector(f"text=You have answered {count} row")
    assert "No row is left for you" in page.inner_text("main")
    page.click("text=Back to the task")
    page.wait_for_selector("text=0 of 12 rows are settled")


def test_answers_are_pasted_and_a_task_is_cancelled(labelling: Any) -> None:
    page = labelling.open(f"{IN}/labels")
    page.click("text=paid of credit v1")
    page.fill("#f-csv", "row,label\n1,yes")
    page.click("text=Bring answers")
    page.wait_for_selector(".flash.bad:has-text('row_id')")
    page.click("text=Close and measure")
    page.wait_for_selector(".flash.bad:has-text('No row is settled yet')")
    page.click("button:has-text('Cancel the task')")
    page.wait_for_selector(".flash:has-text('Cancelled')")
