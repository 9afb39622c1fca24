"""A number with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """An estimate with its interval, at 95 % unless the caller asked otherwise.

    ``None`` stands for *cannot be told from these rows* (no rows, one class only); judged as insufficient
    evidence. ``n`` counts the rows used.
    """

    estimate: float | None
    low: float | None
    high: float | None
    n: int
    method: str

    def plain(self) -> dict[str, float | int | str | None]:
        """As JSON-able values: estimate, low, high, n, method."""
        return {
            "estimate": self.estimate,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "method": self.method,
        }


def unknown(n: int, method: str) -> Estimate:
    """No estimate: the rows do not determine it."""
    return Estimate(estimate=None, low=None, high=None, n=n, method=method)


def finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
