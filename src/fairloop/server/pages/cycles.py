"""A cycle: its timeline, its candidates, and the decision a person takes."""

from __future__ import annotations

from typing import Any

from litestar.response import Redirect

from fairloop.core.checks import CRITERIA
from fairloop.core.cycles import ApprovalRequest, Cycle
from fairloop.core.people import Identity, Project
from fairloop.core.policy import approval_words
from fairloop.errors import NotFound
from fairloop.server.pages import gather, live
from fairloop.server.pages.forms import Form, act
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.pages.views import evidence, lineage
from fairloop.server.pages.views.timeline import entries
from fairloop.server.pages.views.verdicts import cards
from fairloop.server.pages.words import METRIC_NAMES
from fairloop.server.services import Services

DECIDED = {
    "waiting": "Noted. More people must say yes before it goes on.",
    "approved": "Approved. The rollout begins.",
    "refused": "Refused. Nothing changes in production.",
}


def show(request: Asked, services: Services, identity: Identity, project: Project, cycle_id: str) -> Html:
    """One turn of the loop, from its trigger to its end."""
    cycle = services.loops.cycle(project.id, cycle_id)
    return page(
        request,
        "cycle.html",
        title=f"Cycle {cycle.number} of {cycle.loop}",
        section="project",
        cycle=cycle,
        timeline=live.part(request, "parts/timeline.html", **_view(services, identity, project, cycle)),
        strip=_strip(services, project, cycle),
        can_cancel=not cycle.stage.final,
        runs=[
            (key.split(":")[0], within(project, "pipelines", run_id)) for key, run_id in cycle.pipeline_run_ids.items()
        ],
        evidence=_evidence(services, project, cycle),
    )


def timeline(request: Asked, services: Services, identity: Identity, project: Project, cycle_id: str) -> Html:
    """The timeline alone, for the page to renew."""
    cycle = services.loops.cycle(project.id, cycle_id)
    return live.renewed(request, "parts/timeline.html", **_view(services, identity, project, cycle))


def _view(services: Services, identity: Identity, project: Project, cycle: Cycle) -> dict[str, Any]:
    approvals = services.loops.approvals(project.id, cycle_id=cycle.id)
    request = approvals[0] if approvals else None
    events = services.loops.events(project.id, cycle.id)
    rollout = gather.rollout_of(services, cycle)
    return {
        "cycle": cycle,
        "entries": entries(cycle, events, request),
        "approval": request,
        "decide": decision(services, identity, project, request) if request else None,
        "rollout": rollout_view(rollout),
        "renew": within(project, "cycles", cycle.id, "timeline"),
        "live": not cycle.stage.final,
        "alert_href": within(project, "alerts"),
    }


def decision(services: Services, identity: Identity, project: Project, request: ApprovalRequest) -> dict[str, Any]:
    """What the Approve and Refuse forms need, and why this person may not use them."""
    why, giver = services.loops.obstacle(project.id, request, identity)
    version = services.registry.version_by_id(project.id, request.model_version_id)
    return {
        "request": request,
        "why": why,
        "giver": giver,
        "asked": approval_words(request.asked, request.starters),
        "votes": request.votes,
        "href": within(project, "approvals", request.id),
        "open": request.decision == "waiting",
        "model": f"{version.model} v{version.version}",
        "model_href": within(project, "models", version.model, version.version),
    }


def rollout_view(rollout: Any) -> dict[str, Any] | None:
    """The steps of a rollout, each with what was judged on it."""
    if rollout is None or not rollout.steps:
        return None
    steps = []
    for number, share in enumerate(rollout.steps):
        line = next((h for h in rollout.history if h.get("share") == share), None)
        now = rollout.state in {"running", "held", "smoke"} and number == rollout.step
        done = line is not None or rollout.state == "promoted"
        steps.append(
            {
                "share": share,
                "state": "now" if now else "done" if done else "",
                "line": line,
                "verdicts": cards(line.get("verdicts") or []) if line else [],
            }
        )
    return {"rollout": rollout, "steps": steps}


