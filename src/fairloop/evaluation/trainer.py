"""The trainer hook: call the user's own training step again, with other rows, weights, answers or settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fairloop.errors import InvalidInput, Refused
from fairloop.fairness.mitigation import weights_change_scores
from fairloop.registry.model import Model
from fairloop.tables.table import Table

PROBE_ROWS = 4000
EMPHASIS = 8.0
SMALLEST_RISE = 0.05
Floats = npt.NDArray[np.float64]


class Trainer:
    """A training step with the arguments it was called with; its first Table is what it learns from."""

    def __init__(self, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        self._function = function
        self._arguments = arguments
        self._listens = False
        self._name = next((name for name, value in arguments.items() if isinstance(value, Table)), "")
        if not self._name:
            raise Refused(f"Mitigation needs the training rows, but {self.where} is given no fl.Table; pass it one.")

    @property
    def table(self) -> Table:
        found: Table = self._arguments[self._name]
        return found

    @property
    def where(self) -> str:
        """The step with its file and line, for messages."""
        try:
            file = inspect.getsourcefile(self._function) or ""
            line = inspect.getsourcelines(self._function)[1]
        except (OSError, TypeError):
            return self._function.__name__
        return f"{self._function.__name__} ({Path(file).name}, line {line})"

    def using(self, settings: dict[str, Any]) -> Trainer:
        """The same step, called with some arguments changed."""
        if unknown := [name for name in settings if name not in self._arguments]:
            raise InvalidInput(
                f"{self.where} is given no argument {unknown[0]!r}; it is given: {', '.join(self._arguments)}."
            )
        other = Trainer(self._function, {**self._arguments, **settings})
        other._listens = self._listens
        return other

    def fit(self, table: Table) -> Model:
        """The model the step makes of ``table``."""
        found = self._function(**{**self._arguments, self._name: table})
        if isinstance(found, Model):
            return found
        if hasattr(found, "predict"):
            return Model(found)
        raise InvalidInput(
            f"{self.where} returned a {type(found).__name__}; the trainer must return fl.Model(estimator)."
        )

    def refit(self, table: Table) -> Callable[[Floats, npt.NDArray[np.int8]], Model]:
        """``fit(weight, y)`` over the rows of ``table``."""
        return lambda weight, y: self.fit(table.replace(weight=weight, y=y))

    def require_weights(self) -> None:
        """Refused, with the line to change, when the step ignores the weights it is given. Asked once a trainer."""
        if self._listens:
            return
        table = self.table
        if len(table) > PROBE_ROWS:
            table = table.take(np.sort(np.random.default_rng(0).permutation(len(table))[:PROBE_ROWS]))
        listens = (weights_change_scores(self.refit(table), table.X, table.y, table.weight) if table.task == "binary"
                   else self._shifts(table))  # fmt: skip
        if not listens:
            raise Refused(
                f"Mitigation is refused: weights change nothing in {self.where}. Hand {self._name}.weight on to the "
                f"estimator, for example model.fit({self._name}.X, {self._name}.y, sample_weight={self._name}.weight)."
            )
        self._listens = True

    def _shifts(self, table: Table) -> bool:
        """Whether rows with large numbers, or of one class, that weigh 8 times as much draw the scores their way."""
        y, weight = table.y, table.weight
        raised = y > np.median(y) if table.task == "regression" else y == np.unique(y)[0]
        plain = self.fit(table)
        pulled = self.fit(table.replace(weight=weight * np.where(raised, EMPHASIS, 1.0)))
        before, after = plain.scores(table.X), pulled.scores(table.X)
        if table.task == "regression":
            return float(np.mean(after - before)) > SMALLEST_RISE * float(np.std(y))
        place = [str(c) for c in plain.classes].index(str(np.unique(y)[0]))
        return float(np.mean(after[:, place] - before[:, place])) > SMALLEST_RISE * float(1 - before[:, place].mean())
