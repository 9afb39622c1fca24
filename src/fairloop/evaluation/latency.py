"""How fast, how large: one-row requests through the code that an endpoint runs, files on disk, memory."""

from __future__ import annotations

import math
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from fairloop.registry.model import Model

ENOUGH = 100
FEWEST = 20
"""Requests without interruption: how many are aimed at, and how many are needed to leave the interrupted ones out."""
MOST_S = 3.0
_THREAD = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)


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
    """Milliseconds of one-row requests, without those that the operating system interrupted for other work.

    The bounds of a quantile are order statistics (the ranks that hold it with 95 %); with few requests the upper bound
    of the 99th percentile is the slowest one.
    """
    _ask(model, 5)
    found: list[tuple[float, bool]] = []
    ends = time.perf_counter() + MOST_S
    while sum(not interrupted for _, interrupted in found) < ENOUGH and time.perf_counter() < ends:
        found += _ask(model, 10)
    calm = sorted(ms for ms, interrupted in found if not interrupted)
    times = calm if len(calm) >= FEWEST else sorted(ms for ms, _ in found)
    method = f"{len(times)} one-row requests, {len(found) - len(times)} more left out because other work interrupted them"
    return {f"latency_p{round(share * 100)}_ms": _quantile(times, share) | {"n": len(times), "method": method}
            for share in (0.5, 0.99)}  # fmt: skip


def _ask(model: Model, times: int) -> list[tuple[float, bool]]:
    requests = [{name: [value] for name, value in row.items()} for row in model.sample]
    found = []
    for i in range(times):
        columns = requests[i % len(requests)]
        before = resource.getrusage(_THREAD).ru_nivcsw
        started = time.perf_counter()
        model.scores(model.frame(columns))
        took = (time.perf_counter() - started) * 1000
        found.append((took, resource.getrusage(_THREAD).ru_nivcsw > before))
    return found


def _quantile(ordered: list[float], share: float) -> dict[str, float]:
    n = len(ordered)
    half = 1.96 * math.sqrt(n * share * (1 - share))
    ranks = (n * share, n * share - half, n * share + half)
    estimate, low, high = (ordered[min(n - 1, max(0, math.ceil(rank) - 1))] for rank in ranks)
    return {"estimate": estimate, "low": low, "high": high}
