"""The largest gap between groups, with an interval that holds over all pairs. Standard library only.

The two bounds need different care. *The gap is above T* may be claimed falsely by any of the pairs, so
``low`` uses simultaneous pairwise intervals (Tukey's quantile of the range in place of z; several rates share
the error by Sidak). *The gap is at most T* must hold for every pair at once, and the pair with the true
largest gap is one of them, so ``high`` is the largest ordinary upper bound (intersection-union) and needs no
correction.

A group's number is a :class:`Value`: its estimate and a function from a normal quantile to its bounds. The
interval of a difference follows from the bounds of both by MOVER; of two Wilson intervals it is Newcombe's.

References
----------
Newcombe, R. G. (1998). Statistics in Medicine 17, 873-890.
Berger, R. L. (1982). Multiparameter hypothesis testing and acceptance sampling. Technometrics 24, 295-300.
Zou, G. Y., Donner, A. (2008). Construction of confidence limits about effect measures. Stat. Med. 27, 1693-1702.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fairloop.errors import InvalidInput
from fairloop.stats.intervals import range_quantile, two_sided, wilson

Rates = Mapping[str, tuple[float, float]]
"""Group name to (successes, trials) of one rate."""


@dataclass(frozen=True, slots=True)
class Value:
    """One group's number. ``bounds(z)`` is its interval at the normal quantile z.

    Without an estimate the number is unknown: its bounds are all that it could be, which can widen an
    interval and never raise an estimate.
    """

    estimate: float | None
    bounds: Callable[[float], tuple[float, float]]


Values = Mapping[str, Value]
"""Group name to its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairEstimate:
    """The extreme pair of groups: ``groups`` is (with the higher rate, with the lower), ``rate`` the index of
    its rate."""

    estimate: float | None
    low: float | None
    high: float | None
    groups: tuple[str, str] | None
    rate: int


NO_PAIR = PairEstimate(estimate=None, low=None, high=None, groups=None, rate=0)


def share(successes: float, trials: float) -> Value:
    """A proportion with Wilson's bounds; without trials anything from 0 to 1."""
    if trials <= 0:
        return Value(None, lambda z: (0.0, 1.0))
    return Value(min(successes / trials, 1.0), lambda z: wilson(successes, trials, z))


def shares(rates: Rates) -> dict[str, Value]:
    """:func:`share` of each group.

    Raises
    ------
    InvalidInput
        If a group has more successes than trials.
    """
    for name, (successes, trials) in rates.items():
        if not 0 <= successes <= trials * (1 + 1e-12):
            raise InvalidInput(f"Group {name!r} has {successes!r} successes in {trials!r} trials; that cannot be.")
    return {name: share(*count) for name, count in rates.items()}


def half_sum(one: Value, other: Value, sign: float = 1.0) -> Value:
    r"""The mean of two independent numbers, :math:`(p + q)/2`; with ``sign`` -1 :math:`(p - q)/2`. By MOVER."""
    if one.estimate is None or other.estimate is None:
        least = 0.0 if sign > 0 else -0.5
        return Value(None, lambda z: (least, least + 1.0))
    p, q = one.estimate, other.estimate

    def bounds(z: float) -> tuple[float, float]:
        (p_low, p_high), (q_low, q_high) = one.bounds(z), other.bounds(z)
        if sign < 0:
            q_low, q_high = 2 * q - q_high, 2 * q - q_low
        middle = (p + sign * q) / 2
        return middle - math.hypot(p - p_low, q - q_low) / 2, middle + math.hypot(p_high - p, q_high - q) / 2

    return Value((p + sign * q) / 2, bounds)


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
    return largest_difference([shares(rate) for rate in rates], confidence, most=1.0)


def largest_difference(rates: Sequence[Values], confidence: float = 0.95, *, most: float = math.inf) -> PairEstimate:
    """:func:`largest_gap` of numbers of any kind; no difference can be above ``most``."""
    if not rates:
        raise InvalidInput("No rate to compare; give at least one mapping of group to (successes, trials).")
    best, best_pair, best_rate = -1.0, ("", ""), 0
    low, high = 0.0, 0.0
    for index, rate in enumerate(rates):
        z_pair, z_all = _quantiles(rate, confidence ** (1 / len(rates)), confidence)
        for _, lower, upper in _differences(rate, z_pair):
            high = max(high, min(most, upper), min(most, -lower))
        for (name_1, name_2), lower, upper in _differences(rate, z_all):
            one, other = rate[name_1].estimate, rate[name_2].estimate
            if one is None or other is None:
                continue
            low = max(low, lower, -upper)
            if abs(one - other) > best:
                best, best_rate = abs(one - other), index
                best_pair = (name_1, name_2) if one >= other else (name_2, name_1)
    if best < 0:
        return NO_PAIR
    return PairEstimate(estimate=best, low=min(low, best), high=max(high, best), groups=best_pair, rate=best_rate)


