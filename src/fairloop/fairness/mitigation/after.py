r"""Mitigation after training: one deterministic rule on the scores of a model that stays as it is.

A rule is plain data (:class:`Adjustment`), so a repaired model can be stored, served and explained. All but
``expected_thresholds`` read the attribute of the person they judge; that one reads how likely each group is given the
features instead.

References
----------
Hardt, M., Price, E., Srebro, N. (2016). Equality of opportunity in supervised learning. NeurIPS, 3315-3323.
Kamiran, F., Karim, A., Zhang, X. (2012). Decision theory for discrimination-aware classification. ICDM, 924-929.
Menon, A., Williamson, R. (2018). The cost of fairness in binary classification. FAT*, 107-118.
Pleiss, G. and others (2017). On fairness and calibration. NeurIPS, 5680-5689.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fairloop.errors import InvalidInput

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
KINDS = ("expected_thresholds", "group_thresholds", "reject_option", "calibrated_scores", "calibrated_equalized_odds")
_EDGE = 1e-6
_SLACK = 0.01
"""A gap this much above the aim counts as met: thresholds move in steps."""
_SOFT = 0.02
_NARROWEST = 0.02
"""No person's own threshold is closer than this to 0 or 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What is done to a base model's scores, so that 0.5 decides (its own threshold for ``calibrated_scores`` and
    ``calibrated_equalized_odds``).

    ``values`` maps a name to numbers, one a group in the order of ``groups`` and a last one for people whose group is
    not known.
    """

    kind: str
    attribute: str
    groups: list[str]
    threshold: float = 0.5
    """The base model's."""
    values: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidInput(f"Unknown adjustment {self.kind!r}; known are: {', '.join(KINDS)}.")

    @property
    def needs_attribute(self) -> bool:
        return self.kind != "expected_thresholds"

    def codes(self, values: Any) -> Codes:
        """Places of people's groups; a group that was not seen, or none, has the last place."""
        place = {name: index for index, name in enumerate(self.groups)}
        return np.array([place.get(str(value), len(self.groups)) for value in values], dtype=np.intp)

    def apply(self, scores: Floats, codes: Codes | None = None, chances: Floats | None = None) -> Floats:
        """The adjusted scores.

        Parameters
        ----------
        scores : array in [0, 1], shape (n,)
        codes : array, shape (n,)
            As :meth:`codes` gives them; needed by all kinds but ``expected_thresholds``.
        chances : array, shape (n, events, groups)
            For ``expected_thresholds``: how likely each group is given the features (events: 1), or given features and
            the answer no or yes (events: 2).
        """
        if self.kind == "expected_thresholds":
            assert chances is not None  # noqa: S101  # the model that holds this rule holds what gives them
            return _odds(scores, expected(scores, chances, self.values, self.threshold))
        if codes is None:
            raise InvalidInput(f"This model reads {self.attribute!r} of the person it judges; send it.")
        own = {name: np.asarray(numbers)[codes] for name, numbers in self.values.items()}
        if self.kind == "group_thresholds":
            return _odds(scores, own["threshold"])
        if self.kind == "reject_option":
            z = _odds(scores, np.full(len(scores), self.threshold))
            distance = np.abs(z - 0.5)
            inside = distance < own["margin"]
            return np.where(inside & (own["side"] > 0), 0.5 + distance,
                            np.where(inside & (own["side"] < 0), 0.5 - np.maximum(distance, _EDGE), z))  # fmt: skip
        if self.kind == "calibrated_scores":
            return _sigmoid(own["offset"] + own["slope"] * _logit(scores))
        mixed: Floats = (1 - own["share"]) * scores + own["share"] * own["base_rate"]
        return mixed


def expected(scores: Floats, chances: Floats, values: dict[str, list[float]], threshold: float) -> Floats:
    """Every person's own threshold: the base threshold moved by the price of each group times how much likelier than
    on average the person belongs to it."""
    groups = chances.shape[2]
    moved = np.zeros(len(scores))
    names = ("price",) if chances.shape[1] == 1 else ("price_no", "price_yes")
    for event, name in enumerate(names):
        lift = chances[:, event, :] / np.asarray(values[f"{name}_share"][:groups]) - 1
        part = lift @ np.asarray(values[name][:groups])
        moved += part if len(names) == 1 else part * (scores if event else 1 - scores)
    return np.clip(threshold + moved, _NARROWEST, 1 - _NARROWEST)


