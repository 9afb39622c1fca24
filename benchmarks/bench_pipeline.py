"""A chain of 20 trivial steps, warm and durable, beside the floor of the same run: a bare SQLite commit a step.

python benchmarks/bench_pipeline.py
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STEPS, ROUNDS = 20, 9


def floor(folder: Path) -> list[float]:
    """Milliseconds a step if a step were nothing but one durable row (WAL, synchronous=FULL)."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE steps (id TEXT PRIMARY KEY, state TEXT, outputs TEXT)")
    found = []
    for round_ in range(ROUNDS):
        began = time.perf_counter()
        for number in range(STEPS):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO steps VALUES (?, 'done', '[{\"json\":1}]')", (f"{round_}-{number}",))
            connection.execute("COMMIT")
        found.append((time.perf_counter() - began) / STEPS * 1000)
    connection.close()
    return found


def ours(folder: Path) -> tuple[list[float], list[float]]:
    """(milliseconds a step by the server's records, the same seen by the program that started the run)."""
    import fairloop as fl
    from fairloop.client.client import Client

    @fl.step(cache=False)
    def one(x: int) -> int:
        return x + 1

    @fl.pipeline
    def chain(start: int = 0):
        value = start
        for _ in range(STEPS):
            value = one(value)
        return value

    environment = os.environ | {"FAIRLOOP_DATA": str(folder), "FAIRLOOP_PORT": "0"}
    server = subprocess.Popen([sys.executable, "-m", "fairloop.server"], env=environment)
    try:
        while not (folder / "server.json").exists():
            time.sleep(0.02)
        from fairloop.client.discover import find

        found = find(folder)
        assert found is not None
        client = Client(found.url)
        recorded, seen = [], []
        for round_ in range(ROUNDS + 2):
            graph, capture = chain.prepare(client)
            began = time.perf_counter()
            run = client.pipelines.wait(client.pipelines.start(graph, capture).id)
            took = time.perf_counter() - began
            assert run.ended_ms is not None
            assert run.started_ms is not None
            if round_ >= 2:  # the first ones start the worker
                recorded.append((run.ended_ms - run.started_ms) / STEPS)
                seen.append(took / STEPS * 1000)
        client.close()
        return recorded, seen
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bare = floor(Path(folder))
        recorded, seen = ours(Path(folder) / "data")
        again = floor(Path(tempfile.mkdtemp(dir=folder)))
    print(f"chain of {STEPS} trivial steps, warm, durable; medians of {ROUNDS} rounds, milliseconds a step")
    print(f"  floor, one SQLite commit a step      {statistics.median(bare + again):6.2f}")
    print(f"  fairloop, first claim to last result {statistics.median(recorded):6.2f}   (target <= 10)")
    print(f"  fairloop, as its caller sees it      {statistics.median(seen):6.2f}")


if __name__ == "__main__":
    main()
