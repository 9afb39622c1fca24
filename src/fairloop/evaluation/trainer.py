"""The trainer hook: call the user's own training step again, with other weights or other answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fairloop.errors import InvalidInput, Refused
from fairloop.fairness.mitigation import reweighing, weights_change_scores
from fairloop.fairness.mitigation.reductions import exponentiated_gradient
from fairloop.registry.model import Model
from fairloop.tables.table import Table

PROBE_ROWS = 4000
MAX_FITS = 12
CONSTRAINTS = {"demographic_parity_difference": "demographic_parity", "equalized_odds_difference": "equalized_odds"}
Floats = npt.NDArray[np.float64]


class Trainer:
    """A training step with the arguments it was called with; its first Table is what it learns from."""

    def __init__(self, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        self._function = function
        self._arguments = arguments
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
        """Refused, with the line to change, when the step ignores the weights it is given."""
        table = self.table
        if len(table) > PROBE_ROWS:
            table = table.take(np.sort(np.random.default_rng(0).permutation(len(table))[:PROBE_ROWS]))
        if not weights_change_scores(self.refit(table), table.X, table.y, table.weight):
            raise Refused(
                f"Mitigation is refused: weights change nothing in {self.where}. Hand {self._name}.weight on to the "
                f"estimator, for example model.fit({self._name}.X, {self._name}.y, sample_weight={self._name}.weight)."
            )


def mitigated(trainer: Trainer, method: str, strength: float | None, *, attribute: str, criterion: str) -> Model:
    """The model that ``method`` makes of the trainer, with ``attribute`` seen in training only."""
    table = trainer.table
    if table.task != "binary":
        raise Refused(f"{method.replace('_', ' ')} needs a binary target; {table.roles.target!r} is {table.task}.")
    if attribute not in table.roles.sensitive:
        raise Refused(
            f"{attribute!r} is not a sensitive attribute of the training rows; keep their roles in {trainer.where}."
        )
    groups = table.sensitive[attribute]
    trainer.require_weights()
    if method == "reweighing":
        weight = reweighing(table.y, groups, 1.0 if strength is None else strength, table.weight)
        return trainer.fit(table.replace(weight=weight))
    if method == "exponentiated_gradient":
        mixture = exponentiated_gradient(
            trainer.refit(table), table.X, table.y, groups, constraint=CONSTRAINTS[criterion],
            slack=0.01 if strength is None else strength, weights=table.weight, max_fits=MAX_FITS,
        )  # fmt: skip
        members = [member for member in mixture.members if isinstance(member, Model)]
        return members[0] if len(members) == 1 else Model.mean(members, mixture.weights)
    raise Refused(
        f"The mitigation {method!r} is not one that trains a model; choose reweighing or exponentiated_gradient."
    )
