"""Lets MLflow load a mean of models or a repaired model: ``mlflow.pyfunc.load_model`` calls ``_load_pyfunc`` of this module."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fairloop.registry.model import Model


class _Predictor:
    def __init__(self, model: Model) -> None:
        self._model = model

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        return self._model.predict(data, (params or {}).get("sensitive"))


def _load_pyfunc(path: str) -> _Predictor:
    return _Predictor(Model.load(path))
