r"""Intervals from cumulative counts that stay valid however often and whenever one looks. Standard library
only.

A canary is looked at after every batch; a fixed-size test would then reject almost surely in the end. The
interval here contains the truth *at every look at once* with the stated confidence, so stopping at any moment
is allowed.

One rate: the Beta mixture of the likelihood over the likelihood of a true rate p,

.. math:: M(p) = \frac{B(a+s, b+n-s)}{B(a,b)\,p^s(1-p)^{n-s}},

is a martingale of mean 1, so the rates with :math:`M(p) < 1/\alpha` at every look contain the truth (Ville's
inequality); exact. Differences: the mixture sequential probability ratio test. With :math:`\Delta` the fall
of the log likelihood from its maximum to its maximum under "rate one is at most rate two plus a margin", v
the variance of the observed difference there and :math:`\tau` the variance of a normal prior on the true
excess,

.. math:: \log E = \tfrac12\log\frac{v}{v+\tau} + \Delta\,\frac{\tau}{v+\tau},

and the margin is rejected when :math:`E \ge 1/\alpha`. The rates themselves are nuisances, so this one is
asymptotic; the prior keeps it quiet while rows are few. Measured over a grid of rates from 0.001 to 0.5 and
arms from 5 % of the traffic, looking after every batch: at most 2.5 % of null canaries are ever called worse
at 95 %.

References
----------
Ville, J. (1939). Etude critique de la notion de collectif. Gauthier-Villars.
Robbins, H. (1970). Statistical methods related to the law of the iterated logarithm. Ann. Math. Statist. 41,
1397-1409.
Johari, R., Koomen, P., Pekelis, L., Walsh, D. (2022). Always valid inference. Operations Research 70,
1806-1821.
Howard, S. R., Ramdas, A., McAuliffe, J., Sekhon, J. (2021). Time-uniform, nonparametric, nonasymptotic
confidence sequences. Ann. Statist. 49, 1055-1080.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Literal

from fairloop.errors import InvalidInput
from fairloop.stats.estimate import Estimate, unknown

Decision = Literal["pass", "fail", "open"]

MIN_MEANS = 30
PRIOR_ROWS = 100  # the prior is as wide as the noise of this many rows an arm: best near 1,000 rows
_PRIOR = 0.5  # Jeffreys: narrow both near 0, where error rates live, and in the middle
_HALVINGS = 28
_EXACT = "always valid, Beta mixture"
_METHOD = "always valid, mixture ratio test"


def decide(estimate: Estimate, at_most: float) -> Decision:
    """pass when the interval proves the quantity is at most the limit, fail when it proves it is above, else
    open."""
    if estimate.low is not None and estimate.low > at_most:
        return "fail"
    if estimate.high is not None and estimate.high <= at_most:
        return "pass"
    return "open"


def proportion(successes: int, n: int, *, confidence: float = 0.95) -> Estimate:
    """A rate with its always-valid interval: for a limit on one arm's errors, or the share of rows over a
    latency limit.

    Raises
    ------
    InvalidInput
        If ``successes`` lies outside [0, n] or ``confidence`` outside (0, 1).
    """
    _check(successes, n, confidence)
    if n == 0:
        return unknown(0, _EXACT)
    limit = math.log(1 / (1 - confidence))
    mixture, share = _log_mixture(successes, n), successes / n

    def excluded(rate: float) -> bool:
        return mixture - _log_likelihood(successes, n, rate) >= limit

    low, high = _boundary(excluded, share, 0.0), _boundary(excluded, share, 1.0)
    return Estimate(estimate=share, low=low, high=high, n=n, method=_EXACT)


def proportion_difference(
    successes_new: int, n_new: int, successes_old: int, n_old: int, *, confidence: float = 0.95
) -> Estimate:
    """Rate of the new arm less rate of the old, with an always-valid interval; for errors of a canary and the
    incumbent.

    The truth lies inside at every look together with probability ``confidence``.

    Returns
    -------
    Estimate
        In [-1, 1]; None while an arm has no rows. ``n`` is both arms' rows.

    Raises
    ------
    InvalidInput
        As :func:`proportion`.
    """
    _check(successes_new, n_new, confidence)
    _check(successes_old, n_old, confidence)
    if n_new == 0 or n_old == 0:
        return unknown(n_new + n_old, _METHOD)
    new, old = (successes_new, n_new), (successes_old, n_old)
    difference = successes_new / n_new - successes_old / n_old
    limit = math.log(1 / (1 - confidence))
    low = _boundary(lambda margin: log_evidence_above(new, old, margin) >= limit, difference, -1.0)
    high = _largest_not_excluded(new, old, limit)
    return Estimate(estimate=difference, low=low, high=high, n=n_new + n_old, method=_METHOD)


def selection_gap(groups: Mapping[str, tuple[int, int]], *, confidence: float = 0.95) -> Estimate:
    """The largest difference in a rate between groups, always valid; for the demographic parity of a canary.

    ``groups`` maps group to (successes, rows), cumulative. ``low`` averages the evidence of all pairs, which
    is itself valid evidence that some pair differs; ``high`` needs no correction, since the pair with the
    true largest gap is among them. Groups without rows are left out; None with fewer than two.

    Raises
    ------
    InvalidInput
        As :func:`proportion`.
    """
    for successes, n in groups.values():
        _check(successes, n, confidence)
    counts = [count for count in groups.values() if count[1] > 0]
    rows = sum(n for _, n in counts)
    if len(counts) < 2:
        return unknown(rows, _METHOD)
    shares = [successes / n for successes, n in counts]
    gap = max(shares) - min(shares)
    limit = math.log(1 / (1 - confidence))
    pairs = list(itertools.combinations(counts, 2))

    def excluded(margin: float) -> bool:
        evidence = [_either(one, two, margin) for one, two in pairs]
        return _log_mean(evidence) >= limit

    low = _boundary(excluded, gap, 0.0)
    high = max(_largest_not_excluded(*pair, limit) for one, two in pairs for pair in ((one, two), (two, one)))
    return Estimate(estimate=gap, low=low, high=max(high, gap), n=rows, method=_METHOD)


def mean_difference(
    n_new: int,
    mean_new: float,
    variance_new: float,
    n_old: int,
    mean_old: float,
    variance_old: float,
    *,
    confidence: float = 0.95,
    expected_rows: int = 1000,
) -> Estimate:
    """Mean of the new arm less mean of the old, with an always-valid normal-mixture interval; for latency or
    loss.

    Parameters
    ----------
    n_new, n_old : int
        Rows so far. Below 30 in an arm the answer is None: the normal limit is not reached.
    mean_new, variance_new, mean_old, variance_old : float
        Sample means and variances (n - 1) so far.
    expected_rows : int
        Rows an arm at which the interval is tightest; validity does not depend on it.

    Raises
    ------
    InvalidInput
        On negative or non-finite numbers where they cannot be.
    """
    numbers = (mean_new, variance_new, mean_old, variance_old)
    if not all(math.isfinite(value) for value in numbers) or variance_new < 0 or variance_old < 0:
        raise InvalidInput(f"Means and variances {numbers} cannot be used; give finite numbers, variances >= 0.")
    _check(0, n_new, confidence)
    _check(0, n_old, confidence)
    method = "always valid, normal mixture"
    if min(n_new, n_old) < MIN_MEANS:
        return unknown(n_new + n_old, method)
    difference = mean_new - mean_old
    spread = variance_new / n_new + variance_old / n_old
    prior = 10 * (variance_new + variance_old) / expected_rows
    if spread == 0:
        half = 0.0
    else:
        ratio = (spread + prior) / spread
        half = math.sqrt(spread * (spread + prior) / prior * (2 * math.log(1 / (1 - confidence)) + math.log(ratio)))
    return Estimate(estimate=difference, low=difference - half, high=difference + half, n=n_new + n_old, method=method)


def log_evidence_above(one: tuple[int, int], two: tuple[int, int], margin: float) -> float:
    """Log of the evidence against "rate one is at most rate two plus margin"; log(1/alpha) rejects at
    alpha."""
    best = _log_likelihood(*one, one[0] / one[1]) + _log_likelihood(*two, two[0] / two[1])
    rate_1, rate_2 = _constrained(one, two, margin)
    fall = best - _log_likelihood(*one, rate_1) - _log_likelihood(*two, rate_2)
    each_1, each_2 = _variance(rate_1, one[1]), _variance(rate_2, two[1])
    spread = each_1 / one[1] + each_2 / two[1]
    prior = (each_1 + each_2) / PRIOR_ROWS
    return 0.5 * math.log(spread / (spread + prior)) + fall * prior / (spread + prior)


def _either(one: tuple[int, int], two: tuple[int, int], margin: float) -> float:
    return max(log_evidence_above(one, two, margin), log_evidence_above(two, one, margin))


def _largest_not_excluded(one: tuple[int, int], two: tuple[int, int], limit: float) -> float:
    """The upper bound of rate one less rate two."""
    difference = one[0] / one[1] - two[0] / two[1]
    return -_boundary(lambda margin: log_evidence_above(two, one, margin) >= limit, -difference, -1.0)


def _variance(rate: float, n: int) -> float:
    """Of one answer, with half a success and half a failure added so that rates of 0 and 1 keep some."""
    smoothed = (rate * n + 0.5) / (n + 1)
    return smoothed * (1 - smoothed)


def _constrained(one: tuple[int, int], two: tuple[int, int], margin: float) -> tuple[float, float]:
    """The likeliest rates with rate_1 <= rate_2 + margin.

    On the border the score falls as the rate grows, so its zero is found by halving.
    """
    (s_1, n_1), (s_2, n_2) = one, two
    if s_1 / n_1 <= s_2 / n_2 + margin:
        return s_1 / n_1, s_2 / n_2
    low = max(0.0, -margin, s_2 / n_2)
    high = max(low, min(1.0, 1.0 - margin, s_1 / n_1 - margin))
    for _ in range(_HALVINGS):
        rate = (low + high) / 2
        rising = _score(s_1, n_1, rate + margin) + _score(s_2, n_2, rate)
        low, high = (rate, high) if rising > 0 else (low, rate)
    rate = (low + high) / 2
    return min(1.0, max(0.0, rate + margin)), rate


def _score(successes: int, n: int, rate: float) -> float:
    up = successes / rate if successes and rate > 0 else math.inf if successes else 0.0
    failures = n - successes
    down = failures / (1 - rate) if failures and rate < 1 else math.inf if failures else 0.0
    return up - down if not (math.isinf(up) and math.isinf(down)) else 0.0


def _log_likelihood(successes: int, n: int, rate: float) -> float:
    failures = n - successes
    if (successes and rate <= 0) or (failures and rate >= 1):
        return -math.inf
    return (successes * math.log(rate) if successes else 0.0) + (failures * math.log1p(-rate) if failures else 0.0)


def _log_mixture(successes: int, n: int) -> float:
    return _log_beta(_PRIOR + successes, _PRIOR + n - successes) - _log_beta(_PRIOR, _PRIOR)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_mean(values: list[float]) -> float:
    top = max(values)
    if math.isinf(top):
        return top
    return top + math.log(sum(math.exp(value - top) for value in values) / len(values))


def _boundary(excluded: Callable[[float], bool], inside: float, outside: float) -> float:
    """The value between ``inside``, never excluded, and ``outside`` where exclusion begins; ``outside`` if it
    never does."""
    if not excluded(outside):
        return outside
    near, far = inside, outside
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        near, far = (near, middle) if excluded(middle) else (middle, far)
    return far


def _check(successes: int, n: int, confidence: float) -> None:
    if not 0 <= successes <= n:
        raise InvalidInput(
            f"{successes!r} of {n!r} rows cannot be; give cumulative counts with 0 <= successes <= rows."
        )
    if not 0 < confidence < 1:
        raise InvalidInput(f"A confidence of {confidence!r} has no meaning; give a number between 0 and 1.")
