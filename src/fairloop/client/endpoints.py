"""Endpoints: deploy, split traffic, roll out, roll back."""

from __future__ import annotations

import builtins
from typing import Any
from urllib.parse import quote

from fairloop.client.http import Http
from fairloop.core.endpoints import Deployment, Endpoint, Rollout
from fairloop.core.records import from_wire


class Endpoints:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def _at(self, name: str, rest: str = "") -> str:
        return f"{self._path}/endpoints/{quote(name, safe='')}{rest}"

    def list(self) -> builtins.list[Endpoint]:
        return [from_wire(Endpoint, e) for e in self._http.json("GET", f"{self._path}/endpoints")["items"]]

    def create(self, name: str, *, log_mode: str = "best_effort") -> Endpoint:
        body = {"name": name, "log_mode": log_mode}
        return from_wire(Endpoint, self._http.json("POST", f"{self._path}/endpoints", json=body))

    def get(self, name: str) -> Endpoint:
        return from_wire(Endpoint, self.describe(name))

    def describe(self, name: str) -> dict[str, Any]:
        """Everything about the endpoint: url, deployments, rollouts, traffic counters, counters of its log."""
        found: dict[str, Any] = self._http.json("GET", self._at(name))
        return found

    def deployments(self, name: str) -> builtins.list[Deployment]:
        """The endpoint's deployments, the newest first."""
        return [from_wire(Deployment, d) for d in self.describe(name)["deployments"]]

    def deploy(self, name: str, model_version: str, *, share: int = 100) -> Deployment:
        """Serve a version (id, ``name/version`` or ``models:/name/version``); a bad model gives a failed deployment."""
        body = {"model_version": model_version, "share": share}
        return from_wire(Deployment, self._http.json("POST", self._at(name, "/deployments"), json=body))

    def retire(self, name: str, deployment_id: str) -> Deployment:
        return from_wire(Deployment, self._http.json("DELETE", self._at(name, f"/deployments/{deployment_id}")))

    def set_shares(self, name: str, shares: dict[str, int], *, reason: str = "") -> dict[str, Any]:
        """Percent per deployment id, 100 together."""
        body = {"shares": shares, "reason": reason}
        found: dict[str, Any] = self._http.json("PUT", self._at(name, "/shares"), json=body)
        return found

    def roll_back(self, name: str, *, reason: str) -> Deployment:
        """All traffic back to the version that served before."""
        return from_wire(Deployment, self._http.json("POST", self._at(name, "/rollback"), json={"reason": reason}))

    def stop(self, name: str, *, reason: str) -> Endpoint:
        return from_wire(Endpoint, self._http.json("POST", self._at(name, "/stop"), json={"reason": reason}))

    def start(self, name: str) -> Endpoint:
        return from_wire(Endpoint, self._http.json("POST", self._at(name, "/start")))

    def seal(self, name: str) -> None:
        """For monitors: everything answered so far is in sealed spool segments afterwards."""
        self._http.json("POST", self._at(name, "/seal"))

    def rollouts(self, name: str) -> builtins.list[Rollout]:
        """The newest first."""
        return [from_wire(Rollout, r) for r in self._http.json("GET", self._at(name, "/rollouts"))["items"]]

    def rollout(self, rollout_id: str) -> Rollout:
        return from_wire(Rollout, self._http.json("GET", f"{self._path}/rollouts/{rollout_id}"))

    def decide_rollout(self, rollout_id: str, decision: str, *, reason: str) -> Rollout:
        """``decision`` is hold, resume, promote or roll_back."""
        body = {"decision": decision, "reason": reason}
        return from_wire(Rollout, self._http.json("POST", f"{self._path}/rollouts/{rollout_id}/decision", json=body))
