"""Endpoints: the split of the traffic, rates, groups, recent predictions, and a form to try."""

from __future__ import annotations

import json
from typing import Any

from litestar.response import Redirect

from fairloop.core import codec
from fairloop.core.checks import Check
from fairloop.core.endpoints import LATENCY_EDGES_MS, Deployment, DeploymentState, Endpoint, Rollout
from fairloop.core.models import ModelVersion
from fairloop.core.monitors import Window
from fairloop.core.people import Identity, Project
from fairloop.errors import FairloopError, NotFound
from fairloop.server.api import endpoints as api
from fairloop.server.pages import alerts, cycles, gather, live
from fairloop.server.pages.forms import Form, act
from fairloop.server.pages.shell import Asked, Html, page, render, within
from fairloop.server.pages.views import signature
from fairloop.server.pages.views.verdicts import GROUP_WORDS, cards, name_of
from fairloop.server.pages.words import metric
from fairloop.server.services import Services

_RECENT = 20
_WINDOWS = 60


def listing(request: Asked, services: Services, project: Project) -> Html:
    """Where models serve."""
    rows = []
    for endpoint in services.serving.endpoints(project.id):
        deployments = services.serving.deployments(project.id, endpoint.id)
        live_ones = [d for d in deployments if d.state is DeploymentState.LIVE]
        failed = next((d for d in deployments if d.state is DeploymentState.FAILED), None)
        traffic = services.serving.traffic(endpoint.id)
        rows.append(
            {
                "endpoint": endpoint,
                "href": within(project, "endpoints", endpoint.name),
                "failed": failed if not live_ones else None,
                "models": [(_name(services, project, d), d.share) for d in live_ones],
                "rows": sum(t.rows for t in traffic.values()),
                "alerts": len(
                    [a for a in services.monitoring.alerts(project.id, endpoint_id=endpoint.id) if a.state == "open"]
                ),
            }
        )
    return page(request, "endpoints.html", title="Endpoints", section="endpoints", rows=rows)


def _name(services: Services, project: Project, deployment: Deployment) -> str:
    version = _version(services, project, deployment)
    return f"{version.model} v{version.version}" if version else "a removed version"


def _version(services: Services, project: Project, deployment: Deployment) -> ModelVersion | None:
    try:
        return services.registry.version_by_id(project.id, deployment.model_version_id)
    except NotFound:
        return None


def show(request: Asked, services: Services, identity: Identity, project: Project, endpoint_name: str) -> Html:
    """One endpoint: now, and over the windows its monitor judged."""
    endpoint = services.serving.endpoint(project.id, endpoint_name)
    windows = gather.windows_of(services, project.id, endpoint, limit=_WINDOWS)
    serving = _serving_version(services, project, endpoint)
    told = serving.signature if serving else {}
    return page(
        request,
        "endpoint.html",
        title=endpoint.name,
        section="endpoints",
        endpoint=endpoint,
        crumbs=[("Endpoints", within(project, "endpoints"))],
        now=live.part(request, "parts/endpoint-now.html", **_now(services, project, endpoint)),
        window=windows[0] if windows else None,
        verdicts=cards(windows[0].verdicts) if windows else [],
        charts=_charts(windows),
        drift=_drift(windows),
        latency=_latency(services, endpoint),
        recent=_recent(services, project, endpoint),
        fields=signature.fields(told),
        serving=serving,
        snippets=_snippets(request, project, endpoint, told),
        monitor=services.monitoring.monitor_of(project.id, endpoint.id),
    )


def now(request: Asked, services: Services, project: Project, endpoint_name: str) -> Html:
    """The split and the rates alone, for the page to renew."""
    endpoint = services.serving.endpoint(project.id, endpoint_name)
    return live.renewed(request, "parts/endpoint-now.html", **_now(services, project, endpoint))


