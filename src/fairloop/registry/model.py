"""fl.Model: a fitted predictor with its threshold, and the folder it is stored in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.core import codec
from fairloop.core.records import from_plain, to_plain
from fairloop.errors import InvalidInput
from fairloop.fairness.mitigation.after import Adjustment
from fairloop.fairness.mitigation.trainers import Scorer
from fairloop.registry.formats import load_estimator, model_file, read_mlmodel, save_estimator, write_mlmodel
from fairloop.registry.nets import Net, is_module
from fairloop.registry.scoring import Scores, classes_of, inputs_of, raw_scores, task_of, use_one_thread
from fairloop.registry.signature import columns_of, frame_of, from_mlflow, sample_of, to_mlflow
from fairloop.registry.transforms import Transform

FILE = "fairloop.json"
SCHEMA_VERSION = 1


class Model:
    """A fitted predictor.

    Parameters
    ----------
    estimator : object
        A fitted scikit-learn estimator or pipeline, a LightGBM model, or a trained torch network (``fl.Net`` says more
        about one).
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
        self.estimator: Any = Net(estimator) if is_module(estimator) else estimator
        self.threshold = float(threshold)
        self.positive = positive
        self.members: list[Model] = []
        self.weights: list[float] = []
        self.base: Model | None = None
        """The model that a repair stands on: its features are changed by ``transform``, its scores by ``adjustment``."""
        self.helpers: list[Model] = []
        """Models of how likely each group is given the features, for an adjustment that reads no attribute."""
        self.adjustment: Adjustment | None = None
        self.transform: Transform | None = None
        self.columns: list[dict[str, Any]] = []
        """Input columns with kind and range; empty until the model was judged or logged with a signature."""
        self.sample: list[dict[str, Any]] = []
        self.task = "" if estimator is None else task_of(self.estimator)

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

    @classmethod
    def adjusted(cls, base: Model, adjustment: Adjustment, helpers: Sequence[Model] = ()) -> Model:
        """A model whose scores are those of ``base`` after a rule: thresholds by group, calibration and the like."""
        if base.task != "binary":
            raise InvalidInput(f"Scores are adjusted for two answers; this model is for {base.task}.")
        kept = adjustment.kind in {"calibrated_scores", "calibrated_equalized_odds"}
        found = cls(None, base.threshold if kept else 0.5)
        found.base, found.adjustment, found.helpers, found.task = base, adjustment, list(helpers), base.task
        return found

    @classmethod
    def transformed(cls, base: Model, transform: Transform) -> Model:
        """A model that changes its features before ``base`` reads them."""
        found = cls(None, base.threshold)
        found.base, found.transform, found.task = base, transform, base.task
        return found

    @property
    def reads_sensitive(self) -> list[str]:
        """Sensitive attributes that the model must be told of everyone it judges; none for most models."""
        rule = self.adjustment or self.transform
        own = [rule.attribute] if rule is not None and rule.needs_attribute else []
        below = [name for part in (self.base, *self.helpers, *self.members) if part for name in part.reads_sensitive]
        return sorted({*own, *below})

    def some_sensitive(self, rows: int) -> dict[str, list[str]] | None:
        """Known groups in turn, to try the model with; None for a model that reads none."""
        known: dict[str, list[str]] = {}
        for part in (self, *([self.base] if self.base else []), *self.members):
            rule = part.adjustment or part.transform
            if rule is not None and rule.needs_attribute:
                known.setdefault(rule.attribute, rule.groups or [""])
        return {name: [groups[row % len(groups)] for row in range(rows)] for name, groups in known.items()} or None

    def describe(self, frame: pd.DataFrame) -> None:
        """Take the signature and sample rows from an input frame the model can score."""
        self.columns, self.sample = columns_of(frame), sample_of(frame)

    @property
    def inputs(self) -> list[str]:
        """Names of the columns the model reads; empty when it does not say."""
        if self.columns:
            return [c["name"] for c in self.columns]
        if self.transform is not None:
            return self.transform.inputs
        first = self.base or (self.members[0] if self.members else None)
        return first.inputs if first is not None else inputs_of(self.estimator)

    @property
    def signature(self) -> dict[str, Any]:
        """What the model reads and answers, as plain JSON."""
        told = {"task": self.task, "threshold": self.threshold, "positive": self.positive, "columns": self.columns,
                "sample": self.sample}  # fmt: skip
        return told | ({"reads_sensitive": self.reads_sensitive} if self.reads_sensitive else {})

    @property
    def structure(self) -> dict[str, Any]:
        """What the model is made of, as plain JSON: one estimator, a mean of models, or a repair of one."""
        if self.members:
            return {"kind": "mean", "weights": self.weights, "members": [part.structure for part in self.members]}
        if self.base is None:
            return {"kind": "estimator", "estimator": type(self.estimator).__name__, "threshold": self.threshold}
        rule = self.adjustment or self.transform
        return {"kind": "adjusted" if self.adjustment else "transformed", "rule": to_plain(rule),
                "base": self.base.structure, "helpers": [part.structure for part in self.helpers]}  # fmt: skip

    def frame(self, columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
        """The input frame from columns of JSON values (null is missing); InvalidInput names a column that does not fit."""
        return frame_of(columns, self.columns)

    def scores(self, X: pd.DataFrame, sensitive: Mapping[str, Sequence[Any]] | pd.DataFrame | None = None) -> Scores:
        """Probability of the positive answer for a binary model, the value for regression, one probability a class
        (rows by classes) for multiclass.

        ``sensitive`` holds people's sensitive attributes, one value a row; only a model that ``reads_sensitive`` looks.
        """
        names = self.inputs
        if names and (missing := [name for name in names if name not in X.columns]):
            raise InvalidInput(f"The model reads the column {missing[0]!r}, which the table does not have.")
        if names and list(X.columns) != names:
            X = X[names]
        if self.base is not None:
            return self._repaired(self.base, X, sensitive)
        if self.members:
            total = np.zeros(len(X))
            for member, weight in zip(self.members, self.weights, strict=True):
                total += weight * member.scores(X, sensitive)
            return total
        return raw_scores(self.estimator, X, self.positive)

    def _repaired(self, base: Model, X: pd.DataFrame, sensitive: Any) -> Scores:
        rule = self.adjustment or self.transform
        assert rule is not None  # noqa: S101  # a model with a base has one of them
        told = self._told(rule.attribute, len(X), sensitive) if rule.needs_attribute else None
        if self.transform is not None:
            return base.scores(self.transform.apply(X, told), sensitive)
        assert self.adjustment is not None  # noqa: S101  # as above
        scores = base.scores(X, sensitive)
        if told is not None:
            return self.adjustment.apply(scores, self.adjustment.codes(told))
        return self.adjustment.apply(scores, chances=chances_of(self.helpers, X, len(self.adjustment.groups)))

    @staticmethod
    def _told(attribute: str, rows: int, sensitive: Any) -> list[Any]:
        """People's values of an attribute; InvalidInput when they were not sent."""
        if sensitive is None or attribute not in sensitive:
            raise InvalidInput(f"This model reads {attribute!r} of the person it judges; send it as parameters.sensitive."
                               f"{attribute}, apart from the features.")  # fmt: skip
        values = list(sensitive[attribute])
        if len(values) != rows:
            raise InvalidInput(f"{len(values)} values of {attribute!r} came for {rows} rows; send one a row.")
        return values

    def predict(
        self, X: pd.DataFrame, sensitive: Mapping[str, Sequence[Any]] | pd.DataFrame | None = None
    ) -> npt.NDArray[Any]:
        """0 or 1 for a binary model (1 is the positive answer), the value for regression, the class for multiclass."""
        return self.decide(self.scores(X, sensitive))

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
        if self.base is not None:
            return self.base.classes
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
        elif self.base is not None:
            self.base.save(root / "base")
            for i, helper in enumerate(self.helpers):
                helper.save(root / "helpers" / str(i))
            file = ""
        else:
            file = save_estimator(self.estimator, root)
        write_mlmodel(root, file, to_mlflow(self.columns), "string" if self.task == "multiclass" else "double")
        classes = self.classes if self.task == "multiclass" else []
        content = self.signature | {"schema_version": SCHEMA_VERSION, "weights": self.weights, "classes": classes}
        if self.base is not None:
            content |= {"adjustment": to_plain(self.adjustment), "transform": to_plain(self.transform),
                        "helpers": len(self.helpers)}  # fmt: skip
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
        elif own.get("transform"):
            found = cls.transformed(cls.load(root / "base"), from_plain(Transform, own["transform"]))
        elif own.get("adjustment"):
            helpers = [cls.load(root / "helpers" / str(i)) for i in range(own["helpers"])]
            found = cls.adjusted(cls.load(root / "base"), from_plain(Adjustment, own["adjustment"]), helpers)
        else:
            found = cls(use_one_thread(load_estimator(model_file(root, mlmodel))))
        found.threshold = float(own.get("threshold", 0.5))
        found.positive = own.get("positive")
        found.columns = list(own.get("columns", [])) or _logged_columns(mlmodel)
        found.sample = list(own.get("sample", []))
        return found

    def __repr__(self) -> str:
        rule = self.adjustment or self.transform
        what = f"mean of {len(self.members)}" if self.members else type(self.estimator).__name__
        if rule is not None:
            what = f"{rule.kind.replace('_', ' ')} over {self.base!r}"
        return f"Model({what}, {self.task})"


def chances_of(helpers: Sequence[Scorer], X: pd.DataFrame, groups: int) -> npt.NDArray[np.float64]:
    """How likely each group is given the features, (rows, events, groups), from one helper an event when there are two
    groups (of the second), else one a group."""
    each = 1 if groups == 2 else groups
    found = np.empty((len(X), len(helpers) // each, groups))
    for event in range(found.shape[1]):
        parts = [helper.scores(X) for helper in helpers[event * each : (event + 1) * each]]
        raw = np.column_stack([1 - parts[0], parts[0]] if each == 1 else parts)
        found[:, event, :] = raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-9)
    return found


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
