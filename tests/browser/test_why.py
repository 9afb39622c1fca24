"""The page that says why: findings first, charts with tables, an empty, a waiting and a failed question, forms to ask."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.test_pages import IN, settled, until

pytestmark = pytest.mark.browser

WHY = f"{IN}/models/income/2/why"


def test_the_finding_comes_first_and_every_chart_has_its_table(site: Any) -> None:
    page = site.open(WHY)
    settled(page)
    first = page.locator("#why ol.summary li").first.inner_text()
    assert first.startswith("Most of the gap of 0.18 by sex comes from relationship (0.06)")
    titles = page.locator("figure.chart h3").all_inner_texts()
    assert any(title.startswith("relationship, marital_status and age make most of the gap by sex") for title in titles)
    assert "relationship tells sex best" in titles
    figure = page.locator("figure.chart", has_text="make most of the gap by sex")
    figure.locator("[data-act=table]").focus()
    page.keyboard.press("Enter")
    assert figure.locator(".as-table").is_visible()
    assert figure.locator(".as-table tbody tr").first.inner_text().startswith("relationship")
    assert (
        page.locator("table.data", has_text="marital_status is Married")
        .locator("tbody tr")
        .first.inner_text()
        .rstrip()
        .endswith("yes")
    )
    assert page.locator("[data-analysis=counterfactual]").get_by_text("capital_gain: 8614 instead of 0").is_visible()


def test_what_waits_and_what_failed_is_said(site: Any) -> None:
    page = site.open(f"{IN}/models/income/3/why")
    assert page.get_by_text("Explain, asked").is_visible()
    assert page.get_by_text("No row of these rows has the id 7").is_visible()


def test_nothing_was_asked_yet(site: Any) -> None:
    page = site.open(f"{IN}/models/income/1/why")
    assert page.get_by_text("Nobody has asked why yet").is_visible()
    assert page.get_by_text("fairloop analyse explain models:/income/1").is_visible()


def test_asking_is_a_form_for_those_who_may(site: Any) -> None:
    page = site.open(f"{IN}/models/income/1/why")
    page.locator("summary", has_text="Explain").click()
    page.get_by_label("Compare", exact=True).select_option("found")
    page.get_by_role("button", name="Explain", exact=True).click()
    until(page, "document.body.innerText.includes('Asked. The answer comes here by itself.')")
    assert page.get_by_text("Explain, asked").is_visible()
    page.request.post(site.url + "/act-as", form={"name": "Theo Brandt", "back": "/"}, headers={"Origin": site.url})
    page.goto(site.url + f"{IN}/models/income/1/why")
    assert page.locator("summary", has_text="Explain").count() == 0


def test_the_model_page_quotes_the_findings(site: Any) -> None:
    page = site.open(f"{IN}/models/income/2")
    card = page.locator("section.card", has=page.get_by_role("heading", name="Why", exact=True))
    assert "Most of the gap of 0.18 by sex" in card.inner_text()
    card.get_by_role("link").click()
    until(page, "location.pathname.endsWith('/why')")
