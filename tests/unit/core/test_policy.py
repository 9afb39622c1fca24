"""The evaluator's rules one by one, and policy files that are refused."""

from __future__ import annotations

import pytest

from fairloop.core.checks import Check, Status, Verdict
from fairloop.core.policy import (
    NO_POLICY,
    Approval,
    Facts,
    Policy,
    Primary,
    Vote,
    both,
    combined,
    counted,
    evaluate,
    required_approval,
)
from fairloop.core.policy_file import read_policy, write_policy
from fairloop.errors import InvalidInput

AUC = Check(metric="roc_auc", at_least=0.8)
GAP = Check(metric="demographic_parity_difference", at_most=0.1, by="sex")


def verdict(check: Check, status: Status = Status.PASS) -> Verdict:
    return Verdict(check=check, status=status, estimate=None, low=None, high=None, n=1, method="m")


def released(**facts: object) -> Facts:
    return Facts(**{"stage": "release", "gates": [AUC], "verdicts": [verdict(AUC)], "authors": ["ana"], **facts})  # type: ignore[arg-type]


def yes(person: str, **more: object) -> Vote:
    return Vote(**{"person": person, "role": "manager", "verified": True, **more})  # type: ignore[arg-type]


# ------------------------------------------------------------------ gates
@pytest.mark.parametrize(("at_least", "allowed"), [(0.9, True), (0.8, True), (0.79, False)])
def test_a_loops_gate_is_as_strict_as_the_policys_or_stricter(at_least: float, allowed: bool) -> None:
    policy = Policy(gates=[AUC], automatic=["release"])
    assert evaluate(policy, Facts(gates=[Check(metric="roc_auc", at_least=at_least)])).allowed is allowed


def test_a_gate_by_another_attribute_or_side_does_not_count() -> None:
    policy = Policy(limits=[GAP], automatic=["release"])
    for other in (Check(metric=GAP.metric, at_most=0.05, by="race"), Check(metric=GAP.metric, at_least=0.05, by="sex")):
        assert not evaluate(policy, Facts(gates=[other])).allowed
    assert evaluate(policy, Facts(gates=[Check(metric=GAP.metric, at_most=0.05, by="sex")])).allowed


def test_what_was_never_judged_or_fails_is_no() -> None:
    policy = Policy(gates=[GAP], automatic=["release"])
    assert evaluate(policy, released()).reasons == [
        "There is no verdict on demographic_parity_difference by sex at most 0.1."
    ]
    failed = evaluate(policy, released(verdicts=[verdict(AUC), verdict(GAP, Status.FAIL)]))
    assert failed.reasons == ["demographic_parity_difference by sex at most 0.1 fails."]


def test_insufficient_evidence_blocks_or_goes_to_a_person() -> None:
    facts = released(verdicts=[verdict(AUC, Status.INSUFFICIENT)])
    blocking = evaluate(Policy(automatic=["release"]), facts)
    assert blocking.reasons == ["The evidence does not settle roc_auc at least 0.8."]
    asking = evaluate(Policy(automatic=["release"], insufficient_evidence="person"), facts)
    assert (asking.reasons, asking.needs) == ([], ["approval by a manager"])


def test_the_primary_criterion_is_the_loops_and_gated() -> None:
    policy = Policy(primary=Primary(metric=GAP.metric, by="sex", because="the offer"), automatic=["release"])
    told = evaluate(policy, Facts(gates=[AUC], primary="equalized_odds_difference"))
    assert len(told.reasons) == 2
    assert evaluate(policy, Facts(gates=[GAP], primary=GAP.metric)).allowed


# ------------------------------------------------------------------ what is automatic
def test_nothing_named_means_a_person_decides() -> None:
    assert required_approval(Policy(), Facts()) == Approval()
    assert required_approval(Policy(automatic=["release"]), Facts()) is None
    assert required_approval(Policy(automatic=["release"]), Facts(trigger="alert", on_alert="auto")) == Approval()
    assert required_approval(Policy(automatic=["alert"]), Facts(trigger="alert", on_alert="auto")) is None
    assert required_approval(Policy(automatic=["alert"]), Facts(trigger="alert")) == Approval()


def test_on_alert_auto_needs_a_written_policy() -> None:
    assert "automatic: [alert]" in evaluate(NO_POLICY, Facts(on_alert="auto")).reasons[0]
    assert evaluate(Policy(automatic=["alert"]), Facts(on_alert="auto")).allowed


