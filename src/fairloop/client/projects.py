"""Projects."""

from __future__ import annotations

from fairloop.client.http import Http
from fairloop.core.people import Project
from fairloop.core.records import from_wire


class Projects:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def all(self) -> list[Project]:
        return [from_wire(Project, p) for p in self._http.json("GET", "/api/v1/projects")["items"]]

    def create(self, name: str, *, goal: str = "", budget_usd: float | None = None) -> Project:
        body = {"name": name, "goal": goal, "budget_usd": budget_usd}
        return from_wire(Project, self._http.json("POST", "/api/v1/projects", json=body))

    def get(self) -> Project:
        """This client's project."""
        return from_wire(Project, self._http.json("GET", self._path))

    def change(self, *, goal: str | None = None, budget_usd: float | None = None, no_budget: bool = False) -> Project:
        body = {"goal": goal, "budget_usd": budget_usd, "no_budget": no_budget}
        return from_wire(Project, self._http.json("PATCH", self._path, json=body))
