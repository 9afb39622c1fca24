"""Runs: the table of an experiment's runs, and one run with its curves."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fairloop.core.people import Project
from fairloop.core.runs import Run, RunStatus
from fairloop.core.search import EVERYTHING, parse_filter, parse_order
from fairloop.errors import InvalidInput, NotFound
from fairloop.server.pages import live
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.pages.views import lineage
from fairloop.server.services import Services

_PAGE = 100
_DRAWN = 400
_HIDDEN_TAGS = ("mlflow.log-model.history",)


def listing(
    request: Asked,
    services: Services,
    project: Project,
    filter: str = "",
    order: str = "",
    experiment: int = 0,
    cursor: str | None = None,
) -> Html:
    """Runs, newest first, a page at a time."""
    wrong = ""
    try:
        tree, orders = parse_filter(filter), [parse_order(order)] if order else []
    except InvalidInput as cause:
        wrong, tree, orders = cause.message, EVERYTHING, []
    experiments = services.tracking.experiments.list(project.id)
    found = services.tracking.search(
        project.id, tree, experiment_ids=[experiment] if experiment else [], orders=orders, limit=_PAGE, cursor=cursor
    )
    here = within(project, "runs")
    asked = {k: v for k, v in (("filter", filter), ("order", order), ("experiment", experiment)) if v}
    return page(
        request,
        "runs.html",
        title="Runs",
        section="runs",
        wrong=wrong,
        filter=filter,
        order=order,
        experiment=experiment,
        experiments=experiments,
        **_columns(found.items),
        rows=[{"run": r, "href": within(project, "runs", r.id)} for r in found.items],
        first=here + ("?" + urlencode(asked) if asked else "") if cursor else "",
        older=f"{here}?{urlencode({**asked, 'cursor': found.next})}" if found.next else "",
        order_by=lambda what: f"{here}?{urlencode({**asked, 'order': _turned(order, what)})}",
    )


def _turned(order: str, what: str) -> str:
    return f"{what} ASC" if order == f"{what} DESC" else f"{what} DESC"


def _columns(found: list[Run]) -> dict[str, Any]:
    """The metrics and params most of the page's runs have."""
    metrics: dict[str, int] = {}
    params: dict[str, int] = {}
    for run in found:
        for m in run.metrics:
            metrics[m.key] = metrics.get(m.key, 0) + 1
        for key in run.params:
            params[key] = params.get(key, 0) + 1
    return {
        "metric_keys": sorted(metrics, key=lambda k: (k.startswith("system/"), -metrics[k], k))[:6],
        "param_keys": sorted(params, key=lambda k: (-params[k], k))[:4],
        "latest": {run.id: {m.key: m.value for m in run.metrics} for run in found},
    }


def show(request: Asked, services: Services, project: Project, run_id: str) -> Html:
    """One run: curves first, then parameters, artifacts, environment."""
    run = services.tracking.get(project.id, run_id)
    experiment = next((e.name for e in services.tracking.experiments.list(project.id) if e.id == run.experiment_id), "")
    return page(
        request,
        "run.html",
        title=run.name or run.id,
        section="runs",
        run=run,
        experiment=experiment,
        crumbs=[("Runs", within(project, "runs"))],
        head=live.part(request, "parts/run-head.html", **_head(project, run)),
        curves={"href": within(project, "runs", run.id, "metrics"), "live": run.status is RunStatus.RUNNING},
        keys=[
            {"key": key, "count": count, "value": {m.key: m.value for m in run.metrics}.get(key)}
            for key, count in services.tracking.series(project.id, run_id)
        ],
        tags={k: v for k, v in sorted(run.tags.items()) if k not in _HIDDEN_TAGS and len(v) < 2000},
        files=services.files.list(services.tracking.owner_of(project.id, run_id)),
        **_origin(services, project, run),
    )


def head(request: Asked, services: Services, project: Project, run_id: str) -> Html:
    """The run's state alone, for the page to renew."""
    return live.renewed(request, "parts/run-head.html", **_head(project, services.tracking.get(project.id, run_id)))


def _head(project: Project, run: Run) -> dict[str, Any]:
    return {"run": run, "renew": within(project, "runs", run.id, "head"), "live": run.status is RunStatus.RUNNING}


def metrics(services: Services, project: Project, run_id: str) -> dict[str, Any]:
    """Every series, sampled: enough to draw."""
    run = services.tracking.get(project.id, run_id)
    drawn = {}
    for key, count in services.tracking.series(project.id, run_id)[:60]:
        _, points = services.tracking.sampled(project.id, run_id, key, most=_DRAWN)
        drawn[key] = {
            "count": count,
            "steps": [p.step for p in points],
            "times": [p.timestamp_ms for p in points],
            "values": [p.value if p.value == p.value and abs(p.value) != float("inf") else None for p in points],
        }
    return {"series": drawn, "live": run.status is RunStatus.RUNNING}


def _origin(services: Services, project: Project, run: Run) -> dict[str, Any]:
    """The step the run belongs to, with what it asked for and used, and the models made of it."""
    parts = []
    step, pipeline_run = None, None
    if run.step_run_id:
        try:
            step = services.pipelines.step(project.id, run.step_run_id)
            pipeline_run = services.pipelines.get(project.id, step.pipeline_run_id)
            parts.append(lineage.pipeline(project, pipeline_run.id, pipeline_run.pipeline))
        except NotFound:
            step = None
    parts.append(lineage.run(project, run.id, run.name, here=True))
    versions = [v for v in services.registry.search(project.id) if v.run_id == run.id][:1]
    parts += [lineage.model(project, v) for v in versions]
    return {"strip": parts, "step": step, "capture": pipeline_run.capture if pipeline_run else None}
