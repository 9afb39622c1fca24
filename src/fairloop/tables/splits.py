"""Random parts of rows that stay put: a row's part depends on its id and the seed alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fairloop.errors import InvalidInput

Indices = npt.NDArray[np.int64]


def split_indices(row_ids: npt.NDArray[np.int64], fractions: Sequence[float], seed: int) -> list[Indices]:
    """Positions of the rows in each part.

    Every row is hashed to a number in [0, 1) and falls into the part whose range holds it, so a table that grows never
    moves a row from one part to another (a test row stays a test row). Sizes follow the fractions up to chance.

    Parameters
    ----------
    row_ids : ndarray of int64, shape (n,)
        Stable ids of the rows.
    fractions : sequence of float
        Sizes of the parts, each above 0, together at most 1; rows beyond their sum fall into no part.
    seed : int
        Another seed gives other parts.

    Raises
    ------
    InvalidInput
        The fractions are not positive or sum to more than one.

    Notes
    -----
    The hash is the finaliser of splitmix64 (Steele, Lea and Flood, 2014).
    """
    if not fractions or any(not (math.isfinite(f) and f > 0) for f in fractions) or sum(fractions) > 1 + 1e-9:
        raise InvalidInput(
            f"The parts {tuple(fractions)} must be above 0 and sum to at most 1, for example (0.6, 0.2, 0.2)."
        )
    position = _uniform(row_ids, seed)
    ends = np.cumsum(fractions)
    ends[-1] = 1.0 if abs(ends[-1] - 1.0) < 1e-9 else ends[-1]
    starts = np.concatenate([[0.0], ends[:-1]])
    return [np.flatnonzero((position >= low) & (position < high)) for low, high in zip(starts, ends, strict=True)]


def _uniform(row_ids: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.float64]:
    with np.errstate(over="ignore"):
        mixed = row_ids.astype(np.uint64) + np.uint64((seed * 2 + 1) * 0x9E3779B97F4A7C15 & 0xFFFF_FFFF_FFFF_FFFF)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    return (mixed >> np.uint64(11)).astype(np.float64) / float(2**53)
