"""One row in, one score out: how each kind of fitted estimator is asked, the same for judging and for serving."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.pipeline import Pipeline

from fairloop.errors import InvalidInput
from fairloop.registry.nets import Net

Scores = npt.NDArray[np.float64]
_ONE_THREAD_ROWS = 1000


def task_of(estimator: Any) -> str:
    """``binary``, ``multiclass`` or ``regression``; InvalidInput for something that is not a fitted predictor."""
    if isinstance(estimator, lightgbm.Booster):
        objective = str(estimator.params.get("objective", "regression")).split()[0]
        return {"binary": "binary", "cross_entropy": "binary", "multiclass": "multiclass",
                "multiclassova": "multiclass"}.get(objective, "regression")  # fmt: skip
    if isinstance(estimator, Net):
        return estimator.task
    if not isinstance(estimator, BaseEstimator):
        raise InvalidInput(
            f"fl.Model needs a fitted scikit-learn or LightGBM predictor or a torch network, not a {_name(estimator)}."
        )
    if is_regressor(estimator):
        return "regression"
    if is_classifier(estimator):
        if not hasattr(estimator, "predict_proba"):
            raise InvalidInput(
                f"{_name(estimator)} gives no probabilities, so it cannot be judged; wrap it in "
                "sklearn.calibration.CalibratedClassifierCV."
            )
        return "binary" if len(classes_of(estimator)) == 2 else "multiclass"
    raise InvalidInput(f"fl.Model needs a fitted scikit-learn or LightGBM predictor, not a {_name(estimator)}.")


def classes_of(estimator: Any) -> list[Any]:
    try:
        return [c.item() if isinstance(c, np.generic) else c for c in estimator.classes_]
    except AttributeError as cause:
        raise InvalidInput(f"The {_name(estimator)} is not fitted; call .fit before fl.Model.") from cause


def inputs_of(estimator: Any) -> list[str]:
    """Names of the columns the estimator was fitted on; empty when it does not know."""
    if isinstance(estimator, lightgbm.Booster):
        return [str(name) for name in estimator.feature_name()]
    return [str(name) for name in getattr(estimator, "feature_names_in_", [])]


def raw_scores(estimator: Any, frame: pd.DataFrame, positive: Any) -> Scores:
    """Probability of the positive answer, the value, or (multiclass) one probability a class."""
    if isinstance(estimator, lightgbm.Booster):
        threads = 1 if len(frame) < _ONE_THREAD_ROWS else 0
        return np.asarray(estimator.predict(frame, num_threads=threads), dtype=np.float64)
    if isinstance(estimator, Net):
        return estimator.scores(frame)
    if is_regressor(estimator):
        return np.asarray(estimator.predict(frame), dtype=np.float64).reshape(len(frame), -1)[:, 0]
    found = np.asarray(estimator.predict_proba(frame), dtype=np.float64)
    if found.shape[1] != 2:
        return found
    classes = classes_of(estimator)
    return np.ascontiguousarray(found[:, classes.index(positive) if positive in classes else 1])


def use_one_thread(estimator: Any) -> Any:
    """Keep a loaded LightGBM predictor from starting threads for every request."""
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if isinstance(last, lightgbm.LGBMModel):
        last.set_params(n_jobs=1)
    return estimator


def _name(estimator: Any) -> str:
    return type(estimator).__name__
