"""The choice on the validation part, and its words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fairloop.core.checks import Check
from fairloop.core.loops import gate
from fairloop.core.models import Candidate, Evaluation
from fairloop.errors import InvalidInput
from fairloop.evaluation.choose import choose
from fairloop.evaluation.plan import mitigation_plan, not_tried

DP, EO = "demographic_parity_difference by sex", "equalized_odds_difference by sex"
GATES = [gate("roc_auc", at_least=0.85), gate("demographic_parity_difference", at_most=0.12, by="sex"),
         gate("equalized_odds_difference", at_most=0.20, by="sex"), gate("cost_usd", at_most=1)]  # fmt: skip


def judged(name: str, auc: float, dp: float | None, eo: float, half: float = 0.01,
           settings: dict[str, object] | None = None) -> tuple[Candidate, Evaluation]:  # fmt: skip
    method, _, strength = name.partition(":")

    def number(value: float | None, width: float) -> dict[str, object]:
        if value is None:
            return {"estimate": None, "low": None, "high": None, "n": 0, "method": "x"}
        return {"estimate": value, "low": value - width, "high": value + width, "n": 5000, "method": "x"}

    name = name if settings is None else f"{name}{auc}"
    candidate = Candidate(id=name, project_id="p", pipeline_run_id="r", method=method, settings=settings,
                          strength=float(strength) if strength else None)  # fmt: skip
    metrics = {"roc_auc": number(auc, 0.005), DP: number(dp, half), EO: number(eo, half)}
    return candidate, Evaluation(id="e" + name, project_id="p", candidate_id=name, part="validation", n=5000,
                                 predictions_sha256="", metrics=metrics)  # fmt: skip


PLAIN = judged("plain", 0.927, 0.167, 0.06)
SWEEP = [PLAIN, judged("reweighing:1", 0.922, 0.105, 0.11), judged("reweighing:1.25", 0.920, 0.08, 0.15),
         judged("reweighing:1.5", 0.917, 0.061, 0.20), judged("exponentiated_gradient", 0.908, 0.018, 0.26)]  # fmt: skip


def test_the_best_quality_among_the_safe_is_chosen() -> None:
    choice = choose(SWEEP, GATES)
    assert choice.candidate_id == "reweighing:1.25"
    assert choice.words.startswith("Reweighing at strength 1.25 was chosen")
    assert "gives up 0.007 of ROC AUC" in choice.words
    assert "from 0.167 to 0.080" in choice.words
    by_id = {p["candidate_id"]: p for p in choice.points}
    assert by_id["plain"]["misses"] == [DP]
    assert by_id["reweighing:1"]["chance"] < 0.8 < by_id["reweighing:1.25"]["chance"]
    assert [c["metric"] for c in by_id["plain"]["criteria"]] == [DP, EO]


def test_without_a_safe_one_the_likeliest_is_chosen() -> None:
    choice = choose(SWEEP[:2], GATES)
    assert choice.candidate_id == "reweighing:1"
    assert "narrowly" in choice.words


def test_none_passing_says_what_each_misses() -> None:
    choice = choose([PLAIN, SWEEP[-1]], GATES)
    assert choice.candidate_id is None
    assert "the plain model misses demographic parity difference by sex 0.167 (0.157 to 0.177)" in choice.words
    assert "exponentiated gradient misses equalized odds difference by sex 0.260" in choice.words
    assert "at most 0.12" in choice.words
    only = choose([PLAIN], GATES)
    assert only.words.startswith("The candidate does not pass every gate")


def test_missing_evidence_never_passes() -> None:
    choice = choose([judged("plain", 0.9, None, 0.1)], GATES)
    assert choice.candidate_id is None
    assert "unknown for lack of evidence" in choice.words
    unmeasured = choose([PLAIN], [gate("f1", at_least=0.1)])
    assert unmeasured.candidate_id is None
    assert choose([], GATES).candidate_id is None


def test_dominated_points_are_marked_in_quality_and_both_criteria() -> None:
    worse = judged("reweighing:0.5", 0.921, 0.12, 0.12)
    choice = choose([*SWEEP, worse], GATES)
    states = {p["candidate_id"]: p["state"] for p in choice.points}
    assert states["reweighing:0.5"] == "dominated"
    assert states["reweighing:1.25"] == "chosen"
    assert states["plain"] == "judged"


def test_the_primary_criterion_comes_first() -> None:
    choice = choose(SWEEP, GATES, "equalized_odds_difference")
    assert choice.points[0]["criteria"][0]["metric"] == EO


def test_without_gates_the_best_quality_is_chosen() -> None:
    assert choose(SWEEP, []).candidate_id == "plain"
    assert choose([PLAIN], [Check(metric="roc_auc", drop=0.05)]).candidate_id == "plain"


def test_a_drop_that_the_interval_swallows_is_not_passed() -> None:
    assert choose([PLAIN], [Check(metric="roc_auc", drop=0.001)]).points[0]["misses"] == ["roc_auc"]


def test_the_plain_model_wins_ties() -> None:
    tuned = judged("plain", 0.9275, 0.08, 0.05, settings={"learning_rate": 0.1})
    plain = judged("plain", 0.927, 0.09, 0.06)
    choice = choose([tuned, plain], GATES)
    assert choice.candidate_id == plain[0].id
    assert "none of these has a ROC AUC clearly better than the plain model's" in choice.words
    clearly = judged("plain", 0.935, 0.08, 0.05, settings={"learning_rate": 0.1})
    better = choose([plain, clearly], GATES)
    assert better.candidate_id == clearly[0].id
    assert better.words.startswith("The plain model with learning_rate 0.1 was chosen")
    assert "Against the plain model it gains 0.008 of ROC AUC" in better.words


def test_lower_is_better_for_errors() -> None:
    def one(name: str, error: float) -> tuple[Candidate, Evaluation]:
        number = {"estimate": error, "low": error - 0.01, "high": error + 0.01, "n": 100, "method": "x"}
        return (Candidate(id=name, project_id="p", pipeline_run_id="r"),
                Evaluation(id=name, project_id="p", candidate_id=name, part="validation", n=100, predictions_sha256="",
                           metrics={"mean_absolute_error": number}))  # fmt: skip

    gates = [gate("mean_absolute_error", at_most=5)]
    assert choose([one("a", 2.0), one("b", 1.0), one("c", 3.0)], gates).candidate_id == "b"


def test_the_plan() -> None:
    plan = mitigation_plan(["reweighing", "reject_option", "exponentiated_gradient"])
    assert ("reweighing", 1.0) in plan
    assert plan[-1] == ("exponentiated_gradient", None)
    assert "reject_option" not in {method for method, _ in plan}
    assert "attribute at prediction time" in not_tried(["reject_option"])["reject_option"]
    assert not not_tried(["reject_option"], allow_attribute=True)
    assert ("reject_option", 1.0) in mitigation_plan(["reject_option"], allow_attribute=True)
    assert ("threshold_optimizer", 1.0) in mitigation_plan(["threshold_optimizer"])  # then it reads nobody's attribute
    with pytest.raises(InvalidInput, match="Unknown mitigation 'magic'"):
        mitigation_plan(["magic"])


def test_the_server_may_import_the_choice_without_numerics() -> None:
    code = ("import sys, fairloop.evaluation.choose, fairloop.evaluation.plan, fairloop.evaluation.service;"
            "bad = {'numpy', 'pandas', 'polars', 'sklearn', 'lightgbm'} & set(sys.modules); sys.exit(str(bad) if bad else 0)")  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
