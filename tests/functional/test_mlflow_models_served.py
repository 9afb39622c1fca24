"""Models that came through the MLflow client, without a Loop: deployed like any other; a pickle is refused, unread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import lightgbm
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from fairloop.core.endpoints import DeploymentState
from support.serving import Fleet, end_endpoints, fleet

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    data = tmp_path_factory.mktemp("data")
    made = fleet(data)
    try:
        yield made
    finally:
        made.close()
        end_endpoints(data)


def people() -> tuple[pd.DataFrame, np.ndarray]:
    draw = np.random.default_rng(0)
    X = pd.DataFrame({"age": draw.uniform(18, 80, 200), "work": draw.choice(["private", "public"], 200)})
    return X, ((X["age"] > 45) ^ (X["work"] == "public")).to_numpy()


def serve(world: Fleet, folder: Path, name: str) -> Any:
    return world.serving.deploy(world.project_id, name, world.register(folder, name))


def ask(world: Fleet, name: str, X: pd.DataFrame) -> list[float]:
    port = world.serving.endpoint(world.project_id, name).port
    body = {"dataframe_split": X.to_dict(orient="split", index=False)}
    answer = httpx.post(f"http://127.0.0.1:{port}/invocations", json=body).raise_for_status().json()
    scores: list[float] = answer["scores"]
    return scores


def test_sklearn_with_skops(world: Fleet, tmp_path: Path) -> None:
    X, y = people()
    columns = make_column_transformer((OneHotEncoder(), ["work"]), remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression()).fit(X, y)
    mlflow.sklearn.save_model(model, tmp_path / "m", serialization_format="skops", signature=infer_signature(X, y),
                              input_example=X.head(2))  # fmt: skip
    deployment = serve(world, tmp_path / "m", "skops")
    assert deployment.state is DeploymentState.LIVE, deployment.reason
    assert ask(world, "skops", X) == pytest.approx(model.predict_proba(X)[:, 1].tolist(), abs=1e-12)


def test_native_lightgbm(world: Fleet, tmp_path: Path) -> None:
    X, y = people()
    X["work"] = X["work"].astype("category")
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(X, y)
    shown = X.astype({"work": str})
    mlflow.lightgbm.save_model(model.booster_, tmp_path / "m", signature=infer_signature(shown, y))
    deployment = serve(world, tmp_path / "m", "lightgbm")
    assert deployment.state is DeploymentState.LIVE, deployment.reason
    assert ask(world, "lightgbm", shown) == pytest.approx(model.predict_proba(X)[:, 1].tolist(), abs=1e-12)


def test_text(world: Fleet, tmp_path: Path) -> None:
    X = pd.DataFrame({"comment": ["a kind and friendly word", "an angry and bad word"] * 20})
    columns = make_column_transformer((TfidfVectorizer(), "comment"))
    model = make_pipeline(columns, LogisticRegression()).fit(X, [0, 1] * 20)
    mlflow.sklearn.save_model(model, tmp_path / "m", serialization_format="skops", signature=infer_signature(X))
    deployment = serve(world, tmp_path / "m", "text")
    assert deployment.state is DeploymentState.LIVE, deployment.reason
    assert ask(world, "text", X) == pytest.approx(model.predict_proba(X)[:, 1].tolist(), abs=1e-12)


def test_a_pickle_is_refused_by_name(world: Fleet, tmp_path: Path) -> None:
    X, y = people()
    model = LogisticRegression().fit(X[["age"]], y)
    mlflow.sklearn.save_model(model, tmp_path / "m", serialization_format="cloudpickle")
    deployment = serve(world, tmp_path / "m", "pickle")
    assert deployment.state is DeploymentState.FAILED
    assert "pickle" in deployment.reason
    assert "skops" in deployment.reason
