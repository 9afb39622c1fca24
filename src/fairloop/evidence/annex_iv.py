"""The headings of Annex IV of the EU AI Act (Regulation 2024/1689), filled with what is recorded.

This supports who writes the technical documentation. It is no statement that anything complies with the Act.
"""

from __future__ import annotations

from fairloop.evidence import say
from fairloop.evidence.gather import Facts
from fairloop.evidence.sections import Card, Section

LEAD = [
    "This follows the headings of Annex IV of Regulation (EU) 2024/1689 and supports whoever writes the technical "
    "documentation it asks for. It states what Fairloop recorded, and what is missing. It is no legal assessment.",
]


def annex_iv(facts: Facts) -> Card:
    v = facts.version
    return Card(title=f"Annex IV headings: {v.model} v{v.version}", lead=LEAD,
                sections=[*_general(facts), *_development(facts), *_running(facts), *_around(facts)])  # fmt: skip


def _filled(title: str, words: list[str], missing: list[str]) -> Section:
    return Section(title=title, words=[w for w in words if w], missing=missing)


def _general(facts: Facts) -> list[Section]:
    v = facts.version
    goal = facts.definition.goal if facts.definition else ""
    hardware = say.one_line(facts.capture.hardware) if facts.capture and facts.capture.hardware else ""
    return [
        _filled("1(a) Intended purpose, provider, version",
                [f"Purpose: {goal}" if goal else "", f"Version {v.version} of {v.model}, made {say.when(v.created_ms)}.",
                 f"Candidates before it in the same cycle: {len(facts.candidates) - 1}." if facts.candidates else ""],
                [*([] if goal else ["the intended purpose"]), "the name of the provider"]),
        _filled("1(b) How it interacts with other hardware and software",
                [f"Answers over HTTP (Open Inference Protocol) on {', '.join(facts.serving)}." if facts.serving else ""],
                [*([] if facts.serving else ["an endpoint: it serves nowhere"]), "systems that use its answers"]),
        _filled("1(c) Versions of software and firmware", [_packages(facts)], [] if facts.environment else ["the environment lock"]),
        _filled("1(d) Forms in which it is placed on the market", [], ["the form in which it is offered"]),
        _filled("1(e) Hardware it is meant to run on", [f"Trained on: {hardware}." if hardware else ""],
                [*([] if hardware else ["the training hardware"]), "the hardware it is meant for"]),
        _filled("1(f) Photographs or illustrations of products it is part of", [], ["not known to Fairloop"]),
        _filled("1(g) User interface for the deployer", ["Fairloop's pages for its endpoint, alerts and appeals."], []),
        _filled("1(h) Instructions for use", [v.description], [] if v.description else ["instructions for the deployer"]),
    ]  # fmt: skip


def _packages(facts: Facts) -> str:
    count = len([line for line in facts.environment.splitlines() if "==" in line])
    return f"{count} Python packages, pinned in environment.lock and listed in sbom.cdx.json." if count else ""


def _development(facts: Facts) -> list[Section]:
    cycle, test = facts.cycle, facts.test
    steps = [f"{s['name']} ({s['state']})" for s in facts.lineage.get("step_runs", [])]
    data = [f"{d.dataset} v{d.version}: {d.rows:,} rows, sha256 {d.sha256}." for d in facts.datasets]
    methods = sorted({c.method.replace("_", " ") for c in facts.candidates})
    return [
        _filled("2(a) Methods and steps of development", [f"Steps: {', '.join(steps)}." if steps else "",
                f"Ways of training tried: {', '.join(methods)}." if methods else ""],
                [] if steps else ["the steps of its development"]),
        _filled("2(b) Design: logic, choices, what it optimises", [cycle.words if cycle else ""],
                [*([] if cycle and cycle.words else ["why this candidate was chosen"]), "assumptions about the people it judges"]),
        _filled("2(c) Architecture and computing resources",
                [f"{len(facts.files)} files; candidate {facts.candidate.method.replace('_', ' ')}." if facts.candidate else "",
                 f"The cycle cost {cycle.cost_usd:.4f} US dollars of computing." if cycle else ""],
                [] if facts.candidate else ["the architecture"]),
        _filled("2(d) Data: provenance, scope, labelling, cleaning", [*data, "See the data card."] if data else [],
                [*([] if data else ["the training data"]), "how the data was collected and labelled"]),
        _filled("2(e) Human oversight", [_oversight(facts)], [] if facts.approvals else ["a person who decides before it serves"]),
        _filled("2(f) Changes determined in advance",
                [f"On an alert the loop does: {facts.definition.on_alert}." if facts.definition else ""],
                [] if facts.definition else ["what may change without a new assessment"]),
        _filled("2(g) Validation and testing, metrics, discriminatory impact",
                [f"{v.check.question} {say.ANSWERS[v.status].capitalize()}: {say.number(v.estimate)} ({say.interval(v.low, v.high)})."
                 for v in facts.verdicts] + ([f"Judged on {test.n:,} rows; predictions kept as {test.predictions_sha256}."] if test else []),
                [*([] if facts.verdicts else ["gates"]), "test reports dated and signed by a person"]),
        _filled("2(h) Cybersecurity", ["Model files are named by hash; no pickle is loaded by the server."],
                ["an assessment of attacks on the model (poisoning, evasion, extraction)"]),
    ]  # fmt: skip


def _oversight(facts: Facts) -> str:
    told = [
        f"{a.decision} by {a.decided_by} for the role {a.role}: {a.reason}" for a in facts.approvals if a.decided_ms
    ]
    return f"{'; '.join(told)}." if told else ""


def _running(facts: Facts) -> list[Section]:
    watched = [check.question for check in facts.monitor.checks] if facts.monitor else []
    gaps = say.gaps(facts.verdicts)
    return [
        _filled("3 Monitoring, functioning and control: capabilities, limits, accuracy by group, foreseeable harm", gaps,
                [*([] if gaps else ["accuracy for specific persons or groups"]), "foreseeable unintended outcomes",
                 "specifications of the input data people must provide"]),
        _filled("4 Appropriateness of the performance metrics",
                [f"{v.check.question} Because: {v.check.because}." for v in facts.verdicts if v.check.because],
                [] if any(v.check.because for v in facts.verdicts) else ["why these metrics: no gate gives its reason"]),
        _filled("5 Risk management system (Article 9)",
                [f"Gates before release: {len(facts.verdicts)}; checks on live traffic: {len(watched)}."],
                ["the risk management system as a whole"]),
        _filled("6 Relevant changes through its lifecycle", [f"{say.when(e.at_ms)}: {e.text}" for e in facts.events],
                [] if facts.events else ["a history of changes"]),
    ]  # fmt: skip


def _around(facts: Facts) -> list[Section]:
    watched = [f"Watched: {check.question}" for check in facts.monitor.checks] if facts.monitor else []
    appeals = [facts.appeals.words] if facts.appeals else []
    return [
        _filled("7 Harmonised standards applied", [], ["a list of standards applied"]),
        _filled("8 EU declaration of conformity", [], ["a copy of the declaration"]),
        _filled("9 Evaluating performance after placing on the market (Article 72)", [*watched, *appeals],
                [*([] if watched else ["a watch over live answers"]), "the post-market monitoring plan as a document"]),
    ]  # fmt: skip
