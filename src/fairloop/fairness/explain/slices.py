"""Where a model errs most: slices found on one half of the rows and confirmed on the other.

References
----------
Chung, Y. et al. (2019). Slice Finder: automated data slicing for model validation. ICDE.
Cox, D. R. (1975). A note on data-splitting for the evaluation of significance levels. Biometrika 62, 441-444.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import hypergeom
from scipy.stats import t as student

from fairloop.errors import InvalidInput
from fairloop.stats.arrays import ArrayLike, Floats, numbers
from fairloop.stats.corrections import holm
from fairloop.stats.intervals import newcombe_difference

Bools = npt.NDArray[np.bool_]
DEPTH = 3
CANDIDATES = 5
CUTS = 24
MIN_SHARE = 0.02
MIN_ROWS = 25
MAX_CATEGORIES = 40
_LOOKED_AT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One column between bounds (``above`` < value <= ``below``), or in (or outside) some categories."""

    column: str
    above: float | None = None
    below: float | None = None
    values: tuple[str, ...] = ()
    negated: bool = False

    def holds(self, column: pd.Series) -> Bools:
        if self.values:
            inside = _within(column, self.values)
            return np.asarray(~inside if self.negated else inside)
        found = column.to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.isfinite(found)
        if self.above is not None:
            known &= found > self.above
        if self.below is not None:
            known &= found <= self.below
        return np.asarray(known, dtype=bool)

    def words(self) -> str:
        """``age at most 25``, ``hours above 20 and at most 35``, ``job is Sales or Clerk``."""
        if self.values:
            verb = "is not" if self.negated else "is"
            return f"{self.column} {verb} {' or '.join(self.values)}"
        if self.above is not None and self.below is not None:
            return f"{self.column} above {self.above:g} and at most {self.below:g}"
        return f"{self.column} at most {self.below:g}" if self.above is None else f"{self.column} above {self.above:g}"

    def plain(self) -> dict[str, Any]:
        return {"column": self.column, "above": self.above, "below": self.below, "values": list(self.values),
                "negated": self.negated, "words": self.words()}  # fmt: skip


def _within(column: pd.Series, values: tuple[str, ...]) -> Bools:
    if isinstance(column.dtype, pd.CategoricalDtype):
        known = np.append(column.cat.categories.astype("str").isin(values), False)
        return np.asarray(known[column.cat.codes.to_numpy()])
    return np.asarray(column.astype("str").isin(values).to_numpy() & column.notna().to_numpy())


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A slice with its error on the confirming half beside that of all other rows there; ``p`` is corrected."""

    conditions: tuple[Condition, ...]
    error: float
    rest: float
    low: float | None
    high: float | None
    n: int
    p: float

    @property
    def found(self) -> bool:
        return self.p <= 0.05

    def words(self) -> str:
        return " and ".join(condition.words() for condition in self.conditions)

    def plain(self) -> dict[str, Any]:
        return {"words": self.words(), "conditions": [c.plain() for c in self.conditions], "error": self.error,
                "rest": self.rest, "difference": self.error - self.rest, "low": self.low, "high": self.high, "n": self.n,
                "p": self.p, "found": self.found}  # fmt: skip


def find_slices(rows: pd.DataFrame, errors: ArrayLike, *, depth: int = DEPTH, candidates: int = CANDIDATES,
                seed: int = 0) -> list[Slice]:  # fmt: skip
    """The slices where a model errs most, in words of the columns.

    Half of the rows, drawn at random, grow a tree of splits that separate high errors from low ones; its nodes with the
    largest excess of errors are the candidates. The other half, which had no say in that, tests each: does it err more
    inside than outside? p-values are adjusted by Holm, so that the chance of naming any slice of a model that errs
    alike everywhere is at most 5 %.

    Parameters
    ----------
    rows : pandas.DataFrame, shape (n, d)
        Columns to describe slices by; they need not be those the model reads. Texts of more than 40 values are left out.
    errors : array >= 0, shape (n,)
        1 for a wrong answer and 0 for a right one; or an absolute error.
    depth : int
        Most conditions a slice.
    candidates : int
        Slices tested.
    seed : int

    Returns
    -------
    list of Slice
        Those that were confirmed first, then by excess error. Empty when nothing splits (too few rows, no errors).

    Raises
    ------
    InvalidInput
        On unequal lengths or negative errors; NotANumber on NaN.
    """
    wrong = numbers(errors, "errors", length=len(rows))
    if len(wrong) and wrong.min() < 0:
        raise InvalidInput("An error is negative; give 0/1 or absolute errors.")
    order = np.random.default_rng(seed).permutation(len(rows))
    one, other = order[: len(order) // 2], order[len(order) // 2 :]
    grown = list(_grow(rows.iloc[one].reset_index(drop=True), wrong[one], depth))
    overall = float(wrong[one].mean()) if len(one) else 0.0
    grown = [node for node in grown if node[1] > overall]
    grown.sort(key=lambda node: (-node[2], len(node[0])))
    half = rows.iloc[one].reset_index(drop=True)
    chosen = _different(half, [_pruned(half, wrong[one], node[0]) for node in grown[:_LOOKED_AT]], candidates)
    held = rows.iloc[other].reset_index(drop=True)
    tested = [found for conditions in chosen if (found := _test(held, wrong[other], conditions)) is not None]
    adjusted = holm([found.p for found in tested])
    slices = [_with_p(found, p) for found, p in zip(tested, adjusted, strict=True)]
    return sorted(slices, key=lambda s: (not s.found, -(s.error - s.rest) * math.sqrt(s.n)))


def _with_p(found: Slice, p: float) -> Slice:
    return Slice(conditions=found.conditions, error=found.error, rest=found.rest, low=found.low, high=found.high,
                 n=found.n, p=p)  # fmt: skip


def _pruned(rows: pd.DataFrame, errors: Floats, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Without the conditions that tell no more than the best of so many splits tells by chance."""
    while len(conditions) > 1:
        told = [_told(rows, errors, conditions, without) for without in range(len(conditions))]
        least = int(np.argmin(told))
        if told[least] >= math.sqrt(2 * math.log(max(2.0, 2.0 * CUTS * rows.shape[1]))):
            break
        conditions = conditions[:least] + conditions[least + 1 :]
    return conditions


