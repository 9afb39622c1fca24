"""What the scheduler asks of a place where steps run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fairloop.core.pipelines import Capture


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """``ready`` steps wait for a worker with this key."""

    key: str
    project_id: str
    project: str
    capture: Capture
    ready: int


class Runner(Protocol):
    """One place. All methods are called from the scheduler's thread except ``leaving``."""

    def ensure(self, demand: list[Demand], busy: set[str]) -> dict[str, str]:
        """Start workers where some are missing; returns worker keys that cannot be served, with the reason."""

    def gone(self, worker: str) -> bool:
        """Whether this worker surely ended; False when it lives or is not known here."""

    def bury(self, worker: str) -> None:
        """End whatever a gone worker left running."""

    def poke(self, worker: str) -> None:
        """Ask the worker to give a sign of life now (it learns then that its step is cancelled)."""

    def leaving(self, worker: str) -> bool:
        """Whether the worker was asked to make room."""
