"""Mitigation before training: other weights, other rows or other labels, the same trainer.

References
----------
Kamiran, F., Calders, T. (2012). Data preprocessing techniques for classification without discrimination.
Knowledge and Information Systems 33, 1-33.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fairloop.errors import InvalidInput
from fairloop.fairness.encoding import encode
from fairloop.stats.arrays import ArrayLike, Bools, Floats, binary, numbers, weights_or_none

REGRESSION_CELLS = 5
"""Into so many equally filled ranges the numbers of a regression target are put."""
Indices = npt.NDArray[np.intp]


def label_cells(labels: ArrayLike, task: str = "binary") -> Indices:
    """Small integers, one a label: 0 and 1, the place of the class, or the fifth of the numbers it falls into.

    Raises
    ------
    InvalidInput
        On labels that do not fit the task.
    """
    if task == "binary":
        return binary(labels, "labels").astype(np.intp)
    if task == "multiclass":
        return np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.intp)
    values = numbers(labels, "labels")
    if len(values) == 0:
        return np.zeros(0, dtype=np.intp)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, REGRESSION_CELLS + 1)[1:-1]))
    return np.searchsorted(edges, values, side="right").astype(np.intp)


def _factors(cells: Indices, groups: Any, strength: float, base: Floats) -> Floats:
    """Per row how much more often its group and label should occur together."""
    if not 0 <= strength < np.inf:
        raise InvalidInput(f"A strength of {strength!r} has no meaning; give a number from 0 up, such as 1.")
    codes, names = encode(groups, len(cells))
    if len(cells) == 0:
        return base
    many = int(cells.max()) + 1
    place = (codes + 1) * many + cells
    joint = np.bincount(place, weights=base, minlength=many * (len(names) + 1)).reshape(-1, many)
    known = joint[1:]
    total = known.sum()
    factor = np.ones_like(joint)
    if total > 0:
        expected = np.outer(known.sum(axis=1), known.sum(axis=0)) / total
        np.divide(expected, known, out=factor[1:], where=known > 0)
    found: Floats = (factor**strength).ravel()[place]
    return found


def reweighing(labels: ArrayLike, groups: Any, strength: float = 1.0, weights: ArrayLike | None = None, *,
               task: str = "binary") -> Floats:  # fmt: skip
    r"""Training weights under which group and label are independent, to the power ``strength``.

    .. math:: w_i \propto \omega_i \left(\frac{P(A=a_i)\,P(Y=y_i)}{P(A=a_i, Y=y_i)}\right)^{s}

    Strength 0 leaves the weights as they were, 1 is Kamiran and Calders, above 1 over-corrects, which trades
    more quality and equalized odds for less demographic parity difference. With several classes every class is
    made independent of the group; the numbers of a regression target count by the fifth they fall into.

    Parameters
    ----------
    labels : array, shape (n,)
        0/1, classes or numbers, as ``task`` says.
    groups : array, pandas or polars Series, shape (n,)
        One attribute, or a combination of several as one value. Rows without a group keep factor 1.
    strength : float
        At least 0.
    weights : array >= 0, shape (n,), or None
        Weights the rows already have.
    task : {"binary", "multiclass", "regression"}

    Returns
    -------
    array of float64, shape (n,)
        Mean 1. Empty without rows.

    Raises
    ------
    InvalidInput
        On labels that do not fit the task, a negative or infinite strength, unequal lengths.
    """
    cells = label_cells(labels, task)
    own = weights_or_none(weights, len(cells))
    base = np.ones(len(cells)) if own is None else own
    result: Floats = base * _factors(cells, groups, strength, base)
    return result / result.mean() if len(result) else result


def resampling(labels: ArrayLike, groups: Any, strength: float = 1.0, weights: ArrayLike | None = None, *,
               task: str = "binary", seed: int = 0) -> Indices:  # fmt: skip
    """Positions of as many rows, drawn so that group and label are independent: for trainers that take no weights.

    Uniform sampling of Kamiran and Calders by systematic draws: every row occurs as often as :func:`reweighing` would
    weigh it, rounded up or down. Equal seeds draw equal rows.

    Returns
    -------
    array of int, shape (n,)
        Positions in ascending order, repeated where a row counts more than once.
    """
    factor = reweighing(labels, groups, strength, weights, task=task)
    return _drawn(factor, seed)


def _drawn(often: Floats, seed: int) -> Indices:
    if len(often) == 0:
        return np.zeros(0, dtype=np.intp)
    random = np.random.default_rng(seed)
    order = random.permutation(len(often))
    steps = np.floor(np.cumsum(often[order]) + random.random()).astype(np.intp)
    times = np.diff(steps, prepend=0)
    return np.sort(np.repeat(order, np.maximum(times, 0)))


def preferential_sampling(labels: ArrayLike, groups: Any, scores: ArrayLike, strength: float = 1.0) -> Indices:
    """Positions of rows under which group and label are independent, changed where the decision is closest.

    A cell of group and label that is too large loses the rows nearest to the border (positives with the lowest score,
    negatives with the highest), one that is too small has those doubled. Rows without a group stay once.

    Parameters
    ----------
    labels : array of 0/1, shape (n,)
    groups : array, pandas or polars Series, shape (n,)
    scores : array, shape (n,)
        Of a plain model that has not seen the row.
    strength : float
        0 leaves the rows as they are, 1 makes group and label independent.
    """
    truth = binary(labels, "labels")
    found = numbers(scores, "scores", length=len(truth))
    factor = _factors(truth.astype(np.intp), groups, strength, np.ones(len(truth)))
    codes, names = encode(groups, len(truth))
    times = np.ones(len(truth), dtype=np.intp)
    for group in range(len(names)):
        for answer in (False, True):
            inside = np.flatnonzero((codes == group) & (truth == answer))
            if len(inside) == 0:
                continue
            wanted = round(len(inside) * float(factor[inside[0]]))
            near = inside[np.argsort(found[inside] if answer else -found[inside], kind="stable")]
            times[inside] = wanted // len(inside) if wanted >= len(inside) else 1
            if wanted >= len(inside):
                times[near[: wanted % len(inside)]] += 1
            else:
                times[near[: len(inside) - wanted]] = 0
    return np.repeat(np.arange(len(truth)), times)


def massaging(labels: ArrayLike, groups: Any, scores: ArrayLike, strength: float = 1.0) -> Bools:
    """Labels changed where the decision is closest, until every group has the overall share of positives.

    In groups above the share the positives with the lowest scores become negative, in groups below it the negatives
    with the highest scores positive.

    Parameters
    ----------
    labels : array of 0/1, shape (n,)
    groups : array, pandas or polars Series, shape (n,)
        Rows without a group keep their label.
    scores : array, shape (n,)
        Of a plain model that has not seen the row.
    strength : float
        Share of the difference to remove: 0 changes nothing, 1 makes all shares equal, above 1 turns it round.
    """
    if not 0 <= strength < np.inf:
        raise InvalidInput(f"A strength of {strength!r} has no meaning; give a number from 0 up, such as 1.")
    truth = binary(labels, "labels").copy()
    found = numbers(scores, "scores", length=len(truth))
    codes, names = encode(groups, len(truth))
    known = codes >= 0
    if not known.any():
        return truth
    overall = truth[known].mean()
    for group in range(len(names)):
        inside = codes == group
        moved = round(strength * float(inside.sum() * overall - truth[inside].sum()))
        rows = np.flatnonzero(inside & ~truth) if moved > 0 else np.flatnonzero(inside & truth)
        order = np.argsort(-found[rows] if moved > 0 else found[rows], kind="stable")
        truth[rows[order[: abs(moved)]]] = moved > 0
    return truth
