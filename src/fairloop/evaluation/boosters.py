"""The gap penalty for models whose scores come from LightGBM: alone, in scikit-learn's dress, or at a pipeline's end."""

from __future__ import annotations

import copy
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from fairloop.errors import Refused
from fairloop.fairness.mitigation.boosting import GapPenalty, boosted
from fairloop.registry.model import Model
from fairloop.tables.table import Table

SHARPNESSES = (1.5, 3.0, 6.0)
"""How sharply selection is seen in training. The mean of the three ranks better than any, as means of models do."""


def penalised(
    plain: Model, table: Table, codes: npt.NDArray[np.intp], price: float, criterion: str, *, where: str
) -> Model:
    """``plain`` trained again with the gap in its objective, on the features as its own pipeline prepares them.

    Raises
    ------
    Refused
        The trainer's model is something else than LightGBM.
    """
    estimator, matrix = plain.estimator, table.X
    matrix = matrix[plain.inputs] if plain.inputs else matrix
    last = estimator
    if isinstance(estimator, Pipeline):
        last = estimator.steps[-1][1]
        matrix = estimator[:-1].transform(matrix)
    booster = last.booster_ if isinstance(last, lightgbm.LGBMModel) else last
    if not isinstance(booster, lightgbm.Booster):
        raise Refused(f"The gap penalty works inside LightGBM; {where} returns a {type(last).__name__}. Use reweighing or "
                      "exponentiated_gradient, which work with any trainer.")  # fmt: skip
    y = np.asarray(table.y, dtype=np.float64)
    if table.task == "binary" and plain.positive is not None and last.classes_[0] == plain.positive:
        y = 1 - y
    members = []
    for sharpness in SHARPNESSES if table.task == "binary" else SHARPNESSES[:1]:
        penalty = GapPenalty(labels=y, weights=table.weight / table.weight.mean(), codes=codes, price=price,
                             criterion=criterion, binary=table.task == "binary", sharpness=sharpness)  # fmt: skip
        own = _put(estimator, last, boosted(booster, matrix, penalty))
        members.append(Model(own, plain.threshold, positive=plain.positive))
    return members[0] if len(members) == 1 else Model.mean(members)


def _put(estimator: Any, last: Any, booster: lightgbm.Booster) -> Any:
    """``estimator`` with another booster at its end."""
    if isinstance(last, lightgbm.Booster):
        return booster
    own = copy.copy(last)
    own._Booster = booster
    if not isinstance(estimator, Pipeline):
        return own
    found = copy.copy(estimator)
    found.steps = [*estimator.steps[:-1], (estimator.steps[-1][0], own)]
    return found
