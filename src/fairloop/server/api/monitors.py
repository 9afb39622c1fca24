"""Monitors and judged windows over REST."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairloop.core.checks import Check
from fairloop.core.monitors import Monitor, Watching, Window
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.core.units import parse_seconds
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMonitor:
    endpoint: str
    checks: list[Check]
    every: str = "5m"
    window: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    windows: list[Window] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    enabled: bool


def list_monitors(services: Services, project: Project) -> Page[Monitor]:
    """What is watched in this project."""
    return Page(items=services.monitoring.monitors(project.id))


def get_monitor(services: Services, project: Project, monitor_id: str) -> Monitor:
    """One monitor."""
    return services.monitoring.monitor(project.id, monitor_id)


def ensure_monitor(services: Services, project: Project, identity: Identity, data: NewMonitor) -> Monitor:
    """Watch an endpoint by these checks from now on."""
    endpoint = services.serving.endpoint(project.id, data.endpoint)
    monitor = services.monitoring.ensure(project.id, endpoint.id, endpoint.loop, data.checks, parse_seconds(data.every),
                                         data.window)  # fmt: skip
    services.audit.record(identity, "monitor.ensure", project_id=project.id, object=monitor.id,
                          detail={"endpoint": endpoint.name, "checks": [c.name for c in data.checks]})  # fmt: skip
    return monitor


def switch_monitor(services: Services, project: Project, identity: Identity, monitor_id: str, data: Switch) -> Monitor:
    """Switch a monitor on or off."""
    return services.monitoring.enable(project.id, monitor_id, identity, enabled=data.enabled)


def start_watch(services: Services, project: Project, monitor_id: str) -> dict[str, str]:
    """Judge what came since the last run, now; answers with the pipeline run that will do it."""
    return {"pipeline_run_id": services.monitoring.start_now(project.id, monitor_id)}


def list_windows(
    services: Services,
    project: Project,
    monitor_id: str,
    deployment_id: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Window]:
    """Judged windows, newest traffic first."""
    return services.monitoring.windows(project.id, monitor_id, deployment_id=deployment_id, limit=limit, cursor=cursor)


def watching(services: Services, project: Project, monitor_id: str) -> Watching:
    """What a watch run needs to know."""
    return services.monitoring.watching(project.id, monitor_id)


def record_windows(services: Services, project: Project, monitor_id: str, data: Judged) -> dict[str, int]:
    """Hand in judged windows."""
    return {"windows": len(services.monitoring.record_windows(project.id, monitor_id, data.windows))}