def _now(services: Services, project: Project, endpoint: Endpoint) -> dict[str, Any]:
    deployments = services.serving.deployments(project.id, endpoint.id)
    traffic = services.serving.traffic(endpoint.id)
    rows: list[dict[str, Any]] = [
        {
            "deployment": d,
            "name": _name(services, project, d),
            "traffic": traffic.get(d.id),
            "version": _version(services, project, d),
        }
        for d in deployments[:8]
    ]
    rollouts = services.serving.rollouts(project.id, endpoint.id)
    groups = [
        {
            "deployment": r["name"],
            "attribute": attribute,
            "group": GROUP_WORDS.get(group, group),
            "rows": n,
            "rate": positives / n if n else None,
        }
        for r in rows
        if r["traffic"] and r["deployment"].state is DeploymentState.LIVE
        for attribute, found in r["traffic"].groups.items()
        for group, (n, positives) in found.items()
    ]
    back = [r for r in rows if r["deployment"].state is DeploymentState.READY and r["deployment"].live_ms]
    return {
        "endpoint": endpoint,
        "rows": rows,
        "split": [r for r in rows if r["deployment"].share > 0],
        "groups": groups,
        "rollout": cycles.rollout_view(rollouts[0]) if rollouts else None,
        "decisions": _decisions(rollouts[0]) if rollouts else [],
        "renew": within(project, "endpoints", endpoint.name, "now"),
        "back": back[0]["name"] if back else "",
        "requests": sum(t.requests for t in traffic.values()),
        "total": sum(t.rows for t in traffic.values()),
        "errors": sum(t.errors for t in traffic.values()),
        "p99": max((t.latency_p99_ms for t in traffic.values() if t.latency_p99_ms), default=None),
        "log": services.serving.stats(endpoint.id),
    }


def _decisions(rollout: Rollout) -> list[tuple[str, str]]:
    """What a person can decide about an open rollout, with the words of its button."""
    back = rollout.from_deployment_id is not None or rollout.state == "smoke"
    return [
        ("resume", "Go on judging") if rollout.state == "held" else ("hold", "Hold here"),
        ("promote", "Promote to 100 %"),
        *([("roll_back", "Roll back")] if back else []),
    ]


def _serving_version(services: Services, project: Project, endpoint: Endpoint) -> ModelVersion | None:
    found = sorted(services.serving.deployments(project.id, endpoint.id), key=lambda d: -d.share)
    return _version(services, project, found[0]) if found else None


def _charts(windows: list[Window]) -> list[dict[str, Any]]:
    """One line a check over the windows, with its interval and limit."""
    checks: dict[str, Check] = {v.check.name: v.check for w in windows for v in w.verdicts}
    charts = []
    for name, check in checks.items():
        points = [
            {"at": w.end_ms, "value": v.estimate, "low": v.low, "high": v.high}
            for w in reversed(windows)
            for v in w.verdicts
            if v.check.name == name and v.estimate is not None
        ]
        if len(points) < 2:
            continue
        baseline = next(
            (
                v.detail.get("baseline")
                for w in windows
                for v in w.verdicts
                if v.check.name == name and "baseline" in v.detail
            ),
            None,
        )
        limit = check.threshold if check.drop is None else None if baseline is None else baseline - check.drop
        charts.append(
            {
                "title": name_of(check),
                "lines": [{"name": metric(check.metric), "points": points}],
                "limit": limit,
                "limit_words": f"limit {limit:.3g}" if limit is not None else "",
                "unit": "ms" if check.metric.endswith("_ms") else "",
                "zero": check.metric != "roc_auc",
            }
        )
    return charts


def _drift(windows: list[Window]) -> dict[str, Any] | None:
    if not windows:
        return None
    limit = next((v.detail.get("min_effect") for v in windows[0].verdicts if v.check.metric == "drift"), None)
    return alerts.drift_columns(windows[0].detail.get("columns"), limit)


def _latency(services: Services, endpoint: Endpoint) -> dict[str, Any] | None:
    counts: list[int] = []
    for traffic in services.serving.traffic(endpoint.id).values():
        counts = [a + b for a, b in zip(traffic.slow, counts or [0] * len(traffic.slow), strict=False)]
    used = [i for i, n in enumerate(counts) if n]
    if not used:
        return None
    return {
        "buckets": [
            {"ms": LATENCY_EDGES_MS[min(i, len(LATENCY_EDGES_MS) - 1)], "n": counts[i]}
            for i in range(used[0], used[-1] + 1)
        ]
    }


