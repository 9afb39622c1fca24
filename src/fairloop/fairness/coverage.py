"""Where the data is thin: groups and regions with too few rows to know anything about them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fairloop.errors import InvalidInput
from fairloop.fairness.encoding import encode
from fairloop.stats.arrays import ArrayLike, binary
from fairloop.stats.intervals import two_sided, wilson

WIDTH = 0.1
"""A rate that is known to within this much on either side is known well enough."""
LEAST_SHARE = 0.02
"""Regions with a smaller share of all rows are left out: what hardly occurs need not be covered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """One group in one region: its rows, how often the label is positive there, and how many rows are missing.

    ``share`` is the group's share of the region's rows, ``usual`` its share of all rows. ``missing`` rows would bring
    the interval of the rate to within ``WIDTH`` on either side; 0 when it is there.
    """

    group: str
    region: str
    n: int
    positives: int
    rate: float | None
    low: float
    high: float
    share: float
    usual: float
    missing: int

    @property
    def thin(self) -> bool:
        return self.missing > 0

    def plain(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self) | {"thin": self.thin}


def coverage(labels: ArrayLike, groups: Any, regions: ArrayLike, names: Sequence[str], *, width: float = WIDTH,
             least_share: float = LEAST_SHARE, confidence: float = 0.95) -> list[Cover]:  # fmt: skip
    r"""Every group in every region, with the rows that are missing.

    A rate :math:`p` is known to within :math:`w` from about :math:`z^2 p(1-p)/w^2` rows; while a cell is small its rate is
    drawn towards one half (Agresti and Coull, 1998), so that three equal labels do not pass for knowledge.

    Parameters
    ----------
    labels : array of 0/1, shape (n,)
    groups : array, pandas or polars Series, shape (n,)
        Missing values belong to no group.
    regions : array of int, shape (n,)
        Which region a row lies in: places in ``names``.
    names : sequence of str
        What the regions are, in words.
    width : float
        Inside (0, 0.5).
    least_share : float
        Share of all rows from which a region counts.
    confidence : float
        Of the intervals, each by itself.

    Returns
    -------
    list of Cover
        Most missing rows first. Empty without rows.

    Raises
    ------
    InvalidInput
        On a region without a name, a width outside (0, 0.5) or unequal lengths.
    """
    if not 0 < width < 0.5:
        raise InvalidInput(f"width={width!r}; give a number between 0 and 0.5, such as 0.1.")
    truth = binary(labels, "labels")
    places = np.asarray(regions, dtype=np.intp)
    codes, known = encode(groups, len(truth))
    if len(places) != len(truth):
        raise InvalidInput(f"{len(places)} regions for {len(truth)} rows; give one a row.")
    if places.size and not 0 <= places.min() <= places.max() < len(names):
        raise InvalidInput(f"A region {int(places.max())} has no name; there are {len(names)} names.")
    inside = codes >= 0
    shape = (len(known), len(names))
    flat = codes[inside] * len(names) + places[inside]
    rows = np.bincount(flat, minlength=math.prod(shape)).reshape(shape)
    hits = np.bincount(flat, weights=truth[inside], minlength=math.prod(shape)).reshape(shape)
    z, total = two_sided(confidence), max(int(rows.sum()), 1)
    found = [_cover(known[g], names[r], int(rows[g, r]), int(hits[g, r]), int(rows[:, r].sum()),
                    int(rows[g].sum()) / total, z, width)
             for g in range(shape[0]) for r in range(shape[1]) if rows[:, r].sum() >= least_share * total]  # fmt: skip
    return sorted(found, key=lambda c: (-c.missing, c.group, c.region))


def _cover(group: str, region: str, n: int, hits: int, inside: int, usual: float, z: float, width: float) -> Cover:
    low, high = wilson(hits, n, z)
    drawn = (hits + z * z / 2) / (n + z * z)
    missing = max(0, math.ceil(z * z * drawn * (1 - drawn) / width**2) - n) if (high - low) / 2 > width else 0
    return Cover(group=group, region=region, n=n, positives=hits, rate=hits / n if n else None, low=low, high=high,
                 share=n / inside if inside else 0.0, usual=usual, missing=missing)  # fmt: skip
