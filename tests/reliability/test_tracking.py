"""What was acknowledged is there: under load (R01), over kills (R03), broken uploads (R17), odd values (R33)."""

from __future__ import annotations

import http.client
import json
import random
import socket
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import RunningServer, running

API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"


class Caller:
    """One keep-alive connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        data = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
        self._connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def new_run(self) -> str:
        status, body = self("POST", f"{API}/runs/create", {"experiment_id": "0"})
        assert status == 200, body
        return str(json.loads(body)["run"]["info"]["run_id"])

    def steps(self, run_id: str, key: str) -> list[int]:
        _, body = self("GET", f"{API}/metrics/get-history?run_id={run_id}&metric_key={key}")
        return [point["step"] for point in json.loads(body)["metrics"]]

    def close(self) -> None:
        self._connection.close()


@dataclass
class Writer:
    """Logs batches of ``size`` points until told to stop; remembers what was acknowledged."""

    url: str
    size: int
    run_id: str
    acked: int = 0
    errors: list[str] = field(default_factory=list)

    def write(self, stop: threading.Event) -> None:
        caller = Caller(self.url)
        try:
            while not stop.is_set():
                points = [
                    {"key": "m", "value": 1 / (1 + i), "timestamp": 1, "step": self.acked * self.size + i}
                    for i in range(self.size)
                ]
                status, body = caller("POST", f"{API}/runs/log-batch", {"run_id": self.run_id, "metrics": points})
                if status == 200:
                    self.acked += 1
                else:
                    self.errors.append(f"{status} {body[:200]!r}")
        except OSError as broken:
            self.errors.append(type(broken).__name__)
        except http.client.HTTPException as broken:
            self.errors.append(type(broken).__name__)
        finally:
            caller.close()


def drive(writers: list[Writer], stop: threading.Event) -> list[threading.Thread]:
    threads = [threading.Thread(target=w.write, args=(stop,)) for w in writers]
    for thread in threads:
        thread.start()
    return threads


def test_load_loses_nothing(server: RunningServer) -> None:
    """R01: 64 writers of one metric and 8 of a thousand for 15 seconds: no error, nothing lost, nothing doubled."""
    caller, stop = Caller(server.url), threading.Event()
    writers = [Writer(server.url, 1, caller.new_run()) for _ in range(64)]
    writers += [Writer(server.url, 1000, caller.new_run()) for _ in range(8)]
    caller.close()
    threads = drive(writers, stop)
    time.sleep(15)
    stop.set()
    for thread in threads:
        thread.join()
    assert [w.errors for w in writers if w.errors] == []
    caller = Caller(server.url)
    for writer in writers:
        assert writer.acked > 0
        assert caller.steps(writer.run_id, "m") == list(range(writer.acked * writer.size))
    caller.close()


def test_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """R03: the server dies ten times under load; every acknowledged batch is there, and no batch in part."""
    chance = random.Random(3)
    data, size = tmp_path / "data", 50
    owned: list[Writer] = []
    for _ in range(10):
        with running(data) as server:
            caller, stop = Caller(server.url), threading.Event()
            for writer in owned:
                steps = caller.steps(writer.run_id, "m")
                assert len(steps) % size == 0, "a batch was kept in part"
                assert len(steps) in {writer.acked * size, (writer.acked + 1) * size}, "an acknowledged batch is gone"
            owned = [Writer(server.url, size, caller.new_run()) for _ in range(8)]
            threads = drive(owned, stop)
            while not all(w.acked for w in owned):
                time.sleep(0.01)
            time.sleep(chance.uniform(0.05, 0.6))
            server.process.kill()
            server.process.wait()
            for thread in threads:
                thread.join()
            caller.close()
        with sqlite3.connect(data / "fairloop.db") as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        database.close()
        (data / "server.json").unlink(missing_ok=True)


def interrupted(server: RunningServer, path: str, body: bytes, cut: int) -> None:
    """An upload that announces ``body`` and breaks off after ``cut`` bytes."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"PUT {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:cut])
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(10)
        while connection.recv(4096):
            continue


