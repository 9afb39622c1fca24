"""Monitors, windows and alerts on both databases."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fairloop.access.audit import Audit
from fairloop.artifacts.local import LocalStore
from fairloop.core.checks import Check, Status, Verdict
from fairloop.core.clock import Clock
from fairloop.core.endpoints import Deployment, DeploymentState, Endpoint
from fairloop.core.monitors import Monitor, Window
from fairloop.core.people import Identity
from fairloop.core.pipelines import State
from fairloop.core.signals import Signals
from fairloop.errors import Conflict, InvalidInput, NotFound
from fairloop.evaluation.service import Evaluations
from fairloop.monitoring.service import Monitoring
from fairloop.monitoring.ticker import Watcher
from fairloop.projects.files import Files
from fairloop.projects.service import Projects
from fairloop.registry.service import Registry
from fairloop.storage import endpoints as endpoint_rows
from fairloop.storage.engine import Database

ADA = Identity(kind="person", name="Ada", verified=True)
BIAS = Check(metric="demographic_parity_difference", at_most=0.12, by="sex")
DRIFT = Check(metric="drift")


@dataclass
class World:
    database: Database
    clock: Clock
    monitoring: Monitoring
    registry: Registry
    project_id: str
    folder: Path
    made: int = 0
    index: dict[str, int] = field(default_factory=dict)

    def deploy(self, state: DeploymentState = DeploymentState.LIVE) -> str:
        self.made += 1
        version = self.registry.create_version(
            self.project_id, "income", files={}, signature={"task": "binary", "positive": "yes"}
        )
        deployment = Deployment(id=f"dep_{self.made}", project_id=self.project_id, endpoint_id="end_1", share=100,
                                model_version_id=version.id, state=state, created_ms=self.made)  # fmt: skip
        self.database.write(lambda c: endpoint_rows.add_deployment(c, deployment))
        return deployment.id

    def window(self, monitor: Monitor, deployment: str, status: Status = Status.FAIL, *, check: Check = BIAS,
               **detail: Any) -> Window:  # fmt: skip
        index = self.index[deployment] = self.index.get(deployment, -1) + 1
        evidence = {"pair": ["Male", "Female"], "rate": "selection_rate", "groups": [], **detail}
        verdict = Verdict(
            check=check, status=status, estimate=0.2, low=0.15, high=0.25, n=500, method="m", detail=evidence
        )
        return Window(
            id=f"win_{deployment}_{index}",
            project_id="x",
            monitor_id="x",
            deployment_id=deployment,
            start_ms=index * 10,
            end_ms=index * 10 + 9,
            n=500,
            labelled=0,
            verdicts=[verdict],
            detail={"index": index, "from_seq": index * 500, "to_seq": index * 500 + 499, "pending": []},
        )

    def fail(self, monitor: Monitor, deployment: str, times: int = 1, **given: Any) -> None:
        for _ in range(times):
            self.clock.offset_s += 1
            self.monitoring.record_windows(self.project_id, monitor.id, [self.window(monitor, deployment, **given)])


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    clock = Clock()
    project = Projects(database, clock).ensure_default()
    registry = Registry(database, clock, Files(database, LocalStore(tmp_path / "artifacts"), clock))
    monitoring = Monitoring(database, clock, Signals(), Audit(database, clock), registry, Evaluations(database, clock),
                            lambda e: tmp_path / e)  # fmt: skip
    endpoint = Endpoint(id="end_1", project_id=project.id, name="income", state="up")
    database.write(lambda c: endpoint_rows.add_endpoint(c, endpoint))
    return World(database, clock, monitoring, registry, project.id, tmp_path)


@pytest.fixture
def monitor(world: World) -> Monitor:
    return world.monitoring.ensure(world.project_id, "end_1", "income", [BIAS, DRIFT], 60, 500)


def states(world: World) -> list[str]:
    return [a.state for a in world.monitoring.alerts(world.project_id)]


# ------------------------------------------------------------------ monitors
def test_ensuring_again_changes_the_one_monitor(world: World, monitor: Monitor) -> None:
    again = world.monitoring.ensure(world.project_id, "end_1", "income", [BIAS], 30, 700)
    assert (again.id, again.created_ms, again.cursor) == (monitor.id, monitor.created_ms, monitor.cursor)
    assert world.monitoring.monitor(world.project_id, monitor.id) == again
    assert world.monitoring.monitor_of(world.project_id, "end_1") == again
    assert world.monitoring.monitors() == [again]


def test_who_watches_inputs_watches_scores(monitor: Monitor) -> None:
    assert [c.metric for c in monitor.checks] == ["demographic_parity_difference", "drift", "prediction_drift"]


def test_what_cannot_be_watched_is_refused(world: World, monitor: Monitor) -> None:
    ensure = world.monitoring.ensure
    with pytest.raises(InvalidInput, match="window=10"):
        ensure(world.project_id, "end_1", "", [BIAS], 60, 10)
    with pytest.raises(InvalidInput, match="every_s=0"):
        ensure(world.project_id, "end_1", "", [BIAS], 0, 500)
    with pytest.raises(InvalidInput, match="stands twice"):
        ensure(world.project_id, "end_1", "", [BIAS, BIAS], 60, 500)
    for project_id, endpoint_id in ((world.project_id, "end_9"), ("prj_other", "end_1")):
        with pytest.raises(NotFound):
            ensure(project_id, endpoint_id, "", [BIAS], 60, 500)


def test_another_projects_objects_answer_like_missing_ones(world: World, monitor: Monitor) -> None:
    world.fail(monitor, world.deploy(), 2)
    alert = world.monitoring.alerts(world.project_id)[0]
    for look in (
        lambda: world.monitoring.monitor("prj_x", monitor.id),
        lambda: world.monitoring.alert("prj_x", alert.id),
        lambda: world.monitoring.window("prj_x", alert.window_id),
        lambda: world.monitoring.windows("prj_x", monitor.id),
        lambda: world.monitoring.start_now("prj_x", monitor.id),
        lambda: world.monitoring.watching("prj_x", monitor.id),
        lambda: world.monitoring.record_windows("prj_x", monitor.id, []),
        lambda: world.monitoring.resolve("prj_x", alert.id, ADA),
    ):
        with pytest.raises(NotFound, match="or you may not see it"):
            look()
    assert world.monitoring.monitor_of("prj_x", "end_1") is None
    assert world.monitoring.alerts("prj_x") == []


# ------------------------------------------------------------------ alerts
def test_one_failing_window_tells_nobody_two_open_one_alert(world: World, monitor: Monitor) -> None:
    deployment = world.deploy()
    world.fail(monitor, deployment)
    assert states(world) == []
    world.fail(monitor, deployment, 2)
    alerts = world.monitoring.alerts(world.project_id, "open")
    assert len(alerts) == 1
    assert alerts[0].windows == 3
    assert alerts[0].window_id == "win_dep_1_2"
    assert alerts[0].words == ("Women are selected 20 points less often than men; the policy allows 12. "
                               "Seen in 3 windows in a row.")  # fmt: skip
    assert world.monitoring.loop_of(alerts[0]) == "income"


def test_a_window_beyond_doubt_alarms_at_once(world: World, monitor: Monitor) -> None:
    world.fail(monitor, world.deploy(), severe=True)
    assert states(world) == ["open"]


def test_the_same_window_again_counts_once(world: World, monitor: Monitor) -> None:
    deployment = world.deploy()
    window = world.window(monitor, deployment)
    for _ in range(3):
        world.monitoring.record_windows(world.project_id, monitor.id, [window])
    assert states(world) == []
    assert len(world.monitoring.windows(world.project_id, monitor.id).items) == 1


def test_each_check_has_its_own_alert(world: World, monitor: Monitor) -> None:
    deployment = world.deploy()
    world.fail(monitor, deployment, 2)
    world.fail(monitor, deployment, 2, check=DRIFT, failing=["age"])
    assert sorted(a.verdict.check.name for a in world.monitoring.alerts(world.project_id, "open")) == [
        "demographic_parity_difference by sex", "drift"]  # fmt: skip


def test_a_version_that_serves_no_more_alarms_nobody(world: World, monitor: Monitor) -> None:
    world.fail(monitor, world.deploy(DeploymentState.RETIRED), 3)
    world.fail(monitor, world.deploy(DeploymentState.READY), 3)
    assert states(world) == []


def test_people_decide_and_the_audit_remembers(world: World, monitor: Monitor) -> None:
    deployment = world.deploy()
    world.fail(monitor, deployment, 2)
    alert = world.monitoring.alerts(world.project_id)[0]
    held = world.monitoring.acknowledge(world.project_id, alert.id, ADA, "on it")
    assert (held.state, held.acknowledged_by) == ("acknowledged", "Ada")
    world.fail(monitor, deployment)
    assert world.monitoring.alert(world.project_id, alert.id).windows == 3
    assert states(world) == ["acknowledged"]
    assert world.monitoring.resolve(world.project_id, alert.id, ADA, "fixed").state == "resolved"
    with pytest.raises(Conflict, match="already resolved"):
        world.monitoring.resolve(world.project_id, alert.id, ADA)
    entries = Audit(world.database, world.clock).entries(world.project_id).items
    assert [(e.action, e.detail["reason"]) for e in entries] == [
        ("alert.resolved", "fixed"),
        ("alert.acknowledged", "on it"),
    ]


def test_after_a_resolution_it_takes_two_new_windows(world: World, monitor: Monitor) -> None:
    deployment = world.deploy()
    world.fail(monitor, deployment, 2)
    world.clock.offset_s += 1
    world.monitoring.resolve(world.project_id, world.monitoring.alerts(world.project_id)[0].id, ADA)
    world.fail(monitor, deployment)
    assert states(world) == ["resolved"]
    world.fail(monitor, deployment)
    assert sorted(states(world)) == ["open", "resolved"]


def test_a_new_version_resolves_and_starts_afresh(world: World, monitor: Monitor) -> None:
    world.fail(monitor, world.deploy(), 2)
    alert = world.monitoring.alerts(world.project_id)[0]
    world.monitoring.link_cycle(alert.id, "cyc_1")
    assert world.monitoring.new_version_live(world.project_id, "end_1") == 1
    assert world.monitoring.alert(world.project_id, alert.id).state == "resolved"
    assert world.monitoring.alert(world.project_id, alert.id).cycle_id == "cyc_1"
    world.fail(monitor, world.deploy(), 2)
    assert sorted(states(world)) == ["open", "resolved"]


def test_pages(world: World, monitor: Monitor) -> None:
    deployment = world.deploy()
    world.fail(monitor, deployment, 5, status=Status.PASS)
    first = world.monitoring.windows(world.project_id, monitor.id, limit=3)
    rest = world.monitoring.windows(world.project_id, monitor.id, limit=3, cursor=first.next)
    assert [w.detail["index"] for w in [*first.items, *rest.items]] == [4, 3, 2, 1, 0]
    assert rest.next is None
    for bad in ("x", "12", "a-b"):
        with pytest.raises(InvalidInput, match="cursor"):
            world.monitoring.windows(world.project_id, monitor.id, cursor=bad)
    with pytest.raises(InvalidInput, match="limit=0"):
        world.monitoring.alert_page(world.project_id, limit=0)
    with pytest.raises(InvalidInput, match="state='red'"):
        world.monitoring.alerts(world.project_id, "red")


def test_what_a_watch_run_is_told(world: World, monitor: Monitor) -> None:
    deployment = world.deploy()
    empty = world.monitoring.watching(world.project_id, monitor.id)
    assert (empty.endpoint, empty.deployments[0].after_seq, empty.deployments[0].index) == ("income", -1, 0)
    world.fail(monitor, deployment, 2)
    told = world.monitoring.watching(world.project_id, monitor.id).deployments[0]
    assert (told.after_seq, told.index, told.live, told.positive) == (999, 2, True, "yes")
    assert told.open == []


def test_windows_of_unknown_deployments_are_refused(world: World, monitor: Monitor) -> None:
    world.index["dep_z"] = -1
    with pytest.raises(NotFound):
        world.monitoring.record_windows(world.project_id, monitor.id, [world.window(monitor, "dep_z")])


# ------------------------------------------------------------------ when watch runs start
@dataclass
class Runs:
    """Pipelines as the ticker needs them."""

    started: list[str] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    dies: bool = False

    def start(self, *_: Any, id: str, purpose: str, **__: Any) -> None:
        if self.dies:
            raise KeyboardInterrupt
        assert purpose == "monitor"
        self.started.append(id)

    def get(self, _: str, run_id: str) -> Any:
        if run_id not in self.started:
            raise NotFound("No such pipeline run, or you may not see it.")
        return type("Run", (), {"state": State.DONE if run_id in self.ended else State.RUNNING})


@pytest.fixture
def runs() -> Runs:
    return Runs()


def ticker(world: World, runs: Runs) -> Watcher:
    return Watcher(world.clock, world.monitoring, runs)  # type: ignore[arg-type]


def traffic(world: World) -> None:
    spool = world.folder / "end_1" / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    (spool / "predictions-0000000001.open").touch()


def test_a_run_starts_when_it_is_time_and_never_a_second_one(world: World, monitor: Monitor, runs: Runs) -> None:
    traffic(world)
    watcher = ticker(world, runs)
    watcher.tick()
    assert runs.started == []
    world.clock.offset_s += 61
    for _ in range(3):
        watcher.tick()
    assert len(runs.started) == 1
    world.clock.offset_s += 200
    watcher.tick()
    assert len(runs.started) == 1
    runs.ended.add(runs.started[0])
    watcher.tick()
    assert len(runs.started) == 2


def test_without_traffic_it_rests_but_looks_once_a_day(world: World, monitor: Monitor, runs: Runs) -> None:
    watcher = ticker(world, runs)
    world.clock.offset_s += 61
    watcher.tick()
    assert len(runs.started) == 1  # the first look ever
    runs.ended.update(runs.started)
    for _ in range(3):
        world.clock.offset_s += 61
        watcher.tick()
    assert len(runs.started) == 1
    world.clock.offset_s += 86_400
    watcher.tick()
    assert len(runs.started) == 2


def test_asking_starts_one_at_once_and_after_the_one_under_way(world: World, monitor: Monitor, runs: Runs) -> None:
    watcher = ticker(world, runs)
    first = world.monitoring.start_now(world.project_id, monitor.id)
    assert world.monitoring.start_now(world.project_id, monitor.id) == first
    watcher.tick()
    assert runs.started == [first]
    second = world.monitoring.start_now(world.project_id, monitor.id)
    watcher.tick()
    assert runs.started == [first]
    runs.ended.add(first)
    watcher.tick()
    assert runs.started == [first, second]


def test_a_server_that_dies_before_the_start_starts_the_same_run_later(
    world: World, monitor: Monitor, runs: Runs
) -> None:
    asked = world.monitoring.start_now(world.project_id, monitor.id)
    runs.dies = True
    with pytest.raises(KeyboardInterrupt):
        ticker(world, runs).tick()
    runs.dies = False
    ticker(world, runs).tick()
    ticker(world, runs).tick()
    assert runs.started == [asked]


def test_a_monitor_that_is_off_stays_quiet(world: World, monitor: Monitor, runs: Runs) -> None:
    world.monitoring.enable(world.project_id, monitor.id, ADA, enabled=False)
    world.monitoring.start_now(world.project_id, monitor.id)
    ticker(world, runs).tick()
    assert runs.started == []


def test_two_servers_start_one_run(world: World, monitor: Monitor) -> None:
    world.monitoring.start_now(world.project_id, monitor.id)
    seen = world.monitoring.monitor(world.project_id, monitor.id)
    now = world.clock.now_ms()
    ids = [world.monitoring.note_run(seen, due_ms=now), world.monitoring.note_run(seen, due_ms=now)]
    assert ids[0] is not None
    assert ids[1] is None
