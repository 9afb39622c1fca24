"""Exponentiated gradient: a mixture of models under a limit on the gap between groups.

A game between a learner, who answers with the model of least cost under per-row costs, and multipliers of the
limits, who raise the price of the worst violation. Every answer is one call of the trainer with other weights
and labels. The mixture is the cheapest one over all models found, by a linear programme.

References
----------
Agarwal, A., Beygelzimer, A., Dudik, M., Langford, J., Wallach, H. (2018). A reductions approach to fair
classification. ICML, 60-69.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from fairloop.errors import InvalidInput
from fairloop.fairness.encoding import encode
from fairloop.fairness.mitigation.trainers import Fit, Scorer
from fairloop.stats.arrays import ArrayLike, Bools, Floats, binary, weights_or_none

CONSTRAINTS = ("demographic_parity", "equalized_odds")
_MIN_SHARE = 1e-3
_TOLERANCE = 1e-6
_STEP = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Models and their shares, which sum to 1: the served score is the mean of the members' scores.

    ``fits`` counts calls of the trainer. ``violation`` is the largest deviation of a group's rate from the
    overall one under the randomised mixture on the training rows; ``converged`` tells whether it met the
    slack.
    """

    members: tuple[Scorer, ...]
    weights: tuple[float, ...]
    fits: int
    violation: float
    converged: bool


@dataclass(frozen=True, slots=True)
class _Limits:
    """Rows of moments: for event e and group g, the rate in (e, g) less the rate in e, linear in the
    answers."""

    rates: Floats  # (limits, rows of distinct cells): weight of each cell in each limit
    cell: npt.NDArray[np.intp]  # row -> cell (event, group); -1 without a group
    cells: int

    def violations(self, answer: Bools, weight: Floats) -> Floats:
        chosen = np.bincount(self.cell + 1, weights=weight * answer, minlength=self.cells + 1)
        result: Floats = self.rates @ chosen
        return result

    def costs(self, multipliers: Floats) -> Floats:
        """Per row, the multiplier-weighted price of answering positive (per unit of weight)."""
        price: Floats = multipliers @ self.rates
        return price[self.cell + 1]


def _limits(constraint: str, truth: Bools, codes: npt.NDArray[np.intp], groups: int, weight: Floats) -> _Limits:
    events = 2 if constraint == "equalized_odds" else 1
    event = truth.astype(np.intp) if events == 2 else np.zeros(len(truth), dtype=np.intp)
    cell = np.where(codes < 0, -1, event * groups + codes)
    cells = events * groups
    mass = np.bincount(cell + 1, weights=weight, minlength=cells + 1)[1:].reshape(events, groups)
    rows = []
    for e in range(events):
        total = mass[e].sum()
        for g in range(groups):
            if mass[e, g] == 0 or mass[e, g] == total:
                continue
            row = np.zeros(cells + 1)
            row[1 + e * groups : 1 + (e + 1) * groups] = -1.0 / total
            row[1 + e * groups + g] += 1.0 / mass[e, g]
            rows.append(row)
    if not rows:
        raise InvalidInput(
            "Only one group has rows with this answer, so there is no gap to close; check the attribute."
        )
    return _Limits(rates=np.array(rows), cell=cell, cells=cells)


def priced(fit: Fit, X: Any, labels: ArrayLike, groups: Any, price: float, *, constraint: str = "demographic_parity",
           plain: Scorer | None = None, weights: ArrayLike | None = None) -> Scorer:  # fmt: skip
    r"""One model of the grid search: the best answer when the gap of the plain model has this price.

    Fairlearn's grid varies one multiplier a limit, which no grid can hold for many groups. Here the multipliers point
    where the plain model violates the limits, and ``price`` is their sum: one number for any number of groups.

    Parameters
    ----------
    fit, X, labels, groups, weights
        As for :func:`exponentiated_gradient`.
    price : float
        Above 0: how much a violation costs beside an error. About 0.1 is little, 0.4 is much.
    plain : object with scores(X), optional
        The plain model, when it has been trained before.

    Returns
    -------
    Scorer
        ``plain`` itself when it violates nothing.
    """
    if not 0 < price < np.inf:
        raise InvalidInput(f"A price of {price!r} has no meaning; give a number above 0, such as 0.5.")
    truth = binary(labels, "labels")
    own = weights_or_none(weights, len(truth))
    weight = np.ones(len(truth)) if own is None else own
    codes, names = encode(groups, len(truth))
    limits = _limits(constraint, truth, codes, len(names), weight)
    first = fit(weight / weight.mean(), truth.astype(np.int8)) if plain is None else plain
    violated = limits.violations(np.asarray(first.scores(X), dtype=np.float64) >= 0.5, weight)
    size = float(np.abs(violated).max())
    if size < _TOLERANCE:
        return first
    cost = (1.0 - 2.0 * truth) / weight.sum() + limits.costs(price * violated / np.abs(violated).sum())
    wanted, pressed = cost < 0, np.abs(cost) * weight
    if wanted.all() or not wanted.any():
        raise InvalidInput(f"At a price of {price:g} everybody gets the same answer; give a smaller one.")
    return fit(pressed / pressed.mean(), wanted.astype(np.int8))


