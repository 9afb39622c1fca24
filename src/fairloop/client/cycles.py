"""Loops, cycles and approvals."""

from __future__ import annotations

import builtins
import time
from collections.abc import Callable
from typing import Any

from fairloop.client.http import Http
from fairloop.core.cycles import ApprovalRequest, Cycle, CycleEvent, Loop, Stage
from fairloop.core.records import from_wire


class Loops:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def register(self, definition: dict[str, Any], graph: dict[str, Any], capture: dict[str, Any]) -> Loop:
        body = {"definition": definition, "graph": graph, "capture": capture}
        return from_wire(Loop, self._http.json("POST", f"{self._path}/loops", json=body))

    def get(self, name: str) -> Loop:
        return from_wire(Loop, self._http.json("GET", f"{self._path}/loops/{name}"))

    def list(self) -> list[Loop]:
        return [from_wire(Loop, item) for item in self._http.json("GET", f"{self._path}/loops")["items"]]

    def start(self, name: str, dataset_version_id: str, *, words: str = "") -> Cycle:
        body = {"dataset_version_id": dataset_version_id, "words": words}
        return from_wire(Cycle, self._http.json("POST", f"{self._path}/loops/{name}/cycles", json=body))


class Cycles:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def get(self, cycle_id: str) -> Cycle:
        return from_wire(Cycle, self._http.json("GET", f"{self._path}/cycles/{cycle_id}"))

    def list(self, loop: str | None = None, *, limit: int = 50) -> list[Cycle]:
        page = self._http.json("GET", f"{self._path}/cycles", params={"loop": loop, "limit": limit})
        return [from_wire(Cycle, item) for item in page["items"]]

    def events(self, cycle_id: str) -> builtins.list[CycleEvent]:
        page = self._http.json("GET", f"{self._path}/cycles/{cycle_id}/events")
        return [from_wire(CycleEvent, item) for item in page["items"]]

    def note(self, cycle_id: str, kind: str, text: str) -> CycleEvent:
        """Add a line to the timeline of a cycle under way."""
        body = {"kind": kind, "text": text}
        return from_wire(CycleEvent, self._http.json("POST", f"{self._path}/cycles/{cycle_id}/events", json=body))

    def lineage(self, cycle_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._http.json("GET", f"{self._path}/cycles/{cycle_id}/lineage")
        return found

    def cancel(self, cycle_id: str, reason: str) -> Cycle:
        return from_wire(
            Cycle, self._http.json("POST", f"{self._path}/cycles/{cycle_id}/cancel", json={"reason": reason})
        )

    def follow(self, cycle_id: str, on_event: Callable[[CycleEvent], None], *, until: tuple[Stage, ...] = (),
               timeout_s: float = 3600.0) -> Cycle:  # fmt: skip
        """Report each timeline line once, until the cycle is over or stands at one of ``until``."""
        told, end = 0, time.monotonic() + timeout_s
        while True:
            cycle = self.get(cycle_id)
            for event in self.events(cycle_id):
                if event.seq > told:
                    told = event.seq
                    on_event(event)
            if cycle.stage.final or cycle.stage in until or time.monotonic() > end:
                return cycle
            time.sleep(0.25)


class Approvals:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def get(self, approval_id: str) -> ApprovalRequest:
        return from_wire(ApprovalRequest, self._http.json("GET", f"{self._path}/approvals/{approval_id}"))

    def list(self, *, decision: str | None = None, cycle_id: str | None = None) -> list[ApprovalRequest]:
        page = self._http.json("GET", f"{self._path}/approvals", params={"decision": decision, "cycle_id": cycle_id})
        return [from_wire(ApprovalRequest, item) for item in page["items"]]

    def ask(self, version_id: str, reason: str) -> ApprovalRequest:
        """Ask people to approve a version that no loop made."""
        path = f"{self._path}/model-versions/{version_id}/approval"
        return from_wire(ApprovalRequest, self._http.json("POST", path, json={"reason": reason}))

    def decide(self, approval_id: str, *, approve: bool, reason: str, on_behalf_of: str = "") -> ApprovalRequest:
        body = {"decision": "approved" if approve else "refused", "reason": reason, "on_behalf_of": on_behalf_of}
        answer = self._http.json("POST", f"{self._path}/approvals/{approval_id}/decision", json=body)
        return from_wire(ApprovalRequest, answer)
