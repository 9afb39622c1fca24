"""Your inbox, and the channels of a project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairloop.client.http import Http
from fairloop.core.notices import Channel, Delivery, NewChannel, Notice
from fairloop.core.records import Page, from_wire


class Notices:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http

    def list(self, *, unread: bool = False, limit: int = 50, cursor: str | None = None) -> Page[Notice]:
        """What you were told, newest first, in all your projects."""
        asked = {"unread": "true" if unread else None, "limit": limit, "cursor": cursor}
        page = self._http.json("GET", "/api/v1/notices", params=asked)
        return Page(items=[from_wire(Notice, item) for item in page["items"]], next=page["next"])

    def read(self, notice_id: str = "") -> int:
        """Mark one notice as read, or all; how many were not."""
        return int(self._http.json("POST", "/api/v1/notices/read", json={"notice_id": notice_id})["read"])


class Channels:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = f"{path}/channels"
        self._deliveries = f"{path}/deliveries"

    def list(self) -> list[Channel]:
        return [from_wire(Channel, item) for item in self._http.json("GET", self._path)["items"]]

    def create(self, name: str, kind: str, target: str, *, kinds: Sequence[str] = (), secret: str = "") -> NewChannel:
        """A webhook's secret is in the answer, this once."""
        body = {"name": name, "kind": kind, "target": target, "kinds": list(kinds), "secret": secret}
        return from_wire(NewChannel, self._http.json("POST", self._path, json=body))

    def switch(self, channel_id: str, *, enabled: bool) -> Channel:
        return from_wire(Channel, self._http.json("PATCH", f"{self._path}/{channel_id}", json={"enabled": enabled}))

    def remove(self, channel_id: str) -> None:
        self._http.json("DELETE", f"{self._path}/{channel_id}")

    def test(self, channel_id: str) -> dict[str, Any]:
        """``arrived`` and, in a sentence, how."""
        found: dict[str, Any] = self._http.json("POST", f"{self._path}/{channel_id}/test")
        return found

    def deliveries(self, *, state: str | None = None, limit: int = 50, cursor: str | None = None) -> Page[Delivery]:
        asked = {"state": state, "limit": limit, "cursor": cursor}
        page = self._http.json("GET", self._deliveries, params=asked)
        return Page(items=[from_wire(Delivery, item) for item in page["items"]], next=page["next"])

    def retry(self, delivery_id: str) -> Delivery:
        return from_wire(Delivery, self._http.json("POST", f"{self._deliveries}/{delivery_id}/retry"))
