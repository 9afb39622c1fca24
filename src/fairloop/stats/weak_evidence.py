"""How often a severe answer rests on weak evidence."""

from __future__ import annotations

import numpy as np

from fairloop.stats.arrays import ArrayLike, Bools, weights_or_none
from fairloop.stats.estimate import Estimate, unknown
from fairloop.stats.intervals import two_sided, wilson

CONFIDENT = 0.8
"""A positive answer whose score lies below is on weak evidence: one in five such answers is expected to be wrong."""


def severe_on_weak_evidence(scores: ArrayLike, severe: ArrayLike, weights: ArrayLike | None = None, *,
                            confident: float = CONFIDENT, confidence: float = 0.95) -> Estimate:  # fmt: skip
    r"""Share of the severe answers that were given with a score below ``confident``, and not left to a person.

    .. math:: \frac{\sum_i w_i [a_i = 1, s_i < c]}{\sum_i w_i [a_i = 1]}

    Parameters
    ----------
    scores : array, shape (n,)
        The model's probability of the severe answer.
    severe : array of 0/1, shape (n,)
        1 where the severe answer was given.
    weights : array >= 0, shape (n,), optional
    confident : float
        From which score on a severe answer may be given without a person.
    confidence : float
        Of Wilson's interval.

    Returns
    -------
    Estimate
        0 when every severe answer was sure, 1 when none was. Unknown when no severe answer was given: then nothing is
        shown either way. ``n`` counts severe answers.

    Notes
    -----
    The score is what the model says of its own evidence; look at its calibration before you trust it. The idea is the
    reject option of Chow (1970), "On optimum recognition error and reject tradeoff".
    """
    given: Bools = np.asarray(severe).astype(bool)
    weight = weights_or_none(weights, len(given))
    own = np.ones(len(given)) if weight is None else weight
    own, weak = own[given], np.asarray(scores, dtype=np.float64)[given] < confident
    total = float(own.sum())
    method = "wilson"
    if total <= 0:
        return unknown(int(given.sum()), method)
    size = total**2 / float((own**2).sum())
    share = float(own[weak].sum()) / total
    low, high = wilson(share * size, size, two_sided(confidence))
    return Estimate(estimate=share, low=low, high=high, n=int(given.sum()), method=method)
