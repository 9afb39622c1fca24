"""Concept drift between two versions of a network: does the newer one lean on a concept more than the older?

Two networks have no directions in common, even when they answer alike, so vectors are compared by what they say about the
same inputs: the correlation of the inputs' positions along each. The cosine is told too, where the layers have one size; it
means something only when the newer network was trained on from the older.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fairloop.fairness.concepts.tcav import Finding

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptDrift:
    """``change`` is the newer influence less the older one, with its interval; ``agreement`` the correlation of the same
    inputs' positions along both vectors (1: they see the same), None where an input set has no spread."""

    concept: str
    target: str
    older: float
    newer: float
    change: float
    low: float
    high: float
    score_change: float
    agreement: float | None
    cosine: float | None

    @property
    def moved(self) -> bool:
        """Whether the influence has changed by more than chance explains."""
        return self.low > 0 or self.high < 0


def concept_drift(older: Finding, newer: Finding, older_inputs: Floats, newer_inputs: Floats) -> ConceptDrift:
    """Compare one concept in two networks.

    Parameters
    ----------
    older, newer : Finding
        The same concept and answer, tested on the same inputs.
    older_inputs, newer_inputs : array, shape (n, size of the layer)
        Activations of the same inputs in each network.

    Returns
    -------
    ConceptDrift
        The interval of the change adds the squares of both half lengths: the examples are the same, so their chance goes in
        the same direction in both and the interval is, if anything, too wide.
    """
    half = math.hypot(older.influence_high - older.influence, newer.influence_high - newer.influence)
    change = newer.influence - older.influence
    return ConceptDrift(
        concept=newer.concept, target=newer.target, older=older.influence, newer=newer.influence, change=change,
        low=change - half, high=change + half, score_change=newer.score - older.score,
        agreement=_correlation(older_inputs @ older.vector, newer_inputs @ newer.vector),
        cosine=float(older.vector @ newer.vector) if older.vector.shape == newer.vector.shape else None,
    )  # fmt: skip


def _correlation(first: Floats, second: Floats) -> float | None:
    a, b = first - first.mean(), second - second.mean()
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length > 0 else None
