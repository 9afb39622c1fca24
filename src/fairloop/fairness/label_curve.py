"""How often a group's labels are positive along a score, with room for labels that were recorded wrongly.

Rows of one group and the rest are compared along a score that was learned from the rest alone. The model of a row is

.. math:: P(y=1) = \\rho_0 + (1 - \\rho_0 - \\rho_1)\\,\\sigma(\\eta), \\qquad
          \\eta_{rest} = h(s), \\quad \\eta_{group} = a + e^{b} h(s)

with a smooth ``h`` (natural cubic spline). A real difference between groups moves ``a`` or ``b``, yet a sure case stays
sure: the curve still reaches 1. Labels recorded wrongly put a ceiling on it (:math:`1-\\rho_1`) or a floor under it
(:math:`\\rho_0`), and that is how the two are told apart. The curve with both asymptotes is the four-parameter logistic
model of Barton, M. A., Lord, F. M. (1981), ETS Research Report 81-20; flips that depend on the true label are the noise
of Natarajan, N. et al. (2013), Learning with noisy labels, NIPS 26.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, logit

from fairloop.stats.arrays import Bools, Floats

REST_LOST, REST_ADDED, GROUP_LOST, GROUP_ADDED = range(4)
"""Flip rates: positives recorded as negative and negatives recorded as positive, in the rest and in the group."""
KNOTS = (0.05, 0.35, 0.65, 0.95)
MOST_CELLS = 80
CELL_ROWS = 20
MOST_FLIPS = 0.7
_SLOPE_SPREAD = 0.3
_STARTS = (0.03, 0.2)


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted curve: ``theta`` is the spline, shift and log slope, then the flip rates named by ``free``."""

    theta: Floats
    loss: float
    free: tuple[int, ...]

    def rate(self, which: int) -> float:
        """The flip rate ``which``; 0 when it was not free."""
        if which not in self.free:
            return 0.0
        return float(self.theta[len(self.theta) - len(self.free) + self.free.index(which)])


