"""Evaluations as charts: groups with intervals, the frontier, what drives predictions."""

from __future__ import annotations

from typing import Any

from fairloop.core.checks import GROUP_METRICS, HIGHER_IS_BETTER, LOWER_IS_BETTER, METRICS, Check
from fairloop.core.mitigations import words_of
from fairloop.core.models import Candidate, Evaluation
from fairloop.server.pages.words import measured, metric

RATES = (
    ("selection_rate", "Selected"),
    ("accuracy", "Right answers"),
    ("true_positive_rate", "Found when they should be"),
    ("false_positive_rate", "Selected wrongly"),
)


def method_words(candidate: Candidate) -> str:
    """``Reweighing 1.5``; settings that a search gave follow after a comma."""
    words = short_words(candidate.method, candidate.strength)
    told = [f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in (candidate.settings or {}).items()]  # fmt: skip
    return ", ".join([words, *told])


def short_words(method: str, strength: float | None) -> str:
    """``Reweighing 1.5``, for the inside of a chart."""
    words = "Plain" if method == "plain" else words_of(method)
    words = words[0].upper() + words[1:]
    return words if strength is None else f"{words} {strength:.3g}"


def _value(found: Any) -> float | None:
    return found.get("estimate") if isinstance(found, dict) else found


def metric_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Every metric with its interval, quality first."""

    def order(name: str) -> tuple[bool, bool, str]:
        return name.split(" by ")[0] in LOWER_IS_BETTER, not name.startswith("roc"), name

    rows = []
    for name in sorted(evaluation.metrics, key=order):
        found, base = evaluation.metrics[name], name.split(" by ")[0]
        low, high = (found.get("low"), found.get("high")) if isinstance(found, dict) else (None, None)
        rows.append(
            {
                "name": metric(base) + name[len(base) :],
                "value": measured(base, _value(found)),
                "sort": _value(found),
                "interval": f"{measured(base, low)} to {measured(base, high)}"
                if low is not None and low != high
                else "",
                "better": "higher" if base in HIGHER_IS_BETTER else "lower" if base in LOWER_IS_BETTER else "",
            }
        )
    return rows


def group_charts(
    evaluation: Evaluation | None, checks: list[Check], baseline: Evaluation | None = None
) -> list[dict[str, Any]]:
    """One chart per sensitive attribute: rates of each group, the baseline's beside, and the policy's limit."""
    charts = []
    for attribute, rows in (evaluation.groups if evaluation else {}).items():
        before = {row["group"]: row for row in (baseline.groups.get(attribute) or [])} if baseline else {}
        limits = [{"metric": metric(c.metric), "at_most": c.at_most} for c in checks if c.by == attribute and c.at_most]
        charts.append(
            {
                "attribute": attribute,
                "rates": [{"key": key, "name": name} for key, name in RATES],
                "limits": limits,
                "groups": [
                    {
                        "name": row["group"],
                        "n": row["n"],
                        **{key: _interval(row.get(key)) for key, _ in RATES},
                        "baseline": {key: _value(before.get(row["group"], {}).get(key)) for key, _ in RATES}
                        if before
                        else None,
                    }
                    for row in rows
                ],
            }
        )
    return charts


def _interval(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        return {"estimate": found, "low": None, "high": None}
    return {k: found.get(k) for k in ("estimate", "low", "high")}


def drivers(evaluation: Evaluation | None) -> list[dict[str, Any]]:
    """Columns by how much worse the model gets when the column is shuffled, strongest first."""
    found = evaluation.drivers if evaluation else []
    ordered = sorted(found, key=lambda d: float(d.get("importance") or 0.0), reverse=True)
    return [{k: d.get(k) for k in ("column", "importance", "low", "high")} for d in ordered[:15]]


def frontier(
    judged: list[tuple[Candidate, Evaluation | None]],
    gates: list[Check],
    chosen: str | None,
    versions: dict[str, str] | None = None,
    trials: list[dict[str, Any]] | None = None,
) -> dict[str, Any] | None:
    """Every candidate in every metric, so that the reader can choose both axes; None with nothing to draw.

    ``trials`` of a search that became no candidate are drawn small and faded: what was tried and is beaten.
    """
    points = []
    names: set[str] = set()
    for candidate, evaluation in judged:
        if evaluation is None:
            continue
        values = {name: found for name, raw in evaluation.metrics.items() if (found := _value(raw)) is not None}
        names |= values.keys()
        points.append(
            {
                "id": candidate.id,
                "name": method_words(candidate),
                "label": short_words(candidate.method, candidate.strength),
                "state": candidate.state,
                "values": values,
                "chosen": candidate.id == chosen,
                "version": (versions or {}).get(candidate.id, ""),
            }
        )
    if not points:
        return None
    for trial in trials or []:
        if trial["metrics"] and not trial["kept"]:
            points.append({"id": trial["run_id"], "name": f"Trial {trial['number']}: {trial['name']}", "label": "",
                           "state": "trial", "values": trial["metrics"], "chosen": False, "version": ""})  # fmt: skip
    limits = {
        name: limit
        for check in gates
        if (limit := check.threshold) is not None
        for name in names
        if name in {check.metric, check.name}
    }
    quality = [n for n in sorted(names) if n.split(" by ")[0] in HIGHER_IS_BETTER]
    ordered = sorted(names, key=lambda n: (n.split(" by ")[0] not in GROUP_METRICS, n))
    gaps = [n for n in ordered if n.split(" by ")[0] in METRICS and n not in quality]
    gated = [c.name for c in gates if c.name in gaps]
    start_x = next((n for n in gated if n.split(" by ")[0] in GROUP_METRICS), (gated or gaps or [""])[0])
    start_y = next((c.metric for c in gates if c.metric in quality), quality[0] if quality else "")
    return {
        "points": points,
        "limits": limits,
        "x": start_x,
        "y": start_y,
        "names": {n: metric(n.split(" by ")[0]) + n[len(n.split(" by ")[0]) :] for n in names},
        "gaps": gaps,
        "quality": quality,
        "better": {n: "high" if n.split(" by ")[0] in HIGHER_IS_BETTER else "low" for n in names},
    }
