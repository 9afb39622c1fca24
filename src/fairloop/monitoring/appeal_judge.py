r"""Are the appeals of one group upheld more often than everybody else's? Standard library and stats only.

Each upheld appeal is one person whom somebody decided the model had wronged. Were all groups wronged alike, the next
one would belong to group g with probability :math:`\pi_g = N_g / N`, the group's share of the people judged. So the
number of upheld appeals from g is judged as a rate with an always-valid interval
(:func:`fairloop.stats.sequential.proportion`), because it is looked at after every decision, and the interval of the
rate p becomes one of the ratio of upheld appeals per person, g against the rest,

.. math:: R = \frac{p/(1-p)}{\pi_g/(1-\pi_g)}.

1 means alike, 2 twice as often. The confidence is shared among all groups and attributes compared (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from fairloop.core.appeals import AT_MOST, METRIC
from fairloop.core.checks import Check, Status, Verdict, judge
from fairloop.stats.sequential import proportion

CONFIDENCE = 0.99
FEWEST = 5
"""Upheld appeals of different people below which nothing is said about a group."""
METHOD = "always valid, Beta mixture on the share of upheld appeals"


def compare(attribute: str, people: Mapping[str, int], upheld: Mapping[str, int], *, comparisons: int) -> Verdict:
    """The verdict on the group whose appeals are upheld most against the rest.

    Parameters
    ----------
    attribute : str
        The sensitive attribute, for example ``sex``.
    people : mapping of str to int
        Group to how many different people were judged.
    upheld : mapping of str to int
        Group to how many different people's appeals were upheld.
    comparisons : int
        Groups of all attributes that are compared in this look.

    Returns
    -------
    Verdict
        Fail when the ratio's lower bound is above 1.25. Insufficient evidence with fewer than two groups, or fewer
        than five upheld appeals in the group. A group where every upheld appeal is has an estimate beyond all bounds,
        given as its lower bound.
    """
    check = Check(metric=METRIC, at_most=AT_MOST, by=attribute)
    total, decided = sum(people.values()), sum(upheld.values())
    groups = [{"group": g, "people": n, "upheld": upheld.get(g, 0)} for g, n in sorted(people.items())]
    found = []
    for group, n in sorted(people.items()):
        if 0 < n < total and decided:
            found.append((*_ratio(upheld.get(group, 0), decided, n / total, comparisons), group))
    if not found:
        return judge(check, None, None, None, n=decided, method=METHOD, detail={"groups": groups})
    low, high, estimate, group = max(found)
    count, rest = upheld.get(group, 0), decided - upheld.get(group, 0)
    detail = {"groups": groups, "group": group, "words": _words(attribute, group, count, rest, people[group], total)}
    verdict = judge(check, estimate, low, high, n=decided, method=METHOD, detail=detail)
    if verdict.status is Status.FAIL and count < FEWEST:
        return judge(check, None, None, None, n=decided, method=METHOD, detail=detail)
    return verdict


def _ratio(count: int, decided: int, share: float, comparisons: int) -> tuple[float, float, float]:
    """(low, high, estimate) of the ratio, all finite."""
    confidence = 1 - (1 - CONFIDENCE) / max(1, comparisons)
    rate = proportion(count, decided, confidence=confidence)
    odds = share / (1 - share)
    low, high = _odds(rate.low or 0.0) / odds, _odds(1.0 if rate.high is None else rate.high) / odds
    estimate = _odds(count / decided) / odds
    most = 1e9
    return low, min(high, most), low if math.isinf(estimate) else estimate


def _odds(rate: float) -> float:
    return math.inf if rate >= 1 else rate / (1 - rate)


def _words(attribute: str, group: str, count: int, rest: int, people: int, total: int) -> str:
    who = {"female": "women", "male": "men"}.get(group.lower(), f"people with {attribute} {group!r}")
    each = 1000 * count / people
    other = 1000 * rest / max(1, total - people)
    return (f"Appeals of {who} are upheld {each:.1f} times per 1,000 people judged, of everybody else {other:.1f} times "
            f"({count} and {rest} upheld).")  # fmt: skip
