"""Disjoint sets of examples for the runs of TCAV, so that the runs are independent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fairloop.errors import InvalidInput

FEWEST_EXAMPLES = 30
MOST_RUNS, FEWEST_RUNS = 20, 10
RANDOM_RUNS = 50
_SIZE = 10
"""Examples of a set: few enough for many independent runs, enough for a direction."""
_SMALLEST, _LARGEST = 3, 25
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """How often each concept is tried, and with how many examples at a time."""

    runs: int
    size: int


def runs_for(sizes: dict[str, int], pool: int) -> Runs:
    """As many disjoint sets as the smallest concept allows.

    Raises
    ------
    InvalidInput
        A concept, or the pool of other examples, is too small for independent runs.
    """
    for name, n in sizes.items():
        if n < FEWEST_EXAMPLES:
            raise InvalidInput(f"The concept {name!r} has {n} examples; give at least {FEWEST_EXAMPLES}.")
    smallest = min(sizes.values())
    runs = min(MOST_RUNS, max(FEWEST_RUNS, smallest // _SIZE))
    size = min(smallest // runs, _LARGEST, pool // (4 * FEWEST_RUNS))
    if size < _SMALLEST:
        raise InvalidInput(
            f"There are {pool} examples without the concept; give at least {4 * FEWEST_RUNS * _SMALLEST}."
        )
    return Runs(runs=runs, size=size)


def disjoint(n: int, runs: Runs, random: np.random.Generator) -> list[Indices]:
    """``runs.runs`` disjoint sets of ``runs.size`` positions below ``n``."""
    order = random.permutation(n)
    return [order[i * runs.size : (i + 1) * runs.size] for i in range(runs.runs)]


class Pool:
    """Examples to draw from without repeats until all were drawn once; then they are dealt anew.

    ``strata`` (for example the answers) keeps draws comparable: :meth:`like` gives as many of each stratum as asked.
    """

    def __init__(self, strata: npt.NDArray[np.int64], random: np.random.Generator) -> None:
        self._random = random
        self._strata = strata
        self._of = {int(s): np.flatnonzero(strata == s) for s in np.unique(strata)}
        self._left: dict[int, list[int]] = {s: [] for s in self._of}

    def like(self, strata: npt.NDArray[np.int64]) -> Indices:
        """One position for each entry of ``strata``, from the same stratum; from any when the pool has none of it."""
        known = list(self._of)
        wanted = [int(s) if int(s) in self._of else known[int(self._random.integers(len(known)))] for s in strata]
        return np.array([self._draw(s) for s in wanted], dtype=np.int64)

    def pair(self, size: int) -> tuple[Indices, Indices]:
        """Two disjoint sets of the same make-up: a concept that means nothing, and its counterpart."""
        strata = self._random.choice(self._strata, size)
        return self.like(strata), self.like(strata)

    def _draw(self, stratum: int) -> int:
        if not self._left[stratum]:
            self._left[stratum] = self._random.permutation(self._of[stratum]).tolist()
        return self._left[stratum].pop()
