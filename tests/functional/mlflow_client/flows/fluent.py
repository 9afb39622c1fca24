"""Plain logging: experiments, nested runs, system tags, values, files, search."""
# ruff: noqa: PT018  # a user's script, not a test function

import math
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient

client = MlflowClient()
assert client.get_experiment("0").name == "Default"
mlflow.set_experiment("fluent")
with mlflow.start_run(run_name="parent", tags={"team": "x"}) as run:
    for step, value in enumerate((0.5, math.nan, -0.0, math.inf, 5e-324)):
        mlflow.log_metric("m", value, step=step)
    mlflow.log_metrics({"a": 1.0, "b": 2.0}, step=3)
    mlflow.log_params({"lr": 0.1, "depth": 3})
    mlflow.set_tags({"k": "v", "note": "text with 'quotes'"})
    folder = Path(tempfile.mkdtemp())
    (folder / "f.txt").write_text("hello")
    mlflow.log_artifact(str(folder / "f.txt"), "sub dir")
    mlflow.log_text("x", "t.txt")
    mlflow.log_dict({"a": 1}, "deep/er/e.json")
    with mlflow.start_run(nested=True, run_name="child"):
        mlflow.log_metric("m", 1.0)

found = client.get_run(run.info.run_id)
assert (
    found.info.status == "FINISHED" and found.info.run_name == "parent" and found.info.end_time >= found.info.start_time
)
assert found.data.params == {"lr": "0.1", "depth": "3"}
assert found.data.tags["mlflow.source.name"].endswith("fluent.py") and found.data.tags["mlflow.user"]
assert found.data.tags["mlflow.runName"] == "parent" and found.data.tags["k"] == "v"
history = client.get_metric_history(run.info.run_id, "m")
assert [p.step for p in history] == [0, 1, 2, 3, 4]
assert math.isnan(history[1].value) and math.copysign(1, history[2].value) == -1 and history[3].value == math.inf
assert history[4].value == 5e-324
assert found.info.artifact_uri == f"mlflow-artifacts:/{found.info.experiment_id}/{run.info.run_id}/artifacts"
assert [f.path for f in client.list_artifacts(run.info.run_id)] == ["deep", "sub dir", "t.txt"]
assert [f.path for f in client.list_artifacts(run.info.run_id, "sub dir")] == ["sub dir/f.txt"]
assert client.list_artifacts(run.info.run_id, "t.txt") == []
assert Path(client.download_artifacts(run.info.run_id, "sub dir/f.txt")).read_text() == "hello"
assert sorted(p.name for p in Path(client.download_artifacts(run.info.run_id, "")).rglob("*.*")) == [
    "e.json",
    "f.txt",
    "t.txt",
]
assert mlflow.artifacts.load_text(f"{found.info.artifact_uri}/t.txt") == "x"

experiment = found.info.experiment_id
(child,) = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
assert child.info.run_name == "child" and child.info.run_id != run.info.run_id
names = [r.info.run_name for r in client.search_runs([experiment], order_by=["metrics.m ASC"])]
assert names == ["parent", "child"]
assert len(mlflow.search_runs(filter_string="metrics.a = 1 and params.lr = '0.1' and tags.team = 'x'")) == 1
assert (
    len(mlflow.search_runs(filter_string="attributes.run_name LIKE 'par%' and tags.`mlflow.runName` = 'parent'")) == 1
)
pages = client.search_runs([experiment], max_results=1)
assert len(pages) == 1 and pages.token
assert len(client.search_runs([experiment], max_results=1, page_token=pages.token)) == 1

with mlflow.start_run(run_id=run.info.run_id):
    assert client.get_run(run.info.run_id).info.status == "RUNNING"
    mlflow.log_metric("again", 1)
client.rename_experiment(experiment, "renamed")
client.set_experiment_tag(experiment, "a", "b")
assert client.get_experiment_by_name("fluent") is None and client.get_experiment_by_name("renamed").tags["a"] == "b"
assert [e.name for e in client.search_experiments(filter_string="name = 'renamed'")] == ["renamed"]
client.delete_tag(run.info.run_id, "k")
client.update_run(run.info.run_id, name="new name", status="KILLED")
assert (
    client.get_run(run.info.run_id).info.run_name == "new name" and "k" not in client.get_run(run.info.run_id).data.tags
)
client.delete_run(run.info.run_id)
assert len(client.search_runs([experiment])) == 1
client.restore_run(run.info.run_id)
client.delete_experiment(experiment)
assert client.get_experiment(experiment).lifecycle_stage == "deleted"
client.restore_experiment(experiment)
