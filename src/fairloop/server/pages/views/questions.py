"""The ten questions a manager asks, answered in words from rows the caller fetched: of a loop, and of a model version."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fairloop.core.checks import CRITERIA, GROUP_METRICS, HIGHER_IS_BETTER, Status, Verdict
from fairloop.core.cycles import ApprovalRequest, Cycle, Stage
from fairloop.core.models import Evaluation
from fairloop.core.monitors import Alert
from fairloop.server.pages.views.stations import LoopState, health
from fairloop.server.pages.views.verdicts import name_of, words
from fairloop.server.pages.words import measured, metric, money, plural, state

QUESTIONS = {
    "purpose": "What is it for?",
    "well": "Is it well?",
    "runs": "What runs now?",
    "since": "Since when?",
    "unfair": "Unfair to whom, and how sure?",
    "decided": "Who decided, and why?",
    "changed": "What changed last?",
    "cost": "What did it cost?",
    "do": "What must I do?",
    "next": "What happens next?",
}
"""Always all ten, in this order: who looks every week finds the same place again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``at_ms`` is a moment shown behind the words, ``href`` where they lead."""

    key: str
    text: str
    at_ms: int | None = None
    href: str = ""

    @property
    def question(self) -> str:
        return QUESTIONS[self.key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the answers about a project need beside its loop."""

    goal: str = ""
    production: list[str] = field(default_factory=list)
    """Model, who approved it, and why it was chosen; empty when nothing serves."""
    judged: Verdict | None = None
    """The gap that stands closest to its limit, of live traffic or else of the test part."""
    judged_on: str = ""
    spent: float = 0.0
    budget: float | None = None
    may_approve: bool = False
    may_watch: bool = False
    appeals: int = 0
    """Undecided ones."""
    may_decide_appeals: bool = False
    cycle_href: str = ""
    alerts_href: str = ""
    appeals_href: str = ""
    live_href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedVersion:
    """What the answers about a model version need."""

    name: str
    goal: str = ""
    decision: str = "none"
    verdicts: list[Verdict] = field(default_factory=list)
    serving: list[str] = field(default_factory=list)
    since_ms: int | None = None
    instead: str = ""
    """What serves in its place."""
    alerts: list[Alert] = field(default_factory=list)
    approval: ApprovalRequest | None = None
    cycle: Cycle | None = None
    made: str = ""
    test: Evaluation | None = None
    before: Evaluation | None = None
    before_name: str = ""
    may_decide: bool = False
    appeals: str = ""


def sure(verdict: Verdict | None, judged_on: str) -> str:
    """Who is treated worse, by how much, how sure that is, and what the policy says to it."""
    if verdict is None:
        return "Nobody has looked: no check compares groups. A gate or a watch with by= a sensitive attribute would."
    if verdict.estimate is None:
        return f"Not known: {words(verdict).rstrip('.')} ({name_of(verdict.check)})."
    told = words(verdict) or f"{name_of(verdict.check)} is {measured(verdict.check.metric, verdict.estimate)}."
    if verdict.low is not None and verdict.high is not None:
        by_points = verdict.check.metric in CRITERIA
        low, high = (
            f"{100 * v:.1f}" if by_points else measured(verdict.check.metric, v) for v in (verdict.low, verdict.high)
        )
        told += f" We are 95 % sure that it lies between {low} and {high}{' points' if by_points else ''}"
        told += f" ({plural(verdict.n, 'person', 'people')}{', ' + judged_on if judged_on else ''})."
    end = {
        Status.PASS: " So it is within what the policy allows.",
        Status.FAIL: " So it is more than the policy allows.",
        Status.INSUFFICIENT: " That is not enough to say whether the policy holds.",
    }[verdict.status]
    return told + end


def closest(verdicts: list[Verdict]) -> Verdict | None:
    """The group check that stands worst against its limit: failed before unsure before passed."""
    found = [v for v in verdicts if v.check.metric in GROUP_METRICS]
    order = {Status.FAIL: 0, Status.INSUFFICIENT: 1, Status.PASS: 2}

    def strain(verdict: Verdict) -> float:
        limit = verdict.check.threshold or 1.0
        return -(verdict.estimate or 0.0) / limit if limit else 0.0

    return min(found, key=lambda v: (order[v.status], v.estimate is None, strain(v)), default=None)


