"""Autolog of LightGBM and loading its model by alias."""
# a user's script, not a test function

import lightgbm
import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient

client = MlflowClient()
rng = np.random.default_rng(0)
X = pd.DataFrame(rng.random((300, 3)), columns=list("abc"))
y = (X["a"] + X["b"] > 1).astype(int)
mlflow.set_experiment("lightgbm")
mlflow.lightgbm.autolog()
with mlflow.start_run() as run:
    data = lightgbm.Dataset(X, y)
    booster = lightgbm.train({"objective": "binary", "metric": "auc", "verbose": -1}, data, 10, valid_sets=[data])
found = client.get_run(run.info.run_id)
assert found.data.params["num_boost_round"] == "10"
assert len(client.get_metric_history(run.info.run_id, "training-auc")) == 10
logged = client.get_logged_model(found.outputs.model_outputs[0].model_id)
version = mlflow.register_model(logged.model_uri, "boosted")
client.set_registered_model_alias("boosted", "champion", version.version)
assert np.array_equal(mlflow.pyfunc.load_model("models:/boosted@champion").predict(X), booster.predict(X))
