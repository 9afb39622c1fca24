"""Rollouts over a real endpoint process: a version no worse is promoted, one bad for a group is taken back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import lightgbm
import pytest

from fairloop.core.checks import Check
from fairloop.core.clock import Clock
from fairloop.core.endpoints import Rollout
from fairloop.core.loops import Canary
from fairloop.errors import Conflict, NotFound
from fairloop.registry.model import Model
from support.serving import WORKS, Fleet, end_endpoints, fleet, frame, trained

PARITY = Check(metric="demographic_parity_difference", at_most=0.25, by="sex")
CLOCK = Clock()


def partial(folder: Path) -> None:
    """A model that selects by the kind of work alone."""
    X = frame()
    y = (X["work"] == "private").astype(int)
    model = Model(lightgbm.LGBMClassifier(n_estimators=20, min_child_samples=5, verbose=-1).fit(X, y))
    model.describe(X)
    model.save(folder)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    data, models = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("models")
    for seed in (1, 2):
        trained(seed).save(models / str(seed))
    partial(models / "3")
    made = fleet(data, CLOCK)
    try:
        for name in ("1", "2", "3"):
            made.register(models / name)
        yield made
    finally:
        made.close()
        end_endpoints(data)


def begin(world: Fleet, endpoint: str, version: int, canary: Canary | None = None, cycle: str | None = None) -> Rollout:
    serving, project = world.serving, world.project_id
    found = serving.deploy(project, endpoint, world.registry.version(project, "income", version).id, share=0)
    wanted = canary or Canary(steps=[50, 100], judge_by=["sex"], min_requests=100)
    return serving.start_rollout(project, found.endpoint_id, found.id, wanted, [PARITY], cycle_id=cycle)


def send(world: Fleet, endpoint: str, requests: int, seed: int) -> None:
    """Requests whose sex goes with the kind of work."""
    draw = random.Random(seed)
    port = world.serving.endpoint(world.project_id, endpoint).port
    X = frame(requests, seed=seed)
    with httpx.Client() as http:
        for age, hours, work in zip(X["age"], X["hours"], X["work"], strict=True):
            row = {"age": float(age), "hours": float(hours), "work": str(work)}
            sex = "M" if work == WORKS[0] or draw.random() < 0.2 else "F"
            body = {"dataframe_records": [row], "params": {"sensitive": {"sex": sex}}}
            http.post(f"http://127.0.0.1:{port}/invocations", json=body).raise_for_status()


def drive(world: Fleet, rollout: Rollout, endpoint: str, most: int = 3000) -> Rollout:
    for number in range(most // 250):
        send(world, endpoint, 250, number)
        unit = world.serving.unit(rollout.endpoint_id)
        unit.process.ask("POST", "/control/seal")
        CLOCK.offset_s += 1
        world.serving.tick()
        rollout = world.serving.rollout(world.project_id, rollout.id)
        if rollout.ended_ms is not None:
            break
    return rollout


def test_the_first_version_has_nothing_to_be_compared_with(world: Fleet) -> None:
    rollout = begin(world, "first", 1, cycle="cyc_1")
    assert begin(world, "first", 1, cycle="cyc_1").id == rollout.id
    CLOCK.offset_s += 1
    world.serving.tick()
    found = world.serving.rollout_of_cycle("cyc_1")
    assert found is not None
    assert found.state == "promoted"
    assert [d.share for d in world.serving.deployments(world.project_id, rollout.endpoint_id)] == [100]


def test_a_version_no_worse_is_promoted_and_a_partial_one_taken_back(world: Fleet) -> None:
    project, serving = world.project_id, world.serving
    first = serving.deploy(project, "canary", world.registry.version(project, "income", 1).id)
    rollout = drive(world, begin(world, "canary", 2), "canary")
    assert rollout.state == "promoted", rollout.reason
    assert [h["share"] for h in rollout.history] == [50]
    assert [v["status"] for v in rollout.history[-1]["verdicts"] if v["check"]["by"] == "sex"] == ["pass"]
    assert {d.share for d in serving.deployments(project, rollout.endpoint_id) if d.id != first.id} == {100}
    rollout = drive(world, begin(world, "canary", 3), "canary")
    assert rollout.state == "rolled_back", rollout.reason
    assert "sex" in rollout.reason
    shares = {d.id: d.share for d in serving.deployments(project, rollout.endpoint_id)}
    assert shares[rollout.to_deployment_id] == 0
    assert shares[str(rollout.from_deployment_id)] == 100


def test_time_runs_out_a_person_decides(world: Fleet) -> None:
    project, serving = world.project_id, world.serving
    serving.deploy(project, "held", world.registry.version(project, "income", 1).id)
    rollout = begin(world, "held", 2, Canary(steps=[10, 100], min_requests=50, max_wait="1h"))
    with pytest.raises(Conflict):
        begin(world, "held", 3)
    CLOCK.offset_s += 1
    serving.tick()
    assert {d.share for d in serving.deployments(project, rollout.endpoint_id)} == {0, 10, 90}
    CLOCK.offset_s += 4000
    serving.tick()
    held = serving.rollout(project, rollout.id)
    assert held.state == "held"
    assert held.reason.startswith("The time is up")
    assert serving.resume(project, rollout.id, reason="one more hour").state == "running"
    assert serving.promote(project, rollout.id, reason="looks good").state == "promoted"
    with pytest.raises(Conflict):
        serving.roll_back(project, rollout.id, reason="too late")
    with pytest.raises(NotFound):
        serving.rollout("prj_other", rollout.id)
    assert serving.go_back(project, rollout.endpoint_id, reason="after all").id == rollout.from_deployment_id
