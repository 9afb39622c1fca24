"""Tracking through REST beside what SQLite alone does in the same run: batches, single writers, history, search.

    python benchmarks/bench_tracking.py [--seconds 10] [--runs 100000] [--json FILE]

Every metric is durable (fsync) when it is acknowledged, on both sides. The floor is one process with one
connection and no server: batches of 1,000 rows, and single rows of 64 writers in one commit each round.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import random
import selectors
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

API = "/api/2.0/mlflow"
TABLE = (
    "CREATE TABLE points (series INT, step INT, ts INT, bits INT, PRIMARY KEY (series, step, ts, bits)) WITHOUT ROWID"
)


def call(url: str, method: str, path: str, body: Any = None) -> Any:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=120)
    connection.request(
        method, API + path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {text[:200]!r}")
    return json.loads(text)


def cpu_s(process: int) -> float:
    """CPU seconds a process has used: what a busy machine does not change."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def new_run(url: str) -> str:
    return str(call(url, "POST", "/runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"])


def batch(run: str, start: int, count: int = 1000) -> bytes:
    points = [
        {"key": "loss", "value": 1 / (start + i + 1), "timestamp": 1_700_000_000_000 + start + i, "step": start + i}
        for i in range(count)
    ]
    return json.dumps({"run_id": run, "metrics": points}).encode()


