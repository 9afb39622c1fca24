"""The audit log."""

from __future__ import annotations

from fairloop.client.http import Http
from fairloop.core.audit import AuditEntry, Verification
from fairloop.core.records import Page, from_wire


class Audit:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def entries(self, *, cursor: str | None = None, limit: int = 100, action: str | None = None,
                person: str | None = None, server_wide: bool = False) -> Page[AuditEntry]:  # fmt: skip
        """Newest first: the project's, or with ``server_wide`` everything (server administrators)."""
        path = "/api/v1/audit" if server_wide else f"{self._path}/audit"
        params = {"cursor": cursor, "limit": limit, "action": action, "person": person}
        told = self._http.json("GET", path, params=params)
        return Page(items=[from_wire(AuditEntry, e) for e in told["items"]], next=told["next"])

    def verify(self) -> Verification:
        """Whether the hash chain of the whole server holds; for who may read the project's log."""
        return from_wire(Verification, self._http.json("GET", f"{self._path}/audit/verification"))
