"""How fast, how large: one-row requests through the code that an endpoint runs, files on disk, memory."""

from __future__ import annotations

import gc
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from fairloop.registry.model import Model

ENOUGH = 120
FEWEST = 40
MOST_S = 1.5


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
    """Milliseconds of one-row requests, as if nothing else ran on the machine.

    Candidates are judged where others are being trained, which says nothing about the machine that will serve. So the
    time of a request is the processor time it used, or the clock's where several threads shared the work. The watch
    judges the endpoint by the clock. Bounds of a quantile are order statistics (the ranks that hold it with 95 %).
    """
    _ask(model, 5)
    times: list[float] = []
    ends = time.perf_counter() + MOST_S
    collecting = gc.isenabled()
    gc.disable()  # a collection of the training rows in this process is no part of an endpoint's request
    try:
        while len(times) < ENOUGH and (len(times) < FEWEST or time.perf_counter() < ends):
            times += _ask(model, 10)
    finally:
        if collecting:
            gc.enable()
    method = f"processor time of {len(times)} one-row requests"
    return {f"latency_p{round(share * 100)}_ms": _quantile(sorted(times), share) | {"n": len(times), "method": method}
            for share in (0.5, 0.99)}  # fmt: skip


def _ask(model: Model, times: int) -> list[float]:
    requests = [{name: [value] for name, value in row.items()} for row in model.sample]
    found, told = [], model.some_sensitive(1)
    for i in range(times):
        columns = requests[i % len(requests)]
        started, used = time.perf_counter(), time.process_time()
        model.scores(model.frame(columns), told)
        found.append(1000 * min(time.perf_counter() - started, time.process_time() - used))
    return found


def _quantile(ordered: list[float], share: float) -> dict[str, float]:
    n = len(ordered)
    half = 1.96 * math.sqrt(n * share * (1 - share))
    ranks = (n * share, n * share - half, n * share + half)
    estimate, low, high = (ordered[min(n - 1, max(0, math.ceil(rank) - 1))] for rank in ranks)
    return {"estimate": estimate, "low": low, "high": high}
