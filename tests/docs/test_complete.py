"""What exists is documented, and what is documented exists: settings, commands, SDK names, metrics, roles, error codes."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import fairloop
from fairloop import errors
from fairloop.access.permissions import ROLES, Permission
from fairloop.core.checks import DATA_METRICS, GROUP_METRICS, METRICS
from fairloop.core.loops import MITIGATIONS, ON_ALERT
from fairloop.core.people import Role
from fairloop.server.errors import status_of
from fairloop.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
P = Permission
ROWS = {
    "see the project": {P.PROJECT_READ},
    "log runs, add data, run pipelines and loops, register models": {P.RUN_WRITE, P.RUN_DELETE, P.DATA_WRITE,
                                                                     P.PIPELINE_RUN, P.MODEL_WRITE},
    "answer labelling tasks": {P.LABEL},
    "ask endpoints, send feedback": {P.PREDICT, P.FEEDBACK},
    "deploy, move traffic, roll back": {P.ENDPOINT_DEPLOY},
    "change monitors, acknowledge and resolve alerts": {P.MONITOR_EDIT},
    "approve or refuse a candidate": {P.MODEL_APPROVE},
    "change the goal and the budget": {P.PROJECT_EDIT},
    "set the policy and where notices go": {P.POLICY_EDIT},
    "read the audit log": {P.AUDIT_READ},
    "read sensitive values of single predictions": {P.SENSITIVE_READ},
    "add members, set roles": {P.MEMBERS_MANAGE},
    "comment": {P.COMMENT},
    "read appeals and the contact of who appealed": {P.APPEAL_READ},
    "decide appeals, say which endpoints take them": {P.APPEAL_DECIDE},
}  # fmt: skip
"""The rows of the roles table, and the permissions each stands for."""


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


@pytest.fixture(scope="module")
def reference() -> Any:
    """The script that writes docs/cli.md."""
    sys.path.insert(0, str(DOCS))
    try:
        import cli_reference
    finally:
        sys.path.remove(str(DOCS))
    return cli_reference


def table(text: str, first: str) -> dict[str, list[str]]:
    """The Markdown table whose first heading is ``first``: first cell to the others."""
    rows = text[text.index(f"| {first} |") :].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]
    return {cell[0].strip("`"): cell[1:] for cell in cells}


def test_every_setting() -> None:
    assert list(table(page("administration.md"), "setting")) == [field.name for field in fields(Settings)]


def test_every_command(reference: Any) -> None:
    text = page("cli.md")
    assert text == reference.page(text), "run: python docs/cli_reference.py"
    assert "## `fairloop demo`" in text
    assert "### `fairloop token create`" in text


def test_every_public_name() -> None:
    told = "".join(path.read_text("utf-8") for path in PAGES)
    missing = [n for n in fairloop.__all__ if n != "__version__" and f"fl.{n}" not in told]
    assert not missing


def test_every_metric_mitigation_and_policy() -> None:
    text, watched = page("loops.md"), page("monitoring.md")
    told = text + watched + page("metrics.md") + page("evidence.md") + page("people.md")
    assert not [name for name in METRICS if f"`{name}`" not in told]
    assert not [name for name in DATA_METRICS | GROUP_METRICS if f"`{name}`" not in page("metrics.md")]
    assert "`error_rate`" in watched
    assert not [name for name in (*MITIGATIONS, *ON_ALERT) if f'"{name}"' not in text]


def test_the_roles_table_is_the_code() -> None:
    found = table(page("administration.md"), "may")
    assert set(found) == set(ROWS)
    for words, permissions in ROWS.items():
        told = [cell == "yes" for cell in found[words]]
        assert told == [permissions <= ROLES[role] for role in Role], words
        assert told == [bool(permissions & ROLES[role]) for role in Role], words
    assert set().union(*ROWS.values()) == set(ROLES[Role.ADMINISTRATOR]) - {P.PUBLIC, P.SIGNED_IN}


def test_every_error_code() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.FairloopError)
    ]
    found = table(page("rest.md"), "code")
    for kind in kinds:
        if kind in {errors.Unreachable, errors.StepFailed}:
            assert f"`{kind.code}`" in page("rest.md")
        else:
            assert found[kind.code][0] == str(status_of(kind(""))), kind.code


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_and_pictures_exist(path: Path) -> None:
    for target in LINK.findall(path.read_text("utf-8")):
        file, _, anchor = target.partition("#")
        if "://" in target:
            continue
        there = path.parent / file if file else path
        assert there.exists(), f"{path.name} points to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}, target


def test_named_files_exist() -> None:
    named = re.compile(r"`((?:[a-z_]+/)+[a-z_.]+|tests/[a-z_/]+)`")
    for path in PAGES:
        for name in named.findall(path.read_text("utf-8")):
            places = [ROOT / name, ROOT / "src/fairloop" / name]
            if name.startswith(("tests/", "docs/")) or name.endswith(".py"):
                assert any(place.exists() for place in places), f"{path.name} names {name}"


def test_every_page_is_on_the_map() -> None:
    told = page("index.md")
    assert not [p.name for p in DOCS.glob("*.md") if p.name != "index.md" and f"({p.name})" not in told]


def test_the_commands_of_the_readme_are_those_of_the_tutorial() -> None:
    readme, tutorial = (ROOT / "README.md").read_text("utf-8"), page("tutorial.md")
    block = readme.split("## Use it on your own table")[1].split("```bash\n")[1].split("```")[0]
    assert not [line for line in block.strip().splitlines() if f"\n{line}\n" not in tutorial]
