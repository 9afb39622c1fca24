"""A project is a workspace: chosen by MLFLOW_WORKSPACE, apart from the others, experiment "0" is its own Default."""
# ruff: noqa: PT017  # a user's script, not a test function

import os

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

os.environ["MLFLOW_WORKSPACE"] = "second"
client = MlflowClient()
with mlflow.start_run() as run:
    mlflow.log_metric("m", 1.0)
assert client.get_experiment(run.info.experiment_id).name == "Default"
assert run.info.experiment_id != "0"
assert len(client.search_runs(["0"])) == 1
os.environ["MLFLOW_WORKSPACE"] = "default"
try:
    MlflowClient().get_run(run.info.run_id)
except MlflowException as told:
    assert told.error_code == "RESOURCE_DOES_NOT_EXIST"
else:
    raise AssertionError("another project's run was shown")
