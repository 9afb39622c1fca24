"""p-values of a difference between two profiles, exact about how many rows each of them has.

Thresholds on a distance alone alarm on noise: without any drift PSI exceeds 0.1 in 98 % of windows of 50
rows. Here the null is the two-sample one, at this window's size and the reference's.

References
----------
Cochran, W. G. (1954). Some methods for strengthening the common chi-square tests. Biometrics 10, 417-451.
Mann, H. B., Whitney, D. R. (1947). On a test of whether one of two random variables is stochastically larger
than the other. Ann. Math. Statist. 18, 50-60.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, gammaln

from fairloop.drift.distances import paired_counts, statistic

Counts = npt.NDArray[np.float64]
ENOUGH = 5.0


def column_tests(reference: Mapping[str, Any], window: Mapping[str, Any]) -> dict[str, float]:
    """p-values of the questions a column can answer, by name.

    ``shape``: do the bins (without the missing) share proportions, chi-square over bins of at least 5
    expected rows each; ``order``: do values tend to be higher or lower (rank sum over the bins, numbers
    only); ``missing``: is the share of missing values equal; ``unseen``: that of unseen categories. The last
    two are exact when few rows are concerned. Text answers for each of its features, as ``feature:
    question``.

    Returns
    -------
    dict
        Only questions the rows can answer; empty without rows.
    """
    if reference["kind"] == "text":
        return {
            f"{feature}: {question}": p_value
            for feature, known in reference["features"].items()
            for question, p_value in column_tests(known, window["features"][feature]).items()
            if question != "missing" or feature == "length"
        }
    first, second = paired_counts(reference, window)
    if first.sum() == 0 or second.sum() == 0:
        return {}
    tests: dict[str, float] = {}
    is_number = reference["kind"] == "number"
    one, two = first[:-1], second[:-1]
    if one.sum() > 0 and two.sum() > 0:
        if is_number:
            _keep(tests, "order", rank_sum(one, two))
            _keep(tests, "shape", chi_square(*merge_neighbours(one, two)))
        else:
            _keep(tests, "unseen", share_test(one[-1], one.sum(), two[-1], two.sum()))
            _keep(tests, "shape", chi_square(*merge_smallest(one, two)))
    _keep(tests, "missing", share_test(first[-1], first.sum(), second[-1], second.sum()))
    return tests


def combine(tests: Mapping[str, float]) -> float:
    """One p-value for a column: Bonferroni over its questions. 1 without any."""
    return min(1.0, len(tests) * min(tests.values())) if tests else 1.0


def chi_square(first: Counts, second: Counts) -> float | None:
    """Pearson's chi-square p-value of a 2 x k table; None with fewer than 2 bins in use."""
    bins = int(np.count_nonzero(first + second))
    return float(chdtrc(bins - 1, statistic(first, second))) if bins > 1 else None


def merge_neighbours(first: Counts, second: Counts) -> tuple[Counts, Counts]:
    """Join bins with their right neighbour until each expects at least 5 rows in both samples."""
    share = min(first.sum(), second.sum()) / (first.sum() + second.sum())
    total = first + second
    kept, held = [], 0.0
    for index in range(len(total)):
        if held == 0.0:
            kept.append(index)
        held += total[index] * share
        if held >= ENOUGH:
            held = 0.0
    if held > 0.0 and len(kept) > 1:
        kept.pop()
    return np.add.reduceat(first, kept), np.add.reduceat(second, kept)


def merge_smallest(first: Counts, second: Counts) -> tuple[Counts, Counts]:
    """Join the bins with the fewest rows until each expects at least 5 rows in both samples."""
    order = np.argsort(-(first + second), kind="stable")
    return merge_neighbours(first[order], second[order])


def rank_sum(first: Counts, second: Counts) -> float | None:
    """Two-sided p-value that values of one sample tend to be higher, from counts in ordered bins with ties
    corrected."""
    one, two = first.sum(), second.sum()
    total = first + second
    size = one + two
    ranks = np.cumsum(total) - (total - 1) / 2
    ties = float(np.sum(total**3 - total))
    spread = one * two / 12 * ((size + 1) - ties / (size * (size - 1))) if size > 1 else 0.0
    if spread <= 0:
        return None
    score = float(second @ ranks) - two * (size + 1) / 2
    return math.erfc(max(0.0, abs(score) - 0.5) / math.sqrt(2 * spread))


def share_test(hits_1: float, size_1: float, hits_2: float, size_2: float) -> float | None:
    """Two-sided p-value that two shares are equal: chi-square with enough rows expected, else Fisher's exact
    test.

    None when neither or every row is a hit.
    """
    hits, size = hits_1 + hits_2, size_1 + size_2
    if hits in (0, size) or size_1 == 0 or size_2 == 0:
        return None
    if min(hits, size - hits) * min(size_1, size_2) / size >= ENOUGH:
        return chi_square(np.array([hits_1, size_1 - hits_1]), np.array([hits_2, size_2 - hits_2]))
    return _fisher(int(hits_2), int(hits), int(size_2), int(size))


def _fisher(seen: int, hits: int, drawn: int, size: int) -> float:
    """Sum of the chances of all tables no likelier than this one, margins fixed."""
    low, high = max(0, drawn + hits - size), min(hits, drawn)
    counts = np.arange(low, high + 1, dtype=np.float64)
    chances = (
        _log_choose(hits, counts) + _log_choose(size - hits, drawn - counts) - _log_choose(size, np.float64(drawn))
    )
    limit = chances[seen - low] + 1e-9
    return min(1.0, float(np.exp(chances[chances <= limit]).sum()))


def _log_choose(n: float, k: Any) -> Any:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def _keep(tests: dict[str, float], name: str, p_value: float | None) -> None:
    if p_value is not None:
        tests[name] = min(1.0, max(0.0, p_value))
