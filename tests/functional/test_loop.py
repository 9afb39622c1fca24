"""The whole loop through a real server: every way a cycle can begin, be decided and end.

One server and few endpoints serve all tests. The tests of the loop ``main`` tell one story in order; each of the others
stands for itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.conftest import RunningServer, running

import fairloop as fl
from fairloop.client.client import Client
from fairloop.core.cycles import ApprovalRequest, Cycle, CycleEvent, Stage
from fairloop.core.monitors import Alert
from fairloop.core.people import Role
from fairloop.errors import Conflict, InvalidInput, PermissionDenied, Refused
from support.loops import (
    GAP,
    LIMIT,
    QUALITY,
    learn_deaf,
    loop,
    marked,
    publish_people,
    send,
    settle,
    shares,
    slow_pipeline,
    turn,
    wait,
)
from support.serving import end_endpoints

pytestmark = pytest.mark.slow
SCIENTIST, MANAGER = "Dana Scientist", "Mira Manager"
REASON = "the numbers hold"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("data")
    try:
        with running(data) as found:
            yield found
    finally:
        end_endpoints(data)


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Client:
    found = server.client()
    for name, role in ((SCIENTIST, Role.DATA_SCIENTIST), (MANAGER, Role.MANAGER)):
        found.people.create(name)
        found.people.set_member(name, role)
    return found


@pytest.fixture(scope="module")
def version(client: Client) -> str:
    return publish_people(client)


@pytest.fixture(scope="module")
def manager(server: RunningServer, client: Client) -> Client:
    return server.client(person=MANAGER)


@pytest.fixture(scope="module")
def scientist(server: RunningServer, client: Client) -> Client:
    return server.client(person=SCIENTIST)


def event(client: Client, cycle: Cycle, kind: str) -> CycleEvent:
    return next(e for e in client.cycles.events(cycle.id) if e.kind == kind)


def in_production(client: Client, name: str) -> str:
    return str(client.models.version(name, client.models.get(name).aliases["production"]).id)


def waiting_request(client: Client, cycle: Cycle) -> ApprovalRequest:
    (request,) = client.approvals.list(cycle_id=cycle.id, decision="waiting")
    return request


def open_cycle(client: Client, name: str) -> Cycle:
    found: Cycle = settle(lambda: [c for c in client.cycles.list(name) if not c.stage.final])[0]
    return found


def alarmed(client: Client, name: str, seed: int) -> Alert:
    """Biased traffic with its labels, judged: the alert it opens."""
    send(client, name, 450, seed=seed, labels=True)
    endpoint = client.endpoints.get(name)
    monitor = client.monitors.of(endpoint.id)
    assert monitor is not None
    run = client.monitors.judge_now(monitor.id, timeout_s=150)
    assert run.state == "done", run.error
    (alert,) = [a for a in client.alerts.list(state="open").items if a.monitor_id == monitor.id]
    return alert


def canary_to_its_end(client: Client, cycle: Cycle) -> Cycle:
    """Traffic while the canary runs."""
    seed, end = 100, time.monotonic() + 120
    while not (found := client.cycles.get(cycle.id)).stage.final and time.monotonic() < end:
        send(client, cycle.loop, 50, seed=seed)
        seed += 1
        time.sleep(0.1)
    return found


# ---------------------------------------------------------------------- the story of one loop, in order
@pytest.fixture(scope="module")
def first(client: Client, version: str) -> Cycle:
    """The first turn; its policy tells people about alerts and starts nothing."""
    return turn(client, loop("main", on_alert="notify"), version)


def test_the_first_cycle_goes_live_at_once(client: Client, first: Cycle) -> None:
    assert (first.stage, first.number, first.trigger["kind"]) == (Stage.LIVE, 1, "person")
    assert [e.kind for e in client.cycles.events(first.id)] == ["started", "chosen", "gate", "rollout", "live"]
    assert "nothing to compare with" in event(client, first, "rollout").text
    assert shares(client, "main") == {first.model_version_id: 100}
    assert in_production(client, "main") == first.model_version_id
    assert first.cost_usd > 0


def test_lineage_of_a_prediction(client: Client, first: Cycle, version: str) -> None:
    (prediction,) = send(client, "main", 1)
    told = client.http.json("GET", f"{client.path}/predictions/{prediction}")
    assert told["model_version"]["id"] == first.model_version_id
    assert told["cycle"]["id"] == first.id
    assert [v["check"]["metric"] for v in told["gates"]] == ["roc_auc"]
    assert [d["id"] for d in told["dataset_versions"]] == [version]
    assert {s["key"] for s in told["step_runs"]} >= {"split", "fit", "candidate", "gate"}
    assert (told["approval"], told["alert"]) == (None, None)
    changed = prediction[:-1] + ("0" if prediction[-1] != "0" else "1")
    with pytest.raises(Exception, match="No such prediction"):
        client.http.json("GET", f"{client.path}/predictions/{changed}")


@pytest.fixture(scope="module")
def alert(client: Client, first: Cycle) -> Alert:
    return alarmed(client, "main", seed=1)


def test_notify_starts_nothing(client: Client, alert: Alert) -> None:
    assert alert.verdict.low is not None
    assert alert.verdict.low > LIMIT
    time.sleep(2.5)  # longer than the pause between two looks at alerts
    assert [c.number for c in client.cycles.list("main")] == [1]
    assert client.alerts.get(alert.id).cycle_id is None


@pytest.fixture(scope="module")
def proposed(client: Client, alert: Alert) -> Cycle:
    """The same alert under a policy that proposes: retrained on labelled traffic, repaired, waiting for a person."""
    loop("main", mitigate=["reject_option", "reweighing"]).register(client)
    return wait(client, open_cycle(client, "main"), until=(Stage.APPROVE,), timeout_s=150)


def test_an_alert_proposes_a_repaired_model(client: Client, alert: Alert, proposed: Cycle, version: str) -> None:
    assert proposed.stage is Stage.APPROVE
    assert (proposed.trigger["kind"], proposed.trigger["alert_id"]) == ("alert", alert.id)
    assert client.alerts.get(alert.id).cycle_id == proposed.id
    assert {g.name for g in proposed.gates} == {"roc_auc", GAP.name}
    data = client.datasets.get(proposed.dataset_version_id)
    assert (data.parents, data.rows) == ([version], 3450)
    candidates = client.candidates.list(cycle_id=proposed.id).items
    assert {c.method: c.state for c in candidates}["plain"] != "chosen"
    assert [c.method for c in candidates if c.state == "chosen"] == ["reweighing"]
    verdicts = event(client, proposed, "gate").data["verdicts"]
    assert {v["check"]["metric"]: v["status"] for v in verdicts} == dict.fromkeys(
        ["roc_auc", "demographic_parity_difference"], "pass"
    )


def test_a_method_that_was_not_tried_is_told_with_its_reason(client: Client, proposed: Cycle) -> None:
    told = event(client, proposed, "refused_candidate")
    assert list(told.data["not_tried"]) == ["reject_option"]
    assert "at prediction time" in told.data["not_tried"]["reject_option"]
    assert "Reject option was not tried" in event(client, proposed, "chosen").text


def test_a_second_cycle_cannot_start_meanwhile(client: Client, proposed: Cycle, version: str) -> None:
    before = len(client.cycles.list("main"))
    with pytest.raises(Conflict, match=f"Cycle {proposed.number} of 'main' is still under way"):
        client.loops.start("main", version)
    assert len(client.cycles.list("main")) == before


def test_who_may_not_decide(client: Client, scientist: Client, manager: Client, proposed: Cycle) -> None:
    request = waiting_request(client, proposed)
    with pytest.raises(PermissionDenied, match="role"):
        scientist.approvals.decide(request.id, approve=True, reason=REASON)
    with pytest.raises(InvalidInput, match="reason"):
        manager.approvals.decide(request.id, approve=True, reason=" ")
    assert client.approvals.get(request.id).decision == "waiting"


@pytest.fixture(scope="module")
def turned_down(client: Client, manager: Client, proposed: Cycle) -> Cycle:
    request = waiting_request(client, proposed)
    manager.approvals.decide(request.id, approve=False, reason="the loss of quality is too large")
    return wait(client, proposed)


def test_a_refusal_ends_the_cycle_and_changes_nothing(
    client: Client, manager: Client, first: Cycle, turned_down: Cycle
) -> None:
    assert turned_down.stage is Stage.REFUSED
    assert turned_down.words == f"{MANAGER} refused it: the loss of quality is too large"
    assert shares(client, "main") == {first.model_version_id: 100}
    (request,) = client.approvals.list(cycle_id=turned_down.id)
    with pytest.raises(Conflict, match="already refused"):
        manager.approvals.decide(request.id, approve=True, reason=REASON)
    assert [e.object for e in client.audit.entries(action="model.refused").items] == [turned_down.model_version_id]


def test_two_persons_then_the_canary_can_be_cancelled(client: Client, manager: Client, first: Cycle, turned_down: Cycle,
                                                      version: str) -> None:  # fmt: skip
    """Even an administrator may not approve what they started; another does, and the canary is called off half-way."""
    made = loop("main", gates=[QUALITY], approval=fl.Approval(two_person=True), on_alert="notify",
                rollout=fl.Canary(steps=[50, 100], min_requests=100_000))  # fmt: skip
    made.register(client)
    cycle = wait(client, client.loops.start("main", version), until=(Stage.APPROVE,))
    request = waiting_request(client, cycle)
    with pytest.raises(Refused, match="second person"):
        client.approvals.decide(request.id, approve=True, reason=REASON)
    assert client.approvals.get(request.id).decision == "waiting"
    manager.approvals.decide(request.id, approve=True, reason=REASON)
    settle(lambda: len(shares(client, "main")) == 2)
    with pytest.raises(InvalidInput, match="reason"):
        client.cycles.cancel(cycle.id, "")
    assert client.cycles.cancel(cycle.id, "wrong week").stage is Stage.CANCELLED
    settle(lambda: shares(client, "main") == {first.model_version_id: 100})
    assert client.endpoints.rollout(str(client.cycles.get(cycle.id).rollout_id)).state == "rolled_back"
    assert in_production(client, "main") == first.model_version_id


def test_auto_goes_live_without_a_person(client: Client, first: Cycle, turned_down: Cycle, alert: Alert) -> None:
    client.alerts.resolve(alert.id, "looked at")
    with pytest.raises(Refused, match="automatic"):
        loop("main", on_alert="auto").register(client)
    loop("main", on_alert="auto", policy=fl.Policy(automatic=["release", "alert"])).register(client)
    again = alarmed(client, "main", seed=2)
    cycle = open_cycle(client, "main")
    assert cycle.trigger["alert_id"] == again.id
    wait(client, cycle, until=(Stage.ROLL_OUT,), timeout_s=150)
    done = canary_to_its_end(client, cycle)
    assert (done.stage, client.approvals.list(cycle_id=cycle.id)) == (Stage.LIVE, []), done.words
    assert shares(client, "main") == {done.model_version_id: 100}
    assert in_production(client, "main") == done.model_version_id


def test_a_stopped_endpoint_serves_again_with_the_next_version(client: Client, first: Cycle, version: str) -> None:
    client.endpoints.stop("main", reason="maintenance")
    made = loop("main", gates=[QUALITY], on_alert="notify", rollout=fl.Canary(steps=[100]))
    cycle = turn(client, made, version)
    assert cycle.stage is Stage.LIVE, cycle.words
    assert shares(client, "main") == {cycle.model_version_id: 100}
    settle(lambda: client.endpoints.get("main").state == "up")
    assert send(client, "main", 5)


# ---------------------------------------------------------------------- each for itself
def test_nobody_decided_in_time(client: Client, manager: Client, version: str) -> None:
    cycle = turn(client, loop("late", approval=fl.Approval(expires="2s")), version)
    assert cycle.stage is Stage.REFUSED
    assert "Nobody decided" in cycle.words
    (request,) = client.approvals.list(cycle_id=cycle.id)
    assert request.decision == "expired"
    with pytest.raises(Conflict, match="already expired"):
        manager.approvals.decide(request.id, approve=True, reason=REASON)
    assert "late" not in [e.name for e in client.endpoints.list()]


def test_cancelled_while_it_waits_for_a_person(client: Client, manager: Client, version: str) -> None:
    cycle = turn(client, loop("called_off", approval=fl.Approval()), version, until=(Stage.APPROVE,))
    request = waiting_request(client, cycle)
    client.cycles.cancel(cycle.id, "the question has gone away")
    assert client.approvals.get(request.id).decision == "expired"
    with pytest.raises(Conflict, match="already expired"):
        manager.approvals.decide(request.id, approve=True, reason=REASON)
    assert client.approvals.list(decision="waiting") == []
    assert "called_off" not in [e.name for e in client.endpoints.list()]


def test_a_gate_nobody_can_pass(client: Client, version: str) -> None:
    gates = [fl.gate("roc_auc", at_least=0.999), GAP]
    cycle = turn(client, loop("strict", gates=gates), version)
    assert cycle.stage is Stage.REFUSED
    assert "None of the 9 candidates passes every gate" in cycle.words
    assert "ROC AUC 0." in cycle.words
    assert cycle.model_version_id is None
    assert "chosen" not in {c.state for c in client.candidates.list(cycle_id=cycle.id).items}


def test_the_cost_of_a_cycle_is_a_gate(client: Client, version: str) -> None:
    cycle = turn(client, loop("dear", gates=[QUALITY, fl.gate("cost_usd", at_most=1e-9)]), version)
    assert cycle.stage is Stage.REFUSED
    assert cycle.words == "The gate refused the chosen candidate on the test part: cost_usd fail."
    (verdict,) = [v for v in event(client, cycle, "gate").data["verdicts"] if v["check"]["metric"] == "cost_usd"]
    assert verdict["estimate"] == pytest.approx(cycle.cost_usd)
    assert verdict["estimate"] > 1e-9


def test_a_trainer_that_ignores_weights_is_named(client: Client, version: str) -> None:
    cycle = turn(client, loop("deaf", learn_deaf, gates=[QUALITY, GAP]), version)
    assert cycle.stage in {Stage.REFUSED, Stage.FAILED}
    assert "loops.py" in cycle.words
    assert "line" in cycle.words
    assert "weight" in cycle.words


def test_cancel_during_training_ends_its_processes(client: Client, version: str, tmp_path: Path) -> None:
    made = loop("slow", slow_pipeline(tmp_path, 60.0))
    made.register(client)
    cycle = client.loops.start("slow", version)
    settle(lambda: marked(tmp_path, "fit begun"))
    assert client.cycles.cancel(cycle.id, "not needed any more").words.startswith("Cancelled by")
    step, _ = marked(tmp_path, "fit begun")[0]
    settle(lambda: not psutil.pid_exists(step) or psutil.Process(step).status() == psutil.STATUS_ZOMBIE, 20)
    settle(
        lambda: (
            client.pipelines.get(cycle.pipeline_run_ids.get("train") or _train_run(client, cycle)).state == "cancelled"
        )
    )
    assert marked(tmp_path, "fit done") == []
    with pytest.raises(Conflict, match="is over"):
        client.cycles.cancel(cycle.id, "twice")
    again = client.loops.start("slow", version)  # nothing is left in the way of the next
    assert client.cycles.cancel(again.id, "tidying up").stage is Stage.CANCELLED


def _train_run(client: Client, cycle: Cycle) -> str:
    return client.cycles.get(cycle.id).pipeline_run_ids["train"]


def test_a_model_that_fails_its_smoke_test_never_serves(client: Client, manager: Client, server: RunningServer,
                                                       version: str) -> None:  # fmt: skip
    """Its file is damaged on disk while the approval waits."""
    live = turn(client, loop("broken"), version)
    changed = loop("broken", approval=fl.Approval(), pipeline=slow_pipeline(server.data, 0.0))
    cycle = turn(client, changed, version, until=(Stage.APPROVE,))
    damage(client, server.data, str(cycle.model_version_id), [str(live.model_version_id)])
    manager.approvals.decide(waiting_request(client, cycle).id, approve=True, reason=REASON)
    done = wait(client, cycle)
    assert done.stage is Stage.REFUSED
    assert done.words.startswith("The new version failed its smoke test and never saw traffic: ")
    assert len(done.words) > 80
    assert shares(client, "broken") == {live.model_version_id: 100}
    assert in_production(client, "broken") == live.model_version_id
    assert send(client, "broken", 5)


def damage(client: Client, data: Path, version_id: str, spared: list[str]) -> None:
    """Overwrite the estimator of a version on disk, unless another version shares the file."""
    others = {f["sha256"] for other in spared for f in client.models.files(other)}
    (file,) = [f for f in client.models.files(version_id) if f["path"].endswith(".skops")]
    assert file["sha256"] not in others
    path = data / "artifacts" / "sha256" / file["sha256"][:2] / file["sha256"][2:]
    path.chmod(0o600)
    path.write_bytes(b"x" * path.stat().st_size)
