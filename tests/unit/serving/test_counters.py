from __future__ import annotations

from fairloop.serving.counters import (
    LATENCY_EDGES_MS,
    OTHER,
    Counts,
    Stats,
    quantile_ms,
    since,
    slower_than,
    stats_from,
    traffic_of,
)


def test_quantiles_come_from_the_histogram() -> None:
    counts = Counts()
    for _ in range(99):
        counts.answered(1, 0, 1.0)
    counts.answered(1, 1, 1000.0)
    traffic = traffic_of(counts)
    assert traffic.latency_p50_ms is not None
    assert 1.0 <= traffic.latency_p50_ms <= 1.15
    assert traffic.latency_p99_ms == traffic.latency_p50_ms
    assert slower_than(counts.latency, 20.0) == 1
    assert slower_than(counts.latency, 2000.0) == 0
    assert quantile_ms([0] * (len(LATENCY_EDGES_MS) + 1), 0.5) is None


def test_clients_cannot_grow_the_groups_without_bound() -> None:
    counts = Counts()
    for i in range(1000):
        counts.told("sex", f"g{i}", i % 2 == 0)
        counts.told(f"a{i}", "x", True)
    assert len(counts.groups) == 20
    assert len(counts.groups["sex"]) == 51
    assert counts.groups["sex"][OTHER] == [950, 475]


def test_traffic_since_is_the_difference_and_survives_lost_counters() -> None:
    counts = Counts()
    counts.answered(2, 1, 1.0)
    counts.told("sex", "F", True)
    then = traffic_of(counts)
    counts.answered(3, 2, 5.0)
    counts.failed()
    counts.told("sex", "F", False)
    counts.told("sex", "M", True)
    between = since(traffic_of(counts), then)
    assert (between.requests, between.rows, between.errors, between.positives) == (2, 3, 1, 2)
    assert between.groups == {"sex": {"F": (1, 0), "M": (1, 1)}}
    assert since(traffic_of(Counts()), then).requests == 0


def test_later_groups_are_added() -> None:
    counts = Counts()
    counts.told("sex", "F", True)
    assert traffic_of(counts, {"sex": {"F": [2, 0], "M": [1, 1]}}).groups == {"sex": {"F": (3, 1), "M": (1, 1)}}


def test_stats_file_round_trip() -> None:
    stats = Stats(sent=3, logged=2, dropped=1)
    stats.of("dep_a").answered(1, 1, 2.0)
    stats.of("dep_a").told("sex", "F", True)
    assert stats_from(stats.plain()) == stats