# ------------------------------------------------------------------ finding a rule
def rates(answer: Floats, labels: npt.NDArray[np.bool_], codes: Codes, groups: int, weights: Floats,
          criterion: str) -> Floats:  # fmt: skip
    """Weighted rates of positive answers, (events, groups): all rows, or those with the answer no and those with yes."""
    events = [np.ones(len(labels), dtype=np.bool_)] if criterion == "demographic_parity" else [~labels, labels]
    found = np.full((len(events), groups), np.nan)
    for row, inside in enumerate(events):
        rows = inside & (codes >= 0) & (codes < groups)
        mass = np.bincount(codes[rows], weights=weights[rows], minlength=groups)
        hit = np.bincount(codes[rows], weights=(weights * answer)[rows], minlength=groups)
        np.divide(hit, mass, out=found[row], where=mass > 0)
    return found


def gap_of(found: Floats) -> float:
    """The largest difference of two groups in any of the rates."""
    spread = [np.nanmax(row) - np.nanmin(row) for row in found if np.isfinite(row).any()]
    return float(max(spread, default=0.0))


def group_thresholds(scores: Floats, labels: Any, codes: Codes, names: list[str], attribute: str, *, criterion: str,
                     strength: float = 1.0, threshold: float = 0.5, weights: Floats | None = None) -> Adjustment:  # fmt: skip
    """A threshold per group under which the gap is at most ``1 - strength`` of what it was, with the fewest errors.

    Hardt and others let chance decide between two thresholds; here the best single threshold per group is taken, so
    that equal people get equal answers.
    """
    truth, weight = np.asarray(labels, dtype=bool), _ones(weights, len(scores))
    before = rates((scores >= threshold).astype(float), truth, codes, len(names), weight, criterion)
    allowed = (1 - min(strength, 1.0)) * gap_of(before) + _SLACK
    grid = np.unique(np.quantile(scores, np.linspace(0.005, 0.995, 160)))
    curves = np.stack([rates((scores >= t).astype(float), truth, codes, len(names), weight, criterion) for t in grid])
    errors = np.array([_errors(scores >= t, truth, codes, len(names), weight) for t in grid])
    best: tuple[float, float] = (np.inf, np.inf)
    chosen, each = np.full(len(names), threshold), np.arange(len(names))
    for meeting in np.nanmean(curves, axis=2):
        aim = (1 - strength) * before + strength * meeting[:, None]
        place = np.nanmax(np.abs(curves - aim), axis=1).argmin(axis=0)
        over = max(gap_of(curves[place, :, each].T) - allowed, 0.0)
        key = (over, float(errors[place, each].sum()))
        if key < best:
            best, chosen = key, grid[place]
    return Adjustment(kind="group_thresholds", attribute=attribute, groups=names, threshold=threshold,
                      values={"threshold": [*map(float, chosen), threshold]})  # fmt: skip


def _errors(answer: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_], codes: Codes, groups: int,
            weight: Floats) -> Floats:  # fmt: skip
    known = codes >= 0
    wrong = np.bincount(codes[known], weights=(weight * (answer != truth))[known], minlength=groups)
    return wrong.astype(np.float64)


def reject_option(scores: Floats, labels: Any, codes: Codes, names: list[str], attribute: str, *, criterion: str,
                  strength: float = 1.0, threshold: float = 0.5, weights: Floats | None = None) -> Adjustment:  # fmt: skip
    """Close to the border the groups selected less often get yes, the others no; the band is the narrowest that leaves
    at most ``1 - strength`` of the gap."""
    truth, weight = np.asarray(labels, dtype=bool), _ones(weights, len(scores))
    plain = rates((scores >= threshold).astype(float), truth, codes, len(names), weight, criterion)
    selected = rates((scores >= threshold).astype(float), truth, codes, len(names), weight, "demographic_parity")[0]
    middle = float(np.nanmean(selected))
    side = [-1.0 if rate > middle else 1.0 for rate in np.nan_to_num(selected, nan=middle)]
    allowed, best = (1 - min(strength, 1.0)) * gap_of(plain), (np.inf, 0.0)

    def rule(margin: float) -> Adjustment:
        return Adjustment(kind="reject_option", attribute=attribute, groups=names, threshold=threshold,
                          values={"margin": [*[margin] * len(names), 0.0], "side": [*side, 0.0]})  # fmt: skip

    for margin in np.linspace(0, 0.5, 101):
        answer = rule(float(margin)).apply(scores, np.where(codes < 0, len(names), codes)) >= 0.5
        gap = gap_of(rates(answer.astype(float), truth, codes, len(names), weight, criterion))
        if gap < best[0]:
            best = (gap, float(margin))
        if gap <= allowed:
            break
    return rule(best[1])


