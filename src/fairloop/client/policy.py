"""The policy: read, set, asked; and delegations."""

from __future__ import annotations

from typing import Any

from fairloop.client.http import Http
from fairloop.core.decisions import Delegation, Judged, PolicyState, PolicyVersion
from fairloop.core.policy import Facts
from fairloop.core.records import Page, from_wire, to_wire


class Policies:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def state(self) -> PolicyState:
        """The version in force, and one that waits for a second person."""
        return from_wire(PolicyState, self._http.json("GET", f"{self._path}/policy"))

    def set(self, text: str, reason: str) -> PolicyVersion:
        """Write a new version from YAML text."""
        body = {"text": text, "reason": reason}
        return from_wire(PolicyVersion, self._http.json("PUT", f"{self._path}/policy", json=body))

    def versions(self, *, limit: int = 50, cursor: str | None = None) -> Page[PolicyVersion]:
        page = self._http.json("GET", f"{self._path}/policy/versions", params={"limit": limit, "cursor": cursor})
        return Page(items=[from_wire(PolicyVersion, item) for item in page["items"]], next=page["next"])

    def difference(self, version: int) -> str:
        """What a version changed, as a unified diff."""
        return str(self._http.json("GET", f"{self._path}/policy/versions/{version}")["difference"])

    def decide(self, version: int, *, confirm: bool, reason: str) -> PolicyVersion:
        """Confirm or refuse a proposed version, as a second person."""
        body = {"decision": "confirmed" if confirm else "refused", "reason": reason}
        answer = self._http.json("POST", f"{self._path}/policy/versions/{version}/decision", json=body)
        return from_wire(PolicyVersion, answer)

    def of_cycle(self, cycle_id: str) -> Judged:
        """What the policy says to a cycle, with the facts it rests on."""
        return from_wire(Judged, self._http.json("GET", f"{self._path}/cycles/{cycle_id}/policy"))

    def of_version(self, version_id: str) -> Judged:
        """What the policy says to letting a model version go live."""
        return from_wire(Judged, self._http.json("GET", f"{self._path}/model-versions/{version_id}/policy"))

    def evaluate(self, facts: Facts, text: str = "") -> Judged:
        """What the project's policy, or the one in ``text``, says to stated facts."""
        body: dict[str, Any] = {"facts": to_wire(facts), "text": text}
        return from_wire(Judged, self._http.json("POST", f"{self._path}/policy/evaluation", json=body))


class Delegations:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = f"{path}/delegations"

    def list(self) -> list[Delegation]:
        return [from_wire(Delegation, item) for item in self._http.json("GET", self._path)["items"]]

    def create(self, to: str, until: str, reason: str) -> Delegation:
        """Hand your decisions to a member until a date, for example ``2026-12-24``."""
        return from_wire(
            Delegation, self._http.json("POST", self._path, json={"to": to, "until": until, "reason": reason})
        )

    def end(self, delegation_id: str) -> None:
        self._http.json("DELETE", f"{self._path}/{delegation_id}")
