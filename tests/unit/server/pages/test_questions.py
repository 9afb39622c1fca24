"""Ten questions of a manager, in every state of a loop and a model version: all answered, in words, always in order."""

from __future__ import annotations

import pytest

from fairloop.core.checks import Check, Status, Verdict, judge
from fairloop.core.cycles import ApprovalRequest, Cycle, CycleEvent, Stage
from fairloop.core.endpoints import Endpoint, Rollout
from fairloop.core.monitors import Alert
from fairloop.server.pages.views.questions import QUESTIONS, Asked, AskedVersion, closest, of_loop, of_version, sure
from fairloop.server.pages.views.stations import LoopState

DP = Check(metric="demographic_parity_difference", at_most=0.12, by="sex")
GROUPS = [
    {"group": "Female", "selection_rate": {"estimate": 0.10}},
    {"group": "Male", "selection_rate": {"estimate": 0.28}},
]
PRODUCTION = ["income v2", "approved by Omar: “good”", "Reweighing was chosen."]


def gap(estimate: float, half: float = 0.02) -> Verdict:
    return judge(DP, estimate, estimate - half, estimate + half, n=900, method="m",
                 detail={"groups": GROUPS, "pair": ["Female", "Male"], "rate": "selection_rate"})  # fmt: skip


def cycle(stage: Stage, number: int = 5) -> Cycle:
    return Cycle(id="c", project_id="p", loop="income", loop_id="l", number=number, stage=stage, trigger={}, cost_usd=0.5,
                 started_ms=number)  # fmt: skip


def alert(state: str = "open") -> Alert:
    return Alert(id="a", project_id="p", endpoint_id="e", monitor_id="m", deployment_id="d", window_id="w",
                 verdict=gap(0.18), words="Women are selected less often.", state=state, acknowledged_by="Emil")  # fmt: skip


def state(stage: Stage | None, **more: object) -> LoopState:
    values = {
        "live": cycle(Stage.LIVE, 4),
        "events": [CycleEvent(seq=1, cycle_id="c", at_ms=9, kind="gate", text="Gate passed.")],
    }
    return LoopState(name="income", goal="Lend fairly", cycle=cycle(stage) if stage else None, **{**values, **more})  # type: ignore[arg-type]


