"""kill -9 of the server, of workers and of steps: the run ends, and what was done is done once.

FAIRLOOP_ROUNDS sets how often each is tried (3 in ``make test``, 20 in ``make reliability``).
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import fairloop as fl
from fairloop.client.client import Client
from fairloop.client.patient import PatientHttp
from fairloop.core.pipelines import State

ROUNDS = int(os.environ.get("FAIRLOOP_ROUNDS", "3"))


class Machine:
    """A data folder whose server can be killed and started again, on another port each time."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self._settings = {f"FAIRLOOP_{k.upper()}": v for k, v in settings.items()}
        self.server: subprocess.Popen[bytes]
        self.start()
        self.http = PatientHttp(self.url, token="", server_file=data / "server.json", patience_s=60)
        self.client = Client(self.url, http=self.http)

    @property
    def url(self) -> str:
        return str(json.loads((self.data / "server.json").read_text())["url"])

    def start(self) -> None:
        environment = os.environ | self._settings | {"FAIRLOOP_DATA": str(self.data), "FAIRLOOP_PORT": "0"}
        self.server = subprocess.Popen([sys.executable, "-m", "fairloop.server"], env=environment)
        until(lambda: self._noted() == self.server.pid)

    def _noted(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            return int(json.loads((self.data / "server.json").read_text())["pid"])
        return 0

    def kill(self) -> None:
        self.server.kill()
        self.server.wait()

    def close(self) -> None:
        self.client.close()
        self.server.terminate()
        self.server.wait(30)
        for worker in self.workers():
            worker.kill()

    def workers(self) -> list[psutil.Process]:
        found = []
        for file in (self.data / "workers").glob("*.json"):
            with contextlib.suppress(psutil.Error, OSError, ValueError):
                found.append(psutil.Process(json.loads(file.read_text())["pid"]))
        return found


def until(true: Callable[[], bool], limit_s: float = 60) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < limit_s, "it never came true"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("machine") / "data", lease_s="8", worker_idle_s="20")
    yield made
    made.close()


@fl.step(cache=False)
def mark(folder: str, before: int, sleep_s: float) -> int:
    """Write ``<number> <pid>`` when begun, again when done."""
    import os
    import time
    from pathlib import Path

    with Path(folder, "begun").open("a") as file:
        file.write(f"{before + 1} {os.getpid()}\n")
    time.sleep(sleep_s)
    with Path(folder, "done").open("a") as file:
        file.write(f"{before + 1} {os.getpid()}\n")
    return before + 1


@fl.pipeline
def six(folder: str, sleep_s: float = 0.2):
    number = 0
    for _ in range(6):
        number = mark(folder, number, sleep_s)
    return number


def counted(folder: Path, name: str) -> Counter[int]:
    with contextlib.suppress(FileNotFoundError):
        return Counter(int(line.split()[0]) for line in (folder / name).read_text().splitlines())
    return Counter()


def pid_of(folder: Path, number: int) -> int:
    lines = [line.split() for line in (folder / "begun").read_text().splitlines()]
    return next(int(pid) for n, pid in lines if int(n) == number)


def begin(machine: Machine, folder: Path, **params: Any) -> Any:
    folder.mkdir()
    return six.run(client=machine.client, folder=str(folder), wait=False, **params)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


ONCE = Counter(dict.fromkeys(range(1, 7), 1))
CHANCE = random.Random(5)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_kill_9_of_the_server(machine: Machine, tmp_path: Path, number: int) -> None:
    folder = tmp_path / "round"
    result = begin(machine, folder)
    until(lambda: counted(folder, "begun")[1] == 1)
    time.sleep(CHANCE.uniform(0, 1.2))
    machine.kill()
    time.sleep(CHANCE.uniform(0, 1.0))
    machine.start()
    assert result.wait(quiet=True).outputs == 6
    assert counted(folder, "done") == ONCE
    assert counted(folder, "begun") == ONCE  # not even the running step was begun again
    assert all(s.attempt == 1 for s in result.steps)


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("who", ["step", "worker"])
def test_kill_9_in_the_middle_of_a_step(machine: Machine, tmp_path: Path, who: str, number: int) -> None:
    folder, target = tmp_path / "round", CHANCE.randint(1, 6)
    result = begin(machine, folder, sleep_s=0.3)
    until(lambda: counted(folder, "begun")[target] == 1)
    step = psutil.Process(pid_of(folder, target))
    worker = step.parent()
    assert worker is not None
    (step if who == "step" else worker).kill()
    began = time.monotonic()
    until(lambda: counted(folder, "begun")[target] == 2)
    assert time.monotonic() - began < 8, "it waited for the lease, though the process was gone"
    assert result.wait(quiet=True).outputs == 6
    assert counted(folder, "done") == ONCE
    assert counted(folder, "begun") == ONCE + Counter([target])
    assert [s.losses for s in result.steps] == [int(n == target) for n in range(1, 7)]
    until(lambda: gone(step.pid) and gone(worker.pid), 10)


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "data", lease_s="2", worker_idle_s="20")
    yield made
    made.close()


def test_a_stopped_worker_loses_its_step_and_cannot_report_later(hasty: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "zombie"
    result = begin(hasty, folder, sleep_s=1.0)
    until(lambda: counted(folder, "begun")[2] == 1)
    step = psutil.Process(pid_of(folder, 2))
    worker = step.parent()
    assert worker is not None
    worker.suspend()
    step.suspend()
    until(lambda: counted(folder, "begun")[2] == 2)
    step.resume()
    worker.resume()
    assert result.wait(quiet=True).outputs == 6
    assert [s.losses for s in result.steps] == [0, 1, 0, 0, 0, 0]
    assert counted(folder, "begun") == Counter({n: 1 + (n == 2) for n in range(1, 7)})
    assert result.steps[1].token == 2


@fl.pipeline
def single(folder: str, sleep_s: float):
    return mark(folder, 0, sleep_s)


def test_a_worker_that_cannot_renew_ends_its_step(hasty: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "silent"
    folder.mkdir()
    result = single.run(client=hasty.client, folder=str(folder), sleep_s=6.0, wait=False)
    until(lambda: counted(folder, "begun")[1] == 1)
    hasty.server.send_signal(signal.SIGSTOP)
    try:
        until(lambda: gone(pid_of(folder, 1)), 30)
    finally:
        hasty.server.send_signal(signal.SIGCONT)
    assert counted(folder, "done")[1] == 0
    assert result.wait(quiet=True).outputs == 1
    assert (result.state, result.steps[0].losses) == (State.DONE, 1)
