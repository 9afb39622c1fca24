"""Repaired models: what each mitigation makes of the user's own trainer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fairloop.core.mitigations import BY_NAME, require_task
from fairloop.errors import Refused
from fairloop.evaluation.networks import adversarial_model
from fairloop.evaluation.trainer import Trainer
from fairloop.fairness.encoding import encode
from fairloop.fairness.grouping import crossed
from fairloop.fairness.mitigation import after as rules
from fairloop.fairness.mitigation import massaging, preferential_sampling, resampling, reweighing
from fairloop.fairness.mitigation.reductions import exponentiated_gradient, priced
from fairloop.registry.model import Model, chances_of
from fairloop.registry.transforms import Transform, eraser, impact_repair
from fairloop.tables.table import Table

MAX_FITS, FOLDS = 12, 3
SLACK = 0.01
SMALLEST_GROUP = 30
PARITY = {"demographic_parity_difference", "demographic_parity_ratio", "conditional_demographic_disparity"}
Floats = npt.NDArray[np.float64]


def constraint_of(criterion: str) -> str:
    """What a method is asked to hold: equal selection for the demographic criteria, equal error rates for the others."""
    return "demographic_parity" if criterion in PARITY else "equalized_odds"


class Repairs:
    """Makes repaired models of one trainer for one attribute; what several methods need is made once.

    Parameters
    ----------
    trainer : Trainer
    attribute : str
        The sensitive attribute whose gap is closed.
    criterion : str
        The group metric that matters first, as ``constraint_of`` reads it.
    allow_attribute : bool
        Whether the policy lets a model read the attribute of the person it judges.
    """

    def __init__(self, trainer: Trainer, attribute: str, criterion: str, *, allow_attribute: bool = False) -> None:
        self.trainer, self.attribute = trainer, attribute
        self.constraint, self._allowed = constraint_of(criterion), allow_attribute
        self.table = trainer.table
        columns = attribute.split("&")
        if unknown := [name for name in columns if name not in self.table.roles.sensitive]:
            raise Refused(
                f"{unknown[0]!r} is not a sensitive attribute of the training rows; keep their roles in {trainer.where}."
            )
        sensitive = self.table.sensitive
        self.groups = crossed([sensitive[name] for name in columns]) if len(columns) > 1 else sensitive[attribute]
        codes, self.names = encode(self.groups, len(self.table))
        known = np.bincount(codes[codes >= 0], minlength=len(self.names)) >= min(SMALLEST_GROUP, len(self.table) // 4)
        place = np.append(np.where(known, np.cumsum(known) - 1, -1), -1)
        self.codes, self.names = place[codes], [n for n, k in zip(self.names, known, strict=True) if k]

    def make(self, method: str, strength: float | None = None) -> Model:
        """The model that ``method`` makes; Refused when it is not defined here or the policy forbids it."""
        if method == "plain":
            return self.plain
        makers: dict[str, Callable[[float], Model]] = {
            "reweighing": self._reweighing, "resampling": self._resampling, "massaging": self._massaging,
            "preferential_sampling": self._preferential, "correlation_removal": self._erased,
            "disparate_impact_repair": self._repaired, "exponentiated_gradient": self._mixture,
            "grid_search": self._priced, "gap_penalty": self._penalised, "adversarial": self._adversarial,
            "threshold_optimizer": self._thresholds, "reject_option": self._by_group,
            "calibrated_scores": self._by_group, "calibrated_equalized_odds": self._by_group,
        }  # fmt: skip
        if method not in makers:
            raise Refused(f"The mitigation {method!r} is not known; choose from {', '.join(makers)}.")
        known = BY_NAME[method]
        require_task(method, self.table.task, self.table.roles.target)
        if known.needs_attribute and not self._allowed:
            raise Refused(f"{known.words} needs {self.attribute!r} of every person at prediction time, which the policy does "
                          "not allow; say allow_attribute_at_prediction=True in the loop, or leave it out.")  # fmt: skip
        if known.needs_attribute and "&" in self.attribute:
            raise Refused(
                f"{known.words} reads one attribute of a person at prediction time, not {self.attribute!r} together."
            )
        if len(self.names) < 2:
            raise Refused(
                f"{self.attribute!r} has fewer than two groups of {SMALLEST_GROUP} training rows; there is no gap to close."
            )
        amount = strength if strength is not None else next((s for s in known.sweep if s == 1.0), known.sweep[0])
        self._method = method
        return makers[method](SLACK if amount is None else amount)

    # ------------------------------------------------------------------ before
    def _reweighing(self, strength: float) -> Model:
        self.trainer.require_weights()
        weight = reweighing(self.table.y, self.groups, strength, self.table.weight, task=self.table.task)
        return self.trainer.fit(self.table.replace(weight=weight))

    def _resampling(self, strength: float) -> Model:
        return self.trainer.fit(self.table.take(resampling(self.table.y, self.groups, strength, task=self.table.task)))

    def _preferential(self, strength: float) -> Model:
        return self.trainer.fit(
            self.table.take(preferential_sampling(self.table.y, self.groups, self.unseen, strength))
        )

    def _massaging(self, strength: float) -> Model:
        answers = massaging(self.table.y, self.groups, self.unseen, strength)
        return self.trainer.fit(self.table.replace(y=answers.astype(np.int8)))

    def _erased(self, strength: float) -> Model:
        X = self.table.X
        return self._through(eraser(X, self.groups, self.attribute, strength, self.table.weight))

    def _repaired(self, strength: float) -> Model:
        return self._through(impact_repair(self.table.X, self.groups, self.attribute, strength))

    def _through(self, transform: Transform) -> Model:
        """Train on changed features; whoever asks the model later has them changed the same way."""
        X = self.table.X
        changed = transform.apply(X, list(self.groups) if transform.needs_attribute else None)
        kept = [name for name in X.columns if name in changed.columns and name not in transform.numbers]
        new = {str(name): changed[name].to_numpy() for name in changed.columns if name not in kept}
        frame = self.table.frame.drop([name for name in X.columns if name not in kept]).with_columns(**new)
        return Model.transformed(self.trainer.fit(self.table.with_frame(frame)), transform)

    # ------------------------------------------------------------------ during
    def _mixture(self, slack: float) -> Model:
        self.trainer.require_weights()
        mixture = exponentiated_gradient(
            self.trainer.refit(self.table), self.table.X, self.table.y, self.groups, constraint=self.constraint,
            slack=slack, weights=self.table.weight, max_fits=MAX_FITS,
        )  # fmt: skip
        members = [member for member in mixture.members if isinstance(member, Model)]
        return members[0] if len(members) == 1 else Model.mean(members, mixture.weights)

    def _priced(self, price: float) -> Model:
        self.trainer.require_weights()
        found = priced(self.trainer.refit(self.table), self.table.X, self.table.y, self.groups, price,
                       constraint=self.constraint, plain=self.plain, weights=self.table.weight)  # fmt: skip
        assert isinstance(found, Model)  # noqa: S101  # refit gives models only
        return found

    def _penalised(self, price: float) -> Model:
        from fairloop.evaluation.boosters import penalised  # LightGBM's internals: only where they are asked for

        return penalised(self.plain, self.table, self.codes, price, self.constraint, where=self.trainer.where)

    def _adversarial(self, strength: float) -> Model:
        return adversarial_model(self.table, self.codes, strength, self.constraint)

    # ------------------------------------------------------------------ after
    def _thresholds(self, strength: float) -> Model:
        """By group where the policy allows it, else by how likely each group is given the features."""
        if self._allowed:
            return self._by_group(strength)
        helpers, chances = self._membership
        rule = rules.expected_thresholds(
            self.unseen, self.table.y, self.codes, self.names, self.attribute, chances, criterion=self.constraint,
            strength=strength, threshold=self.plain.threshold, weights=self.table.weight,
        )  # fmt: skip
        return Model.adjusted(self.plain, rule, helpers)

    def _by_group(self, strength: float) -> Model:
        known: dict[str, Any] = {"strength": strength, "threshold": self.plain.threshold, "weights": self.table.weight}
        given: tuple[Any, ...] = (self.unseen, self.table.y, self.codes, self.names, self.attribute)
        if self._method == "calibrated_scores":
            return Model.adjusted(self.plain, rules.calibrated_scores(*given, **known))
        if self._method == "calibrated_equalized_odds":
            return Model.adjusted(self.plain, rules.calibrated_equalized_odds(*given, **known))
        make = rules.reject_option if self._method == "reject_option" else rules.group_thresholds
        return Model.adjusted(self.plain, make(*given, criterion=self.constraint, **known))

    # ------------------------------------------------------------------ what several need
    @cached_property
    def plain(self) -> Model:
        return self.trainer.fit(self.table)

    @cached_property
    def _folds(self) -> list[npt.NDArray[np.intp]]:
        order = np.random.default_rng(0).permutation(len(self.table))
        return [np.sort(part) for part in np.array_split(order, FOLDS)]

    def _crossed(self, table: Table, inside: npt.NDArray[np.bool_]) -> Floats:
        """Scores of all rows by models that learned from the ``inside`` rows of the other folds."""
        found, X = np.empty(len(table)), self.table.X
        for fold in self._folds:
            rest = np.setdiff1d(np.flatnonzero(inside), fold)
            found[fold] = self.trainer.fit(table.take(rest)).scores(X.iloc[fold].reset_index(drop=True))
        return found

    @cached_property
    def unseen(self) -> Floats:
        """The plain score of every training row by a model that has not seen the row."""
        return self._crossed(self.table, np.ones(len(self.table), dtype=bool))

    @cached_property
    def _membership(self) -> tuple[list[Model], Floats]:
        """Models of how likely each group is given the features (and the answer), and what they say of unseen rows."""
        table, known = self.table, self.codes >= 0
        each = [1] if len(self.names) == 2 else list(range(len(self.names)))
        events = (
            [known] if self.constraint == "demographic_parity" else [known & (table.y == 0), known & (table.y == 1)]
        )
        helpers, columns = [], []
        for inside in events:
            for group in each:
                told = table.replace(y=(self.codes == group).astype(np.int8))
                helpers.append(self.trainer.fit(told.take(np.flatnonzero(inside))))
                columns.append(self._crossed(told, inside))
        return helpers, chances_of([_Known(column) for column in columns], table.X, len(self.names))


class _Known:
    """Scores that were computed before, asked for like a model's."""

    def __init__(self, found: Floats) -> None:
        self._found = found

    def scores(self, X: Any, /) -> Floats:
        return self._found
