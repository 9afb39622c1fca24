"""The categories of the NIST AI Risk Management Framework 1.0, filled with what is recorded.

This supports a self-assessment. It is no statement that anything meets the framework.
"""

from __future__ import annotations

from fairloop.evidence import say
from fairloop.evidence.gather import Facts
from fairloop.evidence.sections import Card, Section

LEAD = [
    "This follows the categories of the NIST AI Risk Management Framework 1.0 and supports a self-assessment against it. "
    "It states what Fairloop recorded, and what is missing. It is no certificate.",
]


def nist(facts: Facts) -> Card:
    v = facts.version
    return Card(title=f"NIST AI RMF headings: {v.model} v{v.version}", lead=LEAD,
                sections=[*_govern(facts), *_map(facts), *_measure(facts), *_manage(facts)])  # fmt: skip


def _filled(title: str, words: list[str], missing: list[str]) -> Section:
    known = [w for w in words if w]
    return Section(title=title, words=known, missing=missing)


def _absent(present: object, what: str) -> list[str]:
    return [] if present else [what]


def _govern(facts: Facts) -> list[Section]:
    people = [f"{a.decision} by {a.decided_by}: {a.reason}" for a in facts.approvals if a.decided_ms]
    policy, written = facts.definition, facts.policy
    return [
        _filled("GOVERN 1 Policies, processes and practices",
                [f"Gates: {'; '.join(c.question for c in policy.gates)}" if policy and policy.gates else "",
                 f"On an alert: {policy.on_alert}." if policy else "",
                 f"Policy version {written.version} by {written.author}: {written.reason}" if written else ""],
                _absent(written, "a written policy of the project")),
        _filled("GOVERN 2 Accountability", people, _absent(people, "a named person who decided")),
        _filled("GOVERN 3 Diversity and inclusion in decisions", [], ["who was heard besides those who decided"]),
        _filled("GOVERN 4 A culture of risk", [], ["training and communication about risk"]),
        _filled("GOVERN 5 Engagement with those affected", [facts.appeals.words if facts.appeals else ""],
                [*_absent(facts.appeals, "a way to appeal"), "feedback from people outside"]),
        _filled("GOVERN 6 Third-party software and data",
                [f"{d.dataset} v{d.version}: licence {d.licence or 'not stated'}." for d in facts.datasets]
                + (["Software: sbom.cdx.json."] if facts.environment else []),
                [*_absent(facts.environment, "a list of software"), "contracts with suppliers"]),
    ]  # fmt: skip


def _map(facts: Facts) -> list[Section]:
    goal = facts.definition.goal if facts.definition else ""
    sensitive = sorted({name for d in facts.datasets for name in d.roles.sensitive})
    return [
        _filled("MAP 1 Context", [f"Goal: {goal}" if goal else ""], _absent(goal, "what it is for")),
        _filled("MAP 2 Categorisation of the system", [_kind(facts)], _absent(facts.candidate, "what kind of model it is")),
        _filled("MAP 3 Capabilities, benefits, costs",
                [f"The cycle cost {facts.cycle.cost_usd:.4f} US dollars." if facts.cycle else ""],
                [*_absent(facts.cycle, "its cost"), "benefits compared with not using it"]),
        _filled("MAP 4 Risks of all components", [], ["an assessment of third-party components"]),
        _filled("MAP 5 Impact on individuals and groups",
                [f"Compared between groups of: {', '.join(sensitive)}." if sensitive else "", *say.gaps(facts.verdicts)],
                [*_absent(sensitive, "sensitive attributes"), "an estimate of how many people it affects"]),
    ]  # fmt: skip


def _kind(facts: Facts) -> str:
    roles = facts.datasets[0].roles if facts.datasets else None
    return f"Predicts {roles.target} ({len(facts.files)} files)." if roles and roles.target else ""


def _measure(facts: Facts) -> list[Section]:
    answers = [f"{v.check.question} {say.ANSWERS[v.status].capitalize()}." for v in facts.verdicts]
    watched = [check.question for check in facts.monitor.checks] if facts.monitor else []
    return [
        _filled("MEASURE 1 Methods and metrics", sorted({v.method for v in facts.verdicts}), _absent(facts.verdicts, "metrics")),
        _filled("MEASURE 2 Evaluation of trustworthy characteristics", answers,
                [*_absent(answers, "verdicts"), "privacy and security testing"]),
        _filled("MEASURE 3 Tracking risks over time", watched + [a.words for a in facts.alerts],
                _absent(watched, "checks on live traffic")),
        _filled("MEASURE 4 Feedback about the measurements", [facts.appeals.words if facts.appeals else ""],
                ["what experts and users said about these measurements"]),
    ]  # fmt: skip


def _manage(facts: Facts) -> list[Section]:
    methods = sorted({c.method.replace("_", " ") for c in facts.candidates if c.method != "plain"})
    rollout = facts.rollout
    return [
        _filled("MANAGE 1 Risks are prioritised and acted on",
                [f"Repairs tried: {', '.join(methods)}." if methods else "", facts.cycle.words if facts.cycle else ""],
                _absent(facts.cycle, "what was done about risks")),
        _filled("MANAGE 2 Maximising benefit, minimising harm",
                [f"Rolled out in steps of {', '.join(f'{s} %' for s in rollout.steps)}: {rollout.state}." if rollout else ""],
                _absent(rollout, "a step by step rollout")),
        _filled("MANAGE 3 Risks from third parties", [], ["monitoring of third-party resources"]),
        _filled("MANAGE 4 Treatment, response, recovery",
                [f"Alert {a.state}: {a.words}" for a in facts.alerts]
                + (["What served before stays ready to roll back to."] if rollout and rollout.from_deployment_id else []),
                [*_absent(facts.monitor, "a watch that would notice"), "a plan for incidents"]),
    ]  # fmt: skip
