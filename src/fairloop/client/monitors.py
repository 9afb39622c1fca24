"""Monitors and the windows they judged."""

from __future__ import annotations

import builtins
import time
from typing import Any
from urllib.parse import quote

from fairloop.client.http import Http
from fairloop.core.monitors import Monitor, Watching, Window
from fairloop.core.pipelines import PipelineRun
from fairloop.core.records import Page, from_wire, to_plain
from fairloop.errors import NotFound, Unavailable


class Monitors:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._root = path
        self._path = f"{path}/monitors"

    def _one(self, monitor_id: str) -> str:
        return f"{self._path}/{quote(monitor_id, safe='')}"

    def list(self) -> list[Monitor]:
        return [from_wire(Monitor, item) for item in self._http.json("GET", self._path)["items"]]

    def get(self, monitor_id: str) -> Monitor:
        return from_wire(Monitor, self._http.json("GET", self._one(monitor_id)))

    def of(self, endpoint_id: str) -> Monitor | None:
        """The monitor of an endpoint; None when nothing watches it."""
        return next((monitor for monitor in self.list() if monitor.endpoint_id == endpoint_id), None)

    def ensure(self, endpoint: str, checks: builtins.list[dict[str, Any]], *, every: str = "5m",
               window: int = 1000) -> Monitor:  # fmt: skip
        """Watch an endpoint by these checks from now on."""
        body = {"endpoint": endpoint, "checks": checks, "every": every, "window": window}
        return from_wire(Monitor, self._http.json("POST", self._path, json=body))

    def start_now(self, monitor_id: str) -> str:
        """Ask for a watch run at once; the id of the pipeline run that does it."""
        return str(self._http.json("POST", f"{self._one(monitor_id)}/runs")["pipeline_run_id"])

    def judge_now(self, monitor_id: str, *, timeout_s: float = 300.0) -> PipelineRun:
        """Ask for a watch run at once, and wait until it has ended.

        Raises
        ------
        Unavailable
            It has not ended after ``timeout_s``; it goes on.
        """
        run_id, end = self.start_now(monitor_id), time.monotonic() + timeout_s
        while time.monotonic() < end:
            try:
                run = from_wire(PipelineRun, self._http.json("GET", f"{self._root}/pipeline-runs/{run_id}"))
            except NotFound:  # the run before it is still under way
                run = None
            if run is not None and run.state.final:
                return run
            time.sleep(0.1)
        raise Unavailable(f"The watch run {run_id} has not ended after {timeout_s:g} s; look at it with its id.")

    def windows(self, monitor_id: str, *, deployment_id: str | None = None, limit: int = 100,
                cursor: str | None = None) -> Page[Window]:  # fmt: skip
        """Judged windows, newest traffic first."""
        asked = {"deployment_id": deployment_id, "limit": limit, "cursor": cursor}
        page = self._http.json("GET", f"{self._one(monitor_id)}/windows", params=asked)
        return Page(items=[from_wire(Window, item) for item in page["items"]], next=page["next"])

    def watching(self, monitor_id: str) -> Watching:
        """What a watch run needs to know; workers only."""
        return from_wire(Watching, self._http.json("GET", f"{self._one(monitor_id)}/watching"))

    def record(self, monitor_id: str, windows: builtins.list[Window]) -> None:
        """Hand in judged windows; workers only."""
        self._http.json("POST", f"{self._one(monitor_id)}/windows", json={"windows": to_plain(windows)})
