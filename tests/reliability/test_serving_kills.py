"""Endpoints outlive the server, and are restarted when they die themselves."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import RunningServer, running

from fairloop.core.endpoints import DeploymentState
from fairloop.errors import FairloopError
from support.serving import ROW, end_endpoints, seed, trained


class Caller:
    """Asks without pause from its own thread; keeps the ids it got and everything that went wrong."""

    def __init__(self, url: str) -> None:
        self.ids: list[str] = []
        self.faults: list[str] = []
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with httpx.Client(timeout=60) as http:
            while not self._stop.is_set():
                try:
                    answer = http.post(self._url + "/invocations", json={"instances": [ROW]})
                    self.ids += answer.raise_for_status().json()["prediction_ids"]
                except httpx.HTTPError as cause:
                    self.faults.append(repr(cause))
                    time.sleep(0.02)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    for number in (1, 2):
        trained(seed=number).save(tmp_path / str(number))
    folder = tmp_path / "data"
    seed(folder, [tmp_path / "1", tmp_path / "2"])
    yield folder
    end_endpoints(folder)


def state(data: Path) -> dict[str, int]:
    (file,) = data.glob("endpoints/*/state.json")
    found: dict[str, int] = json.loads(file.read_text())
    return found


def kill(server: RunningServer) -> None:
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(30)


def until(true: object, within_s: float = 60.0) -> None:
    assert callable(true)
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_an_endpoint_answers_throughout_server_kills_and_is_adopted(data: Path) -> None:
    with running(data) as server:
        client = server.client()
        client.endpoints.deploy("income", "income/1")
        url = client.endpoints.describe("income")["url"]
        before = state(data)
        caller = Caller(url)
        kill(server)
    for _ in range(2):
        with running(data) as server:
            until(lambda: server.client().endpoints.get("income").state == "up")
            answered = len(caller.ids)
            until(lambda: len(caller.ids) > answered + 20)  # noqa: B023
            kill(server)
    with running(data) as server:
        client = server.client()
        until(lambda: client.endpoints.get("income").state == "up")
        assert state(data) == before
        second = client.endpoints.deploy("income", "income/2")
        assert second.state is DeploymentState.LIVE
        caller.stop()
        assert state(data) == before
        assert not caller.faults
        assert client.predictions.predict("income", [ROW])["scores"]


def test_a_killed_endpoint_comes_back_on_its_port_with_its_counters(data: Path) -> None:
    with running(data) as server:
        client = server.client()
        client.http.json("POST", f"{client.path}/endpoints", json={"name": "income", "log_mode": "durable"})
        client.endpoints.deploy("income", "income/1")
        url = client.endpoints.describe("income")["url"]
        caller = Caller(url)
        for _ in range(3):
            answered = len(caller.ids)
            until(lambda: len(caller.ids) > answered + 50)  # noqa: B023
            killed = state(data)["pid"]
            os.kill(killed, signal.SIGKILL)
            until(lambda: state(data)["pid"] != killed)  # noqa: B023  # an answer may still be on its way from the dead
            answered = len(caller.ids)
            until(lambda: len(caller.ids) > answered)  # noqa: B023
        caller.stop()
        assert client.endpoints.describe("income")["url"] == url
        until(lambda: client.endpoints.get("income").state == "up")
        client.endpoints.stop("income", reason="count")
        (folder,) = (data / "endpoints").iterdir()
        logged = [json.loads(line)["id"] for p in sorted(folder.glob("spool/predictions-*.jsonl"))
                  for line in p.read_text().splitlines()]  # fmt: skip
        assert set(caller.ids) <= set(logged)
        assert len(logged) == len(set(logged))
        counted = next(iter(client.endpoints.describe("income")["traffic"].values()))
        assert counted["rows"] <= len(logged)


def test_a_deployment_that_a_killed_server_left_is_finished_by_the_next(data: Path) -> None:
    with running(data) as server:
        client = server.client()
        client.endpoints.create("income")
        threading.Thread(
            target=lambda: _ignore(lambda: client.endpoints.deploy("income", "income/1")), daemon=True
        ).start()
        until(lambda: bool(client.endpoints.deployments("income")))
        kill(server)
    with running(data) as server:
        client = server.client()
        until(lambda: client.endpoints.deployments("income")[0].state is DeploymentState.LIVE)
        assert client.predictions.predict("income", [ROW])["scores"]


def _ignore(call: object) -> None:
    assert callable(call)
    try:
        call()
    except (FairloopError, OSError):  # the server is killed under this request
        return
