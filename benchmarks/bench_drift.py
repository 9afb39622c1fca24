"""Drift of a window of 1M x 20 against a reference of 100k x 20.

Ours beside one Polars pass over the same data (the floor) and scipy's test per column.
`python benchmarks/bench_drift.py [rows]`
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import polars.selectors as cs
from scipy import stats

from fairloop.drift.judge import judge_drift
from fairloop.drift.profile import profile_reference, profile_window

NUMBERS, CATEGORIES = 16, 4


def median_s(work: Callable[[], object], repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def table(rows: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    names = np.array([f"category {i}" for i in range(30)], dtype=object)
    numbers = {f"number_{i}": random.normal(size=rows) for i in range(NUMBERS)}
    categories = {
        f"category_{i}": pl.Series(names[random.integers(0, 30, rows)], dtype=pl.String) for i in range(CATEGORIES)
    }
    return pl.DataFrame(numbers | categories)


def polars_pass(frame: pl.LazyFrame) -> pl.DataFrame:
    """What any profile needs at least: moments, range and missing values, distinct strings."""
    numbers, strings = cs.numeric(), cs.string()
    return frame.select(
        numbers.mean().name.suffix("_mean"),
        numbers.std().name.suffix("_sd"),
        numbers.min().name.suffix("_min"),
        numbers.max().name.suffix("_max"),
        pl.all().null_count().name.suffix("_null"),
        strings.n_unique().name.suffix("_distinct"),
    ).collect()


def scipy_tests(reference: pl.DataFrame, window: pl.DataFrame) -> None:
    for name in reference.columns[:NUMBERS]:
        stats.ks_2samp(reference[name].to_numpy(), window[name].to_numpy(), method="asymp")


def main(rows: int) -> None:
    reference, window = table(rows // 10, 0), table(rows, 1)
    known = profile_reference(reference)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "window.parquet"
        window.write_parquet(path)
        floor = median_s(lambda: polars_pass(window.lazy()))
        reading = median_s(lambda: polars_pass(pl.scan_parquet(path)))
        read = median_s(lambda: profile_window(pl.read_parquet(path), known))
    profiled = median_s(lambda: profile_window(window, known))
    counts = profile_window(window, known)
    judged = median_s(lambda: judge_drift(known, counts))
    peer = median_s(lambda: scipy_tests(reference, window), repeats=1)
    print(f"drift, {rows:,} x {NUMBERS + CATEGORIES} against {rows // 10:,} x {NUMBERS + CATEGORIES}")
    for name, seconds, base in (
        ("one Polars pass, in memory (floor)", floor, floor),
        ("fairloop profile, in memory", profiled, floor),
        ("one Polars pass with reading (floor)", reading, reading),
        ("fairloop profile with reading", read, reading),
        ("fairloop judge (profile to verdict)", judged, floor),
        ("scipy KS, numbers only", peer, floor),
    ):
        print(f"  {name:<40} {seconds * 1000:10.1f} ms  {seconds / base:8.2f} x floor")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
