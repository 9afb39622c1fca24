"""What an endpoint counts per deployment, cumulatively: the canary judge and the pages read these numbers."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

from fairloop.core.endpoints import LATENCY_EDGES_MS as LATENCY_EDGES_MS
from fairloop.core.records import from_plain, to_plain

_MOST_GROUPS = 50
_MOST_ATTRIBUTES = 20
OTHER = "(other)"


@dataclass(slots=True, kw_only=True)
class Counts:
    """Counters of one deployment. ``groups`` maps attribute to group to [rows, positives]."""

    requests: int = 0
    rows: int = 0
    errors: int = 0
    positives: int = 0
    latency: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_EDGES_MS) + 1))
    groups: dict[str, dict[str, list[int]]] = field(default_factory=dict)

    def answered(self, rows: int, positives: int, elapsed_ms: float) -> None:
        self.requests += 1
        self.rows += rows
        self.positives += positives
        self.latency[bisect_left(LATENCY_EDGES_MS, elapsed_ms)] += 1

    def failed(self) -> None:
        self.requests += 1
        self.errors += 1

    def told(self, attribute: str, group: str, positive: bool) -> None:
        """One row's sensitive value; client-chosen texts cannot grow the table without bound."""
        found = self.groups.get(attribute)
        if found is None:
            if len(self.groups) >= _MOST_ATTRIBUTES:
                return
            found = self.groups[attribute] = {}
        if group not in found and len(found) >= _MOST_GROUPS:
            group = OTHER
        cell = found.setdefault(group, [0, 0])
        cell[0] += 1
        cell[1] += positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What one deployment answered so far, as REST shows it and the canary judge reads it.

    ``slow`` counts requests by latency bucket (edges in :data:`LATENCY_EDGES_MS`).
    """

    requests: int = 0
    rows: int = 0
    errors: int = 0
    positives: int = 0
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    slow: list[int] = field(default_factory=list)
    groups: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)


def quantile_ms(latency: list[int], q: float) -> float | None:
    """The upper edge of the bucket that holds the ``q`` quantile; None without a request."""
    total = sum(latency)
    if not total:
        return None
    wanted, seen = q * total, 0
    for index, count in enumerate(latency):
        seen += count
        if seen >= wanted:
            return LATENCY_EDGES_MS[min(index, len(LATENCY_EDGES_MS) - 1)]
    return LATENCY_EDGES_MS[-1]


def slower_than(latency: list[int], limit_ms: float) -> int:
    """How many requests took longer than ``limit_ms``, counting only buckets wholly above it."""
    return sum(latency[bisect_left(LATENCY_EDGES_MS, limit_ms) + 1 :])


def traffic_of(counts: Counts, later: dict[str, dict[str, list[int]]] | None = None) -> Traffic:
    """The counts as Traffic, with groups told ``later`` (feedback by id) added to those of the requests."""
    groups = {a: {g: (n, k) for g, (n, k) in found.items()} for a, found in counts.groups.items()}
    for attribute, found in (later or {}).items():
        mine = groups.setdefault(attribute, {})
        for group, (n, k) in found.items():
            before = mine.get(group, (0, 0))
            mine[group] = (before[0] + n, before[1] + k)
    return Traffic(requests=counts.requests, rows=counts.rows, errors=counts.errors, positives=counts.positives,
                   latency_p50_ms=quantile_ms(counts.latency, 0.5), latency_p99_ms=quantile_ms(counts.latency, 0.99),
                   slow=list(counts.latency), groups=groups)  # fmt: skip


def since(now: Traffic, then: Traffic) -> Traffic:
    """The traffic between two readings. A counter below its earlier value (a lost file) counts from nothing."""
    slow = [max(0, a - b) for a, b in zip(now.slow, then.slow or [0] * len(now.slow), strict=True)]
    groups = {}
    for attribute, found in now.groups.items():
        before = then.groups.get(attribute, {})
        groups[attribute] = {g: (max(0, n - before.get(g, (0, 0))[0]), max(0, k - before.get(g, (0, 0))[1]))
                             for g, (n, k) in found.items()}  # fmt: skip
    return Traffic(requests=max(0, now.requests - then.requests), rows=max(0, now.rows - then.rows),
                   errors=max(0, now.errors - then.errors), positives=max(0, now.positives - then.positives),
                   latency_p50_ms=quantile_ms(slow, 0.5), latency_p99_ms=quantile_ms(slow, 0.99), slow=slow,
                   groups=groups)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Stats:
    """stats.json: counters per deployment, and of the log: sent = logged + dropped once the queue is empty."""

    deployments: dict[str, Counts] = field(default_factory=dict)
    sent: int = 0
    logged: int = 0
    dropped: int = 0

    def of(self, deployment_id: str) -> Counts:
        found = self.deployments.get(deployment_id)
        if found is None:
            found = self.deployments[deployment_id] = Counts()
        return found

    def plain(self) -> dict[str, Any]:
        plain: dict[str, Any] = to_plain(self)
        return plain


def stats_from(plain: Any) -> Stats:
    return from_plain(Stats, plain)
