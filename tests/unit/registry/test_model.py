"""fl.Model: what is stored is what was fitted, MLflow reads it, and no pickle is ever loaded."""

from __future__ import annotations

import json
import pickle
import time
import warnings
import zipfile
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC

from fairloop.errors import InvalidInput, NotANumber, Refused
from fairloop.registry.model import Model

N = 400


@pytest.fixture(scope="module")
def people() -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(7)
    frame = pd.DataFrame({
        "age": random.integers(18, 80, N),
        "hours": np.where(random.random(N) < 0.1, np.nan, random.normal(40, 10, N)),
        "job": pd.Categorical(random.choice(["clerk", "cook", "nurse"], N)),
    })  # fmt: skip
    y = (frame["age"] + 20 * (frame["job"] == "nurse") + random.normal(0, 10, N) > 55).astype("int8").to_numpy()
    return frame, y


def encoded(last: object) -> Pipeline:
    columns = ColumnTransformer(
        [("codes", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["job"]),
         ("hot", OneHotEncoder(handle_unknown="ignore"), ["job"])], remainder="passthrough")  # fmt: skip
    return Pipeline([("columns", columns), ("model", last)])


def classifiers() -> dict[str, object]:
    quick = {"n_estimators": 15, "verbose": -1, "n_jobs": 1}
    return {
        "lightgbm": lgb.LGBMClassifier(**quick),
        "pipeline": encoded(lgb.LGBMClassifier(**quick)),
        "forest": encoded(RandomForestClassifier(n_estimators=10, random_state=0)),
    }


@pytest.mark.parametrize("kind", sorted(classifiers()))
def test_binary_models_come_back_bit_exact(kind: str, people: tuple[pd.DataFrame, np.ndarray], tmp_path: Path) -> None:
    frame, y = people
    model = Model(classifiers()[kind].fit(frame, y), threshold=0.4)  # type: ignore[attr-defined]
    model.describe(frame)
    model.save(tmp_path / "m")
    again = Model.load(tmp_path / "m")
    assert (again.task, again.threshold) == ("binary", 0.4)
    assert again.columns == model.columns
    np.testing.assert_array_equal(again.scores(frame), model.scores(frame))
    np.testing.assert_array_equal(again.predict(frame), (model.scores(frame) >= 0.4).astype(np.int8))
    names = {p.suffix for p in (tmp_path / "m").rglob("*") if p.is_file()}
    assert not names & {".pkl", ".joblib", ".pickle"}


@pytest.mark.parametrize("estimator", [lgb.LGBMRegressor(n_estimators=10, verbose=-1), LinearRegression()])
def test_regressors(estimator: object, people: tuple[pd.DataFrame, np.ndarray], tmp_path: Path) -> None:
    frame = people[0][["age", "hours"]].fillna(40.0)
    model = Model(estimator.fit(frame, frame["age"] * 1.5))  # type: ignore[attr-defined]
    model.save(tmp_path / "m")
    again = Model.load(tmp_path / "m")
    assert again.task == "regression"
    np.testing.assert_array_equal(again.predict(frame), model.scores(frame))


def test_text_pipeline(tmp_path: Path) -> None:
    texts = pd.DataFrame(
        {"comment": ["you are kind and good", "you are bad and rude", "such a good day", "a rude word"] * 10}
    )
    pipe = Pipeline(
        [("words", ColumnTransformer([("tfidf", TfidfVectorizer(), "comment")])), ("model", LogisticRegression())]
    )
    model = Model(pipe.fit(texts, [0, 1, 0, 1] * 10))
    model.describe(texts)
    model.save(tmp_path / "m")
    again = Model.load(tmp_path / "m")
    assert again.columns == [{"name": "comment", "kind": "text"}]
    one = again.frame({"comment": ["you are rude"]})
    np.testing.assert_array_equal(again.scores(one), model.scores(one))
    assert again.scores(one)[0] > 0.5


def test_multiclass(people: tuple[pd.DataFrame, np.ndarray], tmp_path: Path) -> None:
    frame = people[0][["age", "hours"]].fillna(0)
    bands = np.where(frame["age"] < 35, "young", np.where(frame["age"] < 60, "middle", "old"))
    model = Model(RandomForestClassifier(n_estimators=5, random_state=0).fit(frame, bands))
    model.save(tmp_path / "m")
    again = Model.load(tmp_path / "m")
    assert again.scores(frame).shape == (N, 3)
    assert (again.predict(frame) == bands).mean() > 0.9


