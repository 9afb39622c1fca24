"""Alerts: read, acknowledge, resolve."""

from __future__ import annotations

from urllib.parse import quote

from fairloop.client.http import Http
from fairloop.core.monitors import Alert
from fairloop.core.records import Page, from_wire


class Alerts:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = f"{path}/alerts"

    def list(self, *, state: str | None = None, limit: int = 100, cursor: str | None = None) -> Page[Alert]:
        """Newest first; ``state`` is open, acknowledged or resolved."""
        page = self._http.json("GET", self._path, params={"state": state, "limit": limit, "cursor": cursor})
        return Page(items=[from_wire(Alert, item) for item in page["items"]], next=page["next"])

    def get(self, alert_id: str) -> Alert:
        return from_wire(Alert, self._http.json("GET", f"{self._path}/{quote(alert_id, safe='')}"))

    def acknowledge(self, alert_id: str, reason: str = "") -> Alert:
        return self._decide(alert_id, "acknowledgement", reason)

    def resolve(self, alert_id: str, reason: str = "") -> Alert:
        return self._decide(alert_id, "resolution", reason)

    def _decide(self, alert_id: str, what: str, reason: str) -> Alert:
        path = f"{self._path}/{quote(alert_id, safe='')}/{what}"
        return from_wire(Alert, self._http.json("POST", path, json={"reason": reason}))
