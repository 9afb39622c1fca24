"""What people say and ask, in a real browser: the ten questions, comments, appeals without an account, invitations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairloop.core.people import Identity, Role
from fairloop.server.pages.views.questions import QUESTIONS
from fairloop.server.services import Services
from fairloop.settings import Settings

pytestmark = pytest.mark.browser

IN = "/projects/income"
LONG = (
    "/projects/a loop with a name so long that it would not fit anywhere unless the page takes care of it properly v2"
)
ASKED = [
    IN,
    LONG,
    "/projects/empty",
    f"{IN}/models/income",
    f"{IN}/models/income/1",
    f"{IN}/models/income/2",
    f"{IN}/models/income/3",
]
PAGES = [f"{IN}/discussion", f"{IN}/discussion/model_version/ver_income2", f"{IN}/discussion/alert/alr_drift", f"{IN}/members",
         f"{IN}/appeals", f"{IN}/appeals?show=upheld", "/projects/empty/discussion", "/projects/empty/members",
         "/projects/empty/appeals", "/appeal/end_income", "/appeal-answer", f"{IN}/audit?verify=yes"]  # fmt: skip
RUNS = '<script>document.title="run"</script><img src=x onerror="document.title=\'run\'"> [x](javascript:document.title="run")'


def test_every_page_is_whole_labelled_and_fits(site: Any) -> None:
    for width in (390,):
        page = site.open("/")
        page.set_viewport_size({"width": width, "height": 900})
        for path in PAGES:
            assert page.goto(site.url + path, wait_until="domcontentloaded").status == 200, path
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, width)
            bare = page.evaluate(
                "[...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')]"
                ".filter(i => !i.labels.length).map(i => i.outerHTML)"
            )
            assert not bare, (path, bare)


@pytest.mark.parametrize("path", ASKED)
def test_the_ten_questions_are_answered_on_the_first_screen(site: Any, path: str) -> None:
    page = site.open(path)
    found = page.evaluate(
        "[...document.querySelector('dl.questions').children].map(d => [d.querySelector('dt').innerText,"
        " d.querySelector('dd').innerText, d.getBoundingClientRect().bottom])"
    )
    assert [question for question, _, _ in found] == list(QUESTIONS.values())
    assert all(len(answer) > 3 for _, answer, _ in found)
    assert max(bottom for _, _, bottom in found) <= 900


def test_the_answers_are_those_of_the_seeded_states(site: Any) -> None:
    def said(path: str, question: str) -> str:
        page = site.open(path)
        place = list(QUESTIONS).index(question)
        return str(page.evaluate(f"document.querySelectorAll('dl.questions dd')[{place}].innerText"))

    assert "women and men" in said(IN, "purpose")
    assert said(IN, "well").startswith("Needs you: hours-per-week and age changed")
    assert said(IN, "runs") == "income v2, on the endpoint income."
    assert "5 d ago" in said(IN, "since")
    assert "Women are selected 5.8 points less often than men" in said(IN, "unfair")
    assert "Approved by Omar Haddad" in said(IN, "decided")
    assert "cycle 5" in said(IN, "changed")
    assert "of a budget of 50.00 USD" in said(IN, "cost")
    assert said(IN, "do") == "Decide on cycle 5: approve or refuse, with a reason."
    assert "begins the rollout" in said(IN, "next")
    assert said(LONG, "next").startswith("The model is trained")
    assert said(f"{IN}/models/income/3", "decided") == "Nobody yet: it waits for a manager."


def test_a_comment_is_said_changed_and_deleted_and_nothing_in_it_runs(site: Any) -> None:
    page = site.open(f"{IN}/models/income/2")
    page.wait_for_selector("#discussion textarea")
    page.on("dialog", lambda d: site.wrong.append(f"dialog {d.message}"))
    page.fill("#discussion .say textarea", f"Is the gap **real**, @Omar Haddad? {RUNS}")
    page.click("text=Say it")
    page.wait_for_selector(".flash:has-text('Omar Haddad will read it')")
    page.wait_for_selector("#discussion .comment strong:has-text('real')")
    assert "<script>" in page.inner_text("#discussion .said")
    assert page.evaluate("document.querySelectorAll('#discussion .said :is(script, img, iframe)').length") == 0
    assert page.evaluate(
        "[...document.querySelectorAll('#discussion .said a')].every(a => a.protocol.startsWith('http'))"
    )
    assert not page.title().startswith("run")
    page.click("#discussion summary:has-text('Change')")
    page.fill("#discussion details textarea", "Is it real?")
    page.click("#discussion button:has-text('Save')")
    page.wait_for_selector(".flash:has-text('Changed')")
    page.wait_for_selector("#discussion .comment:has-text('changed')")
    page.click("#discussion button:has-text('Delete')")
    page.wait_for_selector("#discussion .comment:has-text('This comment was deleted')")
    assert "income v2" in site.open(f"{IN}/discussion").inner_text("table")


def test_an_appeal_needs_no_account_and_no_script(chromium: Any, seeded_url: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{seeded_url}/appeal/end_income?prediction=prd_from_a_letter")
    assert page.get_attribute("[name=prediction]", "value") == "prd_from_a_letter"
    assert page.query_selector(".rail") is None  # who happens to be known at this machine is not shown
    page.fill("[name=reason]", "The form has no field for a second job.")
    page.click("button.first")
    assert "Keep the code below" in page.inner_text("main")
    code = page.inner_text(".receipt code")
    page.goto(f"{seeded_url}/appeal-answer")
    page.fill("[name=code]", code)
    page.click("button.first")
    assert "waits for a person" in page.inner_text("main")
    context.close()


def test_somebody_is_invited_and_joins(chromium: Any, tmp_path: Path) -> None:
    from tests.browser import conftest

    paths: list[str] = []
    fill = conftest.seed

    def seed_and_invite(services: Services) -> None:
        fill(services, run_count=5)
        root = Identity(kind="person", name="owner", administrator=True, verified=True)
        project = services.projects.find("income")
        paths.append(services.invitations.invite(root, project.id, Role.VIEWER).path)

    settings = Settings(data=tmp_path, port=conftest.free_port(), auth=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conftest, "seed", seed_and_invite)
        for url in conftest.serve(settings, patch, seeded=True):
            context = chromium.new_context(viewport={"width": 1280, "height": 900})
            site = conftest.Site(url, context)
            page = site.open(paths[0])
            page.fill("[name=name]", "Nora New")
            page.fill("[name=password]", "a long enough phrase 7")
            page.fill("[name=again]", "a long enough phrase 8")
            page.click("button.first")
            page.wait_for_selector(".flash.bad:has-text('differ')")
            page.fill("[name=password]", "a long enough phrase 7")
            page.fill("[name=again]", "a long enough phrase 7")
            page.click("button.first")
            page.wait_for_selector("h1:has-text('income')")
            assert "Nora New" in page.inner_text("header.top")
            members = site.open(f"{IN}/members")
            assert "Nora New" in members.inner_text("table")
            assert members.query_selector("button:has-text('Set role')") is None  # a viewer gives no roles
            site.open(paths[0], status=404)
            context.close()
            assert [w for w in site.wrong if "400" not in w] == []
