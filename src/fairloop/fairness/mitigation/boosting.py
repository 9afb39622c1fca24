r"""Mitigation during training: a price on the gap inside LightGBM's own objective.

To the loss of every row is added a price on how far the groups' (smoothed) selection rates lie apart:

.. math:: \sum_i \omega_i \ell_i + \tfrac{\lambda W}{2} \sum_{e,g} \pi_{g|e} (r_{g,e} - r_e)^2, \qquad
   r_{g,e} = \mathrm{mean}_{i \in (g,e)}\, \sigma(k f_i)

with e all rows (demographic parity) or the rows of each answer (equalized odds). Rows far from the border have no part in
the rates, so their order is left alone. For a regression target r is the mean prediction, in standard deviations of the
target.

References
----------
Cruz, A. and others (2023). FairGBM: gradient boosting with fairness constraints. ICLR.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from fairloop.errors import InvalidInput
from fairloop.stats.arrays import Floats

_DROPPED = (
    "objective",
    "metric",
    "num_class",
    "is_unbalance",
    "scale_pos_weight",
    "num_iterations",
    "early_stopping_round",
)
_FLAT = 1e-6
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapPenalty:
    """The objective: gradient and curvature of the loss with the price on the gap."""

    labels: Floats
    weights: Floats
    codes: Codes
    """Group of each row, -1 without one."""
    price: float
    criterion: str = "demographic_parity"
    binary: bool = True
    sharpness: float = 3.0
    """k: the larger, the nearer to counting who is selected, and the fewer rows feel it."""

    def __call__(self, raw: Floats, data: Any) -> tuple[Floats, Floats]:
        if self.binary:
            p = _sigmoid(raw)
            slope, curve = p - self.labels, p * (1 - p)
            q = _sigmoid(self.sharpness * raw)
            rate, pull = q, self.sharpness * q * (1 - q)
        else:
            scale = max(float(self.labels.std()), _FLAT)
            slope, curve = raw - self.labels, np.ones(len(raw))
            rate, pull = raw / scale, np.full(len(raw), scale)  # so that the price weighs against squares of the target
        return (slope + self.price * self._deviation(rate) * pull) * self.weights, np.maximum(
            curve, _FLAT
        ) * self.weights

    def _deviation(self, rate: Floats) -> Floats:
        """Per row, how far the rate of its group lies from that of all rows it is compared with."""
        found = np.zeros(len(rate))
        for inside in self._events():
            rows = inside & (self.codes >= 0)
            mass = np.bincount(self.codes[rows], weights=self.weights[rows])
            total = np.bincount(self.codes[rows], weights=(self.weights * rate)[rows])
            if not mass.sum():
                continue
            mean = total / np.maximum(mass, _FLAT) - total.sum() / mass.sum()
            found[rows] = mean[self.codes[rows]] * (self.weights.sum() / mass.sum())
        return found

    def _events(self) -> list[npt.NDArray[np.bool_]]:
        if self.criterion == "demographic_parity" or not self.binary:
            return [np.ones(len(self.labels), dtype=np.bool_)]
        return [self.labels == 0, self.labels == 1]


def boosted(booster: lightgbm.Booster, matrix: Any, penalty: GapPenalty) -> lightgbm.Booster:
    """A booster trained as ``booster`` was, on the same rows, with the price on the gap in its objective.

    The first tree is trained without it, which sets the mean; the file says ``binary``, so that the booster answers with
    probabilities like any other.

    Raises
    ------
    InvalidInput
        The booster answers with something else than a probability or a number.
    """
    objective = "binary" if penalty.binary else "regression"
    rounds = max(booster.current_iteration(), 2)
    params = {name: value for name, value in booster.params.items() if name not in _DROPPED}
    if params.get("boosting", params.get("boosting_type")) not in {None, "gbdt", "goss"}:
        raise InvalidInput(
            "The gap penalty needs boosting by gradient (gbdt or goss); dart and forests are not priced."
        )
    params |= {"verbose": -1, "num_threads": 1, "deterministic": True}
    data = lightgbm.Dataset(matrix, penalty.labels, weight=penalty.weights, params=params, free_raw_data=False)
    first = lightgbm.train({**params, "objective": objective}, data, 1)
    own = _trained({**params, "objective": penalty}, data, rounds - 1, first)
    named = re.sub(r"^objective=.*\n", "", own.model_to_string(), flags=re.MULTILINE)
    told = f"objective={objective}{' sigmoid:1' if penalty.binary else ''}\n"
    return lightgbm.Booster(model_str=named.replace("feature_names=", told + "feature_names=", 1))


def _trained(params: dict[str, Any], data: lightgbm.Dataset, rounds: int, first: lightgbm.Booster) -> lightgbm.Booster:
    train: Callable[..., lightgbm.Booster] = lightgbm.train
    return train(params, data, rounds, init_model=first)


def _sigmoid(z: Floats) -> Floats:
    found: Floats = 0.5 * (1 + np.tanh(0.5 * z))
    return found