WAITS = ApprovalRequest(id="r", project_id="p", cycle_id="c", model_version_id="v", role="manager")
STATES = {
    "empty": None,
    "never run": state(None, live=None, events=[]),
    **{str(stage): state(stage) for stage in Stage},
    "first training": state(Stage.TRAIN, live=None),
    "waits": state(Stage.APPROVE, approval=WAITS),
    "alert": state(Stage.LIVE, alerts=[alert()]),
    "looked after": state(Stage.LIVE, alerts=[alert("acknowledged")]),
    "down": state(Stage.LIVE, endpoint=Endpoint(id="e", project_id="p", name="income", state="down")),
    "held": state(
        Stage.ROLL_OUT, rollout=Rollout(id="r", project_id="p", endpoint_id="e", to_deployment_id="d", state="held")
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_all_ten_are_answered_in_every_state_of_a_loop(name: str) -> None:
    for asked in (Asked(), Asked(goal="Lend", production=PRODUCTION, judged=gap(0.18), judged_on="live traffic", budget=5.0,
                                 spent=1.0, may_approve=True, may_watch=True, appeals=2, may_decide_appeals=True)):  # fmt: skip
        answers = of_loop(STATES[name], asked)
        assert [a.key for a in answers] == list(QUESTIONS)
        for answer in answers:
            assert answer.question.endswith("?")
            assert answer.text[0].isupper() or answer.text[0].isdigit() or answer.text.startswith(("income", "Lend"))
            assert "_" not in answer.text
            assert "None" not in answer.text


def told(answers: list, key: str) -> str:  # type: ignore[type-arg]
    return next(a.text for a in answers if a.key == key)


def test_unfair_to_whom_and_how_sure() -> None:
    words = sure(gap(0.18), "live traffic")
    assert words.startswith("Women are selected 18.0 points less often than men")
    assert "95 % sure that it lies between 16.0 and 20.0 points (900 people, live traffic)" in words
    assert words.endswith("more than the policy allows.")
    assert sure(gap(0.06), "").endswith("within what the policy allows.")
    assert sure(gap(0.11), "").endswith("not enough to say whether the policy holds.")
    assert "Nobody has looked" in sure(None, "")
    assert "Not known" in sure(judge(DP, None, None, None, n=0, method="m"), "")


def test_the_worst_gap_is_the_one_told() -> None:
    quality = judge(Check(metric="roc_auc", at_least=0.8), 0.1, 0.1, 0.1, n=1, method="m")
    assert closest([quality]) is None
    found = closest([gap(0.05), gap(0.18), gap(0.11), quality])
    assert found is not None
    assert found.status is Status.FAIL


def test_what_must_i_do_depends_on_who_asks() -> None:
    waits, alarmed = STATES["waits"], STATES["alert"]
    assert told(of_loop(waits, Asked(may_approve=True)), "do") == "Decide on cycle 5: approve or refuse, with a reason."
    assert told(of_loop(waits, Asked()), "do") == "Nothing: cycle 5 waits for a manager."
    assert "Look at the open alert" in told(of_loop(alarmed, Asked(may_watch=True)), "do")
    assert told(of_loop(alarmed, Asked()), "do").startswith("Nothing")
    assert "2 appeals" in told(of_loop(STATES["live"], Asked(appeals=2, may_decide_appeals=True)), "do")
    assert told(of_loop(STATES["live"], Asked()), "do") == "Nothing."


def test_is_it_well_and_over_budget() -> None:
    assert told(of_loop(STATES["alert"], Asked()), "well").startswith("Needs you: Women are selected")
    assert told(of_loop(STATES["down"], Asked()), "well").startswith("Broken")
    assert told(of_loop(STATES["failed"], Asked()), "well").startswith("Broken: cycle 5 failed")
    assert "so it is over" in told(of_loop(STATES["live"], Asked(spent=9.0, budget=5.0)), "cost")


VERSIONS = {
    "bare": AskedVersion(name="m v1"),
    "candidate": AskedVersion(
        name="m v1", decision="candidate", verdicts=[gap(0.06)], approval=WAITS, cycle=cycle(Stage.APPROVE)
    ),
    "decider": AskedVersion(
        name="m v1", verdicts=[gap(0.06)], approval=WAITS, cycle=cycle(Stage.APPROVE), may_decide=True
    ),
    "serving": AskedVersion(name="m v1", verdicts=[gap(0.06)], serving=["income"], since_ms=5, cycle=cycle(Stage.LIVE)),
    "alarmed": AskedVersion(name="m v1", verdicts=[gap(0.06)], serving=["income"], since_ms=5, alerts=[alert()]),
    "refused": AskedVersion(name="m v1", decision="refused", verdicts=[gap(0.3)], cycle=cycle(Stage.REFUSED)),
    "unsure": AskedVersion(name="m v1", verdicts=[gap(0.11)], instead="m v2"),
}


@pytest.mark.parametrize("name", VERSIONS)
def test_all_ten_are_answered_about_a_model_version(name: str) -> None:
    answers = of_version(VERSIONS[name])
    assert [a.key for a in answers] == list(QUESTIONS)
    assert all(a.text.strip() and "None" not in a.text for a in answers)


def test_a_version_says_whether_it_is_well_and_what_to_do() -> None:
    assert told(of_version(VERSIONS["candidate"]), "well") == "Yes: its gate passed."
    assert told(of_version(VERSIONS["refused"]), "well").startswith("No: 1 of 1 gate failed")
    assert told(of_version(VERSIONS["unsure"]), "well").startswith("Not sure")
    assert told(of_version(VERSIONS["decider"]), "do").startswith("Approve or refuse it")
    assert told(of_version(VERSIONS["alarmed"]), "well").startswith("No: Women")
    assert told(of_version(VERSIONS["unsure"]), "runs") == "Not this version: m v2 serves."
