"""Pipeline runs: start, follow, cancel, read logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from fairloop.client.http import Http
from fairloop.core.pipelines import Capture, Graph, LogLine, PipelineRun, StepRun
from fairloop.core.records import Page, from_wire, to_plain
from fairloop.errors import Unavailable

_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.01, 0.5


class Pipelines:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def start(self, graph: Graph, capture: Capture | None = None, params: dict[str, Any] | None = None) -> PipelineRun:
        """Start a run; answers as soon as it is on disk."""
        body = {"graph": to_plain(graph), "capture": to_plain(capture or Capture()), "params": params or {}}
        return from_wire(PipelineRun, self._http.json("POST", f"{self._path}/pipeline-runs", json=body))

    def get(self, run_id: str) -> PipelineRun:
        return from_wire(PipelineRun, self._http.json("GET", f"{self._path}/pipeline-runs/{run_id}"))

    def list(self, *, purpose: str | None = None, cursor: str | None = None) -> Page[PipelineRun]:
        """Newest first; pass ``next`` of one page as the ``cursor`` of the following."""
        told = self._http.json("GET", f"{self._path}/pipeline-runs", params={"purpose": purpose, "cursor": cursor})
        return Page(items=[from_wire(PipelineRun, item) for item in told["items"]], next=told["next"])

    def steps(self, run_id: str) -> Steps:
        """The run's steps in the order of its graph."""
        told = self._http.json("GET", f"{self._path}/pipeline-runs/{run_id}/steps")
        return [from_wire(StepRun, item) for item in told["items"]]

    def step(self, step_run_id: str) -> StepRun:
        return from_wire(StepRun, self._http.json("GET", f"{self._path}/step-runs/{step_run_id}"))

    def cancel(self, run_id: str) -> PipelineRun:
        return from_wire(PipelineRun, self._http.json("POST", f"{self._path}/pipeline-runs/{run_id}/cancel"))

    def log(self, step_run_id: str, after: int = 0) -> Iterator[LogLine]:
        """The lines a step has written so far, those after the chunk ``after`` only."""
        while True:
            told = self._http.json("GET", f"{self._path}/step-runs/{step_run_id}/log", params={"after": after})
            lines = [from_wire(LogLine, item) for item in told["items"]]
            if not lines:
                return
            yield from lines
            after = lines[-1].seq

    def wait(self, run_id: str, *, timeout_s: float | None = None,
             on_steps: Callable[[Steps], None] | None = None) -> PipelineRun:  # fmt: skip
        """The run once it has ended; ``on_steps`` sees its steps at every look.

        Raises
        ------
        Unavailable
            The run has not ended after ``timeout_s``; it goes on.
        """
        began, pause = time.monotonic(), _FIRST_LOOK_S
        while True:
            run = self.get(run_id)
            if on_steps is not None:
                on_steps(self.steps(run_id))
            if run.state.final:
                return run
            if timeout_s is not None and time.monotonic() - began > timeout_s:
                raise Unavailable(f"Pipeline run {run_id} is still {run.state} after {timeout_s:g} s; it goes on.")
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_LOOK_S)


Steps = list[StepRun]
