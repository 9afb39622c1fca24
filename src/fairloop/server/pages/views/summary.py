"""A model version in five sentences, for the person who has to decide."""

from __future__ import annotations

from fairloop.core.checks import GROUP_METRICS, Status, Verdict
from fairloop.core.cycles import ApprovalRequest, Cycle
from fairloop.core.datasets import DatasetVersion
from fairloop.core.models import Candidate, Evaluation, ModelVersion
from fairloop.server.pages.views.evidence import method_words
from fairloop.server.pages.views.verdicts import name_of, words
from fairloop.server.pages.words import measured, plural


def sentences(
    version: ModelVersion,
    *,
    candidate: Candidate | None,
    evaluation: Evaluation | None,
    cycle: Cycle | None,
    data: DatasetVersion | None,
    verdicts: list[Verdict],
    approval: ApprovalRequest | None,
    serving: list[str],
) -> list[str]:
    """What it is, how good, how fair, what the gates said, and where it stands."""
    return [
        s
        for s in (
            _what(version, candidate, cycle, data),
            _good(evaluation),
            _fair(verdicts),
            _gates(verdicts, evaluation),
            _stands(version, approval, serving),
        )
        if s
    ]


def _what(version: ModelVersion, candidate: Candidate | None, cycle: Cycle | None, data: DatasetVersion | None) -> str:
    how = f" by {method_words(candidate).lower()} training" if candidate else ""
    rows = f" on {plural(data.rows, 'row')} of {data.dataset} v{data.version}" if data else ""
    why = (
        f" because {str(cycle.trigger.get('words') or '').rstrip('.')}"
        if cycle and cycle.trigger.get("kind") == "alert"
        else ""
    )
    if not how and not rows:
        by = version.user or "an unknown client"
        return f"{version.model} v{version.version} was registered by {by} without a loop: nothing judged it."
    why = why.replace(" because ", "; the cycle began with an alert: ", 1)
    return f"{version.model} v{version.version} was made{how}{rows}{why}."


def _good(evaluation: Evaluation | None) -> str:
    name = next(
        (n for n in ("roc_auc", "accuracy", "r2", "mean_absolute_error") if evaluation and n in evaluation.metrics),
        None,
    )
    if evaluation is None or name is None:
        return ""
    found = evaluation.metrics[name]
    meaning = {
        "roc_auc": "It ranks a true case above a false one in {v} of 100 pairs",
        "accuracy": "It answers right in {v} of 100 cases",
        "r2": "It explains {v} percent of the variation",
        "mean_absolute_error": "It is off by {v} on average",
    }[name]
    value = found["estimate"]
    shown = f"{value * 100:.1f}" if name != "mean_absolute_error" else measured(name, value)
    bounds = (
        f", 95 % between {measured(name, found['low'])} and {measured(name, found['high'])}"
        if found.get("low") is not None
        else ""
    )
    rows = f"{plural(evaluation.n, 'row')} of the {evaluation.part} part"
    return f"{meaning.format(v=shown)} ({measured(name, value)}{bounds}; {rows})."


def _fair(verdicts: list[Verdict]) -> str:
    gaps = [v for v in verdicts if v.check.metric in GROUP_METRICS]
    return " ".join(w for v in gaps[:1] if (w := words(v)))


def _gates(verdicts: list[Verdict], evaluation: Evaluation | None) -> str:
    if not verdicts:
        return "No gate judged it."
    passed = [v for v in verdicts if v.status is Status.PASS]
    rest = [f"{name_of(v.check)} {v.status.replace('_', ' ')}" for v in verdicts if v.status is not Status.PASS]
    uses = (
        f" The part has now judged {plural(evaluation.uses_of_part, 'candidate')}."
        if evaluation and evaluation.uses_of_part > 1
        else ""
    )
    tail = f": {'; '.join(rest)}" if rest else ""
    return f"{len(passed)} of {plural(len(verdicts), 'gate')} passed on the test part{tail}.{uses}"


def _stands(version: ModelVersion, approval: ApprovalRequest | None, serving: list[str]) -> str:
    where = f"It serves on {', '.join(serving)}." if serving else "It serves nowhere."
    if approval is None:
        return where
    if approval.decision == "waiting":
        return f"It waits for a {approval.role.replace('_', ' ')} to approve or refuse. {where}"
    if approval.decision == "expired":
        return f"Nobody decided before the request expired. {where}"
    return f"{approval.decided_by} {approval.decision} it: “{approval.reason.rstrip('.')}”. {where}"
