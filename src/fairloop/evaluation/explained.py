"""A model as explanations see it: a function of columns, whatever it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import is_classifier

from fairloop.errors import InvalidInput
from fairloop.fairness.explain.values import Member
from fairloop.registry.model import Model
from fairloop.registry.nets import Net
from fairloop.registry.scoring import classes_of
from fairloop.tables.table import Table

_DESCRIBED = {"integer", "number", "boolean", "category", "text"}
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Explained:
    """``rows`` are the columns the model reads, and the sensitive attributes that a repaired model is told of people:
    those count as columns too, so that what a repair does with them is seen."""

    model: Model
    rows: pd.DataFrame
    told: list[str]
    answer: Any = None
    """The class looked at, for more than two."""

    @classmethod
    def of(cls, model: Model, table: Table, answer: Any = None) -> Explained:
        """The model over the rows of ``table``.

        Raises
        ------
        InvalidInput
            The table lacks a column, or the model reads arrays (images), which concepts explain.
        """
        return cls(model, _columns(model, table), model.reads_sensitive, answer)

    def with_answer(self, answer: Any) -> Explained:
        return Explained(self.model, self.rows, self.told, answer)

    def at(self, rows: pd.DataFrame) -> Explained:
        return Explained(self.model, rows.reset_index(drop=True), self.told, self.answer)

    # ------------------------------------------------------------------ what is explained
    def score(self, frame: pd.DataFrame) -> Floats:
        """The probability of the answer looked at, or the value of a regression."""
        found = self._raw(frame)
        return found if found.ndim == 1 else found[:, self._place]

    def outcome(self, frame: pd.DataFrame) -> Floats:
        """1 where the model gives the answer looked at and 0 elsewhere; the value of a regression."""
        found = self._raw(frame)
        if found.ndim == 2:
            return np.asarray(found.argmax(axis=1) == self._place, dtype=np.float64)
        return np.asarray(self.model.decide(found), dtype=np.float64)

    def answers(self) -> npt.NDArray[Any]:
        """The model's own answers to all rows."""
        return self.model.decide(self._raw(self.rows))

    def _raw(self, frame: pd.DataFrame) -> Floats:
        told = {name: [None if missing else str(v) for v, missing in zip(frame[name], frame[name].isna(), strict=True)]
                for name in self.told}  # fmt: skip
        return self.model.scores(frame.drop(columns=self.told) if self.told else frame, told or None)

    @property
    def _place(self) -> int:
        return [str(c) for c in self.model.classes].index(str(self.answer))

    # ------------------------------------------------------------------ what it is made of
    def members(self) -> list[Member]:
        """The estimators whose weighted mean of scores the model answers with; none when it answers otherwise."""
        found = list(_members(self.model, 1.0, self._place if self.model.task == "multiclass" else None))
        return [] if any(member is None for member in found) else [m for m in found if m is not None]

    @property
    def described(self) -> list[str]:
        """Columns a person can be told about one by one: numbers and categories, not free text."""
        return [str(n) for n in self.rows.columns if not isinstance(self.rows[n].dtype, pd.StringDtype)]


def _columns(model: Model, table: Table) -> pd.DataFrame:
    X, groups = table.X, table.sensitive
    names = model.inputs or list(X.columns)
    if arrays := [c["name"] for c in model.columns if c["kind"] not in _DESCRIBED]:
        raise InvalidInput(
            f"The model reads {arrays[0]!r}, an array (an image?): columns explain nothing there; ask for concepts."
        )
    columns: dict[str, Any] = {}
    for name in names:
        if name not in X.columns and name not in groups.columns:
            raise InvalidInput(f"The model reads the column {name!r}, which these rows do not have.")
        columns[name] = X[name] if name in X.columns else groups[name].astype("category")
    for name in model.reads_sensitive:
        if name not in groups.columns:
            raise InvalidInput(
                f"The model is told {name!r} of everyone it judges; these rows do not have it as sensitive."
            )
        columns[name] = groups[name].astype("category")
    return pd.DataFrame(columns).reset_index(drop=True)


def _members(model: Model, weight: float, output: int | None) -> Iterator[Member | None]:
    if model.base is not None or isinstance(model.estimator, Net):
        yield None
    elif model.members:
        for member, share in zip(model.members, model.weights, strict=True):
            yield from _members(member, weight * share, output)
    else:
        yield Member(estimator=model.estimator, weight=weight, output=_output(model, output))


def _output(model: Model, output: int | None) -> int | None:
    """Which column of probabilities the score is, as registry/scoring.py picks it."""
    if output is not None or model.task != "binary":
        return output
    if isinstance(model.estimator, lightgbm.Booster) or not is_classifier(model.estimator):
        return 1
    classes = classes_of(model.estimator)
    return classes.index(model.positive) if model.positive in classes else 1
