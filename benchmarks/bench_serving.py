"""Serving, one row a request over 16 connections, beside a bare uvicorn constant in the same run.

``python benchmarks/bench_serving.py [--seconds 5]`` prints cold start, memory and requests per second. The load
generator is plain asyncio over raw sockets in this process; it costs the same for every server measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd

from fairloop.registry.model import Model
from fairloop.serving.layout import Config, Folder, Served

CONNECTIONS = 16
CONSTANT = """
import sys, uvicorn
BODY = b'{"predictions":[1],"scores":[0.5],"prediction_ids":["prd_0"]}'
async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-length", str(len(BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})
uvicorn.run(app, port=int(sys.argv[1]), http="httptools", loop="uvloop", lifespan="off", access_log=False,
            log_level="warning", timeout_keep_alive=65)
"""


def train() -> tuple[Model, dict[str, Any]]:
    """LightGBM on 14 columns, 8 of them categories: the shape of Adult."""
    draw, n = np.random.default_rng(0), 5000
    X = pd.DataFrame({f"n{i}": draw.normal(size=n) for i in range(6)})
    for i in range(8):
        X[f"c{i}"] = pd.Categorical(draw.choice([f"value {k}" for k in range(10)], n))
    y = (X["n0"] + (X["c0"] == "value 1") + draw.normal(size=n) > 0.5).astype(int)
    model = Model(lightgbm.LGBMClassifier(n_estimators=100, verbose=-1).fit(X, y))
    model.describe(X)
    return model, json.loads(X.head(1).to_json(orient="records"))[0]


def prepare(root: Path, model: Model, log_mode: str) -> Folder:
    folder = Folder(root)
    folder.make()
    model.save(folder.models / "a")
    served = Served(deployment_id="dep_" + "0" * 18, model_version_id="ver_1", model="bench", version=1,
                    folder="models/a", share=100)  # fmt: skip
    folder.write_config(Config(endpoint_id="end_1", endpoint="bench", id_key=secrets.token_hex(32), log_mode=log_mode,
                               deployments=[served]))  # fmt: skip
    return folder


def request(path: str, body: Any) -> bytes:
    content = json.dumps(body).encode()
    head = [
        f"POST {path} HTTP/1.1",
        "host: 127.0.0.1:1",
        "content-type: application/json",
        f"content-length: {len(content)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


async def load(port: int, wire: bytes, seconds: float) -> tuple[float, float, float]:
    """(requests a second, p50 ms, p99 ms) over the connections."""
    times: list[float] = []
    ends = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (started := time.perf_counter()) < ends:
            writer.write(wire)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            size = int(next(h for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")).split(b":")[1])
            await reader.readexactly(size)
            times.append(time.perf_counter() - started)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    times.sort()
    return (
        len(times) / (time.perf_counter() - began),
        times[len(times) // 2] * 1000,
        times[int(len(times) * 0.99)] * 1000,
    )


def wait_port(port: int) -> None:
    for _ in range(3000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError("no server came up")


def memory_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("Pss:"))) / 1024


def start_endpoint(folder: Folder) -> tuple[subprocess.Popen[bytes], int, float]:
    """The process, its port, and seconds from start to the first answer."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-P", "-m", "fairloop.serving.endpoint", str(folder.path)],
                               env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
    while (state := folder.read_state()) is None:
        time.sleep(0.005)
    wait_port(state.port)
    return process, state.port, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    seconds = parser.parse_args().seconds
    model, row = train()
    wire = request("/invocations", {"dataframe_records": [row]})
    hundred = request("/invocations", {"dataframe_records": [row] * 100})
    with tempfile.TemporaryDirectory() as scratch:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        bare = subprocess.Popen([sys.executable, "-c", CONSTANT, str(port)])
        wait_port(port)
        floor, p50, p99 = asyncio.run(load(port, wire, seconds))
        print(f"bare uvicorn constant    {floor:9.0f}/s   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms")
        bare.send_signal(signal.SIGTERM)
        bare.wait()
        colds = []
        for mode in ("best_effort", "durable"):
            folder = prepare(Path(scratch) / mode, model, mode)
            process, port, cold = start_endpoint(folder)
            colds.append(cold)
            asyncio.run(load(port, wire, 1.0))
            rate, p50, p99 = asyncio.run(load(port, wire, seconds))
            many, _, many99 = asyncio.run(load(port, hundred, seconds))
            print(f"endpoint, {mode:12s}   {rate:9.0f}/s   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   "
                  f"{rate / floor:.2f} of the floor;   100 rows {many:6.0f}/s, p99 {many99:.1f} ms")  # fmt: skip
            print(f"  memory {memory_mib(process.pid):.0f} MiB")
            process.send_signal(signal.SIGTERM)
            process.wait()
            told = json.loads(folder.stats.read_text())
            print(f"  sent {told['sent']} = logged {told['logged']} + dropped {told['dropped']}")
        print(f"cold start {statistics.median(colds):.2f} s")


if __name__ == "__main__":
    main()
