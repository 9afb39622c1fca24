"""The largest gap between groups, with an interval that holds over all pairs. Standard library only.

The two bounds need different care. *The gap is above T* may be claimed falsely by any of the pairs, so
``low`` uses simultaneous pairwise intervals (Tukey's quantile of the range in place of z in Newcombe's
interval; two rates share the error by Sidak). *The gap is at most T* must hold for every pair at once, and
the pair with the true largest gap is one of them, so ``high`` is the largest ordinary upper bound
(intersection-union) and needs no correction.

References
----------
Newcombe, R. G. (1998). Statistics in Medicine 17, 873-890.
Berger, R. L. (1982). Multiparameter hypothesis testing and acceptance sampling. Technometrics 24, 295-300.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fairloop.errors import InvalidInput
from fairloop.stats.intervals import newcombe_difference, range_quantile, two_sided, wilson

Rates = Mapping[str, tuple[float, float]]
"""Group name to (successes, trials) of one rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairEstimate:
    """The extreme pair of groups: ``groups`` is (with the higher rate, with the lower), ``rate`` the index of
    its rate."""

    estimate: float | None
    low: float | None
    high: float | None
    groups: tuple[str, str] | None
    rate: int


def largest_gap(rates: Sequence[Rates], confidence: float = 0.95) -> PairEstimate:
    r"""The largest difference :math:`\max_{r,i,j} |p_{ri} - p_{rj}|` over rates r and pairs of groups.

    Parameters
    ----------
    rates : sequence of mappings
        One mapping for demographic parity (selection), two for equalized odds (true and false positive rate),
        from independent rows. A group with 0 trials of a rate can widen ``high`` but not raise the estimate.
    confidence : float
        P(low > true gap) and P(high < true gap) together stay below 1 - ``confidence``.

    Returns
    -------
    PairEstimate
        With ``0 <= low <= estimate <= high <= 1``; all None when no rate is known for two groups.
    """
    _check(rates)
    best, best_pair, best_rate = -1.0, ("", ""), 0
    low, high = 0.0, 0.0
    z_pair = two_sided(confidence)
    for index, rate in enumerate(rates):
        known = sum(1 for _, trials in rate.values() if trials > 0)
        z_all = range_quantile(confidence ** (1 / len(rates)), max(known, 2))
        for (name_1, count_1), (name_2, count_2) in itertools.combinations(rate.items(), 2):
            lower, upper = newcombe_difference(*count_1, *count_2, z_pair)
            high = max(high, upper, -lower)
            if count_1[1] == 0 or count_2[1] == 0:
                continue
            lower, upper = newcombe_difference(*count_1, *count_2, z_all)
            low = max(low, lower, -upper)
            gap = count_1[0] / count_1[1] - count_2[0] / count_2[1]
            if abs(gap) > best:
                best, best_rate = abs(gap), index
                best_pair = (name_1, name_2) if gap >= 0 else (name_2, name_1)
    if best < 0:
        return PairEstimate(estimate=None, low=None, high=None, groups=None, rate=0)
    return PairEstimate(estimate=best, low=min(low, best), high=max(high, best), groups=best_pair, rate=best_rate)


def smallest_ratio(rates: Rates, confidence: float = 0.95) -> PairEstimate:
    r"""The smallest ratio :math:`\min_{i,j} p_i / p_j`: lowest rate over highest; 1 is equal, 0.8 the
    four-fifths rule.

    Bounds of each ratio are MOVER on the log scale from Wilson's bounds. Here ``low`` must hold for every
    pair (no correction) and ``high`` is simultaneous, mirroring :func:`largest_gap`.

    Returns
    -------
    PairEstimate
        In [0, 1]; None when fewer than two groups have trials or no group has a success.
    """
    _check([rates])
    known = {name: count for name, count in rates.items() if count[1] > 0}
    if len(known) < 2 or all(successes == 0 for successes, _ in known.values()):
        return PairEstimate(estimate=None, low=None, high=None, groups=None, rate=0)
    shares = {name: min(1.0, successes / trials) for name, (successes, trials) in known.items()}
    highest, lowest = max(shares, key=shares.__getitem__), min(shares, key=shares.__getitem__)
    estimate = shares[lowest] / shares[highest]
    z_pair, z_all = two_sided(confidence), range_quantile(confidence, len(known))
    low, high = 1.0, 1.0
    for name_1, name_2 in itertools.permutations(known, 2):
        low = min(low, _ratio_bounds(known[name_1], known[name_2], z_pair)[0])
        high = min(high, _ratio_bounds(known[name_1], known[name_2], z_all)[1])
    return PairEstimate(
        estimate=estimate, low=min(low, estimate), high=max(high, estimate), groups=(highest, lowest), rate=0
    )


def _ratio_bounds(above: tuple[float, float], below: tuple[float, float], z: float) -> tuple[float, float]:
    p, q = min(1.0, above[0] / above[1]), min(1.0, below[0] / below[1])
    (p_low, p_high), (q_low, q_high) = wilson(*above, z), wilson(*below, z)
    if p == 0 or q == 0:
        return p_low / q_high, math.inf if q_low == 0 else p_high / q_low
    centre = math.log(p / q)
    if p_low > 0:
        low = math.exp(centre - math.hypot(math.log(p / p_low), math.log(q_high / q)))
    else:
        low = 0.0
    high = math.exp(centre + math.hypot(math.log(p_high / p), math.log(q / q_low))) if q_low > 0 else math.inf
    return low, high


def _check(rates: Sequence[Rates]) -> None:
    if not rates:
        raise InvalidInput("No rate to compare; give at least one mapping of group to (successes, trials).")
    for rate in rates:
        for name, (successes, trials) in rate.items():
            if not 0 <= successes <= trials * (1 + 1e-12):
                raise InvalidInput(f"Group {name!r} has {successes!r} successes in {trials!r} trials; that cannot be.")
