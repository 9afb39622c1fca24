"""Experiments, runs and their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from fairloop.client.http import Http
from fairloop.core.records import Page, from_wire, to_plain
from fairloop.core.runs import Experiment, Metric, Run, RunStatus

_BATCH = 1000


class Runs:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def _of(self, run_id: str, rest: str = "") -> str:
        return f"{self._path}/runs/{quote(run_id, safe='')}{rest}"

    def experiments(self) -> list[Experiment]:
        """The project's experiments, the newest first."""
        found = self._http.json("GET", f"{self._path}/experiments")
        return [from_wire(Experiment, item) for item in found["items"]]

    def create(
        self,
        *,
        experiment: str = "",
        name: str = "",
        tags: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        lease_s: float | None = None,
    ) -> Run:
        """Start a run in an experiment by name (made when new; empty: Default)."""
        body = {
            "experiment": experiment,
            "name": name,
            "tags": dict(tags or {}),
            "params": dict(params or {}),
            "lease_s": lease_s,
        }
        return from_wire(Run, self._http.json("POST", f"{self._path}/runs", json=body))

    def get(self, run_id: str) -> Run:
        return from_wire(Run, self._http.json("GET", self._of(run_id)))

    def search(
        self,
        filter: str = "",
        *,
        order_by: str = "",
        experiment_id: int | None = None,
        limit: int = 100,  # REST's name
        cursor: str | None = None,
    ) -> Page[Run]:
        """One page of runs, for example ``search("metrics.auc > 0.9", order_by="metrics.auc DESC")``."""
        asked = {
            "filter": filter or None,
            "order_by": order_by or None,
            "experiment_id": experiment_id,
            "limit": limit,
            "cursor": cursor,
        }
        found = self._http.json("GET", f"{self._path}/runs", params=asked)
        return Page(items=[from_wire(Run, item) for item in found["items"]], next=found["next"])

    def log(
        self,
        run_id: str,
        *,
        metrics: Iterable[Metric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log points, params and tags; on disk when this returns. Many points go in batches of 1,000."""
        points = [to_plain(m) for m in metrics]
        body: dict[str, Any] = {"params": dict(params or {}), "tags": dict(tags or {})}
        for start in range(0, max(len(points), 1), _BATCH):
            self._http.json("POST", self._of(run_id, "/log"), json={**body, "metrics": points[start : start + _BATCH]})
            body = {}

    def finish(self, run_id: str, status: RunStatus = RunStatus.FINISHED, *, reason: str = "") -> Run:
        body = {"status": status.value, "reason": reason}
        return from_wire(Run, self._http.json("PATCH", self._of(run_id), json=body))

    def delete(self, run_id: str) -> None:
        self._http.json("DELETE", self._of(run_id))

    def series(self, run_id: str, key: str, *, most: int = 2500) -> list[Metric]:
        """The points of one series, evenly sampled when there are more than ``most``."""
        found = self._http.json("GET", self._of(run_id, "/series"), params={"key": key, "most": most})
        return [from_wire(Metric, item) for item in found["points"]]

    def artifacts(self, run_id: str, under: str = "") -> list[dict[str, Any]]:
        """The run's files: path, sha256, size_bytes."""
        found = self._http.json("GET", self._of(run_id, "/artifacts"), params={"under": under or None})
        return list(found["items"])

    def put_artifact(self, run_id: str, path: str, data: bytes | Iterator[bytes]) -> None:
        self._http.json("PUT", self._of(run_id, f"/artifacts/{quote(path)}"), content=data)

    def get_artifact(self, run_id: str, path: str) -> bytes:
        return b"".join(self._http.stream(self._of(run_id, f"/artifacts/{quote(path)}")))
