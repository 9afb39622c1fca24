"""Intervals for proportions and their differences, and the quantiles they need. Standard library only.

Counts may be fractional: weighted callers pass the effective sample size (Kish) times the weighted
proportion.

References
----------
Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.
Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions. Statistics in
Medicine 17, 873-890 (method 10).
Hayter, A. J. (1984). A proof of the conjecture that the Tukey-Kramer procedure is conservative. Ann. Stat.
12, 61-75.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

from fairloop.errors import InvalidInput

STANDARD = NormalDist()
_STEPS = 400
_REACH = 8.5


def normal_quantile(probability: float) -> float:
    """The z with P(Z <= z) = ``probability`` for a standard normal Z.

    Raises
    ------
    InvalidInput
        If ``probability`` is not inside (0, 1).
    """
    if not 0.0 < probability < 1.0:
        raise InvalidInput(f"A probability of {probability!r} has no quantile; give a number between 0 and 1.")
    return STANDARD.inv_cdf(probability)


def normal_cdf(value: float) -> float:
    """P(Z <= ``value``) for a standard normal Z."""
    return STANDARD.cdf(value)


def two_sided(confidence: float) -> float:
    """The normal quantile of a two-sided interval at ``confidence``: 1.95996 for 0.95."""
    return normal_quantile(0.5 + confidence / 2)


def wilson(successes: float, n: float, z: float = 1.959963984540054) -> tuple[float, float]:
    r"""Wilson's score interval for a proportion.

    .. math:: \frac{\hat p + z^2/2n \pm z\sqrt{\hat p(1-\hat p)/n + z^2/4n^2}}{1 + z^2/n}

    Parameters
    ----------
    successes : float
        Between 0 and ``n``; fractional when rows are weighted.
    n : float
        Trials. With ``n = 0`` nothing is known and the answer is (0, 1).
    z : float
        Normal quantile; 1.96 gives 95 %.

    Returns
    -------
    (float, float)
        Bounds inside [0, 1]; exactly 0 without and exactly 1 with only successes.

    Raises
    ------
    InvalidInput
        If ``successes`` lies outside [0, n] or is NaN.
    """
    if not 0 <= successes <= n * (1 + 1e-12):
        raise InvalidInput(f"{successes!r} successes in {n!r} trials cannot be; give 0 <= successes <= n.")
    if n == 0:
        return 0.0, 1.0
    p = min(successes / n, 1.0)
    square = z * z / n
    centre = (p + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(p * (1 - p) / n + square / (4 * n))
    low = 0.0 if p == 0 else max(0.0, centre - half)
    high = 1.0 if p == 1 else min(1.0, centre + half)
    return low, high


def newcombe_difference(successes_1: float, n_1: float, successes_2: float, n_2: float,
                        z: float = 1.959963984540054) -> tuple[float, float]:  # fmt: skip
    r"""Newcombe's hybrid score interval for :math:`p_1 - p_2` of two independent samples.

    With Wilson bounds :math:`l_i, u_i`: :math:`d - \sqrt{(\hat p_1-l_1)^2 + (u_2-\hat p_2)^2}` to
    :math:`d + \sqrt{(u_1-\hat p_1)^2 + (\hat p_2-l_2)^2}`.

    Returns
    -------
    (float, float)
        Bounds inside [-1, 1]. A sample without rows counts as proportion 1/2 with bounds (0, 1).

    Raises
    ------
    InvalidInput
        As :func:`wilson`.
    """
    low_1, high_1 = wilson(successes_1, n_1, z)
    low_2, high_2 = wilson(successes_2, n_2, z)
    p_1 = min(successes_1 / n_1, 1.0) if n_1 else 0.5
    p_2 = min(successes_2 / n_2, 1.0) if n_2 else 0.5
    difference = p_1 - p_2
    low = difference - math.hypot(p_1 - low_1, high_2 - p_2)
    high = difference + math.hypot(high_1 - p_1, p_2 - low_2)
    return max(-1.0, low), min(1.0, high)


@lru_cache(maxsize=256)
def range_quantile(confidence: float, groups: int) -> float:
    r"""Tukey's critical value for all pairs of ``groups`` independent normals, as a z for one difference.

    The upper ``confidence`` quantile of the range of ``groups`` standard normals, divided by :math:`\sqrt 2`.
    With it in place of z, intervals for all pairwise differences hold together; unequal sizes make them wider
    than needed, never narrower (Hayter 1984). 1.95996 for 2 groups at 0.95, 2.728 for 5, 3.163 for 10.

    Raises
    ------
    InvalidInput
        With fewer than 2 groups or a confidence outside (0, 1).
    """
    if groups < 2:
        raise InvalidInput(f"{groups} group has no pairs; give at least 2.")
    if groups == 2:
        return two_sided(confidence)
    if not 0.0 < confidence < 1.0:
        raise InvalidInput(f"A confidence of {confidence!r} has no meaning; give a number between 0 and 1.")
    width = 2 * _REACH / _STEPS
    points = [-_REACH + width * i for i in range(_STEPS + 1)]
    weights = [groups * width * STANDARD.pdf(z) for z in points]
    below = [STANDARD.cdf(z) for z in points]
    low, high = 0.0, 2 * _REACH
    for _ in range(48):
        middle = (low + high) / 2
        reached = sum(
            w * (c - STANDARD.cdf(z - middle)) ** (groups - 1) for w, c, z in zip(weights, below, points, strict=True)
        )
        low, high = (middle, high) if reached < confidence else (low, middle)
    return high / math.sqrt(2)
