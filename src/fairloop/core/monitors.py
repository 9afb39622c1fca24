"""Monitors, the windows they judged, and alerts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fairloop.core.checks import Check, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    id: str
    project_id: str
    endpoint_id: str
    loop: str
    checks: list[Check]
    every_s: float
    window: int
    """Predictions a window holds."""
    enabled: bool = True
    cursor: dict[str, Any] = field(default_factory=dict)
    """Where the next window begins in the prediction log."""
    created_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One judged window of live traffic of one deployment."""

    id: str
    project_id: str
    monitor_id: str
    deployment_id: str
    start_ms: int
    end_ms: int
    n: int
    labelled: int
    verdicts: list[Verdict]
    detail: dict[str, Any] = field(default_factory=dict)
    """Per check what the page draws: columns, groups, histogram counts; ids_from and ids_to of the window."""
    created_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A failing check with its evidence. ``state`` is open, acknowledged or resolved."""

    id: str
    project_id: str
    endpoint_id: str
    monitor_id: str
    deployment_id: str
    window_id: str
    verdict: Verdict
    words: str
    state: str = "open"
    cycle_id: str | None = None
    """The cycle this alert started."""
    acknowledged_by: str = ""
    opened_ms: int = 0
    updated_ms: int = 0
    windows: int = 1
    """How many windows in a row failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One deployment as a watch step sees it: what its traffic is compared with, and where its log was left.

    ``profile`` and ``baseline`` (metric to ``{estimate, low, high, n}``) are the candidate's; both are empty for a
    model that came without a loop. ``open`` are windows whose late labels or sensitive values are still awaited.
    """

    deployment_id: str
    live: bool
    task: str = "binary"
    positive: str | float | bool | None = None
    profile: dict[str, Any] = field(default_factory=dict)
    baseline: dict[str, Any] = field(default_factory=dict)
    baseline_part: str = ""
    after_seq: int = -1
    index: int = 0
    """Windows cut so far."""
    counters: dict[str, Any] = field(default_factory=dict)
    """The endpoint's counters (``slow``: latency histogram, ``errors``) when the last window was judged."""
    open: list[Window] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """All that one watch run needs to know."""

    monitor: Monitor
    endpoint: str
    """Its name."""
    deployments: list[Watched]