def _told(rows: pd.DataFrame, errors: Floats, conditions: tuple[Condition, ...], without: int) -> float:
    """How surprising one condition is among the rows where all others hold, as a z score."""
    around = _inside(rows, conditions[:without] + conditions[without + 1 :])
    part = around & conditions[without].holds(rows[conditions[without].column])
    size, whole, spread = int(part.sum()), int(around.sum()), float(errors[around].std())
    if size in {0, whole} or spread == 0:
        return 0.0
    excess = float(errors[part].mean() - errors[around & ~part].mean())
    return excess * math.sqrt(size * (whole - size) / whole) / spread


def _different(rows: pd.DataFrame, ranked: list[tuple[Condition, ...]], most: int) -> list[tuple[Condition, ...]]:
    """The first of the ranked slices, without those that are mostly the rows of one before."""
    chosen: list[tuple[Condition, ...]] = []
    taken: list[Bools] = []
    for conditions in ranked:
        inside = _inside(rows, conditions)
        if conditions in chosen or any((inside & other).sum() > (inside | other).sum() / 2 for other in taken):
            continue
        chosen.append(conditions)
        taken.append(inside)
        if len(chosen) == most:
            break
    return chosen


def _inside(rows: pd.DataFrame, conditions: Sequence[Condition]) -> Bools:
    found = np.ones(len(rows), dtype=bool)
    for condition in conditions:
        found &= condition.holds(rows[condition.column])
    return found


# ------------------------------------------------------------------ growing
Node = tuple[tuple[Condition, ...], float, float]
"""Conditions, mean error, and how surprising the excess is (a z score)."""


def _grow(rows: pd.DataFrame, errors: Floats, depth: int) -> Iterator[Node]:
    """Every node of the tree below the root. The root's best splits on different columns each begin a branch, so that
    a slice hidden behind a stronger column is seen too."""
    smallest = max(MIN_ROWS, math.ceil(MIN_SHARE * len(rows)))
    places: list[tuple[Bools, tuple[Condition, ...]]] = [(np.ones(len(rows), dtype=bool), ())]
    total, n = float(errors.sum()), len(rows)
    spread = float(errors.std()) if n else 0.0
    if n < 2 * smallest or spread == 0:
        return
    for level in range(depth):
        following = []
        for inside, conditions in places:
            for condition, part in _splits(rows, errors, inside, smallest, take=4 if level == 0 else 2):
                joined = _joined(conditions, condition)
                size, mean = int(part.sum()), float(errors[part].mean())
                rest = (total - mean * size) / (n - size) if size < n else mean
                z = (mean - rest) / (spread * math.sqrt(1 / size + 1 / max(n - size, 1)))
                yield joined, mean, z
                following.append((z, part, joined))
        following.sort(key=lambda item: -item[0])
        places = [(part, joined) for z, part, joined in following[:8] if z > 0]


