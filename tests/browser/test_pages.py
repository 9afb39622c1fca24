"""Every page in its states, in a real browser: nothing on the console, nothing refused by the CSP, nothing too wide."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from fairloop.settings import Settings

pytestmark = pytest.mark.browser

IN = "/projects/income"
LONG = "/projects/" + quote(
    "a loop with a name so long that it would not fit anywhere unless the page takes care of it properly v2"
)
RUN = "f" * 31 + "1"
PAGES = [
    "/",
    IN,
    f"{IN}/cycles/cyc_2",
    f"{IN}/cycles/cyc_3",
    f"{IN}/cycles/cyc_4",
    f"{IN}/cycles/cyc_5",
    f"{IN}/runs",
    f"{IN}/runs?filter=metrics.roc_auc+%3E+2",
    f"{IN}/runs?filter=%28",
    f"{IN}/runs/{RUN}",
    f"{IN}/runs/{5:032x}",
    f"{IN}/pipelines",
    f"{IN}/pipelines/prn_3",
    f"{IN}/pipelines/prn_4",
    f"{IN}/data",
    f"{IN}/data/adult/2",
    f"{IN}/models",
    f"{IN}/models/income",
    f"{IN}/models/income/2",
    f"{IN}/models/income/3",
    f"{IN}/models/income/2/why",
    f"{IN}/models/income/3/why",
    f"{IN}/models/income/1/why",
    f"{IN}/models/income/3/evidence",
    f"{IN}/models/income/1/evidence",
    f"{IN}/endpoints",
    f"{IN}/endpoints/income",
    f"{IN}/endpoints/fraud-scores",
    f"{IN}/alerts",
    f"{IN}/audit",
    f"{IN}/settings",
    f"{IN}/search?q=income",
    LONG,
    f"{LONG}/cycles/cyc_run",
    f"{LONG}/pipelines/prn_running",
    "/people",
    "/tokens",
    *(
        f"/projects/empty{part}"
        for part in (
            "",
            "/runs",
            "/pipelines",
            "/data",
            "/models",
            "/endpoints",
            "/alerts",
            "/audit",
            "/settings",
            "/search",
        )
    ),
]


def until(page: Any, truth: str, seconds: float = 10.0) -> None:
    """Wait until the expression is true; playwright's own wait would need eval, which the CSP refuses."""
    for _ in range(int(seconds * 50)):
        if page.evaluate(truth):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never became true: {truth}")


def settled(page: Any) -> None:
    """Wait until every chart and graph on the page is drawn."""
    until(page, "[...document.querySelectorAll('[data-chart]')].every(f => f.dataset.ready)")
    until(page, "[...document.querySelectorAll('[data-dag] .canvas')].every(f => f.querySelector('canvas'))")


def test_every_page_is_whole_and_fits(site: Any) -> None:
    page = site.open("/")
    for path in PAGES:
        assert page.goto(site.url + path, wait_until="domcontentloaded").status == 200, path
        settled(page)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"
        bare = page.evaluate(
            "[...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')]"
            ".filter(i => !i.labels.length).map(i => i.outerHTML)"
        )
        assert not bare, f"{path}: inputs without a label {bare}"
        assert not site.wrong, f"{path}: {site.wrong}"


def test_dark_and_on_a_phone(chromium: Any, site: Any) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark")
    for path in ("/", IN, f"{IN}/cycles/cyc_5", f"{IN}/models/income/3", f"{IN}/alerts"):
        page = context.new_page()
        page.goto(site.url + path)
        settled(page)
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    context.close()


def test_the_switch_between_light_and_dark_is_remembered(site: Any) -> None:
    page = site.open("/")
    before = page.evaluate("document.documentElement.dataset.theme")
    page.click("[data-theme-switch]")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") != before


def test_act_as_changes_who_one_is_and_what_one_may(site: Any) -> None:
    page = site.open(f"{IN}/cycles/cyc_5")
    page.click("summary[aria-label^='You are']")
    page.click("button[name=name][value='Theo Brandt']")
    page.wait_for_selector("summary[aria-label='You are Theo Brandt']")
    assert "unverified" in page.inner_text(".top")
    assert "by a manager" in page.inner_text("#decide")
    assert not page.query_selector("#decide form")
    site.open("/people", status=403)


def test_a_chart_has_a_table_and_both_axes_can_be_chosen(site: Any) -> None:
    page = site.open(f"{IN}/cycles/cyc_4")
    settled(page)
    figure = page.locator("[data-chart=frontier]")
    figure.locator("select[data-axis=x]").select_option("equalized_odds_difference by sex")
    figure.locator("[data-act=table]").click()
    assert "Equalized odds difference by sex" in figure.locator(".as-table").inner_text()
    assert "Reweighing 1.5" in figure.locator(".as-table").inner_text()


