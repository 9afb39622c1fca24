"""What a step may know about where it runs: ``current()`` inside a step, None anywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fairloop.client.client import Client
from fairloop.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """``client`` speaks as this project's worker."""

    client: Client
    project: str
    pipeline_run_id: str
    step_run_id: str
    key: str = ""
    run_id: str | None = None
    cycle_id: str | None = None
    attempt: int = 1


_current: Context | None = None


def current() -> Context:
    """The running step's context.

    Raises
    ------
    InvalidInput
        No step is running in this process.
    """
    if _current is None:
        raise InvalidInput("This works only inside a step of a pipeline run.")
    return _current


def enter(context: Context | None) -> None:
    """Set what :func:`current` answers; for the process that runs steps."""
    global _current  # one step at a time in a step process, read from any thread of it
    _current = context


def context_of(client: Client, step: dict[str, Any]) -> Context:
    return Context(client=client, project=client.project, pipeline_run_id=step["pipeline_run_id"],
                   step_run_id=step["step_run_id"], key=step["key"], run_id=step["run_id"],
                   cycle_id=step["cycle_id"], attempt=step["attempt"])  # fmt: skip