def calibrated_scores(scores: Floats, labels: Any, codes: Codes, names: list[str], attribute: str, *,
                      strength: float = 1.0, threshold: float = 0.5, weights: Floats | None = None) -> Adjustment:  # fmt: skip
    """A logistic calibration (Platt) per group: a score of 0.7 means 70 of 100 in every group."""
    truth, weight = np.asarray(labels, dtype=float), _ones(weights, len(scores))
    z = _logit(scores)
    offsets, slopes = [], []
    for group in range(len(names)):
        inside = codes == group
        offset, slope = _platt(z[inside], truth[inside], weight[inside])
        offsets.append(strength * offset)
        slopes.append(1 + strength * (slope - 1))
    return Adjustment(kind="calibrated_scores", attribute=attribute, groups=names, threshold=threshold,
                      values={"offset": [*offsets, 0.0], "slope": [*slopes, 1.0]})  # fmt: skip


def calibrated_equalized_odds(scores: Floats, labels: Any, codes: Codes, names: list[str], attribute: str, *,
                              strength: float = 1.0, threshold: float = 0.5,
                              weights: Floats | None = None) -> Adjustment:  # fmt: skip
    """Scores of better-served groups moved towards their base rate until all groups bear the same mean error.

    The error of a group is the mean of its generalised false positive and false negative rates. Pleiss and others
    replace the score of a random share of people; here everyone's moves by that share, which has the same rates and
    gives equal people equal answers.
    """
    truth, weight = np.asarray(labels, dtype=bool), _ones(weights, len(scores))
    cost, trivial, base = [], [], []
    for group in range(len(names)):
        inside = codes == group
        rate = float(np.average(truth[inside], weights=weight[inside])) if inside.any() else 0.0
        base.append(rate)
        cost.append(_mean_error(scores[inside], truth[inside], weight[inside]))
        trivial.append(0.5)  # (1 - rate + rate) / 2: a constant score errs equally however it is set
    worst = max(cost)
    share = [min(1.0, max(0.0, (worst - c) / (t - c))) * strength if t > c else 0.0
             for c, t in zip(cost, trivial, strict=True)]  # fmt: skip
    return Adjustment(kind="calibrated_equalized_odds", attribute=attribute, groups=names, threshold=threshold,
                      values={"share": [*share, 0.0], "base_rate": [*base, 0.0]})  # fmt: skip


def expected_thresholds(scores: Floats, labels: Any, codes: Codes, names: list[str], attribute: str, chances: Floats, *,
                        criterion: str, strength: float = 1.0, threshold: float = 0.5,
                        weights: Floats | None = None) -> Adjustment:  # fmt: skip
    r"""Thresholds that follow from how likely each group is given the features: no attribute is read of anybody.

    The most accurate rule under a limit on the gap answers yes where

    .. math:: \eta(x) \ge \tfrac12 + \sum_g \mu_g \Big(\frac{P(A=g \mid x)}{P(A=g)} - 1\Big)

    (Menon and Williamson; for equalized odds the sum is taken given each answer, weighted by :math:`\eta` and
    :math:`1-\eta`). The prices :math:`\mu` are found so that ``1 - strength`` of every group's deviation is left.

    Parameters
    ----------
    scores, labels, codes, weights : arrays, shape (n,)
        Scores of a model that has not seen the row.
    chances : array, shape (n, events, groups)
        As :meth:`Adjustment.apply` takes them, of models that have not seen the row either.
    criterion : {"demographic_parity", "equalized_odds"}
    """
    truth, weight = np.asarray(labels, dtype=bool), _ones(weights, len(scores))
    groups, names_of = len(names), ("price",) if criterion == "demographic_parity" else ("price_no", "price_yes")
    shares = _shares(truth, codes, groups, weight, len(names_of))
    answer = (scores >= threshold).astype(float)
    before = _deviations(rates(answer, truth, codes, groups, weight, criterion), shares)
    aim = (1 - strength) * before
    shape = before.shape

    def left(price: Floats) -> Floats:
        values = _values(names_of, price.reshape(shape), shares)
        soft = _sigmoid((scores - expected(scores, chances, values, threshold)) / _SOFT)
        away = _deviations(rates(soft, truth, codes, groups, weight, criterion), shares) - aim
        return np.concatenate([away.ravel(), 1e-3 * price])

    from scipy.optimize import least_squares  # endpoints apply a rule, they find none

    found = least_squares(left, np.zeros(before.size), bounds=(-1.0, 1.0), max_nfev=60)
    aimed, closest, price = max(0.0, 1 - strength) * gap_of(before), np.inf, np.zeros(shape)
    for share in np.linspace(0, 1.5, 31):  # along the direction found, where decisions are counted and not smoothed
        tried = share * found.x.reshape(shape)
        yes = (scores >= expected(scores, chances, _values(names_of, tried, shares), threshold)).astype(float)
        away = abs(gap_of(rates(yes, truth, codes, groups, weight, criterion)) - aimed)
        if away < closest:
            closest, price = away, tried
    return Adjustment(kind="expected_thresholds", attribute=attribute, groups=names, threshold=threshold,
                      values=_values(names_of, price, shares))  # fmt: skip