def test_a_step_is_inspected_by_a_click_on_its_bar_or_node(site: Any) -> None:
    page = site.open(f"{IN}/pipelines/prn_4")
    assert "candidate" in page.inner_text("#inspector h2")
    page.click("#pipeline-bars a[data-step$='_fit']")
    until(page, "document.querySelector('#inspector h2').textContent.includes('fit')")
    assert "Memory" in page.inner_text("#inspector")


def test_tables_sort_filter_and_page(site: Any) -> None:
    page = site.open(f"{IN}/runs")
    assert page.locator("table tbody tr").count() == 100
    page.fill("[data-filter]", "-999")
    assert page.locator("table tbody tr:visible").count() == 1
    page.click("text=Older")
    page.wait_for_url("**cursor=**")
    assert page.locator("table tbody tr").count() == 100
    page.click("th a:has-text('ROC AUC')")
    page.wait_for_url("**order=**")
    cells = page.locator("table tbody tr td:nth-child(7)").all_inner_texts()
    shown = [float(text) for text in cells if text != "–"]
    assert shown == sorted(shown, reverse=True)


def test_shortcuts(site: Any) -> None:
    page = site.open(IN)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("adult")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=adult")
    page.locator("main").focus()
    page.keyboard.press("?")
    assert page.is_visible("#shortcuts")


def test_errors_are_pages(site: Any) -> None:
    assert "Nothing here" in site.open("/projects/nope", status=404).inner_text("h1")
    assert "Nothing here" in site.open("/no/such/page", status=404).inner_text("h1")
    site.open(f"{IN}/cycles/cyc_nope", status=404)


def test_a_half_written_reason_is_not_lost(site: Any) -> None:
    page = site.open(f"{IN}/cycles/cyc_5")
    page.fill("#reason-approved", "The gap is")
    page.evaluate("htmx.trigger('#timeline', 'every')")
    page.evaluate(
        "htmx.ajax('GET', document.querySelector('#timeline').getAttribute('hx-get'), "
        "{target: '#timeline', swap: 'outerHTML'})"
    )
    page.wait_for_timeout(400)
    assert page.input_value("#reason-approved") == "The gap is"


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/../../etc/passwd",
        "/static/x/..%2f..%2f..%2fetc/passwd",
        "/static/x/%2e%2e/%2e%2e/app.py",
        "/static/x/../pages/routes.py",
        "/static/x/vendor/.stamp",
        "/static/x//etc/passwd",
    ],
)
def test_static_files_never_leave_their_folder(seeded_url: str, path: str) -> None:
    """S17, with a client that does not tidy the path."""
    connection = http.client.HTTPConnection(urlsplit(seeded_url).netloc, timeout=10)
    connection.putrequest("GET", path, skip_host=False)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 404
    connection.close()


def test_approving_is_one_form_and_is_recorded(chromium: Any, tmp_path: Path) -> None:
    from tests.browser.conftest import Site, free_port, serve

    with pytest.MonkeyPatch.context() as patch:
        for url in serve(Settings(data=tmp_path, port=free_port()), patch, seeded=True):
            context = chromium.new_context(viewport={"width": 1280, "height": 900})
            site = Site(url, context)
            page = site.open(f"{IN}/cycles/cyc_5")
            page.click("summary[aria-label^='You are']")
            page.click("button[name=name][value='Omar Haddad']")
            page.wait_for_selector("summary[aria-label='You are Omar Haddad']")
            page.fill("#reason-approved", "The gap is within the policy.")
            page.click("text=Approve income v3")
            page.wait_for_selector(".flash:has-text('Approved')")
            assert "Omar Haddad approved it" in page.inner_text("#timeline")
            audit = site.open(f"{IN}/audit").inner_text("table")
            assert "model.approved" in audit
            assert "The gap is within the policy." in audit
            alerts = site.open(f"{IN}/alerts")
            alerts.click("button:has-text('Acknowledge')")
            alerts.wait_for_selector(".flash:has-text('Acknowledged')")
            assert not site.wrong, site.wrong
            context.close()


def test_a_secured_server_asks_who_one_is(chromium: Any, tmp_path: Path) -> None:
    from tests.browser.conftest import Site, free_port, serve

    settings = Settings(data=tmp_path, port=free_port(), auth=True)
    with pytest.MonkeyPatch.context() as patch:
        for url in serve(settings, patch, seeded=False):
            context = chromium.new_context(viewport={"width": 1280, "height": 900})
            site = Site(url, context)
            assert "Log in" in site.open("/", status=401).inner_text("h1")
            page = site.open("/setup")
            page.fill("[name=token]", "wrong")
            page.fill("[name=name]", "ada")
            page.fill("[name=password]", "a long enough phrase 7")
            page.fill("[name=again]", "a long enough phrase 7")
            page.click("button.first")
            page.wait_for_selector(".flash.bad")
            assert "set-up token" in page.inner_text(".flash.bad")
            context.close()
            assert [w for w in site.wrong if "400" not in w] == []
