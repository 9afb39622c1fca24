"""Speed and failures of a deployment's requests, from the endpoint's cumulative counters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fairloop.core.checks import Check, Status, Verdict, judge
from fairloop.core.endpoints import LATENCY_EDGES_MS
from fairloop.monitoring.persistence import SEVERE
from fairloop.stats.intervals import two_sided, wilson

SPEED = {"latency_p50_ms": 0.5, "latency_p99_ms": 0.99, "error_rate": None, "memory_bytes": None}
"""Checks on requests and the process, with the quantile a latency check asks about."""
_METHOD = "Wilson bounds on the share of requests at or below each histogram edge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Requests since the window before: the latency histogram, failures, and the process's memory now."""

    slow: list[int] = field(default_factory=list)
    errors: int = 0
    memory_bytes: int | None = None

    @property
    def requests(self) -> int:
        return sum(self.slow) + self.errors


def difference(now: list[int], before: list[int]) -> list[int]:
    """Counts since ``before``; a counter that fell was reset and counts from nothing."""
    if len(now) != len(before) or any(a < b for a, b in zip(now, before, strict=True)):
        return list(now)
    return [a - b for a, b in zip(now, before, strict=True)]


def judge_traffic(check: Check, traffic: Traffic, *, strict: float) -> Verdict:
    """The verdict on a check of :data:`SPEED`."""

    def at(confidence: float) -> tuple[float | None, float | None, float | None, int, str]:
        if check.metric == "memory_bytes":
            size = None if traffic.memory_bytes is None else float(traffic.memory_bytes)
            return size, size, size, int(size is not None), "resident memory of the endpoint process"
        if check.metric == "error_rate":
            return *_share(traffic.errors, traffic.requests, confidence), traffic.requests, "wilson"
        quantile = SPEED[check.metric]
        assert quantile is not None  # noqa: S101  # the latency checks have one
        return *quantile_bounds(traffic.slow, quantile, confidence), sum(traffic.slow), _METHOD

    estimate, low, high, n, method = at(0.95)
    verdict = judge(check, estimate, low, high, n=n, method=method)
    if verdict.status is not Status.FAIL:
        return verdict
    estimate, low, high, n, method = at(strict)
    severe = (
        judge(check, estimate, low, high, n=n, method=method).status is Status.FAIL and check.metric != "memory_bytes"
    )
    detail: dict[str, Any] = {**verdict.detail, SEVERE: severe}
    return Verdict(check=check, status=verdict.status, estimate=verdict.estimate, low=verdict.low, high=verdict.high,
                   n=verdict.n, method=verdict.method, detail=detail)  # fmt: skip


def _share(count: int, n: int, confidence: float) -> tuple[float | None, float | None, float | None]:
    return (count / n, *wilson(count, n, two_sided(confidence))) if n else (None, None, None)


def quantile_bounds(
    slow: list[int], quantile: float, confidence: float
) -> tuple[float | None, float | None, float | None]:
    """(estimate, low, high) of a latency quantile in milliseconds, from counts per bucket of ``LATENCY_EDGES_MS``.

    The quantile is at most an edge when surely enough requests were at or below it: with few requests no edge is
    known to be high enough, and ``high`` is None.
    """
    n, z = sum(slow), two_sided(confidence)
    if n == 0:
        return None, None, None
    estimate = low = high = None
    seen, below = 0, 0.0
    for count, edge in zip(slow, LATENCY_EDGES_MS, strict=False):
        seen += count
        least, most = wilson(seen, n, z)
        if low is None and most >= quantile:
            low = below
        if estimate is None and seen >= quantile * n:
            estimate = edge
        if high is None and least >= quantile:
            high = edge
            break
        below = edge
    return estimate, low, high