# ------------------------------------------------------------------ a project's loop
def of_loop(loop: LoopState | None, asked: Asked) -> list[Answer]:
    """All ten about a loop; None when the project has no loop yet."""
    if loop is None:
        return _of_nothing(asked)
    live, cycle = loop.live, loop.cycle
    runs = asked.production[0] if asked.production else ""
    return [
        Answer(key="purpose", text=loop.goal or asked.goal or "Nobody has written down a goal; the settings have a place for it."),
        Answer(key="well", text=_well(loop)),
        Answer(key="runs", text=f"{runs}, on the endpoint {loop.name}." if runs else "Nothing of it is in production yet.",
               href=asked.live_href),
        Answer(key="since", text="It went live" if live else "Not in production yet.", at_ms=live.live_ms if live else None),
        Answer(
            key="unfair", text=sure(asked.judged, asked.judged_on) if live else "Nobody is judged by it yet."
        ),
        Answer(key="decided", text=_decided(asked.production)),
        _changed(loop),
        Answer(key="cost", text=_cost(asked, cycle)),
        _to_do(loop, asked),
        Answer(key="next", text=_next(loop), href=asked.cycle_href),
    ]  # fmt: skip


def _of_nothing(asked: Asked) -> list[Answer]:
    told = {
        "purpose": asked.goal or "Nobody has written down a goal; the settings have a place for it.",
        "well": "There is nothing yet that could be well or not.",
        "runs": "Nothing: this project has no loop.",
        "since": "Not started.",
        "unfair": "Nobody is judged by it yet.",
        "decided": "Nothing has been decided yet.",
        "changed": "Nothing has happened yet.",
        "cost": _cost(asked, None),
        "do": "Nothing. A data scientist writes the first loop.",
        "next": "The first run of a loop file fills this page.",
    }
    return [Answer(key=key, text=told[key]) for key in QUESTIONS]


def _well(loop: LoopState) -> str:
    word = state(health(loop))["word"]
    opened = [a for a in loop.alerts if a.state == "open"]
    if loop.endpoint is not None and loop.endpoint.state == "down":
        return f"{word}: the endpoint does not answer. It is being started again."
    if opened:
        return f"{word}: {opened[0].words}" + (
            f" And {plural(len(opened) - 1, 'more alert')}." if len(opened) > 1 else ""
        )
    if loop.cycle is not None and health(loop) == "broken":
        why = f" {loop.cycle.words.rstrip('.')}." if loop.cycle.words else ""
        return f"{word}: cycle {loop.cycle.number} failed.{why} What serves is not touched by that."
    if any(a.state == "acknowledged" for a in loop.alerts):
        found = next(a for a in loop.alerts if a.state == "acknowledged")
        return f"{word}, but {found.acknowledged_by or 'somebody'} looks after an alert: {found.words}"
    if loop.live is None:
        return f"{word}: nothing is in production, so nobody is judged by it."
    watched = "Nothing has been watched yet." if loop.window is None else "The watch found nothing to report."
    return f"{word}. {watched}"


def _decided(production: list[str]) -> str:
    if not production:
        return "Nobody yet: nothing has been put into production."
    who, why = production[1], production[2] if len(production) > 2 else ""
    return f"{who[:1].upper()}{who[1:].rstrip('.')}. {why}".strip()


def _changed(loop: LoopState) -> Answer:
    last = max(loop.events, key=lambda e: (e.at_ms, e.seq), default=None)
    if last is None or loop.cycle is None:
        return Answer(key="changed", text="Nothing has happened yet.")
    return Answer(key="changed", text=f"{last.text.rstrip('.')} (cycle {loop.cycle.number}).", at_ms=last.at_ms)


