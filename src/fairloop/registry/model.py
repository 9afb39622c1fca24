"""fl.Model: a fitted predictor with its threshold, and the folder it is stored in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.core import codec
from fairloop.errors import InvalidInput
from fairloop.registry.formats import load_estimator, model_file, read_mlmodel, save_estimator, write_mlmodel
from fairloop.registry.scoring import Scores, classes_of, inputs_of, raw_scores, task_of, use_one_thread
from fairloop.registry.signature import columns_of, frame_of, from_mlflow, sample_of, to_mlflow

FILE = "fairloop.json"
SCHEMA_VERSION = 1


class Model:
    """A fitted predictor.

    Parameters
    ----------
    estimator : object
        A fitted scikit-learn estimator or pipeline, or a LightGBM model.
    threshold : float, default 0.5
        From which probability on a binary answer is positive.
    positive : optional
        Which of the estimator's two classes is the positive one, when it was not fitted on ``Table.y`` (0 and 1).
    """

    def __init__(self, estimator: Any, threshold: float = 0.5, *, positive: Any = None) -> None:
        if isinstance(estimator, Model):
            raise InvalidInput("This is a fl.Model already; return it as it is.")
        if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
            raise InvalidInput(f"threshold={threshold!r}; give a probability between 0 and 1.")
        self.estimator = estimator
        self.threshold = float(threshold)
        self.positive = positive
        self.members: list[Model] = []
        self.weights: list[float] = []
        self.columns: list[dict[str, Any]] = []
        """Input columns with kind and range; empty until the model was judged or logged with a signature."""
        self.sample: list[dict[str, Any]] = []
        self.task = "" if estimator is None else task_of(estimator)

    @classmethod
    def mean(cls, models: Sequence[Model], weights: Sequence[float] | None = None) -> Model:
        """One model that answers with the weighted mean of the members' scores: deterministic, unlike a random draw."""
        shares = [1.0] * len(models) if weights is None else [float(w) for w in weights]
        if not models or len(shares) != len(models) or min(shares) < 0 or not 0 < sum(shares) < float("inf"):
            raise InvalidInput(
                "Model.mean needs at least one model and one weight each, not negative, with a finite sum."
            )
        if len({m.task for m in models}) > 1 or models[0].task == "multiclass":
            raise InvalidInput("Model.mean needs binary models only or regression models only.")
        found = cls(None, models[0].threshold)
        found.members, found.task = list(models), models[0].task
        found.weights = [w / sum(shares) for w in shares]
        return found

    def describe(self, frame: pd.DataFrame) -> None:
        """Take the signature and sample rows from an input frame the model can score."""
        self.columns, self.sample = columns_of(frame), sample_of(frame)

    @property
    def inputs(self) -> list[str]:
        """Names of the columns the model reads; empty when it does not say."""
        if self.columns:
            return [c["name"] for c in self.columns]
        return self.members[0].inputs if self.members else inputs_of(self.estimator)

    @property
    def signature(self) -> dict[str, Any]:
        """What the model reads and answers, as plain JSON."""
        return {"task": self.task, "threshold": self.threshold, "positive": self.positive, "columns": self.columns,
                "sample": self.sample}  # fmt: skip

    def frame(self, columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
        """The input frame from columns of JSON values (null is missing); InvalidInput names a column that does not fit."""
        return frame_of(columns, self.columns)

    def scores(self, X: pd.DataFrame) -> Scores:
        """Probability of the positive answer for a binary model, the value for regression, one probability a class
        (rows by classes) for multiclass."""
        names = self.inputs
        if names and (missing := [name for name in names if name not in X.columns]):
            raise InvalidInput(f"The model reads the column {missing[0]!r}, which the table does not have.")
        if names and list(X.columns) != names:
            X = X[names]
        if self.members:
            total = np.zeros(len(X))
            for member, weight in zip(self.members, self.weights, strict=True):
                total += weight * member.scores(X)
            return total
        return raw_scores(self.estimator, X, self.positive)

    def predict(self, X: pd.DataFrame) -> npt.NDArray[Any]:
        """0 or 1 for a binary model (1 is the positive answer), the value for regression, the class for multiclass."""
        return self.decide(self.scores(X))

    def decide(self, scores: Scores) -> npt.NDArray[Any]:
        """The answers that belong to :meth:`scores`."""
        if self.task == "binary":
            return (scores >= self.threshold).astype(np.int8)
        if self.task == "regression":
            return scores
        best: npt.NDArray[Any] = np.asarray(self.classes)[scores.argmax(axis=1)]
        return best

    @property
    def classes(self) -> list[Any]:
        """The classes of a multiclass model, in the order of its scores."""
        if hasattr(self.estimator, "classes_"):
            return classes_of(self.estimator)
        return list(range(self.estimator.num_model_per_iteration()))

    # ------------------------------------------------------------------ folders
    def save(self, folder: str | Path) -> None:
        """Write the model folder: MLmodel (readable by MLflow), the estimator without pickle, and ``fairloop.json``."""
        root = Path(folder)
        root.mkdir(parents=True, exist_ok=True)
        if self.members:
            for i, member in enumerate(self.members):
                member.save(root / "members" / str(i))
            file = ""
        else:
            file = save_estimator(self.estimator, root)
        write_mlmodel(root, file, to_mlflow(self.columns), "string" if self.task == "multiclass" else "double")
        classes = self.classes if self.task == "multiclass" else []
        content = self.signature | {"schema_version": SCHEMA_VERSION, "weights": self.weights, "classes": classes}
        (root / FILE).write_text(codec.dumps(content) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Model:
        """The model in a folder written by :meth:`save` or logged by an MLflow client (sklearn with skops, or native
        LightGBM). A pickle is refused, unread."""
        root = Path(folder)
        mlmodel = read_mlmodel(root)
        own = _own_file(root)
        weights = own.get("weights") or []
        if weights:
            found = cls.mean([cls.load(root / "members" / str(i)) for i in range(len(weights))], weights)
        else:
            found = cls(use_one_thread(load_estimator(model_file(root, mlmodel))))
        found.threshold = float(own.get("threshold", 0.5))
        found.positive = own.get("positive")
        found.columns = list(own.get("columns", [])) or _logged_columns(mlmodel)
        found.sample = list(own.get("sample", []))
        return found

    def __repr__(self) -> str:
        what = f"mean of {len(self.members)}" if self.members else type(self.estimator).__name__
        return f"Model({what}, {self.task})"


def _own_file(root: Path) -> dict[str, Any]:
    file = root / FILE
    if not file.is_file():
        return {}
    found = codec.loads(file.read_bytes())
    if not isinstance(found, dict) or found.get("schema_version") != SCHEMA_VERSION:
        raise InvalidInput(f"{FILE} has a schema version this Fairloop does not read; update Fairloop.")
    return found


def _logged_columns(mlmodel: dict[str, Any]) -> list[dict[str, Any]]:
    inputs = (mlmodel.get("signature") or {}).get("inputs")
    return from_mlflow(codec.loads(inputs)) if isinstance(inputs, str) else []