class LabelCurve:
    """Counts of positive labels in cells along the score, and the fit of the curve to them.

    Parameters
    ----------
    labels : bool array, shape (n,)
    scores : array, shape (n,)
        On the logit scale, from a model that saw none of the group's rows.
    inside : bool array, shape (n,)
        The rows of the group.
    """

    def __init__(self, labels: Bools, scores: Floats, inside: Bools) -> None:
        parts = [_cells(labels[inside == side], scores[inside == side]) for side in (False, True)]
        self.score = np.concatenate([p[0] for p in parts])
        self.rows = np.concatenate([p[1] for p in parts])
        self.hits = np.concatenate([p[2] for p in parts])
        self.group = np.repeat([False, True], [len(p[0]) for p in parts])
        self.knots = np.quantile(np.repeat(self.score, self.rows.astype(int)), KNOTS)
        self.knots = self.knots + np.arange(len(KNOTS)) * 1e-6  # equal scores must not make equal knots
        self._basis = spline_basis(self.score, self.knots)
        self.curve = self._basis.shape[1]

    def fit(self, free: Sequence[int], *, fixed: dict[int, float] | None = None, near: Fit | None = None) -> Fit:
        """Maximum likelihood with the flip rates ``free`` at or above 0 and the others 0, or held where ``fixed`` says.

        The search begins from two places, or from a fit that is ``near``.
        """
        held, names = fixed or {}, tuple(free)
        limits = [(None, None)] * (self.curve + 1) + [(-1.5, 1.5)]
        limits += [(held[j], held[j]) if j in held else (0.0, MOST_FLIPS) for j in names]
        best: Fit | None = None
        for rate in _STARTS if names and near is None else _STARTS[:1]:
            start = np.zeros(self.curve + 2 + len(names))
            start[1] = 1.0
            if near is not None:
                start[: self.curve + 2] = near.theta[: self.curve + 2]
            start[self.curve + 2 :] = [held.get(j, rate if near is None else near.rate(j)) for j in names]
            found = minimize(self._loss, start, args=(names,), jac=True, method="L-BFGS-B", bounds=limits,
                             options={"maxiter": 500})  # fmt: skip
            if best is None or found.fun < best.loss:
                best = Fit(theta=np.asarray(found.x), loss=float(found.fun), free=names)
        assert best is not None  # noqa: S101  # one start at least
        return best

    def _loss(self, theta: Floats, free: tuple[int, ...]) -> tuple[float, Floats]:
        """Minus the log likelihood with a weak prior on the slope, and its gradient."""
        curve = self.curve
        height = self._basis @ theta[:curve]
        slope = np.exp(theta[curve + 1])
        rates = np.zeros(4)
        rates[list(free)] = theta[curve + 2 :]
        lost = np.where(self.group, rates[GROUP_LOST], rates[REST_LOST])
        added = np.where(self.group, rates[GROUP_ADDED], rates[REST_ADDED])
        truth = expit(np.where(self.group, theta[curve] + slope * height, height))
        chance = np.clip(added + (1 - added - lost) * truth, 1e-9, 1 - 1e-9)
        loss = -(self.hits * np.log(chance) + (self.rows - self.hits) * np.log1p(-chance)).sum()
        pull = (self.rows - self.hits) / (1 - chance) - self.hits / chance
        lean = pull * (1 - added - lost) * truth * (1 - truth)
        gradient = np.zeros_like(theta)
        gradient[:curve] = self._basis.T @ (lean * np.where(self.group, slope, 1.0))
        gradient[curve] = lean[self.group].sum()
        gradient[curve + 1] = (lean * height * slope)[self.group].sum() + theta[curve + 1] / _SLOPE_SPREAD**2
        down, up = -pull * truth, pull * (1 - truth)
        by_rate = np.array([down[~self.group].sum(), up[~self.group].sum(), down[self.group].sum(),
                            up[self.group].sum()])  # fmt: skip
        gradient[curve + 2 :] = by_rate[list(free)]
        return float(loss + 0.5 * (theta[curve + 1] / _SLOPE_SPREAD) ** 2), gradient

    def draws(self, fit: Fit, count: int, random: np.random.Generator) -> Floats:
        """``count`` parameter vectors from the posterior of ``fit`` (flat prior on the logit of the free rates).

        Sampling importance resampling from a heavy-tailed normal approximation: rates near 0 have skewed posteriors that
        a plain normal would cut short.
        """
        first = self.curve + 2
        middle = fit.theta.copy()
        middle[first:] = logit(np.clip(middle[first:], 0.005, MOST_FLIPS))
        size = len(middle)
        hessian = np.empty((size, size))
        for j in range(size):
            step = np.zeros(size)
            step[j] = 1e-4
            hessian[:, j] = (self._slope(middle + step, fit.free) - self._slope(middle - step, fit.free)) / 2e-4
        values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
        root = vectors / np.sqrt(np.maximum(values, 0.25))
        freedom, tries = 5.0, max(2000, 20 * count)
        spread = random.standard_normal((tries, size)) / np.sqrt(random.chisquare(freedom, tries) / freedom)[:, None]
        tried = middle + 1.3 * spread @ root.T
        wild = 0.5 * (freedom + size) * np.log1p((spread**2).sum(axis=1) / freedom)
        tried[:, first:] = np.clip(tried[:, first:], logit(1e-4), logit(0.95))
        natural = tried.copy()
        natural[:, first:] = expit(tried[:, first:])
        weight = np.array([-self._loss(theta, fit.free)[0] for theta in natural]) + wild
        weight = np.exp(weight - weight.max())
        return np.asarray(natural[random.choice(tries, size=count, p=weight / weight.sum())])

    def _slope(self, theta: Floats, free: tuple[int, ...]) -> Floats:
        first = self.curve + 2
        natural = theta.copy()
        natural[first:] = expit(theta[first:])
        gradient = self._loss(natural, free)[1]
        gradient[first:] *= natural[first:] * (1 - natural[first:])
        return gradient

    def flip_chances(self, theta: Floats, free: tuple[int, ...], labels: Bools, scores: Floats,
                     inside: Bools) -> Floats:  # fmt: skip
        r"""P(the recorded label is wrong) of each row of the group, 0 elsewhere.

        For a recorded negative :math:`\rho_1\sigma(\eta) / (\rho_1\sigma(\eta) + (1-\rho_0)(1-\sigma(\eta)))`, for a
        recorded positive the mirror image.
        """
        rates = np.zeros(4)
        rates[list(free)] = theta[self.curve + 2 :]
        lost, added = rates[GROUP_LOST], rates[GROUP_ADDED]
        found = np.zeros(len(labels))
        height = spline_basis(scores[inside], self.knots) @ theta[: self.curve]
        truth = expit(theta[self.curve] + np.exp(theta[self.curve + 1]) * height)
        negative = lost * truth / np.maximum(lost * truth + (1 - added) * (1 - truth), 1e-12)
        positive = added * (1 - truth) / np.maximum(added * (1 - truth) + (1 - lost) * truth, 1e-12)
        found[inside] = np.where(labels[inside], positive, negative)
        return found


def spline_basis(scores: Floats, knots: Floats) -> Floats:
    """Natural cubic spline: constant, line, and one bend an inner knot; straight outside the knots."""
    span, last = knots[-1] - knots[0], knots[-1]

    def bend(knot: float) -> Floats:
        above = np.maximum(scores - knot, 0) ** 3 - np.maximum(scores - last, 0) ** 3
        return np.asarray(above / (last - knot))

    end = bend(knots[-2])
    return np.stack([np.ones_like(scores), scores, *((bend(k) - end) / span for k in knots[:-2])], axis=1)


def _cells(labels: npt.NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean score, rows and positives of runs of neighbours along the score."""
    order = np.argsort(scores, kind="stable")
    count = min(MOST_CELLS, max(len(order) // CELL_ROWS, 1))
    parts = np.array_split(order, count)
    return (np.array([scores[p].mean() for p in parts]), np.array([float(len(p)) for p in parts]),
            np.array([float(labels[p].sum()) for p in parts]))  # fmt: skip
