"""Identity-term swap test: does a text's score change when only the word for a group changes?

References
----------
Garg, S. et al. (2019). Counterfactual fairness in text classification through robustness. AIES.
Dixon, L. et al. (2018). Measuring and mitigating unintended bias in text classification. AIES.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from fairloop.stats.corrections import holm
from fairloop.stats.estimate import Estimate, finite, unknown

ALPHA = 0.05
FEWEST_TEXTS = 20
METHOD = "paired Student"
Floats = npt.NDArray[np.float64]
Score = Callable[[list[int], list[str]], Floats]
"""Positions of texts and the changed texts, to scores."""
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairChange:
    """What swapping one pair does: the mean score with the second term less that with the first."""

    pair: Pair
    n: int
    change: float | None
    low: float | None
    high: float | None
    p: float
    """Adjusted over all pairs after Holm; 1 where too few texts hold the pair."""
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """``change`` is over all pairs together, ``gap`` its size without sign; ``texts`` is how many hold a term."""

    change: Estimate
    gap: Estimate
    mean_size: float | None
    pairs: list[PairChange]
    texts: int

    @property
    def worst(self) -> PairChange | None:
        """The significant pair with the largest change."""
        sure = [pair for pair in self.pairs if pair.p <= ALPHA and pair.change is not None]
        return max(sure, key=lambda pair: abs(pair.change or 0.0), default=None)


def identity_swap(score: Score, texts: Sequence[str], pairs: Sequence[Pair]) -> Swap:
    """Score each text that holds a term twice: once with every first term, once with every second.

    Parameters
    ----------
    score : callable
        Given positions in ``texts`` and the changed texts, answers with scores of shape (n,), or (n, classes), of which
        the class that changes most is told.
    texts : sequence of str
    pairs : sequence of (str, str)
        Each term is a word or phrase, found as a whole and whatever its case.

    Returns
    -------
    Swap
        0 means that the words for the groups make no difference; 1 that they decide. Without 20 texts that hold a term
        the estimates are unknown. Intervals are Student's over texts, Bonferroni over classes.

    Raises
    ------
    NotANumber
        The scores are NaN.
    """
    holding = [row for row, text in enumerate(texts) if any(holds(text, pair) for pair in pairs)]
    if len(holding) < FEWEST_TEXTS:
        nothing = unknown(len(holding), METHOD)
        none = [PairChange(pair=pair, n=sum(holds(texts[row], pair) for row in holding), change=None, low=None, high=None, p=1.0)
                for pair in pairs]  # fmt: skip
        return Swap(change=nothing, gap=nothing, mean_size=None, pairs=none, texts=len(holding))
    changes = _changes(score, texts, holding, pairs)
    column, tests = int(np.abs(changes.mean(axis=0)).argmax()), changes.shape[1]
    own = changes[:, column]
    change, _ = _paired(own, tests)
    told = _by_pair(score, texts, holding, pairs, column)
    return Swap(
        change=change, gap=_size(change), mean_size=finite(float(np.abs(own).mean())), pairs=told, texts=len(holding)
    )


def holds(text: str, pair: Pair) -> bool:
    """Whether either term of the pair stands in the text."""
    return any(_pattern(term).search(text) for term in pair)


def with_terms(text: str, pairs: Sequence[Pair], side: int) -> str:
    """The text with every term replaced by its counterpart on ``side`` (0 or 1); capitals are kept."""
    for pair in sorted(pairs, key=lambda p: -len(p[1 - side])):
        wanted = pair[side]
        text = _pattern(pair[1 - side]).sub(lambda found, term=wanted: _like(found.group(), term), text)  # type: ignore[misc]  # a default binds the loop's value
    return text


def _pattern(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(term)}(?!\w)", re.IGNORECASE)


def _like(found: str, term: str) -> str:
    if len(found) > 1 and found.isupper():
        return term.upper()
    return term[:1].upper() + term[1:] if found[:1].isupper() else term


def _changes(score: Score, texts: Sequence[str], rows: list[int], pairs: Sequence[Pair]) -> Floats:
    """Score with second terms less score with first terms, shape (rows, classes)."""
    first, second = (np.asarray(score(rows, [with_terms(texts[row], pairs, side) for row in rows]), dtype=np.float64)
                     for side in (0, 1))  # fmt: skip
    found: Floats = (second - first).reshape(len(rows), -1)
    return found


def _paired(changes: Floats, tests: int = 1) -> tuple[Estimate, float]:
    """The mean with its interval, and the two-sided p-value that it is 0."""
    n = len(changes)
    mean, error = float(changes.mean()), float(changes.std(ddof=1)) / math.sqrt(n)
    half = float(student.ppf(1 - ALPHA / (2 * tests), n - 1)) * error
    found = Estimate(estimate=mean, low=mean - half, high=mean + half, n=n, method=METHOD)
    if error < 1e-15:
        return found, 1.0 if abs(mean) < 1e-15 else 0.0
    return found, min(1.0, tests * 2 * float(student.sf(abs(mean) / error, n - 1)))


def _size(change: Estimate) -> Estimate:
    """The interval of the change's size: it starts at 0 when the change may have either sign."""
    if change.estimate is None or change.low is None or change.high is None:
        return change
    low = max(0.0, change.low, -change.high)
    high = max(abs(change.low), abs(change.high))
    return Estimate(estimate=abs(change.estimate), low=low, high=high, n=change.n, method=change.method)


def _by_pair(
    score: Score, texts: Sequence[str], rows: list[int], pairs: Sequence[Pair], column: int
) -> list[PairChange]:
    found = []
    for pair in pairs:
        own = [row for row in rows if holds(texts[row], pair)]
        if len(own) < FEWEST_TEXTS:
            found.append(PairChange(pair=pair, n=len(own), change=None, low=None, high=None, p=1.0))
            continue
        changes = _changes(score, texts, own, [pair])
        change, p = _paired(changes[:, column], changes.shape[1])
        example = texts[own[int(np.abs(changes[:, column]).argmax())]]
        found.append(PairChange(pair=pair, n=len(own), change=change.estimate, low=change.low, high=change.high, p=p,
                                example=example[:300]))  # fmt: skip
    adjusted = holm([one.p for one in found])
    return [replace(one, p=p) for one, p in zip(found, adjusted, strict=True)]
