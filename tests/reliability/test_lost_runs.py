"""kill -9 of clients that log a run: the run ends as failed, lost, within twice its lease; slow clients keep theirs.

FAIRLOOP_ROUNDS sets how many clients are killed: five a round (10 in ``make test``, 100 in ``make reliability``).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from tests.conftest import RunningServer

from fairloop.core.runs import RunStatus
from support.loops import settle

CLIENTS = 5 * int(os.environ.get("FAIRLOOP_ROUNDS", "2"))
LEASE_S = 3
CLIENT = """
import sys, time
from fairloop.client.client import Client
from fairloop.core.runs import Metric
client = Client(sys.argv[1], project="default")
run = client.runs.create(experiment="lost", name=sys.argv[2], lease_s=float(sys.argv[3]))
step = 0
while True:
    client.runs.log(run.id, metrics=[Metric(key="loss", value=1.0 / (step + 1), step=step, timestamp_ms=step)])
    if step == 0:
        print(run.id, flush=True)
    step += 1
    time.sleep(0.4)
"""


def start(server: RunningServer, name: str) -> tuple[subprocess.Popen[str], str]:
    client = subprocess.Popen([sys.executable, "-c", CLIENT, server.url, name, str(LEASE_S)],
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert client.stdout is not None
    return client, client.stdout.readline().strip()


@pytest.mark.timeout(900)
def test_runs_of_killed_clients_end_and_those_of_slow_ones_do_not(server: RunningServer) -> None:
    reader = server.client()
    slow, slow_run = start(server, "slow")
    finished = reader.runs.create(experiment="lost", name="finished", lease_s=LEASE_S)
    reader.runs.finish(finished.id)
    for batch in range(0, CLIENTS, 10):
        killed = [start(server, f"killed {batch + n}") for n in range(min(10, CLIENTS - batch))]
        slow.send_signal(signal.SIGSTOP)
        for client, _ in killed:
            client.kill()
            client.wait()
            if client.stdout is not None:
                client.stdout.close()
        time.sleep(LEASE_S / 2)
        slow.send_signal(signal.SIGCONT)
        for _, run_id in killed:
            found = settle(lambda i=run_id: (r := reader.runs.get(i)).status.final and r, 10 * LEASE_S)
            assert found.status is RunStatus.FAILED
            assert found.status_reason.startswith("lost")
        assert reader.runs.get(slow_run).status is RunStatus.RUNNING
    assert reader.runs.get(finished.id).status is RunStatus.FINISHED
    slow.kill()
    slow.wait()
    if slow.stdout is not None:
        slow.stdout.close()