def _cost(asked: Asked, cycle: Cycle | None) -> str:
    told = f"{money(asked.spent)} this month"
    told += f", of a budget of {money(asked.budget)}" if asked.budget else "; no budget is set"
    if asked.budget and asked.spent > asked.budget:
        told += ", so it is over"
    return told + (f". The last cycle cost {money(cycle.cost_usd)}." if cycle else ".")


def _to_do(loop: LoopState, asked: Asked) -> Answer:
    cycle, request = loop.cycle, loop.approval
    if cycle is not None and cycle.stage is Stage.APPROVE and request is not None:
        role = _role(request)
        if asked.may_approve:
            return Answer(
                key="do",
                text=f"Decide on cycle {cycle.number}: approve or refuse, with a reason.",
                href=asked.cycle_href,
            )
        return Answer(key="do", text=f"Nothing: cycle {cycle.number} waits for a {role}.", href=asked.cycle_href)
    if loop.rollout is not None and loop.rollout.state == "held":
        return Answer(
            key="do", text="An engineer decides whether the held rollout goes on or back.", href=asked.cycle_href
        )
    opened = [a for a in loop.alerts if a.state == "open"]
    if opened and asked.may_watch:
        return Answer(key="do", text="Look at the open alert and say who takes care of it.", href=asked.alerts_href)
    if opened:
        return Answer(
            key="do", text="Nothing: an engineer or a manager looks after the open alert.", href=asked.alerts_href
        )
    if asked.appeals and asked.may_decide_appeals:
        return Answer(
            key="do",
            text=f"Decide {plural(asked.appeals, 'appeal')} of people who were judged.",
            href=asked.appeals_href,
        )
    return Answer(key="do", text="Nothing.")


def _role(request: ApprovalRequest) -> str:
    """Who is asked: ``manager``, or ``manager or auditor``."""
    return " or ".join(request.asked.roles).replace("_", " ")


def _next(loop: LoopState) -> str:
    cycle = loop.cycle
    if cycle is None:
        return "The first cycle begins when somebody runs the loop."
    if cycle.stage is Stage.APPROVE and loop.approval is not None:
        return "A yes begins the rollout, step by step; a no ends the cycle and what serves stays. Without a decision the request runs out."
    nexts = {
        Stage.DATA: "The labelled traffic is gathered, then a model is trained on it.",
        Stage.TRAIN: "The model is trained, then judged against every gate.",
        Stage.MITIGATE: "Repaired candidates are trained, then the best that passes is judged once more.",
        Stage.GATE: "The test part answers once; what passes is put before a person.",
        Stage.ROLL_OUT: "The traffic moves to the new version step by step, and back by itself if a step fails.",
    }
    if cycle.stage in nexts:
        return nexts[cycle.stage]
    if any(a.state == "open" for a in loop.alerts):
        return "The open alert can start the next cycle, which ends before a person again."
    if loop.live is not None:
        return "It goes on being watched; an alert, new data, the schedule or a person starts the next cycle."
    return f"Cycle {cycle.number} is over ({state(cycle.stage)['word'].lower()}). A person starts the next one."


# ------------------------------------------------------------------ a model version
def of_version(asked: AskedVersion) -> list[Answer]:
    """All ten about a model version."""
    gap = closest(asked.verdicts)
    part = f"the {asked.test.part} part" if asked.test else ""
    return [
        Answer(key="purpose", text=asked.goal or "Nobody has written down a goal."),
        Answer(key="well", text=_version_well(asked)),
        Answer(key="runs", text=_version_runs(asked)),
        Answer(key="since", text="It went live" if asked.since_ms else "It does not serve.", at_ms=asked.since_ms),
        Answer(key="unfair", text=" ".join(x for x in (sure(gap, part), asked.appeals) if x)),
        Answer(key="decided", text=_version_decided(asked)),
        Answer(key="changed", text=_version_changed(asked)),
        Answer(key="cost", text=f"{money(asked.cycle.cost_usd)}, for the whole cycle that made it." if asked.cycle
               else "Not known: it was made outside a loop."),
        Answer(key="do", text=_version_do(asked)),
        Answer(key="next", text=_version_next(asked)),
    ]  # fmt: skip


