"""What a dataset version's page says about its labels, its thin places, and what better labels would do."""

from __future__ import annotations

from typing import Any

from fairloop.core.analyses import Analysis, AnalysisState
from fairloop.core.datasets import DatasetVersion
from fairloop.core.labeling import LabelTask
from fairloop.core.people import Project
from fairloop.server.pages.shell import within
from fairloop.server.services import Services

METRICS = ("demographic_parity_difference", "equal_opportunity_difference", "equalized_odds_difference")
_SHOWN = 12


def section(services: Services, project: Project, version: DatasetVersion) -> dict[str, Any]:
    """Everything the section shows, with the place where it renews itself."""
    look = latest(services, project, "data_bias", version.id)
    prescription = latest(services, project, "prescription", version.id)
    tasks = services.labeling.of_version(project.id, version.id)
    here = within(project, "data", version.dataset, version.version)
    running = [a for a in (look, prescription) if a is not None and not a.state.final]
    made_by = next((t for t in tasks if t.published_version_id == version.id), None)
    busy = bool(running) or any(str(t.state) == "closing" for t in tasks)
    return {
        "v": version, "look": look, "found": _found(services, project, look), "prescription": prescription,
        "promised": _promised(services, project, prescription), "place": here, "busy": busy, "metrics": METRICS,
        "tasks": [task_row(services, project, t) for t in tasks if t.dataset_version_id == version.id],
        "made_by": effect_view(services, project, made_by) if made_by else None,
        "made_by_href": within(project, "labels", made_by.id) if made_by else "",
        "loops": [loop.name for loop in services.loops.loops(project.id)
                  if loop.definition["data"]["name"] == version.dataset] if made_by else [],
    }  # fmt: skip


def latest(services: Services, project: Project, kind: str, version_id: str) -> Analysis | None:
    """The newest analysis of a kind, whatever became of it."""
    found = services.analyses.page(project.id, kind=kind, subject_ids=[version_id], limit=1).items
    return found[0] if found else None


def _found(services: Services, project: Project, look: Analysis | None) -> dict[str, Any] | None:
    if look is None or look.state is not AnalysisState.DONE:
        return None
    result = services.labeling.result(project.id, look)
    shifts = [{"attribute": a, **s, "strip": share_strip(s)} for a, listed in result["labels"].items() for s in listed]
    thin = [{"attribute": a, **c} for a, listed in result["coverage"].items() for c in listed if c["thin"]]
    thin.sort(key=lambda c: -c["missing"])
    return {"shifts": sorted(shifts, key=lambda s: s["state"] not in ("bias", "noise")), "thin": thin[:_SHOWN],
            "thin_count": len(thin), "assumption": result["assumption"]}  # fmt: skip


def share_strip(shift: dict[str, Any]) -> dict[str, Any] | None:
    """A share of wrong labels with its interval on a line from 0 to 50 percent."""
    if shift["estimate"] is None:
        return None
    scale = max(0.5, shift["high"])
    bad = shift["state"] in ("bias", "noise")
    return {**_line("fail" if bad else "pass", shift["words"]), "at": _at(shift["estimate"], scale),
            "low": _at(shift["low"], scale), "width": _at(shift["high"] - shift["low"], scale)}  # fmt: skip


def _promised(services: Services, project: Project, analysis: Analysis | None) -> dict[str, Any] | None:
    if analysis is None or analysis.state is not AnalysisState.DONE:
        return None
    result = services.labeling.result(project.id, analysis)
    rows = [{**p, "strip": promise_strip(p), "chosen": p == result["promise"]} for p in result["promises"]]
    return {**result, "rows_tried": rows}


def promise_strip(promise: dict[str, Any], measured: float | None = None) -> dict[str, Any]:
    """The promised interval on a line, the gap before as a mark, and the measured one as the dot."""
    known = [promise["now"], promise["high"], *([] if measured is None else [measured])]
    scale = max(known) * 1.15 or 1.0
    shown = promise["estimate"] if measured is None else measured
    inside = measured is None or promise["low"] <= measured <= promise["high"]
    before = _at(promise["now"], scale)
    words = f"promised {promise['low']:.2f} to {promise['high']:.2f}, before {promise['now']:.2f}"
    if measured is not None:
        words += f", measured {measured:.2f}"
    return {**_line("pass" if inside else "fail", words), "at": _at(shown, scale), "low": _at(promise["low"], scale),
            "width": _at(promise["high"] - promise["low"], scale), "limit": before,
            "limit_words": f"before {promise['now']:.2f}",
            "limit_style": f"left:{before}%;transform:translateX({'-100%' if before > 72 else '-50%'})"}  # fmt: skip


def _line(tone: str, words: str) -> dict[str, Any]:
    return {"tone": tone, "words": words, "zone": None, "limit": None, "limit_words": "", "limit_style": ""}


def _at(value: float, scale: float) -> float:
    return round(min(100.0, max(0.0, 100 * value / scale)), 2)


# ------------------------------------------------------------------ labelling tasks
def task_row(services: Services, project: Project, task: LabelTask) -> dict[str, Any]:
    """A task as a line of a table."""
    return {"task": task, "href": within(project, "labels", task.id), "progress": services.answers.progress(project.id, task.id),
            "effect": effect_view(services, project, task)}  # fmt: skip


def effect_view(services: Services, project: Project, task: LabelTask) -> dict[str, Any] | None:
    """Promise and measurement side by side; None before the task is closed."""
    if task.effect_id is None:
        return None
    analysis = services.analyses.get(project.id, task.effect_id)
    result = services.labeling.result(project.id, analysis) if analysis.state is AnalysisState.DONE else {}
    measured = (result.get("after") or {}).get("estimate")
    promise = result.get("promised")
    return {"analysis": analysis, "result": result, "measured": measured,
            "strip": promise_strip(promise, measured) if promise and measured is not None else None,
            "version_href": within(project, "data", result["dataset"], result["version"]) if result else ""}  # fmt: skip
