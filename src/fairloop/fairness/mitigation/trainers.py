"""What a mitigation asks of a trainer, and whether the trainer listens to weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fairloop.errors import InvalidInput
from fairloop.stats.arrays import ArrayLike, Floats, binary, weights_or_none

EMPHASIS = 8.0
SMALLEST_RISE = 0.1


class Scorer(Protocol):
    """A trained model: ``scores(X)`` answers one score in [0, 1] a row."""

    def scores(self, X: Any, /) -> npt.NDArray[np.float64]: ...


Fit = Callable[[Floats, npt.NDArray[np.int8]], Scorer]
"""``fit(weight, y)`` trains on the same rows with other weights and labels."""


def weights_change_scores(fit: Fit, X: Any, labels: ArrayLike, weights: ArrayLike | None = None) -> bool:
    """Whether a trainer uses the weights it is given: emphasising the positives must raise the scores.

    Trains twice, plainly and with the positives' weight times 8. A trainer that uses weights then scores
    clearly higher (on the logit scale the shift is about 2); one that ignores them, even one with a random
    seed, does not.

    Raises
    ------
    InvalidInput
        If the labels hold one class only, or the scores are no numbers.
    """
    truth = binary(labels, "labels")
    if truth.all() or not truth.any():
        raise InvalidInput("All labels are equal, so no weight could change a model; give rows of both answers.")
    own = weights_or_none(weights, len(truth))
    base = np.ones(len(truth)) if own is None else own
    raised = base * np.where(truth, EMPHASIS, 1.0)
    y = truth.astype(np.int8)
    plain = np.asarray(fit(base / base.mean(), y).scores(X), dtype=np.float64)
    after = np.asarray(fit(raised / raised.mean(), y).scores(X), dtype=np.float64)
    if not (np.isfinite(plain).all() and np.isfinite(after).all()):
        raise InvalidInput("The trainer's model scored NaN or infinity; repair the trainer before mitigating.")
    room = float(np.average(1 - plain, weights=base))
    rise = float(np.average(after - plain, weights=base))
    return rise > SMALLEST_RISE * min(room, float(np.average(truth, weights=base)))