def test_a_loops_own_approval_stands_beside_the_policys() -> None:
    own = Approval(role="administrator", people=2, expires="1h")
    assert required_approval(NO_POLICY, Facts(approval=own)) == own
    asked = required_approval(Policy(approval=Approval(verified=True)), Facts(approval=own))
    assert asked == both(Approval(verified=True), own)
    assert asked is not None
    assert (asked.roles, asked.people, asked.verified, asked.expires) == (["administrator"], 2, True, "1h")


def test_a_loops_policy_only_adds() -> None:
    project = Policy(gates=[AUC], automatic=["release"], approval=Approval(two_person=True))
    own = Policy(gates=[GAP], automatic=["release", "alert"], allow_attribute_at_prediction=True, aliases=[])
    found = combined(project, own)
    assert found.gates == [AUC, GAP]
    assert found.automatic == ["release"]
    assert not found.allow_attribute_at_prediction
    assert found.approval.two_person
    assert found.aliases == project.aliases


# ------------------------------------------------------------------ votes
@pytest.mark.parametrize(("votes", "enough"), [
    ([], False), ([yes("bo")], False), ([yes("bo"), yes("bo")], False), ([yes("bo"), yes("ana")], False),
    ([yes("bo"), yes("cy")], True), ([yes("bo"), yes("cy", role="viewer")], False),
    ([yes("bo"), yes("cy", on_behalf_of="bo")], False), ([yes("bo"), yes("cy", on_behalf_of="ana")], False),
    ([yes("bo"), yes("cy", on_behalf_of="dee")], True), ([yes("ana", on_behalf_of="dee"), yes("bo")], False),
    ([yes("bo"), yes("sock", password_by="bo")], False), ([yes("sock", password_by="ana"), yes("bo")], False),
    ([yes("sock", password_by="bo"), yes("bo")], False), ([yes("cy", password_by="root"), yes("bo")], True),
    ([yes("bo"), yes("cy", on_behalf_of="dee"), yes("dee")], True),
])  # fmt: skip
def test_two_people_are_two_people_and_not_the_author(votes: list[Vote], enough: bool) -> None:
    policy = Policy(approval=Approval(people=2))
    assert evaluate(policy, released(votes=votes)).allowed is enough


def test_one_refusal_refuses_and_unverified_is_nobody_where_it_must_be_verified() -> None:
    refused = evaluate(Policy(), released(votes=[yes("bo"), yes("cy", decision="refused", reason="no")]))
    assert refused.reasons == ["cy refused it: no."]
    asked = Approval(verified=True)
    assert counted([yes("bo", verified=False)], asked, []) == []
    assert len(counted([yes("bo")], asked, [])) == 1


def test_without_a_second_person_the_author_may_say_yes_but_not_as_a_delegate() -> None:
    assert evaluate(Policy(), released(votes=[yes("ana")])).allowed
    assert not evaluate(Policy(), released(votes=[yes("ana", on_behalf_of="bo")])).allowed


# ------------------------------------------------------------------ files
@pytest.mark.parametrize(("text", "told"), [
    ("gate: []", "'gate' is no key"), ("gates: [{metric: roc_auc, atleast: 1}]", "'atleast' is no key of gates"),
    ("approval: {roles: manager}", "'roles' is no key of approval"), ("a: 1\na: 2", "stands twice"),
    ("approval: {people: 1, people: 2}", "stands twice"), ("gates: &g []\nlimits: *g", "alias"),
    ("gates: [{metric: roc_auc, at_least: 8e-1}]", "is text, not a number"), ("gates: [", "not valid YAML"),
    ("- a", "list of keys"), ("schema: 2", "schema: 2"), ("automatic: [all]", "'all'"), ("approval: {people: 0}", "people=0"),
    ("approval: {people: true}", "people"), ("primary: {metric: roc_auc, because: why not}", "compares no groups"),
    ("primary: {metric: equalized_odds_difference, because: ''}", "reason"), ("gates: [{metric: roc_auc, drop: 0.1}]", "drop"),
    ("gates: [{metric: roc_auc, at_least: .nan}]", "finite"), ("approval: {expires: 3 weeks}", "duration"),
    ("insufficient_evidence: shrug", "shrug"), ("x" * 70_000, "longer"), ("!!python/object:os.system {}", "YAML"),
    ("aliases: 3", "aliases"),
])  # fmt: skip
def test_a_file_that_says_something_else_is_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told.replace("[", r"\[").replace("*", r"\*")):
        read_policy(text)


def test_an_empty_mapping_is_the_strictest_short_policy() -> None:
    assert read_policy("{}") == Policy()
    assert read_policy(write_policy(Policy())) == Policy()
