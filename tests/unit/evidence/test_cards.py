"""Cards from little and from hostile facts: what is missing is said, what people wrote stays text."""

from __future__ import annotations

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from fairloop.core.checks import Check, judge
from fairloop.core.cycles import ApprovalRequest
from fairloop.core.datasets import DatasetVersion, Roles
from fairloop.core.models import ModelVersion
from fairloop.core.people import Project
from fairloop.core.policy import Vote
from fairloop.evidence.annex_iv import annex_iv
from fairloop.evidence.cards import data_card, model_card
from fairloop.evidence.gather import Facts
from fairloop.evidence.nist import nist
from fairloop.evidence.sbom import bill_of_materials
from fairloop.evidence.sections import Card, Section, as_html, as_json, as_markdown

PROJECT = Project(id="prj_1", name="here")
VERSION = ModelVersion(id="ver_1", project_id="prj_1", model="m", version=1)
BARE = Facts(project=PROJECT, version=VERSION, files=[])


@pytest.mark.parametrize("make", [model_card, data_card, annex_iv, nist])
def test_a_version_of_which_nothing_is_known_says_so(make) -> None:
    card = make(BARE)
    assert card.missing
    assert all(s.known or s.missing for s in card.sections)
    assert json.loads(json.dumps(as_json(card)))["title"] == card.title
    assert "complies" not in as_markdown(card).replace("anything complies", "")


def test_every_heading_of_annex_iv_and_every_category_of_the_framework_stands_there() -> None:
    titles = [s.title for s in annex_iv(BARE).sections]
    wanted = [f"1({c})" for c in "abcdefgh"] + [f"2({c})" for c in "abcdefgh"] + [str(n) for n in range(3, 10)]
    assert [t.split()[0] for t in titles] == wanted
    categories = [" ".join(s.title.split()[:2]) for s in nist(BARE).sections]
    counts = (("GOVERN", 6), ("MAP", 5), ("MEASURE", 4), ("MANAGE", 4))
    assert categories == [f"{name} {n}" for name, most in counts for n in range(1, most + 1)]


def test_votes_gaps_and_data_are_told_in_words() -> None:
    groups = [{"group": "f", "n": 50, "selection_rate": {"estimate": 0.1, "low": 0.05, "high": 0.2}},
              {"group": "m", "n": 50, "selection_rate": {"estimate": 0.3, "low": 0.2, "high": 0.4}}]  # fmt: skip
    gap = judge(Check(metric="demographic_parity_difference", at_most=0.5, by="sex", because="equal access"), 0.2, 0.1, 0.3,
                n=100, method="newcombe", detail={"groups": groups, "pair": ["m", "f"], "rate": "selection_rate"})  # fmt: skip
    vote = Vote(person="ada", decision="approved", verified=True, reason="fine", at_ms=1)
    approval = ApprovalRequest(id="apr_1", project_id="prj_1", cycle_id="", model_version_id="ver_1", role="manager",
                               decision="approved", decided_by="ada", reason="fine", decided_ms=1, votes=[vote])  # fmt: skip
    data = DatasetVersion(id="dsv_1", project_id="prj_1", dataset="d", version=2, sha256="0" * 64, rows=10, size_bytes=1,
                          schema={"a": "number"}, roles=Roles(target="y", sensitive=["sex"]),
                          profile={"columns": {"a": {"kind": "number", "missing": 3, "distinct": 4}}})  # fmt: skip
    facts = Facts(project=PROJECT, version=VERSION, files=[], verdicts=[gap], approvals=[approval], datasets=[data])
    card = as_markdown(model_card(facts))
    assert "Women are selected 20 points less often than men" in card
    assert "Approved by ada (not proved by a login) on 1970-01-01 00:00 UTC, because: fine." in card
    assert "| approved | ada | yes |" in card
    assert "Asked because: equal access." in card
    told = as_markdown(data_card(facts))
    assert "a is missing in 3 rows." in told
    assert "*Missing*: its licence" in told


def test_what_people_wrote_stays_text() -> None:
    nasty = "<script>alert(1)</script> | [x](javascript:1) `a`\n# b"
    card = Card(
        title=nasty,
        lead=[nasty],
        sections=[Section(title=nasty, words=[nasty], facts=[(nasty, nasty)], missing=[nasty])],
    )
    html, markdown = as_html(nasty, [card]), as_markdown(card)
    assert "<script" not in html
    assert "<script" not in markdown.replace("\\<", "")
    assert "\n# b" not in markdown
    assert "[x](" not in markdown


def test_the_bill_of_materials_is_valid_and_repeatable() -> None:
    lock = "# python 3.11 on Linux x86_64\nnumpy==2.1.0\nPyYAML==6.0.2\nmy.pkg==1!2.0+cpu\n"
    first = bill_of_materials(lock, "m", "1", 1_700_000_000_000)
    assert first == bill_of_materials(lock, "m", "1", 1_700_000_000_000)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(first.decode()) is None
    assert {c["purl"] for c in json.loads(first)["components"]} >= {"pkg:pypi/numpy@2.1.0", "pkg:pypi/pyyaml@6.0.2"}