def test_interrupted_uploads_leave_nothing(server: RunningServer) -> None:
    """R17: no part of a file is ever visible, what stood there stays, the temporary files go."""
    caller, chance = Caller(server.url), random.Random(17)
    run_id, body = caller.new_run(), bytes(range(256)) * 20_000
    below = f"{FILES}/0/{run_id}/artifacts"
    assert caller("PUT", f"{below}/old.bin", b"old")[0] == 200
    for _ in range(20):
        cut = chance.randrange(len(body))
        interrupted(server, f"{below}/new.bin", body, cut)
        interrupted(server, f"{below}/old.bin", body, cut)
    assert caller("GET", f"{below}/old.bin") == (200, b"old")
    assert caller("GET", f"{below}/new.bin")[0] == 404
    assert list((server.data / "artifacts" / "tmp").iterdir()) == []
    assert caller("PUT", f"{below}/new.bin", body)[0] == 200
    assert caller("GET", f"{below}/new.bin") == (200, body)
    caller.close()


ODD_TEXT = [
    "",
    "é",
    "é",
    "\U0001f40d",
    "‮x",
    "x" * 8192,
    "a\tb\nc",
    "'; drop table runs; --",
    "nul\0",
    "\ud800",
    "x" * 8193,
    "x" * (1 << 20),
]


@pytest.mark.parametrize("text", ODD_TEXT, ids=range(len(ODD_TEXT)))
def test_text_is_kept_or_refused(server: RunningServer, text: str) -> None:
    """R33, as param, tag, name of a run and dataset."""
    caller = Caller(server.url)
    run_id = caller.new_run()
    dataset = {"name": "d", "digest": "1", "source": text}
    asked = [("params", {"params": [{"key": "k", "value": text}]}), ("tags", {"tags": [{"key": "k", "value": text}]})]
    for where, body in asked:
        status, _ = caller("POST", f"{API}/runs/log-batch", {"run_id": run_id, **body})
        assert status in {200, 400, 413}
        run = json.loads(caller("GET", f"{API}/runs/get?run_id={run_id}")[1])["run"]
        kept = [p["value"] for p in run["data"].get(where, []) if p["key"] == "k"]
        assert kept == ([text] if status == 200 else [])
    status, _ = caller("POST", f"{API}/runs/log-inputs", {"run_id": run_id, "datasets": [{"dataset": dataset}]})
    assert status in {200, 400, 413}
    run = json.loads(caller("GET", f"{API}/runs/get?run_id={run_id}")[1])["run"]
    assert [d["dataset"]["source"] for d in run["inputs"]["dataset_inputs"]] == ([text] if status == 200 else [])
    status, body = caller("POST", f"{API}/runs/create", {"experiment_id": "0", "run_name": text})
    assert status in {200, 400}
    if status == 200 and text:
        assert json.loads(body)["run"]["info"]["run_name"] == text
    caller.close()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'"value":1,"step":1.7', 400),
        (b'"value":1,"step":9223372036854775808', 400),
        (b'"value":1e400,"step":1', 400),
        (b'"value":NaN,"step":1', 400),
        (b'"value":9007199254740993,"step":1', 400),
        (b'"value":"NaN","step":1', 200),
        (b'"value":-0.0,"step":9223372036854775807', 200),
        (b'"value":5e-324,"step":-9223372036854775808', 200),
        (b'"value":"Infinity","step":"12"', 200),
    ],
)
def test_numbers_are_kept_or_refused(server: RunningServer, body: bytes, status: int) -> None:
    """R33: never 200 with another number than was sent."""
    caller = Caller(server.url)
    run_id = caller.new_run()
    found, _ = caller(
        "POST", f"{API}/runs/log-metric", b'{"run_id":"%s","key":"m","timestamp":1,%s}' % (run_id.encode(), body)
    )
    assert found == status
    assert len(caller.steps(run_id, "m")) == (status == 200)
    caller.close()