def _version_well(asked: AskedVersion) -> str:
    opened = [a for a in asked.alerts if a.state == "open"]
    if opened:
        return f"No: {opened[0].words}"
    if not asked.verdicts:
        return "Not known: nothing judged it."
    failed = [name_of(v.check) for v in asked.verdicts if v.status is Status.FAIL]
    unsure = [name_of(v.check) for v in asked.verdicts if v.status is Status.INSUFFICIENT]
    gates = plural(len(asked.verdicts), "gate")
    if failed:
        return f"No: {len(failed)} of {gates} failed ({'; '.join(failed[:3])})."
    if unsure:
        return f"Not sure: {len(unsure)} of {gates} lack evidence ({'; '.join(unsure[:3])})."
    return f"Yes: {'all ' + gates if len(asked.verdicts) > 1 else 'its gate'} passed" + (
        ", and no alert is open." if asked.serving else "."
    )


def _version_runs(asked: AskedVersion) -> str:
    if asked.serving:
        return f"This version, on {' and '.join(asked.serving)}."
    return f"Not this version: {asked.instead} serves." if asked.instead else "Nothing of this model serves."


def _version_decided(asked: AskedVersion) -> str:
    request = asked.approval
    if request is None:
        return "Nobody was asked: " + (
            "the loop asks for no approval." if asked.cycle else "it was registered without a loop."
        )
    if request.decision == "waiting":
        return f"Nobody yet: it waits for a {_role(request)}."
    if request.decision == "expired":
        return "Nobody: the request ran out before anybody decided."
    who = request.decided_by + ("" if request.verified else " (name not verified)")
    return f"{who} {request.decision} it: “{request.reason.rstrip('.')}”."


def _version_changed(asked: AskedVersion) -> str:
    if asked.test is None or asked.before is None:
        return f"{asked.made or 'It was registered'}. There is no judged version before it to compare with."
    moved: list[str] = []
    for name, now in asked.test.metrics.items():
        base, was = name.split(" by ")[0], asked.before.metrics.get(name)
        shown = base in CRITERIA or (base in HIGHER_IS_BETTER and not moved)
        if was is None or not shown or _value(now) is None or _value(was) is None:
            continue
        moved.append(f"{_named(name)} from {measured(base, _value(was))} to {measured(base, _value(now))}")
    against = f"Against {asked.before_name}: " + "; ".join(moved[:3]) if moved else f"It replaces {asked.before_name}"
    return f"{against}. {asked.made}.".replace("..", ".")


def _named(name: str) -> str:
    base, _, by = name.partition(" by ")
    told = metric(base)
    return (told[:1].lower() + told[1:] if told[1:2].islower() else told) + (f" by {by}" if by else "")


def _value(found: Any) -> float | None:
    value = found.get("estimate") if isinstance(found, dict) else found
    return None if value is None else float(value)


def _version_do(asked: AskedVersion) -> str:
    request = asked.approval
    if request is not None and request.decision == "waiting":
        return (
            "Approve or refuse it below, with a reason."
            if asked.may_decide
            else f"Nothing: a {_role(request)} decides."
        )
    if any(a.state == "open" for a in asked.alerts):
        return "Look at the open alert of what it serves."
    return "Nothing."


def _version_next(asked: AskedVersion) -> str:
    request, stage = asked.approval, asked.cycle.stage if asked.cycle else None
    if request is not None and request.decision == "waiting":
        return "A yes begins the rollout, step by step; a no leaves everything as it is."
    if stage is Stage.ROLL_OUT:
        return "Its share of the traffic grows step by step, and falls back to none if a step fails."
    if asked.serving:
        return "It goes on being watched until a newer version takes its place."
    if asked.decision == "refused" or stage in {Stage.REFUSED, Stage.FAILED, Stage.CANCELLED}:
        return "Nothing: it was not released. It stays on record with its evidence."
    return "Nothing by itself: an engineer can deploy it."
