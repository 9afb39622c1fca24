"""What several pages need about a loop, fetched from the services once."""

from __future__ import annotations

from dataclasses import replace

from fairloop.core.checks import HIGHER_IS_BETTER, Status, Verdict
from fairloop.core.cycles import Cycle, CycleEvent, Stage
from fairloop.core.endpoints import Endpoint, Rollout
from fairloop.core.models import Candidate, Evaluation
from fairloop.core.monitors import Window
from fairloop.core.people import Project
from fairloop.core.pipelines import PipelineRun
from fairloop.core.records import from_plain
from fairloop.errors import NotFound
from fairloop.server.pages.shell import within
from fairloop.server.pages.views import questions
from fairloop.server.pages.views.stations import LoopState
from fairloop.server.pages.words import duration, measured
from fairloop.server.services import Services


def loop_states(services: Services, project: Project) -> list[LoopState]:
    """Every loop of the project as it stands, with links and short lines for the drawing."""
    return [
        _lined(services, project, _state(services, project, loop.name, str(loop.definition.get("goal") or "")))
        for loop in services.loops.loops(project.id)
    ]


def _state(services: Services, project: Project, name: str, goal: str) -> LoopState:
    newest = services.loops.cycles(project.id, name, limit=1).items
    cycle = newest[0] if newest else None
    approvals = services.loops.approvals(project.id, cycle_id=cycle.id) if cycle else []
    endpoint = endpoint_named(services, project.id, name)
    return LoopState(
        name=name,
        goal=goal,
        cycle=cycle,
        live=services.loops.live_cycle(project.id, name),
        events=services.loops.events(project.id, cycle.id) if cycle else [],
        approval=approvals[0] if approvals else None,
        endpoint=endpoint,
        rollout=rollout_of(services, cycle),
        deployments=services.serving.deployments(project.id, endpoint.id) if endpoint else [],
        window=newest_window(services, project.id, endpoint) if endpoint else None,
        alerts=[a for a in services.monitoring.alerts(project.id, endpoint_id=endpoint.id) if a.state != "resolved"]
        if endpoint
        else [],
    )


def endpoint_named(services: Services, project_id: str, name: str) -> Endpoint | None:
    try:
        return services.serving.endpoint(project_id, name)
    except NotFound:
        return None


def rollout_of(services: Services, cycle: Cycle | None) -> Rollout | None:
    if cycle is None:
        return None
    try:
        if cycle.rollout_id:
            return services.serving.rollout(cycle.project_id, cycle.rollout_id)
        return services.serving.rollout_of_cycle(cycle.id)
    except NotFound:
        return None


def newest_window(services: Services, project_id: str, endpoint: Endpoint) -> Window | None:
    found = windows_of(services, project_id, endpoint, limit=1)
    return found[0] if found else None


def windows_of(services: Services, project_id: str, endpoint: Endpoint, *, limit: int = 60) -> list[Window]:
    """Judged windows of an endpoint, the newest first."""
    monitor = services.monitoring.monitor_of(project_id, endpoint.id)
    return services.monitoring.windows(project_id, monitor.id, limit=limit).items if monitor else []


def judged(
    services: Services, project_id: str, candidates: list[Candidate]
) -> list[tuple[Candidate, Evaluation | None]]:
    """Candidates with their answers on the validation part, on which they compete."""
    return [(c, services.evaluations.evaluation(project_id, c.id, "validation")) for c in candidates]


def run_of(services: Services, project_id: str, run_id: str) -> PipelineRun | None:
    """A cycle notes a run before it starts: for a moment there may be none."""
    try:
        return services.pipelines.get(project_id, run_id)
    except NotFound:
        return None


def gate_event(events: list[CycleEvent]) -> CycleEvent | None:
    return next((e for e in reversed(events) if e.kind == "gate"), None)