def _evidence(services: Services, project: Project, cycle: Cycle) -> dict[str, Any]:
    candidates = services.evaluations.candidates(project.id, cycle_id=cycle.id)
    found = gather.judged(services, project.id, candidates)
    rows = []
    for candidate, evaluation in found:
        values = {k: v.get("estimate") for k, v in evaluation.metrics.items()} if evaluation else {}
        rows.append(
            {
                "name": evidence.method_words(candidate),
                "state": "chosen" if candidate.id == cycle.chosen_candidate_id else candidate.state,
                "values": values,
                "run": within(project, "runs", candidate.run_id) if candidate.run_id else "",
                "id": candidate.id,
            }
        )
    shown = [n for n in ("roc_auc", "r2", "mean_absolute_error") if any(n in r["values"] for r in rows)]
    shown += [n for n in sorted({k for r in rows for k in r["values"]}) if n.split(" by ")[0] in CRITERIA][:4]
    names = {n: METRIC_NAMES.get(n.split(" by ")[0], n) + n[len(n.split(" by ")[0]) :] for n in shown}
    searched = _searched(services, project, cycle)
    drawn = evidence.frontier(found, cycle.gates, cycle.chosen_candidate_id, trials=searched)
    for trial in searched:
        trial["href"] = within(project, "runs", trial["run_id"]) if trial["run_id"] else ""
    return {"frontier": drawn, "rows": rows, "names": names, "trials": searched}


def _searched(services: Services, project: Project, cycle: Cycle) -> list[dict[str, Any]]:
    """The trials of the cycle's search, once it is over."""
    told = [e.data["search"] for e in services.loops.events(project.id, cycle.id) if e.data.get("search")]
    return [dict(trial) for trial in told[-1].get("trials", [])] if told else []


def _strip(services: Services, project: Project, cycle: Cycle) -> list[lineage.Part]:
    parts = []
    try:
        parts.append(lineage.data(project, services.datasets.get(project.id, cycle.dataset_version_id)))
    except NotFound:
        pass
    run = gather.run_of(services, project.id, cycle.pipeline_run_ids.get("train", ""))
    if run is not None:
        parts.append(lineage.pipeline(project, run.id, run.pipeline))
    parts.append(lineage.cycle(project, cycle.id, cycle.number, here=True))
    if cycle.model_version_id:
        parts.append(lineage.model(project, services.registry.version_by_id(project.id, cycle.model_version_id)))
    if gather.endpoint_named(services, project.id, cycle.loop):
        parts.append(lineage.endpoint(project, cycle.loop))
    return parts


def decide(services: Services, identity: Identity, project: Project, approval_id: str, data: Form) -> Redirect:
    """Approve or refuse, with a reason."""
    request = services.loops.approval(project.id, approval_id)
    approve = data.get("decision") == "approved"
    back = within(project, "cycles", request.cycle_id)
    if not request.cycle_id:
        version = services.registry.version_by_id(project.id, request.model_version_id)
        back = within(project, "models", version.model, version.version)
    return act(
        back,
        lambda: services.loops.decide(
            project.id,
            approval_id,
            identity,
            approve=approve,
            reason=data.get("reason", ""),
            on_behalf_of=data.get("on_behalf_of", ""),
        ),
        lambda done: (
            DECIDED[done.decision] if done.cycle_id or done.decision == "waiting" else f"{done.decision.capitalize()}."
        ),
    )


def cancel(services: Services, identity: Identity, project: Project, cycle_id: str, data: Form) -> Redirect:
    """End a cycle that is not over."""
    services.loops.cycle(project.id, cycle_id)
    return act(
        within(project, "cycles", cycle_id),
        lambda: services.driver.cancel(project.id, cycle_id, identity, data.get("reason", "")),
        "Cancelled. What it ran is being stopped.",
    )