def largest_value(values: Values, confidence: float = 0.95) -> PairEstimate:
    """The largest of the groups' numbers: ``low`` holds for all groups together (Sidak), ``high`` is the largest
    ordinary bound. ``groups`` is (with the largest, with the smallest)."""
    known = {name: value.estimate for name, value in values.items() if value.estimate is not None}
    if not known:
        return NO_PAIR
    z, z_all = two_sided(confidence), two_sided(confidence ** (1 / len(known)))
    largest, smallest = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
    low = max(values[name].bounds(z_all)[0] for name in known)
    high = max(value.bounds(z)[1] for value in values.values())
    best = known[largest]
    return PairEstimate(estimate=best, low=min(low, best), high=max(high, best), groups=(largest, smallest), rate=0)


def smallest_ratio(rates: Sequence[Values], confidence: float = 0.95) -> PairEstimate:
    r"""The smallest ratio :math:`\min_{r,i,j} p_{ri} / p_{rj}`: lowest rate over highest; 1 is equal, 0.8 the
    four-fifths rule.

    Bounds of each ratio are MOVER on the log scale from the rates' bounds. Here ``low`` must hold for every
    pair (no correction) and ``high`` is simultaneous, mirroring :func:`largest_gap`. A rate that is 0 in every
    group has no ratio and counts for none.

    Returns
    -------
    PairEstimate
        In [0, 1]; None when no rate is known for two groups and above 0 in one.
    """
    found = []
    for index, rate in enumerate(rates):
        known = {name: value for name, value in rate.items() if value.estimate is not None}
        heights = {name: value.estimate or 0.0 for name, value in known.items()}
        if len(known) >= 2 and max(heights.values()) > 0:
            found.append((index, known, heights))
    low, high, best, best_pair, best_rate = 1.0, 1.0, math.inf, ("", ""), 0
    for index, known, heights in found:
        z_pair, z_all = _quantiles(known, confidence ** (1 / len(found)), confidence)
        pair, joint = ({n: v.bounds(z) for n, v in known.items()} for z in (z_pair, z_all))
        for one, other in itertools.permutations(known, 2):
            low = min(low, _ratio_bounds(heights[one], pair[one], heights[other], pair[other])[0])
            high = min(high, _ratio_bounds(heights[one], joint[one], heights[other], joint[other])[1])
        highest, lowest = max(heights, key=heights.__getitem__), min(heights, key=heights.__getitem__)
        if heights[lowest] / heights[highest] < best:
            best, best_pair, best_rate = heights[lowest] / heights[highest], (highest, lowest), index
    if math.isinf(best):
        return NO_PAIR
    return PairEstimate(estimate=best, low=min(low, best), high=max(high, best), groups=best_pair, rate=best_rate)


def _quantiles(values: Values, joint: float, confidence: float) -> tuple[float, float]:
    """z of one pair at ``confidence``, and z of all pairs together at ``joint``."""
    known = sum(1 for value in values.values() if value.estimate is not None)
    return two_sided(confidence), range_quantile(joint, max(known, 2))


def _differences(values: Values, z: float) -> Iterator[tuple[tuple[str, str], float, float]]:
    """(pair, low, high) of each pair's difference, by MOVER."""
    bounds = {name: value.bounds(z) for name, value in values.items()}
    middles = {name: _middle(value.estimate, bounds[name]) for name, value in values.items()}
    for one, other in itertools.combinations(values, 2):
        p, q, (p_low, p_high), (q_low, q_high) = middles[one], middles[other], bounds[one], bounds[other]
        low, high = p - q - math.hypot(p - p_low, q_high - q), p - q + math.hypot(p_high - p, q - q_low)
        yield (one, other), low, high


def _middle(estimate: float | None, bounds: tuple[float, float]) -> float:
    if estimate is not None:
        return estimate
    middle = (bounds[0] + bounds[1]) / 2
    return middle if math.isfinite(middle) else 0.0


def _ratio_bounds(p: float, above: tuple[float, float], q: float, below: tuple[float, float]) -> tuple[float, float]:
    (p_low, p_high), (q_low, q_high) = above, below
    if p == 0 or q == 0:
        return p_low / q_high, math.inf if q_low == 0 else p_high / q_low
    centre = math.log(p / q)
    if p_low > 0:
        low = math.exp(centre - math.hypot(math.log(p / p_low), math.log(q_high / q)))
    else:
        low = 0.0
    high = math.exp(centre + math.hypot(math.log(p_high / p), math.log(q / q_low))) if q_low > 0 else math.inf
    return low, high
