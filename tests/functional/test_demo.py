"""The demo, run once as a newcomer would, and its numbers recomputed by libraries that know nothing of Fairloop."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from sklearn.metrics import roc_auc_score
from tests.conftest import running

from fairloop.client.client import Client
from fairloop.registry.model import Model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The story's numbers, and what the terminal showed under ``output``."""
    folder = tmp_path_factory.mktemp("demo")
    report = folder / "story.json"
    command = [
        str(Path(sys.executable).with_name("fairloop")),
        "demo",
        "--exit",
        "--report",
        str(report),
        "--folder",
        str(folder),
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FAIRLOOP_")}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=560, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return {**json.loads(report.read_text()), "output": done.stdout}


def blob(told: dict[str, Any], sha256: str) -> bytes:
    return (Path(told["data"]) / "artifacts" / "sha256" / sha256[:2] / sha256[2:]).read_bytes()


def logged(told: dict[str, Any], name: str) -> pl.DataFrame:
    (endpoint,) = (Path(told["data"]) / "logs").iterdir()
    return pl.read_delta(str(endpoint / name))


def window_rows(told: dict[str, Any], window: dict[str, Any]) -> pl.DataFrame:
    """A window's predictions with sex and label, joined here without Fairloop."""
    rows = logged(told, "predictions").filter(
        (pl.col("deployment") == window["deployment_id"])
        & pl.col("seq").is_between(window["detail"]["from_seq"], window["detail"]["to_seq"])
    )
    sex = logged(told, "sensitive").filter(pl.col("attribute") == "sex").select("id", sex="value")
    labels = logged(told, "labels").select("id", label=pl.col("label") == '">50K"')
    return rows.join(sex, on="id").join(labels, on="id")


def verdict(found: list[dict[str, Any]], metric: str) -> dict[str, Any]:
    return next(v for v in found if v["check"]["metric"] == metric)


def test_three_cycles_were_told(told):
    assert [(c["number"], c["stage"]) for c in told["cycles"]] == [(1, "live"), (2, "live"), (3, "approve")]
    assert told["cycles"][0]["trigger"]["kind"] == "person"
    assert told["cycles"][1]["trigger"]["kind"] == told["cycles"][2]["trigger"]["kind"] == "alert"
    for words in ("ALERT", "acts as her", "resampled", "waiting for you"):
        assert words in told["output"]


def test_every_candidates_numbers_are_true(told):
    checked = 0
    for cycle in told["cycles"]:
        for candidate in cycle["candidates"]:
            for evaluation in candidate["evaluations"]:
                rows = pl.read_parquet(io.BytesIO(blob(told, evaluation["predictions_sha256"])))
                y, score, answer, sex = (rows[c].to_numpy() for c in ("label", "score", "predicted", "sex"))
                metrics = evaluation["metrics"]
                assert metrics["roc_auc"]["estimate"] == pytest.approx(roc_auc_score(y, score), abs=1e-9)
                for name, theirs in (("demographic_parity_difference", demographic_parity_difference),
                                     ("equalized_odds_difference", equalized_odds_difference)):  # fmt: skip
                    expected = theirs(y, answer, sensitive_features=sex)
                    assert metrics[f"{name} by sex"]["estimate"] == pytest.approx(expected, abs=1e-9)
                checked += 1
    assert checked >= 20


def test_live_windows_are_true(told):
    assert len(told["windows"]) >= 4
    for window in told["windows"]:
        rows = window_rows(told, window)
        assert len(rows) == window["n"]
        y, score, answer, sex = (rows[c].to_numpy() for c in ("label", "score", "predicted", "sex"))
        gap = demographic_parity_difference(y, answer, sensitive_features=sex)
        assert verdict(window["verdicts"], "demographic_parity_difference")["estimate"] == pytest.approx(gap, abs=1e-9)
        assert verdict(window["verdicts"], "roc_auc")["estimate"] == pytest.approx(roc_auc_score(y, score), abs=1e-9)


def test_the_first_model_is_biased_in_production_and_the_second_is_not(told):
    first, second = told["cycles"][:2]
    live = second["alert"]["verdict"]
    assert live["check"]["metric"] == "demographic_parity_difference"
    assert live["low"] > 0.12
    assert live["status"] == "fail"
    assert not [g for g in first["gates"] if g["by"]]
    gap, odds, auc = (verdict(second["verdicts"], m) for m in (
        "demographic_parity_difference", "equalized_odds_difference", "roc_auc"))  # fmt: skip
    assert gap["status"] == odds["status"] == "pass"
    assert gap["high"] <= 0.12
    assert odds["high"] <= 0.20
    assert auc["estimate"] >= 0.91


def test_a_manager_approved_and_the_canary_went_step_by_step(told):
    second, third = told["cycles"][1:]
    assert second["approval"]["decision"] == "approved"
    assert second["approval"]["decided_by"] == "Mira Manager"
    assert second["approval"]["verified"] is False
    assert [line["share"] for line in second["rollout"]["history"]][:2] == [10, 50]
    assert second["rollout"]["state"] == "promoted"
    assert third["approval"]["decision"] == "waiting"
    plain = next(c for c in second["candidates"] if c["method"] == "plain")
    assert plain["state"] != "chosen"
    assert {c["method"] for c in second["candidates"]} == {"plain", "reweighing", "exponentiated_gradient"}


def test_one_request_by_prediction_id_tells_everything_also_after_a_restart(told, tmp_path):
    served = told["cycles"][1]["rollout"]["to_deployment_id"]
    rows = logged(told, "predictions").filter(pl.col("deployment") == served)
    data = Path(told["data"])
    answers = []
    for _ in range(2):
        with running(data) as server, Client(server.url, project="census") as client:
            answers.append(client.http.json("GET", f"{client.path}/predictions/{rows['id'][0]}"))
            end_endpoints(client)
    first, again = answers
    assert first == again
    assert first["model_version"]["id"] == told["cycles"][1]["model_version"]
    inputs = {column["name"] for column in first["model_version"]["signature"]["columns"]}
    assert inputs
    assert not inputs & {"sex", "race", "income"}
    assert first["approval"]["decided_by"] == "Mira Manager"
    assert {v["check"]["metric"] for v in first["gates"]} >= {"roc_auc", "demographic_parity_difference"}
    assert len(first["step_runs"]) >= 12
    assert len(first["dataset_versions"]) == 2
    assert "commit" in first["commit"] or first["commit"] == {}
    assert first["alert"]["id"] == told["cycles"][1]["trigger"]["alert_id"]


def end_endpoints(client: Client) -> None:
    for endpoint in client.endpoints.list():
        client.endpoints.stop(endpoint.name, reason="the test is over")


def test_served_scores_are_the_models_own(told, tmp_path):
    """Native against served, on rows the endpoint logged."""
    with running(Path(told["data"])) as server, Client(server.url, project="census") as client:
        folder = client.models.download(told["cycles"][1]["model_version"], tmp_path / "model")
        end_endpoints(client)
    model = Model.load(folder)
    rows = logged(told, "predictions").filter(
        pl.col("deployment") == told["cycles"][1]["rollout"]["to_deployment_id"]).head(500)  # fmt: skip
    records = [json.loads(text) for text in rows["features"]]
    features = model.frame({name: [record[name] for record in records] for name in model.inputs})
    assert np.allclose(model.scores(features), rows["score"].to_numpy(), rtol=0, atol=1e-6)
