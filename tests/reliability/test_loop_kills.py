"""kill -9 in the middle of a cycle: of the server at every stage, of a worker in training. The cycle ends live all the
same, what was done is done once, and the endpoint never stops answering.

FAIRLOOP_ROUNDS sets how many rounds are run in all (3 in ``make test``, 20 of each kind in ``make reliability``).
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.conftest import RunningServer, running

import fairloop as fl
from fairloop.client.client import Client
from fairloop.core.cycles import Cycle, Stage
from support.loops import QUALITY, asking, loop, marked, publish_people, send, settle, shares, slow_pipeline, turn
from support.serving import end_endpoints

ROUNDS = int(os.environ.get("FAIRLOOP_ROUNDS", "0"))
KINDS = ("server in training", "server in approval", "server in the canary", "worker in training")
PLAN = [(kind, number) for number in range(ROUNDS or 1) for kind in KINDS]
CHANCE = random.Random(7)


class Machine:
    """One data folder with a live loop, whose server is killed and started again."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._stack = contextlib.ExitStack()
        self.server: RunningServer
        self.client: Client
        self.start()
        self.version = publish_people(self.client)
        assert turn(self.client, loop("main", watch=[]), self.version, timeout_s=120).stage is Stage.LIVE

    def start(self) -> None:
        self.server = self._stack.enter_context(running(self.data, lease_s="8", worker_idle_s="30"))
        self.client = self.server.client()

    def kill(self) -> None:
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait(30)
        self._stack.close()

    def kill_and_start(self) -> None:
        self.kill()
        time.sleep(CHANCE.uniform(0, 1))
        self.start()

    def close(self) -> None:
        self._stack.close()
        end_endpoints(self.data)
        for file in (self.data / "workers").glob("*.json"):
            with contextlib.suppress(psutil.Error, OSError, ValueError):
                psutil.Process(json.loads(file.read_text())["pid"]).kill()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    data = tmp_path_factory.mktemp("machine") / "data"
    try:
        made = Machine(data)
        yield made
        made.close()
    finally:
        end_endpoints(data)


def kill_a_worker(marks: Path) -> None:
    """The worker process, or the one that runs the user's step for it."""
    pid = CHANCE.choice(marked(marks, "fit begun")[0])
    os.kill(pid, signal.SIGKILL)


def reach(machine: Machine, cycle: Cycle, stage: Stage) -> Cycle:
    def there() -> Cycle | None:
        found = machine.client.cycles.get(cycle.id)
        assert not found.stage.final or found.stage is stage, found.words
        return found if found.stage is stage else None

    found: Cycle = settle(there, 150)
    return found


def during_training(marks: Path, act: Callable[[], None]) -> None:
    settle(lambda: marked(marks, "fit begun"))
    time.sleep(CHANCE.uniform(0, 0.8))
    act()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kind", "number"), PLAN)
def test_a_cycle_ends_whatever_is_killed(machine: Machine, tmp_path: Path, kind: str, number: int) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    before = machine.client.cycles.list("main", limit=1)[0].model_version_id
    made = loop("main", slow_pipeline(marks, 1.0), gates=[QUALITY], approval=fl.Approval(), watch=[],
                rollout=fl.Canary(steps=[10, 50, 100], min_requests=10))  # fmt: skip
    made.register(machine.client)
    with asking(machine.client, "main") as caller:
        cycle = machine.client.loops.start("main", machine.version)
        if kind == "server in training":
            during_training(marks, machine.kill_and_start)
        elif kind == "worker in training":
            during_training(marks, lambda: kill_a_worker(marks))
        cycle = reach(machine, cycle, Stage.APPROVE)
        if kind == "server in approval":
            machine.kill_and_start()
            assert reach(machine, cycle, Stage.APPROVE).model_version_id == cycle.model_version_id
        (request,) = machine.client.approvals.list(cycle_id=cycle.id)
        machine.client.approvals.decide(request.id, approve=True, reason="the numbers hold")
        if kind == "server in the canary":
            settle(lambda: machine.client.cycles.get(cycle.id).stage is Stage.ROLL_OUT)
            if number % 2 == 0:
                settle(lambda: len(shares(machine.client, "main")) == 2)
            time.sleep(CHANCE.uniform(0, 0.5))
            machine.kill_and_start()
        done = reach(machine, cycle, Stage.LIVE)
        answered = caller.answers
        settle(lambda: caller.answers > answered + 5)
    assert caller.faults == []
    assert shares(machine.client, "main") == {done.model_version_id: 100}
    assert done.model_version_id != before
    assert len(marked(marks, "prepare")) == len(marked(marks, "fit done")) == 1
    assert len(marked(marks, "fit begun")) == (2 if kind == "worker in training" else 1)
    kinds = [e.kind for e in machine.client.cycles.events(cycle.id)]
    assert [kinds.count(k) for k in ("started", "chosen", "gate", "approved", "live")] == [1] * 5
    (evaluation,) = [
        e for e in machine.client.candidates.evaluations(str(done.chosen_candidate_id)) if e.part == "test"
    ]
    assert evaluation.n > 0
    assert send(machine.client, "main", 5)
