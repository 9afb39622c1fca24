"""Changes to a model's input frame that are stored with it: correlation removal, disparate impact repair."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.errors import InvalidInput
from fairloop.fairness.encoding import encode
from fairloop.fairness.mitigation.features import correlation_eraser, quantile_tables, repaired

ERASE, REPAIR = "correlation_removal", "disparate_impact_repair"
MOST_LEVELS = 30
"""Categories of a column that get a column of their own; rarer ones share none."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """What is done to the features before the base model reads them; plain JSON.

    ``numbers`` and ``levels`` name the columns that are changed (a category becomes one column a level); the others pass
    as they are.
    """

    kind: str
    attribute: str
    strength: float
    inputs: list[str]
    numbers: list[str] = field(default_factory=list)
    levels: dict[str, list[str]] = field(default_factory=dict)
    mean: list[float] = field(default_factory=list)
    matrix: list[list[float]] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    knots: dict[str, list[list[float]]] = field(default_factory=dict)
    targets: dict[str, list[float]] = field(default_factory=dict)

    @property
    def needs_attribute(self) -> bool:
        return self.kind == REPAIR

    def codes(self, values: Sequence[Any]) -> npt.NDArray[np.intp]:
        place = {name: index for index, name in enumerate(self.groups)}
        return np.array([place.get(str(value), -1) for value in values], dtype=np.intp)

    def apply(self, frame: pd.DataFrame, groups: Sequence[Any] | None = None) -> pd.DataFrame:
        """The frame that the base model reads. ``groups`` are people's values of the attribute, where they are needed."""
        if self.kind == ERASE:
            X = encoded(frame, self.numbers, self.levels, self.mean)
            changed = X - self.strength * (X - np.array(self.mean)) @ np.array(self.matrix).T
            made = pd.DataFrame(changed, columns=encoded_names(self.numbers, self.levels), index=frame.index)
            kept = [name for name in self.inputs if name not in self.numbers and name not in self.levels]
            return pd.concat([made, frame[kept]], axis=1) if kept else made
        if groups is None:
            raise InvalidInput(f"This model reads {self.attribute!r} of the person it judges; send it.")
        codes, result = self.codes(groups), frame.copy(deep=False)
        for name in self.numbers:
            values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            result[name] = repaired(
                values, codes, np.array(self.knots[name]), np.array(self.targets[name]), self.strength
            )
        return result


def eraser(frame: pd.DataFrame, groups: Any, attribute: str, strength: float, weights: Floats) -> Transform:
    """Correlation removal fitted on training rows; it needs no attribute afterwards."""
    numbers = [str(n) for n in frame.columns if pd.api.types.is_numeric_dtype(frame[n])]
    levels = {str(n): [str(v) for v in frame[n].value_counts().index[:MOST_LEVELS]] for n in frame.columns
              if isinstance(frame[n].dtype, pd.CategoricalDtype)}  # fmt: skip
    if not numbers and not levels:
        raise InvalidInput("Correlation removal changes numbers and categories; these features are free text only.")
    raw = encoded(frame, numbers, levels, None)
    middle = np.where(np.isfinite(raw), raw, 0.0).sum(axis=0) / np.maximum(np.isfinite(raw).sum(axis=0), 1)
    mean, matrix = correlation_eraser(np.where(np.isfinite(raw), raw, middle), groups, weights)
    return Transform(kind=ERASE, attribute=attribute, strength=strength, inputs=[str(n) for n in frame.columns],
                     numbers=numbers, levels=levels, mean=mean.tolist(), matrix=matrix.tolist())  # fmt: skip


def impact_repair(frame: pd.DataFrame, groups: Any, attribute: str, strength: float) -> Transform:
    """Disparate impact repair of every number, fitted on training rows; people's groups are needed afterwards too."""
    names: list[str] = encode(groups, len(frame))[1]
    numbers, knots, targets = [], {}, {}
    for column in frame.columns:
        name = str(column)
        if not pd.api.types.is_numeric_dtype(frame[column]) or pd.api.types.is_bool_dtype(frame[column]):
            continue
        values = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.isfinite(values).any():
            continue
        _, table, target = quantile_tables(values, groups)
        numbers.append(name)
        knots[name], targets[name] = table.tolist(), target.tolist()
    if not numbers:
        raise InvalidInput("Disparate impact repair changes numbers; these features have none.")
    return Transform(kind=REPAIR, attribute=attribute, strength=strength, inputs=[str(n) for n in frame.columns],
                     numbers=numbers, groups=names, knots=knots, targets=targets)  # fmt: skip


def encoded(frame: pd.DataFrame, numbers: list[str], levels: dict[str, list[str]], mean: list[float] | None) -> Floats:
    """Numbers as they are and one column of 0 and 1 a level; a missing number is the mean once that is known."""
    parts = [frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in numbers]
    if mean is not None:
        parts = [np.where(np.isfinite(part), part, mean[place]) for place, part in enumerate(parts)]
    for name, known in levels.items():
        found = frame[name].astype("object")
        parts += [(found == level).to_numpy(dtype=np.float64) for level in known]
    return np.column_stack(parts)


def encoded_names(numbers: list[str], levels: dict[str, list[str]]) -> list[str]:
    """Names that every library takes: no blanks, no signs."""
    made = [
        *numbers,
        *(f"{name}.{place}.{level}" for name, known in levels.items() for place, level in enumerate(known)),
    ]
    return [re.sub(r"[^\w.-]", "_", name) if place >= len(numbers) else name for place, name in enumerate(made)]
