"""How fast, how large: one-row requests through the code that an endpoint runs, files on disk, memory."""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from fairloop.registry.model import Model

ROUND = 100
MOST_ROUNDS = 5
BUDGET_S = 0.6


def cost_of_serving(model: Model) -> tuple[Model, dict[str, dict[str, Any]]]:
    """The model as an endpoint would load it, with latency, size and memory.

    ``model`` must have been described (signature and sample rows).
    """
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder)
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        process = psutil.Process()
        before = process.memory_info().rss
        loaded = Model.load(folder)
        timed = _latency(loaded)
        grown = max(process.memory_info().rss - before, size)
    exact = {"low": size, "high": size, "n": 1, "method": "sum of the files"}
    memory = {"estimate": grown, "low": grown, "high": grown, "n": 1,
              "method": "growth of the process while loading and answering, at least the size of the files"}  # fmt: skip
    return loaded, timed | {"size_bytes": {"estimate": size} | exact, "memory_bytes": memory}


def _latency(model: Model) -> dict[str, dict[str, Any]]:
    """Milliseconds of one-row requests in the least disturbed of several rounds.

    Other work on the machine can only slow a round down, so the round with the lowest 99th percentile tells most about
    the model. The bounds are that round's 90th percentile and slowest request for p99, its quartiles for p50.
    """
    rounds: list[list[float]] = []
    ends = time.perf_counter() + BUDGET_S
    _ask(model, 5)
    while len(rounds) < MOST_ROUNDS and (not rounds or time.perf_counter() < ends):
        rounds.append(sorted(_ask(model, ROUND)))
    best = min(rounds, key=lambda times: _quantile(times, 0.99))
    method = f"best of {len(rounds)} rounds of {ROUND} one-row requests"
    p50, p99 = _quantile(best, 0.5), _quantile(best, 0.99)
    return {
        "latency_p50_ms": {"estimate": p50, "low": _quantile(best, 0.25), "high": _quantile(best, 0.75),
                           "n": ROUND * len(rounds), "method": method},
        "latency_p99_ms": {"estimate": p99, "low": _quantile(best, 0.9), "high": best[-1],
                           "n": ROUND * len(rounds), "method": method},
    }  # fmt: skip


def _ask(model: Model, times: int) -> list[float]:
    requests = [{name: [value] for name, value in row.items()} for row in model.sample]
    found = []
    for i in range(times):
        columns = requests[i % len(requests)]
        started = time.perf_counter()
        model.scores(model.frame(columns))
        found.append((time.perf_counter() - started) * 1000)
    return found


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
