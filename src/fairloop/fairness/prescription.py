"""What better labels would do to a gap, told before anybody looks at a row.

Recorded labels are replaced by draws of what they may truly be, the model is trained again on each draw, and the gap it
then shows is the promise, with the interval in which a repeat of all this will find it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from fairloop.errors import InvalidInput
from fairloop.stats.arrays import Bools, Floats

BORDER = 0.08
"""Rows whose score is about this near the threshold are those a change of the labels can move over it."""
LEAST_DRAWS = 8
_LEAF_ROWS = 5.0
ALLOWANCE = 1.15
"""What the interval is widened by: the draws know how the labels may fall, not how far the model of them is wrong.
Settled by simulation (tests marked ``simulation``)."""
MODEL_ERROR = 0.05
"""Standard deviation of that error as a share of the promised change: no promise is surer than this, whatever the draws."""
Leaves = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """The gap after ``relabel`` rows were looked at again and ``collect`` more rows came in."""

    relabel: int
    collect: int
    now: float
    estimate: float
    low: float
    high: float
    wrong: float
    draws: int
    method: str = "labels drawn from their posterior, model trained again, prediction interval"

    def plain(self) -> dict[str, Any]:
        """As JSON-able values; ``wrong`` is how many of the rows are expected to be recorded wrongly."""
        return asdict(self)

    def holds(self, measured: float) -> bool:
        """Whether a measured gap lies in the promised interval."""
        return self.low <= measured <= self.high


def gap_pull(scores: Floats, high: Bools, low: Bools, *, threshold: float = 0.5, border: float = BORDER) -> Floats:
    r"""How much the gap falls for each row's score when the score rises a little.

    With the selection of a row smoothed to :math:`\Phi((f-t)/b)`, the slope of (rate of ``high``) - (rate of ``low``),
    with its sign turned: negative for rows of the group that is selected more, positive for the other, 0 elsewhere.

    Raises
    ------
    InvalidInput
        One of the groups has no row.
    """
    if not high.any() or not low.any():
        raise InvalidInput("A gap needs rows in both groups.")
    near = np.exp(-0.5 * ((scores - threshold) / border) ** 2)
    return np.asarray(near * (low / low.sum() - high / high.sum()))


def leaf_influence(taught: Leaves, judged: Leaves, pull: Floats) -> Floats:
    """What one more positive label of a training row does to the gap, by the leaves it shares with judged rows.

    Parameters
    ----------
    taught, judged : array of int, shape (rows, trees)
        The leaf of each training row and of each judged row in each tree.
    pull : array, shape (judged rows,)
        From :func:`gap_pull`.

    Returns
    -------
    array, shape (training rows,)
        Positive where a positive label makes the gap smaller. A leaf's value is about the mean of its labels, so a label
        moves the judged rows of its leaf by one over the leaf's training rows.
    """
    found = np.zeros(len(taught))
    for tree in range(taught.shape[1]):
        leaves = int(max(taught[:, tree].max(initial=0), judged[:, tree].max(initial=0))) + 1
        weight = np.bincount(judged[:, tree], weights=pull, minlength=leaves)
        rows = np.bincount(taught[:, tree], minlength=leaves)
        found += (weight / (rows + _LEAF_ROWS))[taught[:, tree]]
    return found


def by_expected_effect(chances: Floats, labels: Bools, influence: Floats) -> npt.NDArray[np.intp]:
    """Rows that may be wrong, those first whose correction is expected to close the gap most.

    The effect is P(the label is wrong) times the change of the gap if it is turned. Rows whose correction would widen the
    gap are in the list too, after the others: leaving known errors where they suit us would be bias of our own.
    """
    gain = chances * np.where(labels, -influence, influence)
    order = np.lexsort((-chances, -gain))
    return np.asarray(order[chances[order] > 0])


def promise(gaps: Sequence[float], *, now: float, relabel: int, collect: int = 0, wrong: float = 0.0,
            confidence: float = 0.95) -> Promise:  # fmt: skip
    r"""The gap to expect, with the interval for one more draw.

    .. math:: \bar g \pm t_{D-1}\sqrt{(1.15\, s)^2 (1+1/D) + (0.05\,(g_{now} - \bar g))^2}

    Raises
    ------
    InvalidInput
        Fewer than 8 draws.
    """
    if len(gaps) < LEAST_DRAWS:
        raise InvalidInput(f"{len(gaps)} draws promise nothing; give {LEAST_DRAWS} or more.")
    found, count = np.asarray(gaps, dtype=np.float64), len(gaps)
    middle = float(found.mean())
    spread = (ALLOWANCE * float(found.std(ddof=1))) ** 2 * (1 + 1 / count) + (MODEL_ERROR * (now - middle)) ** 2
    reach = float(student.ppf(0.5 + confidence / 2, count - 1)) * spread**0.5
    return Promise(relabel=relabel, collect=collect, now=now, estimate=middle, low=max(0.0, middle - reach),
                   high=min(1.0, middle + reach), wrong=wrong, draws=count)  # fmt: skip


def promises(labels: Bools, wrong: Sequence[Bools], order: npt.NDArray[np.intp], sizes: Sequence[int],
             gap: Callable[[Bools], float]) -> list[Promise]:  # fmt: skip
    """One promise a size: look again at the first so many rows of ``order``.

    Parameters
    ----------
    labels : bool array, shape (n,)
        As recorded.
    wrong : sequence of bool arrays, shape (n,)
        Draws of which labels are wrong, see ``LabelCurve.draws``.
    order : array of int
        From :func:`by_expected_effect`.
    sizes : sequence of int
    gap : callable
        Trains on labels and answers the gap; deterministic, or the promise is about its dice too.
    """
    now, found = gap(labels), []
    for size in sizes:
        looked = order[:size]
        gaps, errors = [], []
        for draw in wrong:
            corrected = labels.copy()
            corrected[looked] ^= draw[looked]
            gaps.append(gap(corrected))
            errors.append(int(draw[looked].sum()))
        found.append(promise(gaps, now=now, relabel=len(looked), wrong=float(np.mean(errors))))
    return found


def worthwhile(found: Sequence[Promise], *, target: float | None = None, share: float = 0.8) -> Promise | None:
    """The fewest rows that bring the gap to ``target``, or else ``share`` of the most that any size brings.

    None when even the best promise is no better than the gap now, its interval included.
    """
    useful = [p for p in found if p.high < p.now]
    if not useful:
        return None
    if target is not None and (reached := [p for p in useful if p.estimate <= target]):
        return min(reached, key=lambda p: p.relabel)
    most = max(p.now - p.estimate for p in useful)
    return min((p for p in useful if p.now - p.estimate >= share * most), key=lambda p: p.relabel)
