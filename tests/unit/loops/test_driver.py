"""What the driver, the release and the proposals do when something breaks beside them; services below are stand-ins."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fairloop.access.audit import Audit
from fairloop.core.checks import Check, Status, Verdict
from fairloop.core.clock import Clock
from fairloop.core.cycles import Stage
from fairloop.core.loops import Data, LoopDefinition
from fairloop.core.monitors import Alert
from fairloop.core.people import Identity, Role
from fairloop.core.pipelines import Capture, Graph, StepSpec
from fairloop.core.signals import Signals
from fairloop.costs.prices import load_prices
from fairloop.errors import Conflict, InvalidInput, Unavailable
from fairloop.loops.driver import Driver, ReleaseDriver
from fairloop.loops.proposals import Proposals
from fairloop.loops.release import Release
from fairloop.loops.service import Loops
from fairloop.notices.outbox import Notices
from fairloop.projects.service import Projects


@pytest.fixture
def loops(database):
    return Loops(database, Clock(), Signals(), Audit(database, Clock()), Notices(database, Clock()))


@pytest.fixture
def project(database):
    return Projects(database, Clock()).create("here").id


def registered(loops, project, name, **changes):
    steps = [
        StepSpec(key="candidate", name="candidate", function={"module": "e", "qualname": "judge"}, returns="candidate")
    ]
    graph = Graph(name="train", steps=steps, params={"people": {"table": True}})
    loops.register(project, LoopDefinition(name=name, data=Data("adult"), **changes), graph, Capture(), "ada")


def rolling_out(loops, project, name):
    registered(loops, project, name)
    cycle = loops.start_cycle(project, name, trigger={"kind": "person"}, author="ada", dataset_version_id="dsv_1")
    loops.move(cycle, "gate", "passed", stage=Stage.ROLL_OUT, model_version_id=f"mdv_{name}")
    return loops.cycle(project, cycle.id)


def driver(loops, release):
    made = Driver(clock=Clock(), loops=loops, pipelines=None, evaluations=None, analyses=None, release=release, endpoint_folder=str,
                  prices=load_prices(None))  # fmt: skip
    made.tick()  # what rolls out is not its business: it must not wait for a smoke test
    return ReleaseDriver(made)


@pytest.mark.parametrize(("fault", "stage", "words"), [
    (KeyError("x"), Stage.FAILED, "fault inside Fairloop (KeyError)"),
    (InvalidInput("No column 'age'."), Stage.FAILED, "The cycle stopped: No column 'age'."),
    (Unavailable("The disk is full."), Stage.ROLL_OUT, ""),
])  # fmt: skip
def test_a_fault_in_one_cycle_does_not_stop_the_others(loops, project, fault, stage, words):
    first, second = rolling_out(loops, project, "a"), rolling_out(loops, project, "b")
    advanced = []

    def advance(cycle, definition):
        if cycle.id == first.id:
            raise fault
        advanced.append(cycle.id)

    driver(loops, SimpleNamespace(advance=advance)).tick()
    found = loops.cycle(project, first.id)
    assert found.stage is stage
    assert words in found.words
    assert advanced == [second.id]


class Serving:
    """``meanwhile`` happens while the smoke test runs, ``then`` while the rollout is written."""

    def __init__(self, meanwhile=lambda: None, then=lambda: None, refusal=None):
        self.meanwhile, self.then, self.refusal = meanwhile, then, refusal
        self.started, self.taken_back = [], []

    def rollout_of_cycle(self, cycle_id):
        return self.started[0] if self.started else None

    def ensure_endpoint(self, project_id, name, *, loop):
        return SimpleNamespace(id="end_1", name=name)

    def deploy(self, project_id, name, version_id, *, share, by):
        self.meanwhile()
        return SimpleNamespace(id="dep_1", state="ready", reason="")

    def start_rollout(self, *_, **__):
        self.then()
        self.started.append(SimpleNamespace(id="rol_1", ended_ms=None, from_deployment_id="dep_0", steps=[10, 100]))
        return self.started[0]

    def roll_back(self, project_id, rollout_id, *, reason):
        self.taken_back.append(rollout_id)
        if self.refusal:
            raise self.refusal


def cancelling(loops, cycle):
    who = Identity(kind="person", person_id="ada", name="ada", roles={cycle.project_id: Role.ML_ENGINEER})
    return lambda: loops.cancel(cycle.project_id, cycle.id, who, "wrong week")


def release(loops, serving):
    return Release(loops=loops, registry=None, serving=serving, monitoring=None, files=None)


def test_a_cycle_cancelled_during_the_smoke_test_gets_no_rollout(loops, project):
    cycle = rolling_out(loops, project, "a")
    serving = Serving(meanwhile=cancelling(loops, cycle))
    driver(loops, release(loops, serving)).tick()
    assert loops.cycle(project, cycle.id).stage is Stage.CANCELLED
    assert serving.started == []


@pytest.mark.parametrize("refusal", [None, Conflict("The rollout ended already: rolled_back.")])
def test_a_cycle_cancelled_as_its_rollout_begins_has_it_taken_back(loops, project, refusal):
    cycle = rolling_out(loops, project, "a")
    serving = Serving(then=cancelling(loops, cycle), refusal=refusal)
    driver(loops, release(loops, serving)).tick()
    assert loops.cycle(project, cycle.id).stage is Stage.CANCELLED
    assert serving.taken_back == ["rol_1"]


class Monitoring:
    """Open alerts by loop name."""

    def __init__(self, project, *names):
        check = Check(metric="roc_auc", at_least=0.5)
        verdict = Verdict(check=check, status=Status.FAIL, estimate=0.4, low=0.3, high=0.45, n=100, method="m")
        self.open = {
            name: Alert(id=f"alr_{name}", project_id=project, endpoint_id="end_1", monitor_id="mon_1", deployment_id="dep_1", window_id="win_1", verdict=verdict,
                        words="it fell") for name in names
        }  # fmt: skip
        self.linked = []

    def alerts(self, project_id, *, state):
        return list(self.open.values())

    def loop_of(self, alert):
        return alert.id.removeprefix("alr_")

    def link_cycle(self, alert_id, cycle_id):
        self.linked.append((alert_id, cycle_id))


class Datasets:
    def find(self, project_id, name):
        return SimpleNamespace(id="dsv_1")


def test_an_alert_whose_cycle_began_before_a_crash_starts_no_second_one(loops, project):
    registered(loops, project, "a")
    monitoring = Monitoring(project, "a")
    trigger = {"kind": "alert", "alert_id": "alr_a", "words": "it fell"}
    cycle = loops.start_cycle(project, "a", trigger=trigger, author="loop a", dataset_version_id="dsv_1")
    loops.move(cycle, "refused", "no", stage=Stage.REFUSED)
    Proposals(loops=loops, monitoring=monitoring, datasets=Datasets()).tick()
    assert monitoring.linked == [("alr_a", cycle.id)]
    assert loops.open_cycles() == []


def test_a_loop_whose_alert_starts_nothing_does_not_hold_up_the_next(loops, project):
    for name in ("a", "b"):
        registered(loops, project, name)
    monitoring = Monitoring(project, "a", "b")

    class Picky(Datasets):
        calls = 0

        def find(self, project_id, name):
            Picky.calls += 1
            if Picky.calls == 1:
                raise InvalidInput("The dataset is gone.")
            return super().find(project_id, name)

    Proposals(loops=loops, monitoring=monitoring, datasets=Picky()).tick()
    assert [c.loop for c in loops.open_cycles()] == ["b"]
    assert [alert for alert, _ in monitoring.linked] == ["alr_b"]


def test_notify_starts_nothing(loops, project):
    registered(loops, project, "a", on_alert="notify")
    Proposals(loops=loops, monitoring=Monitoring(project, "a"), datasets=Datasets()).tick()
    assert loops.open_cycles() == []
