"""A real server, endpoint and worker: traffic is collected, judged, alarmed about and made training rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fairlearn.metrics import demographic_parity_difference
from sklearn.metrics import roc_auc_score
from tests.conftest import RunningServer, running

from fairloop.client.client import Client
from fairloop.core.checks import Check, Status
from fairloop.core.clock import Clock
from fairloop.core.datasets import Roles
from fairloop.core.monitors import Monitor, Window
from fairloop.core.pipelines import Graph, State
from fairloop.core.records import to_plain
from fairloop.datasets.publish import load, publish
from fairloop.drift.profile import profile_reference, profile_scores
from fairloop.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from fairloop.evaluation.service import Evaluations, NewCandidate, NewEvaluation
from fairloop.pipelines.graph import system_step
from fairloop.tables.table import Table
from support.serving import end_endpoints, fleet, frame, trained

WINDOW = 150
CHECKS = [Check(metric="drift"), Check(metric="prediction_drift"),
          Check(metric="demographic_parity_difference", at_most=0.12, by="sex"), Check(metric="roc_auc", drop=0.1),
          Check(metric="latency_p99_ms", at_most=5000)]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with one judged model, registered before it opened the folder."""
    data, folder = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("model")
    model = trained()
    model.save(folder)
    made = fleet(data)
    evaluations = Evaluations(made.database, Clock())
    reference = frame(4000, seed=1)
    kinds = {"age": "number", "hours": "number", "work": "category"}
    candidate = evaluations.create_candidate(
        made.project_id,
        NewCandidate(
            pipeline_run_id="prn_x",
            step_run_id="stp_x",
            model_sha256="0" * 64,
            signature=model.signature,
            profile={
                "columns": profile_reference(reference, kinds=kinds),
                "scores": profile_scores(model.scores(reference)),
            },
        ),
    )
    evaluations.add_evaluation(made.project_id, candidate.id, NewEvaluation(
        part="test", n=4000, predictions_sha256="0" * 64, part_sha256="1" * 64,
        metrics={"roc_auc": {"estimate": 0.95, "low": 0.94, "high": 0.96, "n": 4000, "method": "m"}}))  # fmt: skip
    files = {str(p.relative_to(folder)): made.files.put_blob(made.project_id, [p.read_bytes()])
             for p in sorted(folder.rglob("*")) if p.is_file()}  # fmt: skip
    made.registry.create_version(made.project_id, "income", files=files, candidate_id=candidate.id,
                                 signature=model.signature)  # fmt: skip
    made.close()
    try:
        with running(data) as server:
            yield server
    finally:
        end_endpoints(data)


@pytest.fixture(scope="module")
def client(world: RunningServer) -> Client:
    return world.client()


def send(client: Client, rows: int, seed: int, *, labels: bool = True, age: float = 0.0) -> list[str]:
    """Traffic whose women are younger, hence selected less; labels are what the model learned."""
    X = frame(rows, seed=seed)
    X["age"] = np.clip(X["age"] + age, 18, 80)
    sex = np.where(X["age"] + np.random.default_rng(seed).normal(0, 8, rows) > 52, "Male", "Female")
    truth = (X["age"] + X["hours"] > 80).astype(int)
    ids: list[str] = []
    for start in range(0, rows, 50):
        part = X.iloc[start : start + 50]
        records: list[dict[str, Any]] = [{"age": r.age, "hours": r.hours, "work": r.work} for r in part.itertuples()]
        told = client.predictions.predict("income", records, sensitive={"sex": sex[start : start + 50].tolist()})
        ids += told["prediction_ids"]
    if labels:
        label(client, ids, truth.tolist())
    return ids


def label(client: Client, ids: list[str], truth: list[int]) -> None:
    client.predictions.feedback("income", [{"prediction_id": i, "label": y} for i, y in zip(ids, truth, strict=True)])


@pytest.fixture(scope="module")
def monitor(client: Client) -> Monitor:
    deployment = client.endpoints.deploy("income", "models:/income/1")
    assert deployment.state == "live", deployment.reason
    return client.monitors.ensure("income", to_plain(CHECKS), every="1h", window=WINDOW)


def judge(client: Client, monitor: Monitor) -> list[Window]:
    run = client.monitors.judge_now(monitor.id, timeout_s=90)
    assert run.state is State.DONE, run.error
    assert run.purpose == "monitor"
    return sorted(client.monitors.windows(monitor.id).items, key=lambda w: w.detail["index"])


def test_biased_traffic_opens_one_alert_with_its_evidence(
    client: Client, monitor: Monitor, world: RunningServer
) -> None:
    send(client, 2 * WINDOW + 20, seed=5)
    windows = judge(client, monitor)
    assert [w.n for w in windows] == [WINDOW, WINDOW]
    assert [w.labelled for w in windows] == [WINDOW, WINDOW]
    assert all(not w.detail["pending"] for w in windows)
    answers = {v.check.name: v for v in windows[0].verdicts}
    assert list(answers) == [c.name for c in CHECKS]
    assert answers["drift"].status is Status.PASS
    assert answers["roc_auc"].status is Status.PASS
    bias = answers["demographic_parity_difference by sex"]
    assert bias.status is Status.FAIL
    alerts = client.alerts.list(state="open").items
    assert [a.verdict.check.name for a in alerts] == ["demographic_parity_difference by sex"]
    assert alerts[0].words.startswith("Women are selected ")
    assert (alerts[0].windows, alerts[0].window_id) == (2, windows[-1].id)
    check_from_log(world.data / "logs" / monitor.endpoint_id, windows)


