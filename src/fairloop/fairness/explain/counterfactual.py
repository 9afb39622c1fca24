"""Which few changes would have flipped one answer.

References
----------
Wachter, S., Mittelstadt, B., Russell, C. (2018). Counterfactual explanations without opening the black box. Harvard
Journal of Law & Technology 31, 841-887.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.errors import InvalidInput
from fairloop.stats.arrays import Floats

Flipped = Callable[[pd.DataFrame], tuple[npt.NDArray[np.bool_], Floats]]
"""Rows to whether each has the wanted answer, and how near it is (larger is nearer)."""
STEPS = 20
MAX_VALUES = 60
BEAM = 40
MOST_PAIRS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    column: str
    before: Any
    after: Any

    def plain(self) -> dict[str, Any]:
        return {"column": self.column, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """Changes that together flip the answer. ``cost`` adds up, per change, the share of people passed on the way (a
    number) or 1 (a category): lower is nearer."""

    changes: tuple[Change, ...]
    cost: float
    row: dict[str, Any]

    def plain(self) -> dict[str, Any]:
        return {"changes": [c.plain() for c in self.changes], "cost": self.cost}


@dataclass(frozen=True, slots=True)
class _Step:
    column: int
    value: Any
    cost: float


def counterfactuals(flipped: Flipped, person: pd.DataFrame, people: pd.DataFrame, *, immutable: Collection[str] = (),
                    only_up: Collection[str] = (), only_down: Collection[str] = (), max_changes: int = 3,
                    most: int = 3) -> list[Counterfactual]:  # fmt: skip
    """The cheapest sets of changes, each on other columns, that give one person the wanted answer.

    One change is searched exhaustively over the values people have (numbers at 20 quantiles), two changes too where that
    is at most 60,000 rows, more with a beam; a set with a smaller set inside that flips by itself is left out. Numbers
    are then brought as close to the person's own as the answer allows. The same person and data give the same answer.

    Parameters
    ----------
    flipped : function
        Rows to (has the wanted answer, nearness to it).
    person : pandas.DataFrame of one row
    people : pandas.DataFrame
        Rows that bound what is possible: no number leaves their range, no category is new.
    immutable : collection of str
        Columns that never change: the sensitive ones, and what nobody can change.
    only_up, only_down : collection of str
        Columns that may only grow (age), or only fall.
    max_changes : int
    most : int
        Answers at most.

    Returns
    -------
    list of Counterfactual
        Fewest changes first, then cheapest. Empty when no allowed change flips the answer: that too is a finding.

    Raises
    ------
    InvalidInput
        When the person is not one row, or a named column does not exist.
    """
    if len(person) != 1:
        raise InvalidInput(f"A counterfactual is about one person; {len(person)} rows were given.")
    for name in (*only_up, *only_down):
        if name not in person.columns:
            raise InvalidInput(f"The column {name!r} does not exist; the model reads {', '.join(person.columns)}.")
    search = _Search(flipped, person.reset_index(drop=True), people, set(only_up), set(only_down))
    steps = search.steps(set(immutable))
    found: list[tuple[_Step, ...]] = []
    beam: list[tuple[_Step, ...]] = [()]
    for size in range(1, max_changes + 1):
        tried = search.combined(beam, steps, found, size)
        if not tried:
            break
        hits, near = search.judge(tried)
        good = [tried[i] for i in np.flatnonzero(hits)]
        good.sort(key=_cost)
        for combination in good:
            if not any(_columns(known) <= _columns(combination) for known in found):
                found.append(combination)
        if len(found) >= most:
            break
        order = np.argsort(-near, kind="stable")
        beam = [tried[i] for i in order if not hits[i]][:BEAM]
    return [search.refined(combination) for combination in found[:most]]


def _cost(combination: tuple[_Step, ...]) -> tuple[float, tuple[int, ...]]:
    return sum(step.cost for step in combination), tuple(sorted(step.column for step in combination))


def _columns(combination: tuple[_Step, ...]) -> set[int]:
    return {step.column for step in combination}


class _Search:
    def __init__(
        self, flipped: Flipped, person: pd.DataFrame, people: pd.DataFrame, up: set[str], down: set[str]
    ) -> None:
        self.flipped, self.person, self.people, self.up, self.down = flipped, person, people, up, down
        self.names = [str(name) for name in person.columns]

    def steps(self, immutable: set[str]) -> list[_Step]:
        """Every allowed change of one column."""
        return [
            step for place, name in enumerate(self.names) if name not in immutable for step in self._of(place, name)
        ]

    def _of(self, place: int, name: str) -> list[_Step]:
        column, own = self.people[name], self.person[name].iloc[0]
        if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
            if name in self.up | self.down:
                raise InvalidInput(f"{name!r} is no number, so it can neither only grow nor only fall.")
            counts = column.value_counts()
            values = sorted(counts.index[counts > 0][:MAX_VALUES].tolist(), key=str)
            return [_Step(place, value, 1.0) for value in values if value != own and str(value) != ""]
        known = np.sort(column.to_numpy(dtype=np.float64, na_value=np.nan))
        known = known[np.isfinite(known)]
        if not len(known) or not np.isfinite(float(own)):
            return []
        grid: Floats = np.unique(known if len(np.unique(known)) <= STEPS
                           else np.quantile(known, np.linspace(0, 1, STEPS), method="nearest"))  # fmt: skip
        if name in self.up:
            grid = grid[grid > own]
        if name in self.down:
            grid = grid[grid < own]
        return [_Step(place, value, self._passed(known, float(own), value)) for value in grid.tolist() if value != own]

    @staticmethod
    def _passed(known: Floats, own: float, value: float) -> float:
        """Share of people between the two values: how far a change is, in people."""
        low, high = np.searchsorted(known, [min(own, value), max(own, value)])
        return max(float(high - low), 1.0) / len(known)

    def combined(self, beam: list[tuple[_Step, ...]], steps: list[_Step], found: list[tuple[_Step, ...]],
                 size: int) -> list[tuple[_Step, ...]]:  # fmt: skip
        """Sets of ``size`` changes to try: all pairs where they are few, else what extends the nearest sets."""
        known = [_columns(combination) for combination in found]
        alone = {next(iter(columns)) for columns in known if len(columns) == 1}
        rest = [step for step in steps if step.column not in alone]
        if size == 1:
            return [(step,) for step in steps]
        if size == 2 and len(rest) ** 2 / 2 <= MOST_PAIRS:
            return [pair for pair in combinations(rest, 2) if pair[0].column != pair[1].column]
        tried: dict[tuple[tuple[int, str], ...], tuple[_Step, ...]] = {}
        for combination in beam:
            if _columns(combination) & alone:
                continue
            for step in rest:
                if step.column in _columns(combination):
                    continue
                longer = tuple(sorted([*combination, step], key=lambda s: s.column))
                if not any(columns <= _columns(longer) for columns in known):
                    tried[tuple((s.column, str(s.value)) for s in longer)] = longer
        return list(tried.values())

    def judge(self, tried: list[tuple[_Step, ...]]) -> tuple[npt.NDArray[np.bool_], Floats]:
        return self.flipped(self.frame(tried))

    def frame(self, tried: list[tuple[_Step, ...]]) -> pd.DataFrame:
        """The person once for each set of changes, changed."""
        columns: dict[str, Any] = {}
        for place, name in enumerate(self.names):
            own = self.person[name]
            changed = [
                (row, step.value)
                for row, combination in enumerate(tried)
                for step in combination
                if step.column == place
            ]
            if isinstance(own.dtype, pd.CategoricalDtype):
                codes = np.full(len(tried), own.cat.codes.iloc[0])
                for row, value in changed:
                    codes[row] = own.cat.categories.get_loc(value)
                columns[name] = pd.Categorical.from_codes(codes, dtype=own.dtype)
                continue
            values = own.repeat(len(tried)).reset_index(drop=True)
            if changed:
                rows, fresh = zip(*changed, strict=True)
                if pd.api.types.is_integer_dtype(values.dtype) and not all(float(v).is_integer() for v in fresh):
                    values = values.astype(np.float64)
                values.iloc[list(rows)] = (
                    np.asarray(fresh, dtype=values.dtype) if isinstance(values.dtype, np.dtype) else list(fresh)
                )
            columns[name] = values
        return pd.DataFrame(columns)

    def refined(self, combination: tuple[_Step, ...]) -> Counterfactual:
        """The same changes with every number as near to the person's own as the answer allows."""
        current = list(combination)
        for number, step in enumerate(current):
            name = self.names[step.column]
            column = self.people[name]
            if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
                continue
            own = float(self.person[name].iloc[0])
            whole = pd.api.types.is_integer_dtype(column.dtype)
            known = np.unique(column.to_numpy(dtype=np.float64, na_value=np.nan))
            between = known[(known > min(own, step.value)) & (known < max(own, step.value)) & np.isfinite(known)]
            between = between[np.argsort(np.abs(between - own), kind="stable")]
            if len(between) > 200:
                between = between[np.linspace(0, len(between) - 1, 200).astype(int)]
            values = [int(v) if whole else float(v) for v in between]
            tried = [
                tuple(_Step(step.column, v, 0.0) if i == number else s for i, s in enumerate(current)) for v in values
            ]
            if tried and (hits := self.judge(tried)[0]).any():
                current[number] = tried[int(np.argmax(hits))][number]
        row = {name: _plain(self.frame([tuple(current)])[name].iloc[0]) for name in self.names}
        changes = tuple(Change(column=self.names[s.column], before=_plain(self.person[self.names[s.column]].iloc[0]),
                               after=row[self.names[s.column]]) for s in current)  # fmt: skip
        return Counterfactual(changes=changes, cost=sum(self._cost_of(c) for c in changes), row=row)

    def _cost_of(self, change: Change) -> float:
        column = self.people[change.column]
        if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
            return 1.0
        known = np.sort(column.to_numpy(dtype=np.float64, na_value=np.nan))
        return self._passed(known[np.isfinite(known)], float(change.before), float(change.after))


def _plain(value: Any) -> Any:
    found = value.item() if isinstance(value, np.generic) else value
    return None if found is None or found is pd.NA or (isinstance(found, float) and np.isnan(found)) else found
