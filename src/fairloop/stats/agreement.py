"""How well people who answer independently agree. Standard library only.

References
----------
Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability. University of Pennsylvania.
Efron, B., Stein, C. (1981). The jackknife estimate of variance. Ann. Stat. 9, 586-596.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable

from fairloop.stats.estimate import Estimate, unknown
from fairloop.stats.intervals import two_sided

METHOD = "Krippendorff's alpha, jackknife over items"
LEAST_ITEMS = 10


def krippendorff_alpha(pairs: Iterable[tuple[Hashable, Hashable]], confidence: float = 0.95) -> Estimate:
    r"""Agreement beyond chance of two answers an item, whoever gave them.

    .. math:: \alpha = 1 - \frac{D_o}{D_e}, \quad D_o = \frac{\text{pairs that differ}}{N}, \quad
              D_e = 1 - \frac{\sum_c n_c (n_c - 1)}{2N(2N-1)}

    with :math:`n_c` of the :math:`2N` answers being :math:`c`. 1 is full agreement, 0 what chance would give, below 0 worse
    than chance; for labels that decide something 0.8 is asked for, below 0.67 nothing should rest on them.

    Parameters
    ----------
    pairs : iterable of (answer, answer)
    confidence : float

    Returns
    -------
    Estimate
        None below 10 items, or when all answers are the same (chance alone would agree).
    """
    counted = Counter(tuple(sorted(pair, key=repr)) for pair in pairs)
    n = sum(counted.values())
    whole = _alpha(counted) if n >= LEAST_ITEMS else None
    if whole is None:
        return unknown(n, METHOD)
    left_out = [(_alpha(counted - Counter([pair])), times) for pair, times in counted.items()]
    known = [(value, times) for value, times in left_out if value is not None]
    total = sum(times for _, times in known)
    mean = sum(value * times for value, times in known) / total
    variance = (n - 1) / n * sum(times * (value - mean) ** 2 for value, times in known)
    reach = two_sided(confidence) * math.sqrt(variance)
    return Estimate(estimate=whole, low=max(-1.0, whole - reach), high=min(1.0, whole + reach), n=n, method=METHOD)


def _alpha(counted: Counter[tuple[Hashable, ...]]) -> float | None:
    n = sum(counted.values())
    answers: Counter[Hashable] = Counter()
    for (one, other), times in counted.items():
        answers[one] += times
        answers[other] += times
    expected = 1 - sum(c * (c - 1) for c in answers.values()) / (2 * n * (2 * n - 1))
    observed = sum(times for (one, other), times in counted.items() if one != other) / n
    return None if expected <= 0 else 1 - observed / expected
