"""Policy, notifications and the inbox in a real browser: whole, labelled, and a change of the policy by two people."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

EMPTY = "/projects/empty/settings"
PAGES = [
    "/projects/income/settings/policy",
    "/projects/income/settings/notifications",
    f"{EMPTY}/policy",
    f"{EMPTY}/notifications",
]


def test_every_page_is_whole_labelled_and_fits(site: Any) -> None:
    page = site.open("/")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        for path in PAGES:
            assert page.goto(site.url + path, wait_until="domcontentloaded").status == 200, path
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, width)
            bare = page.evaluate(
                "[...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')]"
                ".filter(i => !i.labels.length).map(i => i.outerHTML)"
            )
            assert not bare, (path, bare)


def save(page: Any, text: str, reason: str) -> str:
    page.fill("#f-text", text)
    page.fill("#f-reason", reason)
    with page.expect_navigation():
        page.press("#f-reason", "Enter")
    return str(page.inner_text(".flash"))


def test_two_people_change_the_policy(site: Any) -> None:
    page = site.open(f"{EMPTY}/policy")
    assert "No policy is written yet" in page.inner_text("main")
    assert "is no key of the policy" in save(page, "gate: []\n", "a slip")
    assert save(page, "approval: {role: manager, two_person: true}\n", "as agreed") == "Version 1 is in force."
    assert "approval by a manager, other than who started it" in page.inner_text("main")
    assert save(page, "automatic: [release]\n", "too slow") == "Version 2 waits for a second person."
    assert "You wrote it, so somebody else decides." in page.inner_text("#proposed")
    assert "+automatic: [release]" in page.inner_text("#proposed pre")

    site.context.add_cookies([{"name": "fairloop_person", "value": "Omar Haddad", "url": site.url}])
    page.goto(site.url + "/")
    waiting = page.inner_text(".waiting")
    assert "Version 2 of the policy waits for a second person" in waiting
    assert "Policy version 1 of empty is in force" in page.inner_text("#inbox")
    with page.expect_navigation():
        page.get_by_role("button", name="Mark all as read").click()
    assert page.query_selector("#inbox") is None

    page.goto(site.url + f"{EMPTY}/policy")  # Omar is the second person
    page.fill("#p-confirmed", "it is too slow indeed")
    with page.expect_navigation():
        page.get_by_role("button", name="Confirm version 2").click()
    assert page.inner_text(".flash") == "Version 2 is in force."
    page.goto(site.url + f"{EMPTY}/policy/2")
    assert "-approval: {role: manager, two_person: true}" in page.inner_text("pre.diff")


def test_a_channel_that_cannot_be_is_told_on_the_page(site: Any) -> None:
    page = site.open(f"{EMPTY}/notifications")
    assert "Notices reach people only in their inbox" in page.inner_text("main")
    page.fill("#f-name", "desk")
    page.fill("#f-target", "http://127.0.0.1:1/hook")
    with page.expect_navigation():
        page.get_by_role("button", name="Add channel").click()
    assert "inside this machine or network" in page.inner_text(".flash")
