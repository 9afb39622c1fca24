"""Mitigation before training: weights that make group and label independent.

References
----------
Kamiran, F., Calders, T. (2012). Data preprocessing techniques for classification without discrimination.
Knowledge and Information Systems 33, 1-33.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fairloop.errors import InvalidInput
from fairloop.fairness.encoding import encode
from fairloop.stats.arrays import ArrayLike, Floats, binary, weights_or_none

EMPHASIS = 8.0
SMALLEST_RISE = 0.1


class Scorer(Protocol):
    """A trained model: ``scores(X)`` answers one score in [0, 1] a row."""

    def scores(self, X: Any, /) -> npt.NDArray[np.float64]: ...


Fit = Callable[[Floats, npt.NDArray[np.int8]], Scorer]
"""``fit(weight, y)`` trains on the same rows with other weights and labels."""


def reweighing(labels: ArrayLike, groups: Any, strength: float = 1.0, weights: ArrayLike | None = None) -> Floats:
    r"""Training weights under which group and label are independent, to the power ``strength``.

    .. math:: w_i \propto \omega_i \left(\frac{P(A=a_i)\,P(Y=y_i)}{P(A=a_i, Y=y_i)}\right)^{s}

    Strength 0 leaves the weights as they were, 1 is Kamiran and Calders, above 1 over-corrects, which trades
    more quality and equalized odds for less demographic parity difference.

    Parameters
    ----------
    labels : array of 0/1, shape (n,)
    groups : array, pandas or polars Series, shape (n,)
        One attribute, or a combination of several as one value. Rows without a group keep factor 1.
    strength : float
        At least 0.
    weights : array >= 0, shape (n,), or None
        Weights the rows already have.

    Returns
    -------
    array of float64, shape (n,)
        Mean 1. Empty without rows.

    Raises
    ------
    InvalidInput
        On labels that are not 0/1, a negative or infinite strength, unequal lengths.
    """
    if not 0 <= strength < np.inf:
        raise InvalidInput(f"A reweighing strength of {strength!r} has no meaning; give a number from 0 up, such as 1.")
    truth = binary(labels, "labels")
    own = weights_or_none(weights, len(truth))
    base = np.ones(len(truth)) if own is None else own
    codes, names = encode(groups, len(truth))
    if len(truth) == 0:
        return base
    cells = (codes + 1) * 2 + truth
    joint = np.bincount(cells, weights=base, minlength=2 * (len(names) + 1)).reshape(-1, 2)
    known = joint[1:]
    total = known.sum()
    factor = np.ones_like(joint)
    if total > 0:
        expected = np.outer(known.sum(axis=1), known.sum(axis=0)) / total
        np.divide(expected, known, out=factor[1:], where=known > 0)
    result: Floats = base * (factor**strength).ravel()[cells]
    result /= result.mean()
    return result


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