def exponentiated_gradient(
    fit: Fit,
    X: Any,
    labels: ArrayLike,
    groups: Any,
    *,
    constraint: str = "demographic_parity",
    slack: float = 0.01,
    weights: ArrayLike | None = None,
    max_fits: int = 20,
) -> Mixture:
    r"""The least-error mixture of models whose groups' rates deviate from the overall rate by at most
    ``slack``.

    Deterministic when ``fit`` is. A best answer under multipliers :math:`\lambda` minimises

    .. math:: \sum_i \omega_i \hat y_i\Big[\frac{1-2y_i}{W} + \sum_k \lambda_k r_k(i)\Big]

    so it is trained on labels 1 where the bracket is negative, with its size as weight.

    Parameters
    ----------
    fit : callable
        ``fit(weight, y) -> object with scores(X)``; a row is answered positive where its score is >= 0.5.
    X : any
        Features of the training rows; only passed to ``scores``.
    labels : array of 0/1, shape (n,)
    groups : array, pandas or polars Series, shape (n,)
        Rows without a group count for the error only.
    constraint : {"demographic_parity", "equalized_odds"}
        Limits on the selection rate, or on the true and the false positive rate.
    slack : float
        In (0, 1]; smaller closes the gap further.
    weights : array >= 0, shape (n,), or None
    max_fits : int
        At least 2; the search ends earlier when no model could lower the mixture's cost.

    Returns
    -------
    Mixture
        Members with a share above 0.001. Constant answers that the search tried (they need no training) are
        not members.

    Raises
    ------
    InvalidInput
        On an unknown constraint, slack or max_fits out of range, one class or one group only.
    """
    if constraint not in CONSTRAINTS:
        raise InvalidInput(f"Unknown constraint {constraint!r}; known are: {', '.join(CONSTRAINTS)}.")
    if not 0 < slack <= 1:
        raise InvalidInput(f"A slack of {slack!r} cannot be used; give a number above 0 and at most 1, such as 0.01.")
    if max_fits < 2:
        raise InvalidInput(f"max_fits is {max_fits}; a mixture needs at least 2.")
    truth = binary(labels, "labels")
    if truth.all() or not truth.any():
        raise InvalidInput("All labels are equal, so there is nothing to learn; give rows of both answers.")
    own = weights_or_none(weights, len(truth))
    weight = np.ones(len(truth)) if own is None else own
    codes, names = encode(groups, len(truth))
    return _Search(fit, X, truth, weight, _limits(constraint, truth, codes, len(names), weight), slack).run(max_fits)


class _Search:
    def __init__(self, fit: Fit, X: Any, truth: Bools, weight: Floats, limits: _Limits, slack: float) -> None:
        self._fit, self._X, self._truth, self._weight = fit, X, truth, weight
        self._limits, self._slack = limits, slack
        self._error_cost = (1.0 - 2.0 * truth) / weight.sum()
        self._members: list[Scorer | None] = []
        self._errors: list[float] = []
        self._violations: list[Floats] = []
        self._fits = 0

    def run(self, max_fits: int) -> Mixture:
        count = len(self._limits.rates)
        ceiling = 1.0 / self._slack
        theta = np.zeros(2 * count)
        rate = _STEP / ceiling
        self._answer(np.zeros(count))
        while self._fits < max_fits:
            push = self._violations[-1]
            theta += rate * (np.concatenate((push, -push)) - self._slack)
            scale = np.exp(theta - theta.max())
            raised = ceiling * scale / (np.exp(-theta.max()) + scale.sum())
            self._answer(raised[:count] - raised[count:])
            if self._fits >= max_fits:
                break
            _, price, bound = self._mix(ceiling)
            cost = self._answer(price)
            if cost >= bound - _TOLERANCE:
                break
        shares, _, _ = self._mix(ceiling)
        return self._mixture(shares)

    def _answer(self, multipliers: Floats) -> float:
        """Train the best answer to these multipliers and keep it; returns its Lagrangian value."""
        price = self._error_cost + self._limits.costs(multipliers)
        wanted = price < 0
        size = np.abs(price) * self._weight
        size /= size.mean()
        member: Scorer | None = None
        if wanted.all() or not wanted.any():
            answer = wanted
        else:
            member = self._fit(size, wanted.astype(np.int8))
            answer = np.asarray(member.scores(self._X), dtype=np.float64) >= 0.5
        self._fits += 1
        error = float(self._weight @ (answer != self._truth) / self._weight.sum())
        violation = self._limits.violations(answer, self._weight)
        self._members.append(member)
        self._errors.append(error)
        self._violations.append(violation)
        return error + float(multipliers @ violation) - self._slack * float(np.abs(multipliers).sum())

    def _mix(self, ceiling: float) -> tuple[Floats, Floats, float]:
        """The cheapest mixture of the trained members: shares, the limits' prices, and its cost.

        A violation beyond the slack is paid at ``ceiling``, so a mixture always exists.
        """
        kept = [index for index, member in enumerate(self._members) if member is not None]
        gaps = np.array([self._violations[index] for index in kept]).T
        limits = np.vstack([gaps, -gaps]) - self._slack
        solved = linprog(
            np.append([self._errors[index] for index in kept], ceiling),
            A_ub=np.hstack([limits, -np.ones((len(limits), 1))]),
            b_ub=np.zeros(len(limits)),
            A_eq=np.append(np.ones(len(kept)), 0.0)[None, :],
            b_eq=[1.0],
            method="highs-ds",
        )
        shares = np.zeros(len(self._members))
        shares[kept] = solved.x[:-1]
        prices = -solved.ineqlin.marginals
        half = len(prices) // 2
        return shares, prices[:half] - prices[half:], float(solved.fun)

    def _mixture(self, shares: Floats) -> Mixture:
        kept = [index for index in np.flatnonzero(shares > _MIN_SHARE) if self._members[index] is not None]
        used = shares[kept] / shares[kept].sum()
        gap = float(np.abs(used @ np.array([self._violations[index] for index in kept])).max())
        members = tuple(member for index in kept if (member := self._members[index]) is not None)
        return Mixture(
            members=members,
            weights=tuple(float(share) for share in used),
            fits=self._fits,
            violation=gap,
            converged=gap <= self._slack + _TOLERANCE,
        )
