"""Autolog of scikit-learn, a logged model in skops, registry, alias, loading by alias."""
# ruff: noqa: PT018  # a user's script, not a test function

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

client = MlflowClient()
rng = np.random.default_rng(0)
X = pd.DataFrame(rng.random((200, 3)), columns=list("abc"))
y = (X["a"] > 0.5).astype(int)
mlflow.set_experiment("sklearn")
mlflow.sklearn.autolog(log_datasets=True)
with mlflow.start_run() as run:
    model = LogisticRegression().fit(X, y)
    mlflow.log_metric("after", 1.0)
found = client.get_run(run.info.run_id)
assert found.data.metrics["training_accuracy_score"] > 0.9 and found.data.params["C"] == "1.0"
assert found.inputs.dataset_inputs[0].dataset.digest
(output,) = found.outputs.model_outputs
logged = client.get_logged_model(output.model_id)
assert str(logged.status) == "READY" and logged.source_run_id == run.info.run_id
assert mlflow.pyfunc.load_model(logged.model_uri).predict(X).tolist() == model.predict(X).tolist()

mlflow.sklearn.autolog(disable=True)
with mlflow.start_run():
    info = mlflow.sklearn.log_model(
        model,
        name="net",
        serialization_format="skops",
        registered_model_name="income",
        skops_trusted_types=["numpy.dtype"],
        input_example=X.head(2),
    )
second = mlflow.register_model(f"runs:/{run.info.run_id}/model", "income")
assert second.version == "2" and second.run_id == run.info.run_id
client.set_registered_model_alias("income", "champion", 1)
served = mlflow.pyfunc.load_model("models:/income@champion")
assert served.predict(X).tolist() == model.predict(X).tolist()
assert mlflow.pyfunc.load_model("models:/income/2").predict(X).tolist() == model.predict(X).tolist()
assert mlflow.pyfunc.load_model(info.model_uri).metadata.signature is not None
assert client.get_model_version_by_alias("income", "champion").version == "1"
client.delete_registered_model_alias("income", "champion")
client.update_registered_model("income", "Who earns much")
client.update_model_version("income", 1, "the first")
client.set_registered_model_tag("income", "a", "b")
client.set_model_version_tag("income", "1", "c", "d")
assert client.get_registered_model("income").description == "Who earns much"
assert client.get_model_version("income", "1").tags == {"c": "d"}
assert [v.version for v in client.search_model_versions("name = 'income'")] == ["2", "1"]
assert [m.name for m in client.search_registered_models("name LIKE 'inc%'")] == ["income"]
assert [v.version for v in client.get_latest_versions("income")] == ["2"]
assert [
    m.name for m in mlflow.search_logged_models([found.info.experiment_id], "name = 'net'", output_format="list")
] == ["net"]
client.set_logged_model_tags(logged.model_id, {"x": "y"})
assert client.get_logged_model(logged.model_id).tags["x"] == "y"
client.delete_logged_model(logged.model_id)
assert mlflow.pyfunc.load_model("models:/income/2").predict(X).tolist() == model.predict(X).tolist()
client.delete_model_version("income", "2")
client.rename_registered_model("income", "earnings")
client.delete_registered_model("earnings")
assert client.search_registered_models() == []
