"""Labels that look wrongly recorded, per group and direction, told apart from real differences between groups.

The curve that does it is in label_curve.py. What it can and cannot see: errors that fall on sure cases too, at a rate
that depends on the group and the true answer. Errors at the borderline only look like a real difference and are not
found; nothing here proves an error in one row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import chi2

from fairloop.errors import InvalidInput
from fairloop.fairness.encoding import encode
from fairloop.fairness.label_curve import GROUP_ADDED, GROUP_LOST, MOST_FLIPS, REST_ADDED, REST_LOST, Fit, LabelCurve
from fairloop.stats.arrays import ArrayLike, Bools, binary, numbers
from fairloop.stats.corrections import holm

UNDER, OVER = "under-recorded", "over-recorded"
DIRECTIONS = {UNDER: GROUP_LOST, OVER: GROUP_ADDED}
LEAST_LABELS = 100
"""A group, and the rest, need so many rows of each answer to be judged."""
METHOD = "likelihood ratio against 1 % wrong labels, Holm over groups and directions; profile interval"
RELEVANT = 0.01
"""A share of wrong labels up to this is passed over: scores are never quite right, and every data set has a few errors."""
_EVERY = (REST_LOST, REST_ADDED, GROUP_LOST, GROUP_ADDED)
_PROFILE = 3.841458820694124
_STEPS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelShift:
    """Whether a group's labels look wrongly recorded in one direction.

    ``under-recorded``: ``estimate`` is the share of the group's truly positive rows that are recorded as negative;
    ``over-recorded``: the share of its truly negative rows recorded as positive. ``rows`` is how many rows that would
    be. ``state`` is ``bias`` (found, and more than in the others), ``noise`` (found, and another group may have as many),
    ``clear`` or ``insufficient``.
    """

    group: str
    direction: str
    state: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    p: float | None
    p_corrected: float | None
    rows: int | None
    method: str = METHOD

    @property
    def found(self) -> bool:
        return self.state in {"bias", "noise"}

    def plain(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)


def label_bias(labels: ArrayLike, groups: Any, scores: Mapping[str, ArrayLike], *, alpha: float = 0.05,
               tests: int = 0) -> list[LabelShift]:  # fmt: skip
    r"""Every group's labels judged in both directions.

    For each group :math:`\rho \le 0.01`, with :math:`\rho` the rate of wrongly recorded labels, is tested with every other
    rate free, so that errors in the rest of the rows are not blamed on the group. At the border the statistic is 0 half of
    the time and :math:`\chi^2_1` else (Self and Liang, 1987). The interval is that of the profile likelihood.

    Parameters
    ----------
    labels : array of 0/1, shape (n,)
        As recorded.
    groups : array, pandas or polars Series, shape (n,)
        Missing values belong to no group, and count as the rest.
    scores : mapping from group to array, shape (n,)
        For each group, what a model that saw none of its rows gives every row on the logit scale, each row of the rest
        scored by a model that did not see that row.
    alpha : float
        Chance of naming anything in data without errors, over all tests together.
    tests : int
        How many tests the correction counts when this call is one of several; at least those made here.

    Returns
    -------
    list of LabelShift
        Two a group, in the order of the groups. Empty with fewer than two groups.

    Raises
    ------
    InvalidInput
        A group has no scores, or the lengths differ.
    """
    truth = binary(labels, "labels")
    codes, names = encode(groups, len(truth))
    if len(names) < 2:
        return []
    judged: dict[tuple[str, str], _Judged] = {}
    for place, name in enumerate(names):
        if name not in scores:
            raise InvalidInput(f"The group {name!r} has no scores; give those of a model that saw none of its rows.")
        inside = codes == place
        if _enough(truth, inside):
            curve = LabelCurve(truth, numbers(scores[name], "scores", length=len(truth)), inside)
            for direction, found in _both(curve, truth, inside).items():
                judged[name, direction] = found
    least = max(tests, len(judged))
    corrected = dict(zip(judged, holm([f.p for f in judged.values()] + [1.0] * (least - len(judged))), strict=False))
    shifts = [_shift(name, direction, int((codes == place).sum()), judged.get((name, direction)),
                     corrected.get((name, direction), 1.0), alpha)
              for place, name in enumerate(names) for direction in DIRECTIONS]  # fmt: skip
    return [_named(shift, shifts) for shift in shifts]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One direction of one group."""

    rate: float
    low: float
    high: float
    p: float
    rows: int


