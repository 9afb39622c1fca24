"""The linear probe behind a concept activation vector (CAV)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.float64]


def linear_probe(concept: Floats, others: Floats) -> tuple[Floats, float]:
    """The unit vector that points from ``others`` to ``concept``, and the offset of the plane between them.

    Logistic regression with ridge penalty separates the two sets of activations; its weights, divided by their length,
    are the CAV of Kim et al. (2018). A set of activations without any spread gives the zero vector.

    Parameters
    ----------
    concept, others : array of float64, shape (n, size) and (m, size)
        Activations of one layer.

    Returns
    -------
    vector : array of float64, shape (size,)
        Length 1, or 0 where nothing separates the sets.
    offset : float
        ``x @ vector + offset > 0`` says *concept*.

    References
    ----------
    Kim, B. et al. (2018). Interpretability beyond feature attribution: quantitative testing with concept activation
    vectors (TCAV). ICML.
    """
    both = np.concatenate([concept, others])
    middle = both.mean(axis=0)
    scale = float(np.sqrt(np.square(both - middle).sum(axis=1).mean()))
    if scale <= 0:
        return np.zeros(both.shape[1]), 0.0
    side = np.concatenate([np.ones(len(concept)), np.zeros(len(others))])
    # one common scale keeps the directions of the layer and makes the penalty mean the same in every layer
    fitted = LogisticRegression(C=1.0, max_iter=1000).fit((both - middle) / scale, side)
    weights = fitted.coef_[0]
    length = float(np.linalg.norm(weights))
    if length == 0:
        return np.zeros(both.shape[1]), 0.0
    vector = weights / length
    return vector, float(fitted.intercept_[0]) / length * scale - float(middle @ vector)


def probe_accuracy(vector: Floats, offset: float, concept: Floats, others: Floats) -> float:
    """The mean of the shares of concept examples and of others that the probe puts on the right side; 0.5 is chance.

    NaN when either set is empty.
    """
    if not len(concept) or not len(others):
        return float("nan")
    return float(((concept @ vector + offset > 0).mean() + (others @ vector + offset <= 0).mean()) / 2)
