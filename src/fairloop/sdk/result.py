"""A pipeline run as its starter sees it: progress lines, outputs, a table for notebooks."""

from __future__ import annotations

import sys
from html import escape
from typing import Any

from fairloop.client.client import Client
from fairloop.core.pipelines import PipelineRun, State, StepRun
from fairloop.core.units import show_bytes
from fairloop.errors import InvalidInput, StepFailed
from fairloop.pipelines import values
from fairloop.pipelines.graph import resolve

_SIGNS = {State.RUNNING: "...", State.DONE: "done", State.FAILED: "FAILED", State.CANCELLED: "cancelled",
          State.SKIPPED: "skipped"}  # fmt: skip


class PipelineResult:
    """``outputs`` is what the pipeline function returned, with the real values in place of the handles."""

    def __init__(self, client: Client, run: PipelineRun) -> None:
        self._client = client
        self.run = run

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def state(self) -> State:
        return self.run.state

    @property
    def steps(self) -> list[StepRun]:
        return self._client.pipelines.steps(self.run.id)

    @property
    def outputs(self) -> Any:
        """The values; loaded when asked for.

        Raises
        ------
        InvalidInput
            The run has not ended well.
        """
        if self.run.state is not State.DONE:
            raise InvalidInput(f"Pipeline run {self.id} is {self.run.state}; it has no outputs.")
        found = {step.key: step.outputs for step in self.steps}
        return values.load(resolve(self.run.graph.result, found, self.run.params), self._client.blobs)

    def log(self, key: str) -> str:
        """What the step ``key`` wrote."""
        step = next((s for s in self.steps if s.key == key), None)
        if step is None:
            raise InvalidInput(f"No step {key!r} in this run; it has {', '.join(s.key for s in self.steps)}.")
        return "\n".join(line.text for line in self._client.pipelines.log(step.id))

    def wait(self, *, quiet: bool = False) -> PipelineResult:
        return follow(self, quiet=quiet)

    def cancel(self) -> None:
        self.run = self._client.pipelines.cancel(self.run.id)

    def __repr__(self) -> str:
        return f"<pipeline run {self.id} of {self.run.pipeline}: {self.run.state}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(s.key)}</td><td>{escape(str(s.state))}{' (cached)' if s.cached_from else ''}</td>"
            f"<td>{s.used.get('wall_s', 0):.2f} s</td><td>{show_bytes(s.used.get('memory_bytes', 0))}</td>"
            f"<td>{escape(s.error.splitlines()[-1] if s.error else '')}</td></tr>"
            for s in self.steps
        )  # fmt: skip
        head = "<tr><th>step</th><th>state</th><th>time</th><th>memory</th><th>error</th></tr>"
        return f"<b>{escape(self.run.pipeline)}: {escape(str(self.state))}</b><table>{head}{rows}</table>"


class _Progress:
    """One line for each change of a step."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._seen: dict[str, tuple[State, int]] = {}

    def __call__(self, steps: list[StepRun]) -> None:
        if self._quiet:
            return
        for step in steps:
            told = (step.state, step.attempt)
            if step.state in _SIGNS and self._seen.get(step.key) != told:
                self._seen[step.key] = told
                print(f"  {step.key:<24} {_words(step)}", file=sys.stderr, flush=True)  # noqa: T201  # progress


def _words(step: StepRun) -> str:
    words = _SIGNS[step.state]
    if step.state is State.RUNNING and step.attempt > 1:
        words += f" attempt {step.attempt}"
    if step.state is State.DONE:
        took = f"{step.used.get('wall_s', 0):.2f} s, {show_bytes(step.used.get('memory_bytes', 0))}"
        words += " (from cache)" if step.cached_from else f" in {took}"
    if step.state is State.FAILED and step.error:
        words += f": {step.error.splitlines()[-1]}"
    return words


def follow(result: PipelineResult, *, quiet: bool) -> PipelineResult:
    """Wait for the end, telling each step; StepFailed when it ends badly. Ctrl-C cancels the run."""
    client = result._client
    try:
        result.run = client.pipelines.wait(result.id, on_steps=_Progress(quiet=quiet))
    except KeyboardInterrupt:
        result.cancel()
        raise
    if result.state is State.FAILED:
        raise StepFailed(result.run.error, pipeline_run_id=result.id)
    return result