def test_positive_names_the_class_when_the_estimator_saw_words(people: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, y = people
    words = np.where(y == 1, "good", "zbad")
    fitted = LogisticRegression(max_iter=500).fit(frame[["age"]], words)
    np.testing.assert_allclose(Model(fitted, positive="good").scores(frame), 1 - Model(fitted).scores(frame))


def test_mean_is_deterministic_and_comes_back(people: tuple[pd.DataFrame, np.ndarray], tmp_path: Path) -> None:
    frame, y = people
    one, two = (Model(encoded(lgb.LGBMClassifier(n_estimators=n, verbose=-1)).fit(frame, y)) for n in (5, 20))
    mean = Model.mean([one, two], [1, 3])
    mean.describe(frame)
    np.testing.assert_allclose(mean.scores(frame), 0.25 * one.scores(frame) + 0.75 * two.scores(frame), atol=1e-15)
    mean.save(tmp_path / "m")
    again = Model.load(tmp_path / "m")
    np.testing.assert_array_equal(again.scores(frame), mean.scores(frame))
    with pytest.raises(InvalidInput, match="one weight each"):
        Model.mean([one], [0.0])


@pytest.mark.parametrize("kind", ["lightgbm", "pipeline", "mean"])
def test_mlflow_reads_the_folder(kind: str, people: tuple[pd.DataFrame, np.ndarray], tmp_path: Path) -> None:
    frame, y = people
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc

        fitted = {k: Model(v.fit(frame, y)) for k, v in classifiers().items() if k != "forest"}  # type: ignore[attr-defined]
        model = fitted.get(kind) or Model.mean(list(fitted.values()))
        model.describe(frame)
        model.save(tmp_path / "m")
        found = np.asarray(mlflow.pyfunc.load_model(str(tmp_path / "m")).predict(frame))
    expected = model.scores(frame) if kind == "lightgbm" else model.predict(frame)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("flavour", ["sklearn", "lightgbm"])
def test_a_folder_logged_by_the_mlflow_client_loads(
    flavour: str, people: tuple[pd.DataFrame, np.ndarray], tmp_path: Path
) -> None:
    frame, y = people
    frame = frame[["age", "hours"]].fillna(40.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.lightgbm
        import mlflow.sklearn

        fitted = lgb.LGBMClassifier(n_estimators=5, verbose=-1).fit(frame, y)
        if flavour == "sklearn":
            fitted = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())]).fit(frame, y)
            mlflow.sklearn.save_model(fitted, tmp_path / "m", serialization_format="skops", input_example=frame[:2],
                                      pip_requirements=[])  # fmt: skip
        else:
            mlflow.lightgbm.save_model(fitted, tmp_path / "m", serialization_format="skops", pip_requirements=[])
    model = Model.load(tmp_path / "m")
    np.testing.assert_array_equal(model.scores(frame), fitted.predict_proba(frame)[:, 1])
    assert model.inputs == ["age", "hours"]


# ---------------------------------------------------------------------- refusals
class Canary:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.file,)


def folder_with(tmp_path: Path, conf: dict[str, object], name: str, data: bytes) -> Path:
    root = tmp_path / "m"
    root.mkdir()
    (root / "MLmodel").write_text(json.dumps({"flavors": {"sklearn": {"pickled_model": name, **conf}}}))
    (root / name).write_bytes(data)
    return root


@pytest.mark.parametrize("conf", [{}, {"serialization_format": "cloudpickle"}, {"serialization_format": "pickle"},
                                  {"serialization_format": "skops"}])  # fmt: skip
