"""Shapley values of any function of rows, from walks between a row and a reference row.

References
----------
Strumbelj, E., Kononenko, I. (2014). Explaining prediction models and individual predictions with feature contributions.
Knowledge and Information Systems 41, 647-665.
Mitchell, R., Cooper, J., Frank, E., Holmes, G. (2022). Sampling permutations for Shapley value estimation. JMLR 23.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.stats.arrays import Floats

Score = Callable[[pd.DataFrame], npt.NDArray[Any]]
"""A function of rows: one number a row."""
CHUNK_ROWS = 50_000


def walk(score: Score, rows: pd.DataFrame, references: pd.DataFrame, random: np.random.Generator) -> Floats:
    r"""One unbiased Shapley sample a row.

    Each row walks from its reference to itself, a column at a time in a random order and once more in the reverse order;
    a column's sample is how much the function moved when that column did:
    :math:`\hat\phi_j = \tfrac12\sum_\pi f(x_{\pi\le j}, z_{\pi>j}) - f(x_{\pi<j}, z_{\pi\ge j})`.
    Whatever the order, a row's samples add up to :math:`f(x) - f(z)` exactly.

    Parameters
    ----------
    score : function
        One number a row of a frame.
    rows, references : pandas.DataFrame of shape (n, d)
        With the same columns; row i walks from reference i.
    random : numpy.random.Generator

    Returns
    -------
    array of shape (n, d)
        A column that the function does not read gets exactly 0. Without rows: shape (0, d).
    """
    n, d = rows.shape
    if n == 0:
        return np.zeros((0, d))
    order = np.argsort(random.random((n, d)), axis=1)
    start, end = scored(score, references), scored(score, rows)
    found = np.zeros((n, d))
    for path in (order, order[:, ::-1]):
        rank = np.argsort(path, axis=1)
        before = start
        for step in range(d):
            here = end if step == d - 1 else scored(score, mixed(rows, references, rank <= step))
            found[np.arange(n), path[:, step]] += (here - before) / 2
            before = here
    return found


def mixed(rows: pd.DataFrame, references: pd.DataFrame, own: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Rows with their own value where ``own`` is True and the reference's elsewhere, every column in its type."""
    columns: dict[str, Any] = {}
    for place, name in enumerate(rows.columns):
        mine, theirs, take = rows[name], references[name], own[:, place]
        if isinstance(mine.dtype, pd.CategoricalDtype):
            theirs_codes = theirs.cat.set_categories(mine.cat.categories).cat.codes.to_numpy()
            codes = np.where(take, mine.cat.codes.to_numpy(), theirs_codes)
            columns[str(name)] = pd.Categorical.from_codes(codes, dtype=mine.dtype)
        elif isinstance(mine.dtype, np.dtype):
            columns[str(name)] = np.where(take, mine.to_numpy(), theirs.to_numpy())
        else:
            columns[str(name)] = mine.array.copy()
            columns[str(name)][~take] = theirs.array[~take]
    return pd.DataFrame(columns)


def scored(score: Score, frame: pd.DataFrame) -> Floats:
    """``score`` of all rows, a bounded number of them at a time."""
    if len(frame) <= CHUNK_ROWS:
        return np.asarray(score(frame), dtype=np.float64)
    parts = [score(frame.iloc[at : at + CHUNK_ROWS].reset_index(drop=True)) for at in range(0, len(frame), CHUNK_ROWS)]
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])


def spread_residual(parts: Floats, errors: Floats, total: float) -> Floats:
    r"""Parts that add up to ``total``: what sampling left over goes where it is least sure.

    :math:`\phi_j + r\,\mathrm{se}_j^2/\sum_k \mathrm{se}_k^2`, the least-squares correction for independent errors.
    With no error anywhere the parts already add up and come back as they are.
    """
    variance = np.square(errors)
    if variance.sum() <= 0:
        return parts
    return np.asarray(parts + (total - parts.sum()) * variance / variance.sum())