def _recent(services: Services, project: Project, endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.state != "up":
        return []
    try:
        return services.serving.predictions.recent(project.id, endpoint.name, _RECENT)
    except FairloopError:
        return []


def _snippets(request: Asked, project: Project, endpoint: Endpoint, told: dict[str, Any]) -> list[tuple[str, str]]:
    row = {f["name"]: f["value"] for f in signature.fields(told)} or {"column": "value"}
    body = json.dumps({"dataframe_records": [row]}, ensure_ascii=False)
    direct = f"http://{endpoint.host}:{endpoint.port or 'PORT'}/invocations"
    base = str(request.base_url).rstrip("/")
    return [
        (
            "CLI",
            f"fairloop --project {project.name} predict {endpoint.name} --row '{json.dumps(row, ensure_ascii=False)}'",
        ),
        ("curl", f"curl {direct} -H 'content-type: application/json' \\\n  -d '{body}'"),
        (
            "Python",
            f'import fairloop as fl\n\nclient = fl.connect("{base}", project="{project.name}")\n'
            f'client.predictions.predict("{endpoint.name}", [{row!r}])',
        ),
    ]


def attempt(request: Asked, services: Services, project: Project, endpoint_name: str, data: Form) -> Html:
    """Ask the endpoint with the form's values; the prediction is logged like any other."""
    endpoint = services.serving.endpoint(project.id, endpoint_name)
    serving = _serving_version(services, project, endpoint)
    fields = signature.fields(serving.signature if serving else {})
    row = {field["name"]: signature.typed(field, data.get(field["name"], "")) for field in fields}
    wrong, answer = "", None
    try:
        answer = services.serving.predictions.predict(
            project.id, endpoint.name, codec.dumps({"dataframe_records": [row]}).encode()
        )
    except FairloopError as cause:
        wrong = cause.message
    text = render(
        request,
        "parts/answer.html",
        wrong=wrong,
        shown=json.dumps(answer, indent=2, ensure_ascii=False, default=str) if answer is not None else "",
    )
    return Html(text, media_type="text/html")


def roll_back(services: Services, identity: Identity, project: Project, endpoint_name: str, data: Form) -> Redirect:
    """All traffic to the version that served before."""
    endpoint = services.serving.endpoint(project.id, endpoint_name)
    reason = api.Reason(reason=data.get("reason", ""))
    return act(
        within(project, "endpoints", endpoint.name),
        lambda: api.roll_back_endpoint(services, project, identity, endpoint.name, reason),
        "Rolled back: the version before has all traffic again.",
    )


_DECIDED = {
    "hold": "Held: the traffic stays as it is until somebody decides.",
    "resume": "It goes on: the step is judged again, with its full time.",
    "promote": "Promoted: the new version has all traffic.",
    "roll_back": "Rolled back: the version before has all traffic again.",
}


def decide_rollout(
    services: Services, identity: Identity, project: Project, endpoint_name: str, rollout_id: str, data: Form
) -> Redirect:
    """Hold, resume, promote or roll back an open rollout, with a reason."""
    endpoint = services.serving.endpoint(project.id, endpoint_name)
    if services.serving.rollout(project.id, rollout_id).endpoint_id != endpoint.id:
        raise NotFound("No such rollout, or you may not see it.")
    wanted = api.RolloutDecision(decision=data.get("decision", ""), reason=data.get("reason", ""))
    return act(
        within(project, "endpoints", endpoint.name),
        lambda: api.decide_rollout(services, project, identity, rollout_id, wanted),
        lambda _: _DECIDED[wanted.decision],
    )


def switch(services: Services, identity: Identity, project: Project, endpoint_name: str, data: Form) -> Redirect:
    """Start a stopped endpoint, or stop a running one with a reason."""
    endpoint = services.serving.endpoint(project.id, endpoint_name)
    start = data.get("to") == "start"
    reason = api.Reason(reason=data.get("reason", ""))

    def change() -> Any:
        if start:
            return api.start_endpoint(services, project, identity, endpoint.name)
        return api.stop_endpoint(services, project, identity, endpoint.name, reason)

    return act(
        within(project, "endpoints", endpoint.name),
        change,
        "It is starting." if start else "Stopped. It stays, and can be started again.",
    )
