"""R03 and R17: kill -9 under load and uploads that break: what was acknowledged is there, nothing is half."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import random
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from fairloop.artifacts import local
from fairloop.client.client import Client
from fairloop.client.discover import Found, find_or_start
from fairloop.errors import FairloopError, StorageFull

SEED = int(os.environ.get("FAIRLOOP_TEST_SEED", "20261123"))
KILLS = int(os.environ.get("FAIRLOOP_TEST_KILLS", "10"))
METRICS = 7


def gone(pid: int, number: signal.Signals) -> None:
    os.kill(pid, number)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
    while psutil.pid_exists(pid):
        time.sleep(0.005)


class Writer(threading.Thread):
    """Logs batches of metrics into one run and remembers which were acknowledged."""

    def __init__(self, url: str, run_id: str, number: int, first_step: int) -> None:
        super().__init__(daemon=True)
        self.url, self.run_id, self.number, self.step = url, run_id, number, first_step
        self.acknowledged: list[int] = []

    def run(self) -> None:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=10) as http:
            while True:
                metrics = [
                    {"key": f"w{self.number}.{i}", "value": self.step + i / 10, "timestamp": 1, "step": self.step}
                    for i in range(METRICS)
                ]
                try:
                    answer = http.post(
                        "/api/2.0/mlflow/runs/log-batch", json={"run_id": self.run_id, "metrics": metrics}
                    )
                except httpx.HTTPError:
                    return  # the server is dead: this step may or may not be there, whole
                assert answer.status_code == 200, answer.text
                self.acknowledged.append(self.step)
                self.step += 1


def steps_of(data: Path, run_id: str) -> dict[str, set[int]]:
    """Series key to the steps stored, read past the server."""
    with contextlib.closing(sqlite3.connect(data / "fairloop.db")) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = plain.execute(
            "SELECT s.key, p.step FROM points p JOIN series s ON s.id = p.series_id JOIN runs r ON r.seq = s.run_seq "
            "WHERE r.id = ?",
            (run_id,),
        ).fetchall()
    found: dict[str, set[int]] = {}
    for key, step in rows:
        found.setdefault(key, set()).add(step)
    return found


def test_r03_kill_under_load_loses_no_acknowledged_batch_and_leaves_no_half(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    server = find_or_start(tmp_path / "data")
    body = {"experiment_id": "0", "run_name": "kills", "start_time": 1}
    made = httpx.post(f"{server.url}/api/2.0/mlflow/runs/create", json=body, trust_env=False)
    run_id = made.json()["run"]["info"]["run_id"]
    acknowledged: dict[int, set[int]] = {n: set() for n in range(4)}
    for kill in range(KILLS):
        writers = [Writer(server.url, run_id, n, kill * 1_000_000) for n in acknowledged]
        for writer in writers:
            writer.start()
        while not any(w.acknowledged for w in writers):
            time.sleep(0.002)
        time.sleep(chance.uniform(0.02, 0.4))
        gone(server.pid, signal.SIGKILL)
        for writer in writers:
            writer.join(30)
            acknowledged[writer.number] |= set(writer.acknowledged)
        server = find_or_start(tmp_path / "data")
    client = Client(server.url)
    assert client.audit.verify().ok
    client.close()
    gone(server.pid, signal.SIGTERM)
    found = steps_of(tmp_path / "data", run_id)
    for number, steps in acknowledged.items():
        series = [found.get(f"w{number}.{i}", set()) for i in range(METRICS)]
        assert steps <= series[0], (SEED, number)
        assert all(one == series[0] for one in series), (SEED, number)
    assert sum(map(len, acknowledged.values())) > KILLS * 4


# ---- uploads
@pytest.fixture
def server(tmp_path: Path) -> Iterator[Found]:
    found = find_or_start(tmp_path / "data")
    yield found
    with contextlib.suppress(ProcessLookupError):
        gone(found.pid, signal.SIGTERM)


def half_upload(found: Found, data: bytes, cut: int) -> socket.socket:
    """A PUT of ``data`` that stops after ``cut`` bytes, its connection still open."""
    host, port = found.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    sha256 = hashlib.sha256(data).hexdigest()
    head = (
        f"PUT /api/v1/projects/default/blobs/{sha256} HTTP/1.1\r\nHost: {host}:{port}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    connection.sendall(head.encode() + data[:cut])
    return connection


def stored(data: Path) -> list[Path]:
    return [p for p in (data / "artifacts").rglob("*") if p.is_file()]


def test_r17_a_cut_connection_leaves_nothing_and_a_retry_works(server: Found, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    data = chance.randbytes(6_000_000)
    for cut in [0, 1, len(data) - 1, *(chance.randrange(len(data)) for _ in range(17))]:
        half_upload(server, data, cut).close()
    client = Client(server.url)
    sha256 = hashlib.sha256(data).hexdigest()
    with pytest.raises(FairloopError, match="No such file"):
        client.blobs.get(sha256)
    assert stored(tmp_path / "data") == []
    assert client.blobs.put(data) == sha256
    assert client.blobs.get(sha256) == data
    client.close()


def test_r17_killing_the_server_mid_upload_leaves_nothing_visible(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    kept, data = b"the old version", chance.randbytes(5_000_000)
    server = find_or_start(tmp_path / "data")
    client = Client(server.url)
    old = client.blobs.put(kept)
    client.close()
    for _ in range(3):
        connection = half_upload(server, data, chance.randrange(len(data)))
        gone(server.pid, signal.SIGKILL)
        connection.close()
        server = find_or_start(tmp_path / "data")
        client = Client(server.url)
        with pytest.raises(FairloopError, match="No such file"):
            client.blobs.get(hashlib.sha256(data).hexdigest())
        assert client.blobs.get(old) == kept
        client.close()
    gone(server.pid, signal.SIGTERM)


def test_r17_wrong_hash_and_wrong_length_are_refused(server: Found, tmp_path: Path) -> None:
    path = f"/api/v1/projects/default/blobs/{hashlib.sha256(b'promised').hexdigest()}"
    answer = httpx.put(server.url + path, content=b"sent instead", trust_env=False)
    assert answer.status_code == 400
    assert "send it again" in answer.json()["detail"]
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"PUT {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 4\r\n\r\npromised".encode())
        assert b" 400 " in connection.recv(4000).split(b"\r\n")[0]
    assert stored(tmp_path / "data") == []


def test_r17_a_full_disk_during_an_upload_is_507_and_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server runs in this process here, so that fsync can answer as it does on a full disk."""
    store = local.LocalStore(tmp_path / "artifacts")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(StorageFull, match="Free some space"):
            store.put([b"x" * 1000])
    assert [p for p in (tmp_path / "artifacts").rglob("*") if p.is_file()] == []
    assert store.put([b"x" * 1000])[1] == 1000
