"""Mitigation before training: features that no longer tell the group.

References
----------
Belrose, N. and others (2023). LEACE: Perfect linear concept erasure in closed form. NeurIPS.
Feldman, M. and others (2015). Certifying and removing disparate impact. KDD, 259-268.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fairloop.errors import InvalidInput
from fairloop.fairness.encoding import encode
from fairloop.stats.arrays import Floats

KNOTS = 101
"""Quantiles that are kept of a column in a group."""
_SMALLEST = 1e-9


def correlation_eraser(X: Floats, groups: Any, weights: Floats | None = None) -> tuple[Floats, Floats]:
    r"""The mean and the matrix of the smallest change after which no linear function of the features tells the group.

    .. math:: r(x) = x - s\,W^{+} P_{W\Sigma_{xz}} W (x - \mu)

    with W the whitening of the features and :math:`\Sigma_{xz}` their covariance with the groups. It needs the group to
    be found, not to be used: the changed features of a new person follow from the features alone.

    Parameters
    ----------
    X : array, shape (n, d)
        Numbers without NaN.
    groups : array, pandas or polars Series, shape (n,)
        Rows without a group are left out of the covariance.
    weights : array, shape (n,), or None

    Returns
    -------
    (mean of shape (d,), matrix of shape (d, d))
        Changed features are ``X - strength * (X - mean) @ matrix.T``.

    Raises
    ------
    InvalidInput
        With fewer than two groups.
    """
    codes, names = encode(groups, len(X))
    known = codes >= 0
    if len(names) < 2:
        raise InvalidInput("Only one group has rows, so there is no correlation to remove; check the attribute.")
    share = np.ones(int(known.sum())) if weights is None else weights[known]
    share = share / share.sum()
    Z = np.eye(len(names))[codes[known]]
    mean = share @ X[known]
    centred, told = X[known] - mean, Z - share @ Z
    covariance = (centred * share[:, None]).T @ centred
    values, vectors = np.linalg.eigh(covariance)
    kept = values > _SMALLEST * max(float(values.max()), _SMALLEST)
    root = np.sqrt(values[kept])
    whiten, colour = (vectors[:, kept] / root) @ vectors[:, kept].T, (vectors[:, kept] * root) @ vectors[:, kept].T
    cross = whiten @ ((centred * share[:, None]).T @ told)
    left, sizes, _ = np.linalg.svd(cross, full_matrices=False)
    basis = left[:, sizes > 1e-7 * max(float(sizes.max(initial=0.0)), 1e-7)]
    matrix: Floats = colour @ basis @ basis.T @ whiten
    return mean, matrix


def quantile_tables(values: Floats, groups: Any) -> tuple[list[str], Floats, Floats]:
    """Per group the quantiles of a column, and the median of the groups' quantiles that all are moved to.

    Returns
    -------
    (names, knots of shape (groups, 101), target of shape (101,))
        NaN is left out. A group without a value has the target's knots: nothing is changed there.
    """
    codes, names = encode(groups, len(values))
    places = np.linspace(0, 1, KNOTS)
    rows = []
    for group in range(len(names)):
        inside = values[(codes == group) & np.isfinite(values)]
        rows.append(np.quantile(inside, places) if len(inside) else np.full(KNOTS, np.nan))
    knots = np.array(rows)
    if not np.isfinite(knots).any():
        raise InvalidInput("A column to repair has no value in any group; leave it out of the features.")
    target: Floats = np.nanmedian(knots, axis=0)
    knots = np.where(np.isfinite(knots), knots, target)
    return names, knots, target


def repaired(values: Floats, codes: Any, knots: Floats, target: Floats, strength: float) -> Floats:
    """A column moved towards the distribution that all groups share: 0 nothing, 1 all the way.

    Rows without a known group (code -1) and NaN stay as they are.
    """
    places = np.linspace(0, 1, len(target))
    result = values.astype(np.float64, copy=True)
    for group in range(len(knots)):
        inside = np.flatnonzero((codes == group) & np.isfinite(values))
        low = np.searchsorted(knots[group], values[inside], side="left")
        high = np.searchsorted(knots[group], values[inside], side="right")
        between = np.interp(values[inside], knots[group], places)
        middle = (places[np.minimum(low, len(places) - 1)] + places[np.maximum(high - 1, 0)]) / 2
        rank = np.where(high > low, middle, between)  # many equal values stand in the middle of their ranks
        result[inside] = (1 - strength) * values[inside] + strength * np.interp(rank, places, target)
    return result
