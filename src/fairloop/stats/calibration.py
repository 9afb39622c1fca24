r"""Do scores mean what they say? Frequencies against scores in bins, overall or by group, from sums of one pass.

``labels`` are 0/1 and ``scores`` chances in [0, 1], of shape (n,). Bins have equal width; scikit-learn's
``calibration_curve(strategy="uniform")`` gives the same points.

References
----------
Naeini, M. P., Cooper, G. F., Hauskrecht, M. (2015). Obtaining well calibrated probabilities using Bayesian binning.
AAAI 29, 2901-2907.
Broecker, J. (2012). Estimating reliability and resolution of probability forecasts. Climate Dynamics 39, 655-667.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr

from fairloop.stats.arrays import ArrayLike, Floats, chances, effective
from fairloop.stats.estimate import Estimate, unknown
from fairloop.stats.intervals import normal_cdf, two_sided, wilson

BINS = 10
METHOD = "normal, less the bias of absolute values below"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """Rows with scores between ``above`` and ``up_to``: their mean score, and how often the label was 1."""

    above: float
    up_to: float
    mean_score: float
    frequency: Estimate


def calibration_curve(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, *, bins: int = BINS,
                      confidence: float = 0.95) -> list[CalibrationBin]:  # fmt: skip
    """The points of a reliability diagram, each with Wilson's interval; bins without rows are left out.

    On the diagonal (mean score = frequency) scores can be read as chances.
    """
    truth, chance, weight = chances(labels, scores, weights)
    place, edges = bin_of(chance, bins), np.linspace(0.0, 1.0, bins + 1)
    z = two_sided(confidence)
    found = []
    for index in np.unique(place):
        inside = place == index
        part = None if weight is None else weight[inside]
        size = effective(part, int(inside.sum()))
        if size <= 0:
            continue
        share = float(np.average(truth[inside], weights=part))
        low, high = wilson(min(share * size, size), size, z)
        frequency = Estimate(estimate=share, low=low, high=high, n=int(inside.sum()), method="wilson")
        found.append(CalibrationBin(above=float(edges[index]), up_to=float(edges[index + 1]),
                                    mean_score=float(np.average(chance[inside], weights=part)),
                                    frequency=frequency))  # fmt: skip
    return found


def expected_calibration_error(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, *,
                               bins: int = BINS, confidence: float = 0.95) -> Estimate:  # fmt: skip
    r"""Mean distance between score and frequency, :math:`\sum_b \frac{n_b}{n} |\bar y_b - \bar s_b|` over bins b.

    0 when scores can be read as chances, 1 at worst. Chance alone makes it larger than 0: the lower bound takes that
    bias off (the folded normal's, bin by bin) and is 0 unless the bins differ beyond chance; the upper one leaves it in,
    so the interval is conservative near 0.

    Returns
    -------
    Estimate
        None without rows.

    Raises
    ------
    InvalidInput
        If a score lies outside [0, 1].
    """
    truth, chance, weight = chances(labels, scores, weights)
    if not len(truth) or (weight is not None and weight.sum() <= 0):
        return unknown(len(truth), METHOD)
    error = binned_errors(truth, chance, np.zeros(len(truth), dtype=np.intp), 1, weight, bins)
    low, high = error.bounds(0, two_sided(confidence))
    return Estimate(estimate=float(error.error[0]), low=low, high=high, n=len(truth), method=METHOD)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinnedErrors:
    """The calibration error of each group, its standard deviation, how much of it is chance, and how often scores that
    mean what they say would lie as far off (chi-squared over the bins, Hosmer and Lemeshow 1980)."""

    error: Floats
    spread: Floats
    bias: Floats
    p_value: Floats

    def bounds(self, group: int, z: float) -> tuple[float, float]:
        error, half = float(self.error[group]), z * float(self.spread[group])
        if self.p_value[group] > 2 * (1 - normal_cdf(z)):
            return 0.0, min(1.0, error + half)
        return min(error, max(0.0, error - float(self.bias[group]) - half)), min(1.0, error + half)


def bin_of(scores: Floats, bins: int = BINS) -> npt.NDArray[np.intp]:
    """The bin of each score: 0 for the lowest; a score on an edge belongs below, as in scikit-learn."""
    return np.searchsorted(np.linspace(0.0, 1.0, bins + 1)[1:-1], scores)


def binned_errors(labels: npt.NDArray[np.bool_], scores: Floats, codes: npt.NDArray[np.intp], groups: int,
                  weights: Floats | None, bins: int = BINS) -> BinnedErrors:  # fmt: skip
    """The expected calibration error of each of ``groups`` groups (code -1: none), from sums of one pass."""
    cells = codes * bins + bin_of(scores, bins)
    cells[codes < 0] = groups * bins
    residual = labels - scores
    twice = None if weights is None else np.square(weights)

    def total(values: Floats | None) -> Floats:
        found: Floats = np.bincount(cells, weights=values, minlength=groups * bins + 1)[:-1].astype(np.float64)
        return found.reshape(groups, bins)

    weight, apart = total(weights), total(residual if weights is None else weights * residual)
    square, cross, doubled = weight, apart, residual
    if twice is not None:
        doubled = twice * residual
        square, cross = total(twice), total(doubled)
    second = total(doubled * residual)
    chance = total((1.0 if twice is None else twice) * scores * (1 - scores))
    whole = weight.sum(axis=1)
    error = _ratio(np.abs(apart).sum(axis=1), whole)
    spread = second - 2 * error[:, None] * np.sign(apart) * cross + np.square(error)[:, None] * square
    size = _ratio(np.square(whole), square.sum(axis=1))
    variance = _ratio(spread.sum(axis=1), np.square(whole)) * _ratio(size, size - 1)
    bias = upward_bias(_ratio(apart, weight), np.sqrt(_ratio(chance, np.square(weight))))
    freedom = np.maximum((chance > 0).sum(axis=1), 1)
    p_value = chdtrc(freedom, _ratio(np.square(apart), chance).sum(axis=1))
    return BinnedErrors(error=error, spread=np.where(size > 1, np.sqrt(np.maximum(variance, 0)), np.inf),
                        bias=_ratio((weight * bias).sum(axis=1), whole), p_value=p_value)  # fmt: skip


def upward_bias(estimate: Floats, spread: Floats) -> Floats:
    r"""How much larger :math:`|d|` is on average than :math:`|\delta|` when d is normal about :math:`\delta`.

    At :math:`\hat\delta = \sqrt{\max(0, d^2 - s^2)}`: all of :math:`s\sqrt{2/\pi}` when d is within chance of 0, nothing
    when it is far from it.
    """
    centre = np.sqrt(np.maximum(np.square(estimate) - np.square(spread), 0.0))
    ratio = np.divide(centre, spread, out=np.full_like(centre, np.inf), where=spread > 0)
    folded: Floats = spread * np.sqrt(2 / np.pi) * np.exp(-np.square(ratio) / 2) - 2 * centre * ndtr(-ratio)
    return folded


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