@pytest.mark.parametrize("name", ["model.pkl", "model.skops", "model.bin"])
def test_a_pickle_is_refused_unread(conf: dict[str, object], name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    root = folder_with(tmp_path, conf, name, pickle.dumps(Canary(canary)))
    with pytest.raises(Refused, match="skops"):
        Model.load(root)
    assert not canary.exists()


def test_a_skops_file_with_a_foreign_type_is_refused_at_save_and_load(tmp_path: Path) -> None:
    import os

    pipe = Pipeline([("f", FunctionTransformer(os.getpid)), ("m", LogisticRegression())])
    pipe.steps[1][1].fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(Refused, match="safe types"):
        Model(pipe.steps[1][1]).estimator and Model(pipe).save(tmp_path / "x")
    root = folder_with(tmp_path, {"serialization_format": "skops"}, "model.skops", skops.io.dumps(pipe))
    with pytest.raises(Refused, match="safe types"):
        Model.load(root)


def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    root = folder_with(tmp_path, {"serialization_format": "skops"}, "model.skops", b"")
    with zipfile.ZipFile(tmp_path / "outside.skops", "w") as archive:
        archive.writestr("schema.json", "{}")
    (root / "MLmodel").write_text(json.dumps({"flavors": {"sklearn": {
        "pickled_model": "../outside.skops", "serialization_format": "skops"}}}))  # fmt: skip
    with pytest.raises(InvalidInput, match="not in the model folder"):
        Model.load(root)


def test_other_flavours_and_broken_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="MLmodel is missing"):
        Model.load(tmp_path)
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {loader_module: evil}}")
    with pytest.raises(Refused, match="python_function"):
        Model.load(tmp_path)
    (tmp_path / "MLmodel").write_text("flavors: [")
    with pytest.raises(InvalidInput, match="YAML"):
        Model.load(tmp_path)


def test_what_is_no_fitted_predictor_is_named(people: tuple[pd.DataFrame, np.ndarray]) -> None:
    with pytest.raises(InvalidInput, match="not fitted"):
        Model(LogisticRegression())
    with pytest.raises(InvalidInput, match="not a dict"):
        Model({})
    with pytest.raises(InvalidInput, match="CalibratedClassifierCV"):
        Model(LinearSVC().fit(people[0][["age"]], people[1]))
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        Model(LogisticRegression(), threshold=2)


# ---------------------------------------------------------------------- requests
def test_a_request_becomes_the_frame_the_model_knows(people: tuple[pd.DataFrame, np.ndarray], tmp_path: Path) -> None:
    frame, y = people
    model = Model(classifiers()["lightgbm"].fit(frame, y))  # type: ignore[attr-defined]
    model.describe(frame)
    rows = frame.head(50)
    sent = {name: [None if pd.isna(v) else v for v in rows[name].tolist()] for name in reversed(rows.columns)}
    found = model.frame({**sent, "extra": [1] * 50})
    assert list(found.columns) == list(frame.columns)
    np.testing.assert_allclose(model.scores(found), model.scores(rows), atol=1e-12)
    for i in range(5):
        one = model.frame({name: values[i : i + 1] for name, values in sent.items()})
        np.testing.assert_allclose(model.scores(one), model.scores(rows)[i], atol=1e-12)
    model.scores(model.frame({"age": [30], "hours": [None], "job": ["astronaut"]}))


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        ({"age": [1]}, InvalidInput, "lacks the column hours"),
        ({"age": ["old"], "hours": [1], "job": ["cook"]}, InvalidInput, "'age': 'old' is not a number"),
        ({"age": [1], "hours": [float("inf")], "job": ["cook"]}, NotANumber, "infinite"),
        ({"age": [1], "hours": [1], "job": [["cook"]]}, InvalidInput, "is not text"),
        ({"age": [1, 2], "hours": [1], "job": ["cook"]}, InvalidInput, "different lengths"),
        ({"age": [2**70], "hours": [1], "job": ["cook"]}, InvalidInput, "64 bits"),
    ],
)
def test_a_value_that_does_not_fit_is_named(
    columns: dict[str, list[object]], error: type[Exception], words: str, people: tuple[pd.DataFrame, np.ndarray]
) -> None:
    frame, y = people
    model = Model(classifiers()["lightgbm"].fit(frame, y))  # type: ignore[attr-defined]
    model.describe(frame)
    with pytest.raises(error, match=words):
        model.frame(columns)


def test_a_missing_column_is_named(people: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, y = people
    model = Model(classifiers()["pipeline"].fit(frame, y))  # type: ignore[attr-defined]
    with pytest.raises(InvalidInput, match="reads the column 'hours'"):
        model.scores(frame.drop(columns="hours"))


def test_one_row_is_quick(people: tuple[pd.DataFrame, np.ndarray], tmp_path: Path) -> None:
    frame, y = people
    model = Model(classifiers()["lightgbm"].fit(frame, y))  # type: ignore[attr-defined]
    model.describe(frame)
    model.save(tmp_path / "m")
    again = Model.load(tmp_path / "m")
    started = time.perf_counter()
    again.scores(again.frame({k: [v] for k, v in again.sample[0].items()}))
    assert time.perf_counter() - started < 30
