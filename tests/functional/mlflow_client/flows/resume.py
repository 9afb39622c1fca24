"""What a step's process does: the run exists, its id comes in the environment, plain calls land in it."""
# a user's script, not a test function

import os

import mlflow

run_id = os.environ["MLFLOW_RUN_ID"]
mlflow.log_metric("inside", 0.25)
mlflow.log_param("p", "1")
assert mlflow.active_run().info.run_id == run_id
mlflow.end_run()