def _values(names: tuple[str, ...], price: Floats, shares: Floats) -> dict[str, list[float]]:
    found = {name: [*map(float, price[event])] for event, name in enumerate(names)}
    return found | {f"{name}_share": [*map(float, shares[event])] for event, name in enumerate(names)}


def _shares(truth: npt.NDArray[np.bool_], codes: Codes, groups: int, weight: Floats, events: int) -> Floats:
    inside = [np.ones(len(truth), dtype=np.bool_)] if events == 1 else [~truth, truth]
    mass = np.array([np.bincount(codes[i & (codes >= 0)], weights=weight[i & (codes >= 0)], minlength=groups)
                     for i in inside])  # fmt: skip
    shares: Floats = np.maximum(mass / np.maximum(mass.sum(axis=1, keepdims=True), _EDGE), _EDGE)
    return shares


def _deviations(found: Floats, shares: Floats) -> Floats:
    """How far every group's rate is from that of all together."""
    filled = np.nan_to_num(found)
    return np.where(np.isfinite(found), filled - (shares * filled).sum(axis=1, keepdims=True), 0.0)


def _mean_error(scores: Floats, truth: npt.NDArray[np.bool_], weight: Floats) -> float:
    if not truth.any() or truth.all():
        return 0.5
    wrong_yes = float(np.average(scores[~truth], weights=weight[~truth]))
    wrong_no = float(np.average(1 - scores[truth], weights=weight[truth]))
    return (wrong_yes + wrong_no) / 2


def _platt(z: Floats, truth: Floats, weight: Floats) -> tuple[float, float]:
    """Offset and slope of a logistic regression on the logits, lightly held to (0, 1) so that it always exists."""
    if len(z) == 0:
        return 0.0, 1.0
    found, design, ridge = np.array([0.0, 1.0]), np.column_stack([np.ones(len(z)), z]), 1e-3 * max(weight.sum(), 1.0)
    for _ in range(50):
        p = _sigmoid(design @ found)
        slope = design.T @ (weight * (truth - p)) - ridge * (found - (0.0, 1.0))
        curve = (design * (weight * p * (1 - p))[:, None]).T @ design + ridge * np.eye(2)
        move = np.linalg.solve(curve, slope)
        found = found + np.clip(move, -2.0, 2.0)
        if np.abs(move).max() < 1e-9:
            break
    return float(found[0]), float(max(found[1], 0.0))


def _ones(weights: Floats | None, n: int) -> Floats:
    return np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)


def _logit(p: Floats) -> Floats:
    inside = np.clip(p, _EDGE, 1 - _EDGE)
    found: Floats = np.log(inside) - np.log1p(-inside)
    return found


def _sigmoid(z: Floats) -> Floats:
    found: Floats = 0.5 * (1 + np.tanh(0.5 * np.asarray(z)))
    return found


def _odds(scores: Floats, thresholds: Floats) -> Floats:
    """Scores moved so that 0.5 stands where the threshold was; exactly, whatever rounding does."""
    thresholds = np.clip(thresholds, _EDGE, 1 - _EDGE)
    moved = _sigmoid(_logit(scores) - _logit(thresholds))
    yes = scores >= thresholds
    return np.where(yes, np.maximum(moved, 0.5), np.minimum(moved, np.nextafter(0.5, 0)))