def check_from_log(folder: Path, windows: list[Window]) -> None:
    """Anybody can recompute a live window from the Delta tables: fairlearn and sklearn give the same numbers."""
    log = pl.read_delta(str(folder / "predictions")).sort("seq")
    sex = pl.read_delta(str(folder / "sensitive")).filter(attribute="sex").select("id", "value")
    labels = pl.read_delta(str(folder / "labels")).select("id", "label")
    for window in windows:
        within = pl.col("seq").is_between(window.detail["from_seq"], window.detail["to_seq"])
        rows = log.filter(within, deployment=window.deployment_id).join(sex, on="id").join(labels, on="id")
        assert rows["id"][0] == window.detail["ids_from"]
        answers = {v.check.metric: v for v in window.verdicts}
        gap = demographic_parity_difference(
            rows["predicted"], rows["predicted"], sensitive_features=rows["value"].to_list()
        )
        assert answers["demographic_parity_difference"].estimate == pytest.approx(gap, abs=1e-9)
        area = roc_auc_score(rows["label"].cast(pl.Int8), rows["score"])
        assert answers["roc_auc"].estimate == pytest.approx(area, abs=1e-9)


def test_judging_again_changes_nothing(client: Client, monitor: Monitor) -> None:
    before = judge(client, monitor)
    assert judge(client, monitor) == before
    assert len(client.alerts.list(state="open").items) == 1


def test_late_labels_are_judged_when_they_come(client: Client, monitor: Monitor) -> None:
    known = len(judge(client, monitor))
    ids = send(client, WINDOW, seed=6, labels=False)
    window = judge(client, monitor)[known]
    assert window.detail["pending"] == ["roc_auc"]
    label(client, ids, [i % 2 for i in range(len(ids))])
    again = judge(client, monitor)[known]
    assert again.id == window.id
    assert again.detail["pending"] == []
    assert {v.check.name: v.status for v in again.verdicts}["roc_auc"] is Status.FAIL
    assert [v for v in again.verdicts if v.check.metric == "drift"] == [
        v for v in window.verdicts if v.check.metric == "drift"
    ]


def test_drift_opens_its_own_alert(client: Client, monitor: Monitor) -> None:
    send(client, WINDOW, seed=7, age=25)
    judge(client, monitor)
    alert = next(a for a in client.alerts.list(state="open").items if a.verdict.check.metric == "drift")
    assert "age" in alert.words


def test_people_acknowledge_and_resolve(client: Client) -> None:
    alert = client.alerts.list(state="open").items[0]
    assert client.alerts.acknowledge(alert.id, "looking at it").acknowledged_by
    with pytest.raises(Conflict, match="already acknowledged"):
        client.alerts.acknowledge(alert.id)
    assert client.alerts.resolve(alert.id, "fixed").state == "resolved"
    assert {e.action for e in client.audit.entries().items} >= {
        "alert.acknowledged",
        "alert.resolved",
        "monitor.ensure",
    }


def test_unknown_monitors_and_alerts(client: Client) -> None:
    for ask in (client.monitors.get, client.alerts.get, client.monitors.start_now):
        with pytest.raises(NotFound, match="No such"):
            ask("mon_x")
    with pytest.raises(PermissionDenied):  # for workers only
        client.monitors.watching("mon_x")
    with pytest.raises(InvalidInput, match="window=10"):
        client.monitors.ensure("income", to_plain(CHECKS), window=10)


def test_labelled_traffic_becomes_training_rows(client: Client, monitor: Monitor, world: RunningServer) -> None:
    X = frame(200, seed=3)
    people = pl.DataFrame(
        {
            "age": X["age"].to_numpy(),
            "hours": X["hours"].to_numpy(),
            "work": X["work"].astype(str).tolist(),
            "sex": ["Female", "Male"] * 100,
            "income": [">50K", "<=50K"] * 100,
        }
    )
    table = Table(people, Roles(target="income", positive=">50K", sensitive=["sex"]))
    parent = publish(client, "people", table)
    train = {"stored": {"kind": "table", "sha256": parent.sha256, "roles": to_plain(table.roles)}}

    def extend(dataset_version_id: str) -> dict[str, Any]:
        inputs = {"endpoint_id": {"value": monitor.endpoint_id}, "train": train,
                  "folder": {"value": str(world.data / "endpoints" / monitor.endpoint_id)},
                  "dataset_version_id": {"value": dataset_version_id}}  # fmt: skip
        step = system_step("data", "fairloop.monitoring.steps", "extend_dataset", inputs)
        run = client.pipelines.wait(client.pipelines.start(Graph(name="data", steps=[step])).id, timeout_s=60)
        assert run.state is State.DONE, run.error
        found: dict[str, Any] = client.pipelines.steps(run.id)[0].outputs[0]["json"]
        return found

    made = extend(parent.id)
    version = client.datasets.get(made["dataset_version_id"])
    assert version.parents == [parent.id]
    assert made["rows"] == len(people) + made["added"] == version.rows
    grown = load(client, version)
    assert grown.frame.columns == table.frame.columns
    assert len(set(grown.row_ids.tolist())) == len(grown)
    assert set(grown.frame["income"]) == {">50K", "<=50K"}
    assert set(grown.sensitive["sex"]) == {"Female", "Male"}
    assert extend(version.id)["added"] == 0
