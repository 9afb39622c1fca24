"""Alerts over REST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from litestar.params import QueryParameter

from fairloop.core.monitors import Alert
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    reason: str = ""


def list_alerts(
    services: Services,
    project: Project,
    in_state: Annotated[str | None, QueryParameter(name="state")] = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Alert]:
    """Failing checks on live traffic, newest first."""
    return services.monitoring.alert_page(project.id, in_state, limit=limit, cursor=cursor)


def get_alert(services: Services, project: Project, alert_id: str) -> Alert:
    """One alert with its evidence."""
    return services.monitoring.alert(project.id, alert_id)


def acknowledge_alert(services: Services, project: Project, identity: Identity, alert_id: str, data: Reason) -> Alert:
    """Say that you look after it."""
    return services.monitoring.acknowledge(project.id, alert_id, identity, data.reason)


def resolve_alert(services: Services, project: Project, identity: Identity, alert_id: str, data: Reason) -> Alert:
    """Say that it is dealt with."""
    return services.monitoring.resolve(project.id, alert_id, identity, data.reason)
