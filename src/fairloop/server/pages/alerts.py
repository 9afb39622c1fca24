"""Alerts: one card an incident, with its evidence and one thing to do."""

from __future__ import annotations

from typing import Any

from litestar.response import Redirect

from fairloop.core.monitors import Alert
from fairloop.core.people import Identity, Project
from fairloop.errors import NotFound
from fairloop.server.pages.forms import Form, act
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.pages.views.verdicts import card, name_of
from fairloop.server.services import Services

_ORDER = {"open": 0, "acknowledged": 1, "resolved": 2}


def listing(request: Asked, services: Services, project: Project) -> Html:
    """Open incidents first."""
    found = sorted(services.monitoring.alerts(project.id), key=lambda a: (_ORDER[a.state], -a.opened_ms))
    return page(
        request,
        "alerts.html",
        title="Alerts",
        section="alerts",
        incidents=[incident(services, project, a) for a in found[:100]],
        counts={s: sum(a.state == s for a in found) for s in _ORDER},
    )


def incident(services: Services, project: Project, alert: Alert) -> dict[str, Any]:
    endpoint = services.serving.endpoint_by_id(project.id, alert.endpoint_id)
    cycle = services.loops.cycle(project.id, alert.cycle_id) if alert.cycle_id else None
    detail: dict[str, Any] = {}
    try:
        detail = services.monitoring.window(project.id, alert.window_id).detail
    except NotFound:
        pass
    columns = drift_columns(detail.get("columns"), alert.verdict.detail.get("min_effect"))
    worst = max(columns["columns"], key=lambda c: c["effect"], default=None) if columns else None
    return {
        "alert": alert,
        "name": name_of(alert.verdict.check),
        "card": card(alert.verdict),
        "endpoint": endpoint.name,
        "endpoint_href": within(project, "endpoints", endpoint.name),
        "cycle": cycle,
        "cycle_href": within(project, "cycles", cycle.id) if cycle else "",
        "loop": services.monitoring.loop_of(alert),
        "drift": columns if alert.verdict.check.metric == "drift" else None,
        "bins": {"column": worst["column"], "bins": worst["bins"]}
        if worst and worst["bins"] and alert.verdict.check.metric == "drift"
        else None,
        "href": within(project, "alerts", alert.id),
    }


def drift_columns(found: Any, limit: Any) -> dict[str, Any] | None:
    """Columns of a judged window as the drift chart reads them; None when drift was not judged."""
    if not isinstance(found, dict) or not found:
        return None
    columns = [
        {
            "column": name,
            "effect": c.get("effect") or 0.0,
            "status": c.get("status"),
            "p": c.get("p_corrected"),
            "bins": c.get("bins") or [],
        }
        for name, c in found.items()
    ]
    return {"columns": columns, "limit": limit}


def acknowledge(services: Services, identity: Identity, project: Project, alert_id: str, data: Form) -> Redirect:
    """Say that you look after it."""
    services.monitoring.alert(project.id, alert_id)
    return act(
        within(project, "alerts"),
        lambda: services.monitoring.acknowledge(project.id, alert_id, identity, data.get("reason", "")),
        "Acknowledged: it is yours now.",
    )


def resolve(services: Services, identity: Identity, project: Project, alert_id: str, data: Form) -> Redirect:
    """Say that it is dealt with."""
    services.monitoring.alert(project.id, alert_id)
    return act(
        within(project, "alerts"),
        lambda: services.monitoring.resolve(project.id, alert_id, identity, data.get("reason", "")),
        "Resolved. Should the check go on failing, a new alert opens.",
    )


def start_cycle(services: Services, identity: Identity, project: Project, alert_id: str) -> Redirect:
    """Start the cycle this alert proposes."""
    services.monitoring.alert(project.id, alert_id)
    return act(
        within(project, "alerts"),
        lambda: services.proposals.start(project.id, alert_id, identity.name),
        lambda cycle: f"Cycle {cycle.number} has begun.",
    )
