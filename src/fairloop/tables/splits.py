"""Random parts of rows, the same for the same seed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fairloop.errors import InvalidInput

Indices = npt.NDArray[np.int64]


def split_indices(rows: int, fractions: Sequence[float], seed: int, strata: npt.NDArray[np.object_] | None) -> list[Indices]:
    """Sorted positions of each part; with ``strata`` every stratum is divided in the same proportions.

    Raises
    ------
    InvalidInput
        The fractions are not positive or sum to more than one.
    """
    if not fractions or any(not (math.isfinite(f) and f > 0) for f in fractions) or sum(fractions) > 1 + 1e-9:
        raise InvalidInput(f"The parts {tuple(fractions)} must be above 0 and sum to at most 1, for example (0.6, 0.2, 0.2).")
    random = np.random.default_rng(seed)
    groups = [np.arange(rows)] if strata is None else [np.flatnonzero(strata == value) for value in np.unique(strata)]
    parts: list[list[Indices]] = [[] for _ in fractions]
    for group in groups:
        shuffled = random.permutation(group)
        ends = np.rint(np.cumsum(fractions) * len(group)).astype(np.int64)
        for part, start, end in zip(parts, [0, *ends[:-1]], ends, strict=True):
            part.append(shuffled[start:end])
    return [np.sort(np.concatenate(part)) for part in parts]