def _lined(services: Services, project: Project, loop: LoopState) -> LoopState:
    lines, links = dict(loop.lines), dict(loop.links)
    cycle = loop.cycle
    if cycle is not None:
        here = within(project, "cycles", cycle.id)
        links.update(
            {
                "evaluate": here + "#candidates",
                "gate": here + "#gate",
                "approve": here + "#approve",
                "roll_out": here + "#rollout",
                "train": here,
            }
        )
        _data_line(services, project, cycle, lines, links)
        if run := run_of(services, project.id, cycle.pipeline_run_ids.get("train", "")):
            links["train"] = within(project, "pipelines", run.id)
            if run.started_ms and run.ended_ms:
                lines["train"] = duration((run.ended_ms - run.started_ms) / 1000)
        _evaluated_line(services, project, cycle, lines)
        if (event := gate_event(loop.events)) and (found := event.data.get("verdicts")):
            passed = sum(v["status"] == Status.PASS for v in found)
            lines["gate"] = f"{passed} of {len(found)} pass"
        if loop.approval is not None:
            lines["approve"] = loop.approval.decided_by or f"by a {loop.approval.role.replace('_', ' ')}"
    if loop.rollout is not None and loop.rollout.steps:
        lines["roll_out"] = f"{loop.rollout.steps[min(loop.rollout.step, len(loop.rollout.steps) - 1)]} %"
    if loop.endpoint is not None:
        links["serve"] = within(project, "endpoints", loop.endpoint.name)
        links["watch"] = links["serve"] + "#watch"
        traffic = services.serving.traffic(loop.endpoint.id)
        rows = sum(t.rows for t in traffic.values())
        slow = max((t.latency_p99_ms or 0.0 for t in traffic.values()), default=0.0)
        lines["serve"] = f"p99 {measured('latency_p99_ms', slow)}" if slow else f"{rows:,} rows"
    if loop.alerts:
        links["watch"] = within(project, "alerts")
    if loop.window is not None:
        lines["watch"] = f"{loop.window.n:,} rows"
    return replace(loop, lines=lines, links=links)


def _data_line(
    services: Services, project: Project, cycle: Cycle, lines: dict[str, str], links: dict[str, str]
) -> None:
    try:
        version = services.datasets.get(project.id, cycle.dataset_version_id)
    except NotFound:
        return
    lines["data"] = f"{version.dataset} v{version.version}"
    links["data"] = within(project, "data", version.dataset, version.version)


def _evaluated_line(services: Services, project: Project, cycle: Cycle, lines: dict[str, str]) -> None:
    found = services.evaluations.candidates(project.id, cycle_id=cycle.id)
    if not found:
        return
    lines["evaluate"] = f"{len(found)} candidate{'s' if len(found) != 1 else ''}"
    chosen = cycle.chosen_candidate_id or found[0].id
    evaluation = services.evaluations.evaluation(project.id, chosen, "validation")
    if evaluation is None:
        return
    quality = next(
        (n for n in ("roc_auc", *sorted(evaluation.metrics)) if n in evaluation.metrics and n in HIGHER_IS_BETTER), None
    )
    if quality:
        name = "AUC" if quality == "roc_auc" else quality
        lines["evaluate"] = f"{name} {measured(quality, evaluation.metrics[quality].get('estimate'))}"


def production_words(services: Services, project: Project, loop: LoopState) -> list[str]:
    """The sentences on what runs in production; empty when nothing does."""
    live = loop.live
    if live is None or live.model_version_id is None:
        return []
    version = services.registry.version_by_id(project.id, live.model_version_id)
    approvals = services.loops.approvals(project.id, cycle_id=live.id)
    by = next((a for a in approvals if a.decision == "approved"), None)
    words = [
        f"approved by {by.decided_by}: “{by.reason.rstrip('.')}”"
        if by
        else "not approved by anybody: the loop asks for no approval",
        live.words,
    ]
    return [f"{version.model} v{version.version}", *words]


def judged_gap(services: Services, project: Project, loop: LoopState) -> tuple[Verdict | None, str]:
    """The group check that stands worst for what serves now, and what it was judged on: live traffic, else the test."""
    windows = windows_of(services, project.id, loop.endpoint, limit=4) if loop.endpoint else []
    for window in windows:
        found = questions.closest([v for v in window.verdicts if v.estimate is not None])
        if found is not None:
            return found, "live traffic"
    if loop.live is None:
        return None, ""
    event = gate_event(services.loops.events(project.id, loop.live.id))
    verdicts = [from_plain(Verdict, v) for v in (event.data.get("verdicts") or [])] if event else []
    return questions.closest(verdicts), "the test part"


def under_way(cycle: Cycle | None) -> bool:
    return cycle is not None and cycle.stage not in {Stage.LIVE, Stage.REFUSED, Stage.FAILED, Stage.CANCELLED}