def batches(url: str, count: int, barrier: Any, results: Any) -> None:
    """One of the eight clients."""
    run = new_run(url)
    bodies = [batch(run, i * 1000) for i in range(count)]
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=120)
    barrier.wait()
    started, errors = time.time(), 0
    for body in bodies:
        connection.request("POST", API + "/runs/log-batch", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        errors += answer.status != 200
    results.put((started, time.time(), errors, run, count * 1000))


def singles(url: str, writers: int, seconds: float, barrier: Any, results: Any) -> None:
    """``writers`` connections in one process, each with one request under way."""
    host, _, port = url.removeprefix("http://").partition(":")
    selector, states = selectors.DefaultSelector(), []
    for _ in range(writers):
        sock = socket.create_connection((host, int(port)))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        states.append({"sock": sock, "run": new_run(url), "step": 0, "sent": 0.0})

    def send(state: dict[str, Any]) -> None:
        body = b'{"run_id":"%s","key":"m","value":1.5,"timestamp":1700000000000,"step":%d}' % (
            state["run"].encode(),
            state["step"],
        )
        state["sent"] = time.perf_counter()
        state["sock"].sendall(
            b"POST /api/2.0/mlflow/runs/log-metric HTTP/1.1\r\nHost: %s:%s\r\nContent-Length: %d\r\n\r\n%s"
            % (host.encode(), port.encode(), len(body), body)
        )

    barrier.wait()
    end, latencies, errors, live = time.perf_counter() + seconds, [], 0, writers
    for state in states:
        selector.register(state["sock"], selectors.EVENT_READ, state)
        send(state)
    while live:
        for key, _ in selector.select():
            state, answer = key.data, key.fileobj.recv(65536)  # type: ignore[union-attr]
            if answer.startswith(b"HTTP/1.1 200") and not answer.endswith(b"{}"):
                continue
            latencies.append(time.perf_counter() - state["sent"])
            errors += not answer.endswith(b"{}")
            state["step"] += 1
            if time.perf_counter() < end:
                send(state)
            else:
                live -= 1
                selector.unregister(state["sock"])
    results.put((latencies, errors, [(s["run"], s["step"]) for s in states]))


def parallel(work: Any, processes: int, *arguments: Any) -> list[Any]:
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(processes), context.Queue()
    started = [context.Process(target=work, args=(*arguments, barrier, results)) for _ in range(processes)]
    for process in started:
        process.start()
    found = [results.get() for _ in started]
    for process in started:
        process.join()
    return found


def floor(folder: Path, rows_a_commit: int, commits: int) -> float:
    """Rows a second of SQLite itself, one commit and fsync each ``rows_a_commit``."""
    database = sqlite3.connect(folder / f"floor{rows_a_commit}.db", isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", TABLE):
        database.execute(statement)
    started = time.perf_counter()
    for number in range(commits):
        rows = [
            (number % 8, number * rows_a_commit + i, 1_700_000_000_000 + i, 4_607_182_418_800_017_408 - i)
            for i in range(rows_a_commit)
        ]
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO points VALUES (?,?,?,?)", rows)
        database.execute("COMMIT")
    took = time.perf_counter() - started
    database.close()
    return rows_a_commit * commits / took


def measure_batches(url: str, folder: Path) -> dict[str, float]:
    found = parallel(batches, 8, url, 40)
    wall = max(f[1] for f in found) - min(f[0] for f in found)
    lost = sum(
        points - len(call(url, "GET", f"/metrics/get-history?run_id={run}&metric_key=loss")["metrics"])
        for _, _, _, run, points in found
    )
    return {
        "metrics_per_s": sum(f[4] for f in found) / wall,
        "errors": sum(f[2] for f in found),
        "lost": lost,
        "floor_metrics_per_s": floor(folder, 1000, 100),
    }


def measure_singles(url: str, folder: Path, seconds: float, server: int) -> dict[str, float]:
    before = cpu_s(server)
    found = parallel(singles, 4, url, 16, seconds)
    used = cpu_s(server) - before
    latencies = sorted(latency for f in found for latency in f[0])
    lost = sum(
        steps - len(call(url, "GET", f"/metrics/get-history?run_id={run}&metric_key=m")["metrics"])
        for f in found
        for run, steps in f[2]
    )
    return {
        "acks_per_s": len(latencies) / seconds,
        "p50_ms": statistics.median(latencies) * 1000,
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1000,
        "server_cpu_us_an_ack": used / len(latencies) * 1e6,
        "errors": sum(f[1] for f in found),
        "lost": lost,
        "floor_rows_per_s": floor(folder, 64, 300),
    }


def best_ms(work: Any, times: int = 5) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def fetch(url: str, path: str) -> bytes:
    """The answer's bytes: what the client makes of them is not the server's time."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=120)
    connection.request("GET", API + path)
    text = connection.getresponse().read()
    connection.close()
    return text


def measure_history(url: str, folder: Path, server: int) -> dict[str, float]:
    run = new_run(url)
    for start in range(0, 100_000, 1000):
        call(url, "POST", "/runs/log-batch", json.loads(batch(run, start)))
    asked = f"/metrics/get-history?run_id={run}&metric_key=loss"
    sampled = f"/metrics/get-history-bulk-interval?run_ids={run}&metric_key=loss"
    before = cpu_s(server)
    wall = best_ms(lambda: fetch(url, asked), 10)
    used = (cpu_s(server) - before) / 10 * 1000
    database = sqlite3.connect(folder / "floor1000.db")  # 100,000 rows, left by the batches
    query = "SELECT step, ts, bits FROM points ORDER BY series, step"
    bare = best_ms(lambda: json.dumps(database.execute(query).fetchall()))
    database.close()
    return {
        "history_100k_ms": wall,
        "history_100k_server_cpu_ms": used,
        "sampled_2500_ms": best_ms(lambda: fetch(url, sampled)),
        "floor_100k_rows_as_json_ms": bare,
    }


SEARCHES = {
    "filtered and ordered": ("metrics.acc > 0.5 and params.model = 'b'", ["metrics.acc DESC"]),
    "newest": ("", []),
    "one param": ("params.seed = '777'", ["metrics.acc DESC"]),
    "tag and metric": ("tags.team = 't3' and metrics.m0 < 0.01", ["metrics.acc DESC"]),
}


def fill(database: Path, count: int) -> None:
    """Runs straight into the tables, while no server has the file: seeding is not what is measured."""
    chance = random.Random(1)
    with sqlite3.connect(database) as rows:
        (project,) = rows.execute("SELECT id FROM projects WHERE name = 'default'").fetchone()
        (first,) = rows.execute("SELECT coalesce(max(seq), 0) + 1 FROM runs").fetchone()
        (home,) = rows.execute(
            "INSERT INTO experiments (project_id, name, active, created_ms, updated_ms, tags) VALUES"
            " (?, 'corpus', 1, 0, 0, '{}') RETURNING id",
            (project,),
        ).fetchone()
        seqs = range(first, first + count)
        rows.executemany(
            "INSERT INTO runs (seq, id, project_id, experiment_id, name, status, user, active, start_ms, status_reason,"
            " lease_s, touched_ms, inputs, outputs)"
            " VALUES (?, ?, ?, ?, ?, 'FINISHED', 'bench', 1, ?, '', 1, 0, '{}', '[]')",
            ((s, f"{s:032x}", project, home, f"run-{s}", 1_700_000_000_000 + s) for s in seqs),
        )
        rows.executemany(
            "INSERT INTO series (run_seq, key, count, step, timestamp_ms, bits, value) VALUES (?, ?, 1, 0, 0, 0, ?)",
            ((s, key, chance.random()) for s in seqs for key in ("m0", "m1", "m2", "m3", "acc")),
        )
        rows.executemany(
            "INSERT INTO params (run_seq, key, value) VALUES (?, ?, ?)",
            (
                row
                for i, s in enumerate(seqs)
                for row in (
                    (s, "model", "abcd"[i % 4]),
                    (s, "lr", f"{chance.random():.6f}"),
                    (s, "depth", str(i % 10)),
                    (s, "seed", str(i)),
                    (s, "opt", "ab"[i % 2]),
                )
            ),
        )
        rows.executemany(
            "INSERT INTO run_tags (run_seq, key, value) VALUES (?, ?, ?)",
            (row for i, s in enumerate(seqs) for row in ((s, "team", f"t{i % 10}"), (s, "mlflow.user", "bench"))),
        )
    rows.close()


def measure_search(url: str) -> dict[str, float]:
    home = call(url, "GET", "/experiments/get-by-name?experiment_name=corpus")["experiment"]["experiment_id"]
    found = {}
    for name, (text, orders) in SEARCHES.items():
        body = {"experiment_ids": [home], "filter": text, "order_by": orders, "max_results": 50}
        found[f"{name}, page of 50, ms"] = best_ms(lambda b=body: call(url, "POST", "/runs/search", b))  # type: ignore[misc]
    return found


class Server:
    def __init__(self, data: Path) -> None:
        environment = {**os.environ, "FAIRLOOP_DATA": str(data), "FAIRLOOP_PORT": "0"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fairloop.server"], env=environment, start_new_session=True
        )
        record = data / "server.json"
        while not record.exists():
            time.sleep(0.02)
        self.url = str(json.loads(record.read_text())["url"])

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--runs", type=int, default=100_000)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        server = Server(folder / "data")
        try:
            found["batches of 1,000 from 8 processes"] = measure_batches(server.url, folder)
            found["64 writers, one metric each"] = measure_singles(
                server.url, folder, given.seconds, server.process.pid
            )
            found["history"] = measure_history(server.url, folder, server.process.pid)
        finally:
            server.stop()
        fill(folder / "data" / "fairloop.db", given.runs)
        server = Server(folder / "data")
        try:
            found[f"search over {given.runs:,} runs"] = measure_search(server.url)
        finally:
            server.stop()
    for part, numbers in found.items():
        print(part)
        for what, number in numbers.items():
            print(f"    {what:<40}{number:>14,.1f}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