def _splits(rows: pd.DataFrame, errors: Floats, inside: Bools, smallest: int,
            take: int) -> list[tuple[Condition, Bools]]:  # fmt: skip
    """The worse side of the best split of each column, the best columns first."""
    found = []
    for name in rows.columns:
        best: tuple[float, Condition, Bools] | None = None
        for condition in _conditions(str(name), rows[name], errors, inside):
            part = inside & condition.holds(rows[name])
            size, whole = int(part.sum()), int(inside.sum())
            if size < smallest or whole - size < min(smallest, 10):
                continue
            within, without = errors[part], errors[inside & ~part]
            gain = (within.mean() - without.mean()) * math.sqrt(size * (whole - size) / whole)
            if gain > 0 and (best is None or gain > best[0]):
                best = float(gain), condition, part
        if best is not None:
            found.append(best)
    found.sort(key=lambda item: -item[0])
    return [(condition, part) for _, condition, part in found[:take]]


def _conditions(name: str, column: pd.Series, errors: Floats, inside: Bools) -> Iterator[Condition]:
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)[inside]
        known = np.unique(values[np.isfinite(values)])
        if len(known) > CUTS:
            known = np.unique(
                np.quantile(values[np.isfinite(values)], np.linspace(0, 1, CUTS + 2)[1:-1], method="lower")
            )
            known = np.unique(_short(known))
        elif len(known):
            known = known[:-1]
        for cut in known:
            yield Condition(column=name, below=float(cut))
            yield Condition(column=name, above=float(cut))
        return
    texts = column.astype("str").to_numpy()[inside]
    present = column.notna().to_numpy()[inside]
    names = sorted(set(texts[present]))
    if not 2 <= len(names) <= MAX_CATEGORIES:
        return
    means = {value: float(errors[inside][present & (texts == value)].mean()) for value in names}
    ordered = sorted(names, key=lambda value: (-means[value], value))
    for count in range(1, min(4, len(ordered))):  # the worst categories together: more would be no slice one can name
        yield Condition(column=name, values=tuple(sorted(ordered[:count])))
    yield Condition(column=name, values=(ordered[-1],), negated=True)


def _short(cuts: Floats) -> Floats:
    """Cuts a person can read: three digits of their spread."""
    spread = float(cuts.max() - cuts.min())
    return np.round(cuts, max(0, 2 - math.floor(math.log10(spread)))) if spread > 0 else cuts


def _joined(conditions: Sequence[Condition], fresh: Condition) -> tuple[Condition, ...]:
    """The conditions with one more; two bounds on a column become one."""
    kept = []
    for known in conditions:
        if known.column == fresh.column and not known.values and not fresh.values:
            above = [b for b in (known.above, fresh.above) if b is not None]
            below = [b for b in (known.below, fresh.below) if b is not None]
            fresh = Condition(column=fresh.column, above=max(above, default=None), below=min(below, default=None))
        elif known.column == fresh.column and known.values and fresh.values and not known.negated and not fresh.negated:
            fresh = Condition(column=fresh.column, values=tuple(v for v in fresh.values if v in known.values))
        else:
            kept.append(known)
    return tuple(sorted([*kept, fresh], key=lambda c: (c.column, c.words())))


# ------------------------------------------------------------------ confirming
def _test(rows: pd.DataFrame, errors: Floats, conditions: tuple[Condition, ...]) -> Slice | None:
    """One-sided: errs more inside than outside. None when a side has fewer than ten rows."""
    part = _inside(rows, conditions)
    inside, outside = errors[part], errors[~part]
    if min(len(inside), len(outside)) < 10:
        return None
    error, rest = float(inside.mean()), float(outside.mean())
    if np.isin(errors, (0.0, 1.0)).all():
        low, high = newcombe_difference(float(inside.sum()), len(inside), float(outside.sum()), len(outside))
        # Fisher's exact test: a normal approximation names too many slices of few rows
        p = float(hypergeom.sf(inside.sum() - 1, len(errors), int(errors.sum()), len(inside)))
    else:
        one, other = float(inside.var(ddof=1)) / len(inside), float(outside.var(ddof=1)) / len(outside)
        spread = math.sqrt(one + other)
        if spread == 0:
            return None
        freedom = (one + other) ** 2 / (one**2 / (len(inside) - 1) + other**2 / (len(outside) - 1))
        p = float(student.sf((error - rest) / spread, freedom))
        half = float(student.ppf(0.975, freedom)) * spread
        low, high = error - rest - half, error - rest + half
    return Slice(
        conditions=conditions, error=error, rest=rest, low=low, high=high, n=len(inside), p=min(1.0, max(0.0, p))
    )
