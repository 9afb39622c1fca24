r"""Distances between two profiles of one column, from their bins alone.

p are the reference's shares, q the window's, over the same bins (missing values are the last bin).

References
----------
Lin, J. (1991). Divergence measures based on the Shannon entropy. IEEE Trans. Inf. Theory 37, 145-151.
Siddiqi, N. (2006). Credit Risk Scorecards, ch. 6 (population stability index). Wiley.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fairloop.errors import InvalidInput

Profile = Mapping[str, Any]
_HALF = 0.5


def paired_counts(reference: Profile, window: Profile) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Counts of both in the same order, the missing last. Of a category reference, singletons stand as
    unseen.

    Raises
    ------
    InvalidInput
        If the two were not counted in the same bins, or the column is text (compare its features).
    """
    same = all(reference.get(key) == window.get(key) for key in ("kind", "edges", "categories"))
    if not same or "counts" not in reference or "counts" not in window:
        raise InvalidInput("These profiles do not share bins; profile the window with this reference first.")
    known = [float(count) for count in reference["counts"]]
    if reference["kind"] == "category" and reference.get("rare") is not None:
        alone = float(reference.get("singletons", 0))
        known[-2] -= alone
        known[-1] += alone
    first = np.array([*known, reference["missing"]], dtype=np.float64)
    second = np.array([*window["counts"], window["missing"]], dtype=np.float64)
    return first, second


def psi(reference: Profile, window: Profile) -> float | None:
    r"""Population stability index :math:`\sum (q-p)\ln(q/p)`: 0 is equal, about the square of a shift in sd.

    Half a row is added to each bin, so an empty one stays finite. Its expectation without drift is about
    :math:`(k-1)(1/n+1/N)`; see :func:`excess_psi`. None without rows.
    """
    first, second = paired_counts(reference, window)
    return _psi(first, second)


def excess_psi(reference: Profile, window: Profile) -> float | None:
    """PSI above what as many rows show without drift, at least 0: comparable between small and large
    windows."""
    first, second = paired_counts(reference, window)
    found = _psi(first, second)
    if found is None:
        return None
    used = int(np.count_nonzero(first + second))
    return max(0.0, found - (used - 1) * float(1 / first.sum() + 1 / second.sum()))


def _psi(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float | None:
    if first.sum() == 0 or second.sum() == 0:
        return None
    used = first + second > 0
    p, q = first[used] + _HALF, second[used] + _HALF
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum((q - p) * np.log(q / p)))


def jensen_shannon(reference: Profile, window: Profile) -> float | None:
    r"""Jensen-Shannon distance :math:`\sqrt{\tfrac12 KL(p|m) + \tfrac12 KL(q|m)}`, m the middle, logarithm
    base 2.

    In [0, 1]: 0 is equal, 1 has no bin in common. None without rows.
    """
    first, second = paired_counts(reference, window)
    if first.sum() == 0 or second.sum() == 0:
        return None
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2
    divergence = 0.0
    for share in (p, q):
        used = share > 0
        divergence += 0.5 * float(np.sum(share[used] * np.log2(share[used] / middle[used])))
    return math.sqrt(min(1.0, max(0.0, divergence)))


def kolmogorov_smirnov(reference: Profile, window: Profile) -> float | None:
    """Largest difference of the two distribution functions at the bin edges, in [0, 1]; missing values left
    out.

    At most the statistic of the raw values, and within one bin's share of it. None for categories or without
    values.
    """
    shares = _value_shares(reference, window)
    if shares is None:
        return None
    p, q = shares
    return float(np.abs(np.cumsum(p - q)).max())


def wasserstein(reference: Profile, window: Profile) -> float | None:
    r"""Earth mover's distance :math:`\int |F-G|` in the column's unit, each distribution function linear
    inside bins.

    The open outer bins end at the reference's lowest and highest value, which makes long tails count up to a
    fifth too much. None for categories, without values, or with infinite ones.
    """
    shares = _value_shares(reference, window)
    low, high = reference.get("low"), reference.get("high")
    if shares is None or low is None or high is None:
        return None
    edges = np.array([low, *reference["edges"], high], dtype=np.float64)
    gaps = np.concatenate(([0.0], np.cumsum(shares[0] - shares[1])))
    gaps[-1] = 0.0
    left, right = gaps[:-1], gaps[1:]
    crossing = left * right < 0
    apart = np.abs(left) + np.abs(right)
    area = apart / 2
    area[crossing] = (left[crossing] ** 2 + right[crossing] ** 2) / (2 * apart[crossing])
    return float(np.sum(area * np.maximum(np.diff(edges), 0.0)))


def chi_squared(reference: Profile, window: Profile) -> float | None:
    r"""Pearson's two-sample statistic :math:`\sum (O-E)^2/E` over the bins as they are; its p-value is
    calibrate's work."""
    first, second = paired_counts(reference, window)
    if first.sum() == 0 or second.sum() == 0:
        return None
    return statistic(first, second)


def statistic(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Pearson's statistic of a 2 x k table."""
    total, one, two = first + second, first.sum(), second.sum()
    used = total > 0
    wanted = total[used] * two / (one + two)
    apart = second[used] - wanted
    return float(np.sum(apart**2 / wanted * (one + two) / one))


def all_distances(reference: Profile, window: Profile) -> dict[str, float | None]:
    """Every distance of this module by name."""
    return {
        "psi": psi(reference, window),
        "jensen_shannon": jensen_shannon(reference, window),
        "kolmogorov_smirnov": kolmogorov_smirnov(reference, window),
        "wasserstein": wasserstein(reference, window),
        "chi_squared": chi_squared(reference, window),
    }


def _value_shares(reference: Profile, window: Profile) -> Sequence[npt.NDArray[np.float64]] | None:
    if reference["kind"] != "number":
        return None
    first, second = paired_counts(reference, window)
    first, second = first[:-1], second[:-1]
    if first.sum() == 0 or second.sum() == 0:
        return None
    return first / first.sum(), second / second.sum()
