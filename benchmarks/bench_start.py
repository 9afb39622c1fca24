"""What waits for the user: ``import fairloop``, and a server's start on a new folder to its first answer, with its memory.

Beside each the floor of the same run: an empty Python, and a bare uvicorn that answers a constant. Wall time, and CPU
time, which other work on the machine changes less. `python benchmarks/bench_start.py`
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5
BARE = """
import sys, uvicorn
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
uvicorn.run(app, port=int(sys.argv[1]), lifespan="off", log_level="error")
"""


def cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(process: int) -> float:
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("Pss:"))) / 1024


def run(code: str) -> tuple[float, float, float]:
    """(wall, CPU, 0) seconds of a Python that runs ``code``."""
    before, began = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    wall, after = time.perf_counter() - began, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system, 0.0


def until_answer(process: subprocess.Popen[bytes], record: Path | None, port: int) -> tuple[float, float, float]:
    """(wall, CPU, MiB) when the process first answers /health; it is stopped then."""
    began = time.perf_counter()
    while True:
        try:
            if record is not None:
                port = int(json.loads(record.read_text())["port"])
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/health")
            connection.getresponse().read()
            break
        except OSError:
            time.sleep(0.005)
    found = time.perf_counter() - began, cpu_s(process.pid), memory_mib(process.pid)
    process.terminate()
    process.wait(30)
    return found


def server() -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        environment = os.environ | {"FAIRLOOP_DATA": str(data), "FAIRLOOP_PORT": "0"}
        process = subprocess.Popen([sys.executable, "-m", "fairloop.server"], env=environment)
        return until_answer(process, data / "server.json", 0)


def bare() -> tuple[float, float, float]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return until_answer(subprocess.Popen([sys.executable, "-c", BARE, str(port)]), None, port)


def main() -> None:
    print(f"starts; medians of {ROUNDS}                        wall ms     CPU ms  memory MiB")
    for name, work in (
        ("python -c pass (floor)", lambda: run("pass")),
        ("import fairloop", lambda: run("import fairloop")),
        ("bare uvicorn to first answer (floor)", bare),
        ("fairloop server to first /health", server),
    ):
        wall, cpu, memory = (statistics.median(column) for column in zip(*[work() for _ in range(ROUNDS)], strict=True))
        print(f"  {name:<38}{wall * 1000:>12.0f}{cpu * 1000:>11.0f}{f'{memory:.0f}' if memory else '-':>12}")


if __name__ == "__main__":
    main()
