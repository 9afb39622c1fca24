"""What a search may vary, and how long it may take."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from fairloop.core.units import parse_seconds
from fairloop.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """One hyperparameter's values: from ``low`` to ``high`` (whole numbers when ``whole``, on a logarithmic scale when
    ``log``), or one of ``choices``."""

    name: str
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    log: bool = False
    choices: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.choices:
            return
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InvalidInput(
                f"Search({self.name}=({self.low!r}, {self.high!r})): give a smaller and a larger finite number."
            )
        if self.log and self.low <= 0:
            raise InvalidInput(f"Search({self.name}=...): a logarithmic range must begin above 0, not at {self.low:g}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When a search ends: after ``seconds``, ``usd`` or ``trials``; exactly one is given."""

    seconds: float | None = None
    usd: float | None = None
    trials: int | None = None

    def __post_init__(self) -> None:
        given = [v for v in (self.seconds, self.usd, self.trials) if v is not None]
        if len(given) != 1 or not math.isfinite(given[0]) or given[0] <= 0:
            raise InvalidInput(
                "A budget is one positive amount of seconds, dollars or trials: '2m', '$0.50' or '40 trials'."
            )

    @property
    def words(self) -> str:
        if self.seconds is not None:
            return f"{self.seconds:g} s"
        return f"${self.usd:g}" if self.usd is not None else f"{self.trials} trials"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """The search of a loop, as data."""

    ranges: list[Range] = field(default_factory=list)
    budget: Budget = field(default_factory=lambda: Budget(trials=30))
    seed: int = 0

    def __post_init__(self) -> None:
        names = [found.name for found in self.ranges]
        if twice := {name for name in names if names.count(name) > 1}:
            raise InvalidInput(f"The search names {min(twice)!r} twice; keep one range.")


def Search(
    *, budget: str | int | float = "30 trials", seed: int = 0, **space: Any
) -> SearchPlan:  # reads as a noun in loop.py
    """A search over hyperparameters of the pipeline, together with the strengths of the loop's mitigations.

    Parameters
    ----------
    budget : str or number
        ``"2m"`` of time, ``"$0.50"`` by the price book, or ``"40 trials"``. A plain whole number counts trials. Equal
        seeds and trials give equal frontiers; a budget of time or money ends the same sequence sooner or later.
    seed : int
    **space
        Parameters of the pipeline that its trainer is given: ``learning_rate=(0.01, 0.3, "log")``,
        ``num_leaves=(7, 63)`` (whole numbers), ``boosting=["gbdt", "dart"]``.

    Examples
    --------
    >>> Search(learning_rate=(0.01, 0.3, "log"), num_leaves=(7, 63), budget="2m").budget.words
    '120 s'
    """
    return SearchPlan(ranges=[_range(name, given) for name, given in space.items()], budget=_budget(budget), seed=seed)


def _range(name: str, given: Any) -> Range:
    if isinstance(given, list) and len(given) > 1:
        if not all(isinstance(value, (str, int, float, bool, type(None))) for value in given):
            raise InvalidInput(f"Search({name}={given!r}): choices are texts, numbers or truth values.")
        return Range(name=name, choices=given)
    numbers = isinstance(given, tuple) and len(given) in {2, 3} and all(type(v) in {int, float} for v in given[:2])
    if not numbers or (len(given) == 3 and given[2] != "log"):
        raise InvalidInput(f"Search({name}={given!r}): give (low, high), (low, high, 'log') or a list of choices.")
    whole = all(type(value) is int for value in given[:2])
    return Range(name=name, low=float(given[0]), high=float(given[1]), whole=whole, log=len(given) == 3)


def _budget(given: str | float) -> Budget:
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise InvalidInput(f"budget={given!r}: give '2m', '$0.50' or '40 trials'.")
    text = str(given).strip()
    if found := re.fullmatch(r"(\d+)\s*(trials?)?", text):
        return Budget(trials=int(found.group(1)))
    if found := re.fullmatch(r"\$\s*(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\s*(?:usd|dollars?)", text, re.IGNORECASE):
        return Budget(usd=float(found.group(1) or found.group(2)))
    return Budget(seconds=parse_seconds(text))
