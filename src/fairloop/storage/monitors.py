"""Monitors, judged windows and alerts: rows <-> dataclasses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from fairloop.core.checks import Check, Verdict
from fairloop.core.monitors import Alert, Monitor, Window
from fairloop.core.records import from_plain, to_plain
from fairloop.storage.tables import alerts, monitors, windows


# ------------------------------------------------------------------ monitors
def _monitor(row: Any) -> Monitor:
    return Monitor(**{**row, "checks": from_plain(list[Check], row["checks"])})


def save_monitor(connection: Connection, monitor: Monitor) -> None:
    connection.execute(delete(monitors).where(monitors.c.id == monitor.id))
    connection.execute(insert(monitors).values(**to_plain(monitor)))


def monitor_by_id(connection: Connection, monitor_id: str) -> Monitor | None:
    row = connection.execute(select(monitors).where(monitors.c.id == monitor_id)).mappings().first()
    return _monitor(row) if row else None


def monitor_of(connection: Connection, endpoint_id: str) -> Monitor | None:
    row = connection.execute(select(monitors).where(monitors.c.endpoint_id == endpoint_id)).mappings().first()
    return _monitor(row) if row else None


def listed_monitors(connection: Connection, project_id: str | None = None) -> list[Monitor]:
    """Monitors of one project, or of all."""
    query = select(monitors).order_by(monitors.c.created_ms, monitors.c.id)
    if project_id is not None:
        query = query.where(monitors.c.project_id == project_id)
    return [_monitor(row) for row in connection.execute(query).mappings()]


def set_cursor(connection: Connection, monitor_id: str, cursor: dict[str, Any]) -> None:
    connection.execute(update(monitors).where(monitors.c.id == monitor_id).values(cursor=cursor))


# ------------------------------------------------------------------ windows
def _window(row: Any) -> Window:
    values = {name: row[name] for name in Window.__slots__}
    return Window(**{**values, "verdicts": from_plain(list[Verdict], values["verdicts"])})


def save_window(connection: Connection, window: Window) -> None:
    """Add a window, or give the one with this id its newer verdicts."""
    values = {**to_plain(window), "pending": bool(window.detail.get("pending"))}
    known = connection.execute(select(windows.c.created_ms).where(windows.c.id == window.id)).scalar()
    if known is not None:
        values["created_ms"] = known
        connection.execute(update(windows).where(windows.c.id == window.id).values(**values))
    else:
        connection.execute(insert(windows).values(**values))


def window_by_id(connection: Connection, window_id: str) -> Window | None:
    row = connection.execute(select(windows).where(windows.c.id == window_id)).mappings().first()
    return _window(row) if row else None


def listed_windows(connection: Connection, monitor_id: str, *, deployment_id: str | None = None, limit: int = 100,
                   before: tuple[int, str] | None = None) -> list[Window]:  # fmt: skip
    """Newest traffic first; ``before`` is the end and id of the window the page goes on behind."""
    query = select(windows).where(windows.c.monitor_id == monitor_id)
    query = query.order_by(windows.c.end_ms.desc(), windows.c.id.desc()).limit(limit)
    if deployment_id is not None:
        query = query.where(windows.c.deployment_id == deployment_id)
    if before is not None:
        end_ms, window_id = before
        query = query.where((windows.c.end_ms < end_ms) | ((windows.c.end_ms == end_ms) & (windows.c.id < window_id)))
    return [_window(row) for row in connection.execute(query).mappings()]


def pending_windows(connection: Connection, monitor_id: str, deployment_id: str) -> list[Window]:
    """Windows that wait for late labels or sensitive values, oldest first."""
    query = select(windows).where(windows.c.monitor_id == monitor_id, windows.c.pending.is_(True),
                                  windows.c.deployment_id == deployment_id).order_by(windows.c.end_ms)  # fmt: skip
    return [_window(row) for row in connection.execute(query).mappings()]


# ------------------------------------------------------------------ alerts
def _alert(row: Any) -> Alert:
    values = {name: row[name] for name in Alert.__slots__}
    return Alert(**{**values, "verdict": from_plain(Verdict, values["verdict"])})


def save_alert(connection: Connection, alert: Alert) -> None:
    connection.execute(delete(alerts).where(alerts.c.id == alert.id))
    connection.execute(insert(alerts).values(**to_plain(alert), check_name=alert.verdict.check.name))


def alert_by_id(connection: Connection, alert_id: str) -> Alert | None:
    row = connection.execute(select(alerts).where(alerts.c.id == alert_id)).mappings().first()
    return _alert(row) if row else None


def last_alert(connection: Connection, endpoint_id: str, check_name: str) -> Alert | None:
    """The newest alert of a check on an endpoint, whatever its state."""
    query = select(alerts).where(alerts.c.endpoint_id == endpoint_id, alerts.c.check_name == check_name)
    row = connection.execute(query.order_by(alerts.c.opened_ms.desc(), alerts.c.id.desc()).limit(1)).mappings().first()
    return _alert(row) if row else None


def listed_alerts(connection: Connection, project_id: str, *, state: str | None = None, endpoint_id: str | None = None,
                  limit: int = 1000, before: tuple[int, str] | None = None) -> list[Alert]:  # fmt: skip
    """Newest first; ``before`` is the opening time and id of the alert the page goes on behind."""
    query = select(alerts).where(alerts.c.project_id == project_id)
    query = query.order_by(alerts.c.opened_ms.desc(), alerts.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(alerts.c.state == state)
    if endpoint_id is not None:
        query = query.where(alerts.c.endpoint_id == endpoint_id)
    if before is not None:
        opened_ms, alert_id = before
        query = query.where((alerts.c.opened_ms < opened_ms)
                            | ((alerts.c.opened_ms == opened_ms) & (alerts.c.id < alert_id)))  # fmt: skip
    return [_alert(row) for row in connection.execute(query).mappings()]


def resolve_all(connection: Connection, endpoint_id: str, now_ms: int) -> int:
    """Resolve whatever is not resolved on an endpoint; how many were."""
    query = update(alerts).where(alerts.c.endpoint_id == endpoint_id, alerts.c.state != "resolved")
    return connection.execute(query.values(state="resolved", updated_ms=now_ms)).rowcount


def change_alert(connection: Connection, alert_id: str, was: tuple[str, ...], **values: Any) -> bool:
    """Change an alert that is in one of the states ``was``; whether it was."""
    query = update(alerts).where(alerts.c.id == alert_id, alerts.c.state.in_(was)).values(**values)
    return connection.execute(query).rowcount == 1