def _enough(truth: Bools, inside: Bools) -> bool:
    sides = (truth[inside], truth[~inside])
    return all(min(int(side.sum()), int((~side).sum())) >= LEAST_LABELS for side in sides)


def _both(curve: LabelCurve, truth: Bools, inside: Bools) -> dict[str, _Judged]:
    """Each direction of one group."""
    full, found = curve.fit(_EVERY), {}
    for direction, which in DIRECTIONS.items():
        rate = full.rate(which)
        none = 2 * (curve.fit([j for j in _EVERY if j != which], near=full).loss - full.loss)
        few = 2 * (curve.fit(_EVERY, fixed={which: RELEVANT}, near=full).loss - full.loss)
        p = 0.5 * float(chi2.sf(max(few, 0.0), 1)) if rate > RELEVANT else 1.0
        low = 0.0 if none <= _PROFILE else _bound(curve, full, which, below=True)
        high = _bound(curve, full, which, below=False)
        recorded = int((truth[inside] == (direction == OVER)).sum())
        right = int((truth[inside] != (direction == OVER)).sum())
        lost = rate * right / (1 - rate)
        found[direction] = _Judged(rate, low, high, p, min(round(lost), recorded))
    return found


def _bound(curve: LabelCurve, full: Fit, which: int, *, below: bool) -> float:
    """Where the profile likelihood leaves the 95 % region, by bisection."""
    inner, outer = full.rate(which), 0.0 if below else MOST_FLIPS
    for _ in range(_STEPS):
        middle = (inner + outer) / 2
        loss = curve.fit(_EVERY, fixed={which: middle}, near=full).loss
        inner, outer = (middle, outer) if 2 * (loss - full.loss) <= _PROFILE else (inner, middle)
    return (inner + outer) / 2


def _shift(name: str, direction: str, n: int, judged: _Judged | None, corrected: float, alpha: float) -> LabelShift:
    if judged is None:
        return LabelShift(group=name, direction=direction, state="insufficient", estimate=None, low=None, high=None, n=n,
                          p=None, p_corrected=None, rows=None)  # fmt: skip
    state = "clear" if corrected > alpha else "bias"
    return LabelShift(group=name, direction=direction, state=state, estimate=judged.rate, low=judged.low,
                      high=judged.high, n=n, p=judged.p, p_corrected=corrected, rows=judged.rows)  # fmt: skip


def _named(shift: LabelShift, shifts: list[LabelShift]) -> LabelShift:
    """Noise rather than bias when another group's rate may be the same: one that was found too, or the largest."""
    if not shift.found:
        return shift
    others = [
        s for s in shifts if s.group != shift.group and s.direction == shift.direction and s.state != "insufficient"
    ]
    largest = max(others, key=lambda s: s.n, default=None)
    for other in others:
        if (other.found or other is largest) and _overlap(shift, other):
            return replace(shift, state="noise")
    return shift


def _overlap(one: LabelShift, other: LabelShift) -> bool:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.low <= other.high and other.low <= one.high


def flip_curve(labels: ArrayLike, scores: ArrayLike, inside: Bools, directions: list[str]) -> tuple[LabelCurve, Fit]:
    """The curve of one group with only the rates of ``directions`` free: what a prescription draws from."""
    truth = binary(labels, "labels")
    curve = LabelCurve(truth, numbers(scores, "scores", length=len(truth)), np.asarray(inside, dtype=np.bool_))
    return curve, curve.fit(sorted(DIRECTIONS[d] for d in directions))


def words(attribute: str, shift: LabelShift) -> str:
    """One sentence for a person who decides."""
    side, other = ("positive", "negative") if shift.direction == UNDER else ("negative", "positive")
    who = f"{attribute} {shift.group}"
    if shift.state == "insufficient" or shift.estimate is None or shift.low is None or shift.high is None:
        return f"Too few labels of {who} to say whether they are {shift.direction}."
    share = f"{100 * shift.estimate:.0f} % [{100 * shift.low:.0f}, {100 * shift.high:.0f}]"
    if shift.state == "clear":
        return f"No sign that positive labels of {who} are {shift.direction} (at most {100 * shift.high:.0f} %)."
    tail = "" if shift.state == "bias" else " Another group may have as many, so it is noise rather than bias."
    return (f"Positive labels of {who} look {shift.direction}: {share} of the truly {side} rows are recorded as {other}, "
            f"about {shift.rows} rows.{tail}")  # fmt: skip
