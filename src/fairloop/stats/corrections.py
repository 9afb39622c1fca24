"""Adjusted p-values for many tests at once. Standard library only.

References
----------
Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scand. J. Statist. 6, 65-70.
Benjamini, Y., Hochberg, Y. (1995). Controlling the false discovery rate. JRSS B 57, 289-300.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from fairloop.errors import NotANumber


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment: rejecting where the answer is <= alpha keeps the chance of any false one
    <= alpha.

    Parameters
    ----------
    p_values : sequence of float
        Any dependence between the tests is allowed. Empty gives an empty list.

    Returns
    -------
    list of float
        Adjusted p-values in [0, 1], in the order given, each >= its p-value.

    Raises
    ------
    NotANumber
        If a p-value is NaN or outside [0, 1].
    """
    order = _ordered(p_values)
    adjusted = [0.0] * len(p_values)
    worst = 0.0
    for rank, index in enumerate(order):
        worst = max(worst, min(1.0, p_values[index] * (len(order) - rank)))
        adjusted[index] = worst
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's step-up adjustment: the expected share of false ones among those <= alpha is
    <= alpha.

    Valid for independent and positively dependent tests. When no effect exists at all, the chance of any
    false one is <= alpha. Parameters, returns and raises as :func:`holm`.
    """
    order = _ordered(p_values)
    adjusted = [0.0] * len(p_values)
    best = 1.0
    for rank in range(len(order), 0, -1):
        index = order[rank - 1]
        best = min(best, p_values[index] * len(order) / rank)
        adjusted[index] = best
    return adjusted


def _ordered(p_values: Sequence[float]) -> list[int]:
    for value in p_values:
        if math.isnan(value) or not 0.0 <= value <= 1.0:
            raise NotANumber(f"{value!r} is not a p-value; give numbers between 0 and 1.")
    return sorted(range(len(p_values)), key=p_values.__getitem__)
