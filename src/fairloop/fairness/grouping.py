"""Rows in groups: codes, small groups joined, several attributes crossed. One pass, whatever is measured after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.errors import InvalidInput
from fairloop.fairness.encoding import Codes, encode

MIN_GROUP = 30
POOLED = "small groups pooled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """``codes`` name a group of ``names`` for every row, -1 for none: a missing value, or a group too small.

    ``pooled`` groups were joined into one for being small, ``too_small`` ones left out, ``missing`` rows had no
    value.
    """

    codes: Codes
    names: tuple[str, ...]
    pooled: tuple[str, ...]
    too_small: tuple[str, ...]
    missing: int

    @property
    def k(self) -> int:
        return len(self.names)

    def total(self, values: npt.NDArray[Any] | None = None) -> npt.NDArray[np.float64]:
        """The sum of ``values`` in each group; their number without values."""
        found = np.bincount(self.codes + 1, weights=values, minlength=self.k + 1)[1:]
        return found.astype(np.float64)


def group_rows(groups: Any, length: int | None = None, min_group: int = MIN_GROUP) -> Grouping:
    """Codes of the groups, those below ``min_group`` rows joined, or left out when even together they are fewer.

    Raises
    ------
    InvalidInput
        If ``groups`` is no vector, not ``length`` long, or ``min_group`` is below 1.
    """
    codes, names = encode(groups, length)
    counts = np.bincount(codes + 1, minlength=len(names) + 1)
    kept, small, joined = split_small(counts[1:], min_group)
    told = tuple(names[i] for i in small)
    if small.size or kept.size < len(names):
        place = np.full(len(names) + 1, -1, dtype=np.intp)
        place[kept] = np.arange(kept.size)
        if joined:
            place[small] = kept.size
        codes = place[codes]
    return Grouping(
        codes=codes,
        names=(*(names[i] for i in kept), *([POOLED] if joined else [])),
        pooled=told if joined else (),
        too_small=() if joined else told,
        missing=int(counts[0]),
    )


def split_small(counts: npt.NDArray[Any], min_group: int) -> tuple[Codes, Codes, bool]:
    """Places of the groups that stay, places of those below ``min_group`` rows, and whether these are enough
    together. A group without rows is neither."""
    if min_group < 1:
        raise InvalidInput(f"A smallest group of {min_group} rows has no meaning; give at least 1.")
    small = np.flatnonzero((counts < min_group) & (counts > 0))
    return np.flatnonzero(counts >= min_group), small, bool(small.size and counts[small].sum() >= min_group)


def crossed(columns: Sequence[Any], length: int | None = None) -> pd.Series:
    """Several attributes as one: ``Female & Black``. A row that lacks any of them belongs to no group.

    Only the intersections that occur are groups.
    """
    if not columns:
        raise InvalidInput("No attribute to cross; give at least one column.")
    codes, names = encode(columns[0], length)
    for column in columns[1:]:
        more, others = encode(column, len(codes))
        known = (codes >= 0) & (more >= 0)
        joint = np.where(known, codes * len(others) + more, -1)
        used = np.flatnonzero(np.bincount(joint + 1)[1:])
        place = np.full(len(names) * len(others) + 1, -1, dtype=np.intp)
        place[used] = np.arange(used.size)
        codes = place[joint]
        names = [f"{names[cell // len(others)]} & {others[cell % len(others)]}" for cell in used]
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype=object)))
