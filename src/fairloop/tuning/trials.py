"""A trial: one repaired model with its settings, measured on the validation part; and which trials are worth keeping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fairloop.core.checks import CRITERIA, GROUP_METRICS, HIGHER_IS_BETTER, LOWER_IS_BETTER, Check
from fairloop.evaluation.metrics import measure
from fairloop.evaluation.plan import name_of
from fairloop.registry.model import Model
from fairloop.tables.table import Table

QUALITY = ("roc_auc", "r2", "macro_roc_auc", "accuracy")


@dataclass(slots=True, kw_only=True)
class Trial:
    """``goodness`` is what the search raises: quality, then minus every criterion; empty when the trial failed."""

    number: int
    method: str
    strength: float | None
    settings: dict[str, Any]
    metrics: dict[str, float] = field(default_factory=dict)
    goodness: tuple[float, ...] = ()
    error: str = ""
    run_id: str | None = None
    seconds: float = 0.0
    model: Model | None = None
    kept: bool = False

    @property
    def name(self) -> str:
        return name_of(self.method, self.strength, self.settings)

    def plain(self) -> dict[str, Any]:
        """What a page and the record need of it."""
        return {"number": self.number, "name": self.name, "method": self.method, "strength": self.strength,
                "settings": self.settings, "metrics": self.metrics, "error": self.error, "run_id": self.run_id,
                "seconds": round(self.seconds, 3), "kept": self.kept}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a search weighs against each other: one quality metric and the fairness criteria."""

    quality: str
    criteria: tuple[str, ...]
    checks: tuple[Check, ...] = ()
    """What else is measured of every trial: a gate may ask for any metric."""

    @classmethod
    def of(cls, checks: Sequence[Check], task: str, attribute: str) -> Aim:
        """Quality of the first quality gate (else ROC AUC, R squared or accuracy); the gated criteria and both usual ones
        by ``attribute``."""
        asked = [
            c.metric for c in checks if c.metric in HIGHER_IS_BETTER | LOWER_IS_BETTER and c.metric not in GROUP_METRICS
        ]
        quality = next((m for m in asked if m in _quality_of(task)), _quality_of(task)[0])
        if not attribute:
            return cls(quality=quality, criteria=(), checks=tuple(checks))
        gated = [c.name for c in checks if c.metric in GROUP_METRICS]
        usual = [f"{name} by {part}" for part in attribute.split("&")
                 for name in (CRITERIA if task == "binary" else ("mean_prediction_difference",))]  # fmt: skip
        return cls(quality=quality, criteria=tuple(dict.fromkeys([*gated, *usual])), checks=tuple(checks))

    def score(self, trial: Trial, model: Model, valid: Table) -> None:
        """Measure ``model`` on the validation part."""
        X = valid.X
        scores = model.scores(X, valid.sensitive)
        classes = model.classes if model.task == "multiclass" else None
        found = measure(valid.task, valid.y, scores, model.decide(scores), valid.sensitive, valid.weight,
                        threshold=model.threshold, classes=classes, checks=self.checks, features=X)  # fmt: skip
        known = {name: f["estimate"] for name, f in found.metrics.items() if f.get("estimate") is not None}
        trial.metrics = {name: float(known[name]) for name in (self.quality, *self.criteria) if name in known}
        trial.goodness = tuple(_good(name, trial.metrics.get(name)) for name in (self.quality, *self.criteria))
        trial.model = model


def _quality_of(task: str) -> tuple[str, ...]:
    if task == "regression":
        return ("r2", "mean_absolute_error", "root_mean_squared_error")
    return ("roc_auc", "average_precision", "accuracy", "balanced_accuracy", "f1", "log_loss", "brier_score")[
        0 if task == "binary" else 2 :]  # fmt: skip


def _good(name: str, value: float | None) -> float:
    if value is None or not math.isfinite(value):
        return -1e6
    return -value if name.split(" by ")[0] in LOWER_IS_BETTER else value


def undominated(trials: Sequence[Trial]) -> list[Trial]:
    """Trials that no other equals everywhere and beats somewhere; of equal ones the first."""
    done = [trial for trial in trials if trial.goodness]
    return [one for one in done if not any(_beats(other, one) for other in done if other is not one)]


def _beats(one: Trial, other: Trial) -> bool:
    if one.goodness == other.goodness:
        return one.number < other.number
    return all(a >= b for a, b in zip(one.goodness, other.goodness, strict=True))


def spread(trials: Sequence[Trial], most: int) -> list[Trial]:
    """At most ``most`` of these: the best in everything, and others evenly along the first criterion (or quality)."""
    if len(trials) <= most:
        return list(trials)
    places = range(len(trials[0].goodness))
    best = [max(trials, key=lambda t, p=p: (t.goodness[p], -t.number)) for p in places]  # type: ignore[misc]
    along = sorted(trials, key=lambda t: (t.goodness[min(1, len(t.goodness) - 1)], t.number))
    chosen = {trial.number: trial for trial in best}
    step = (len(along) - 1) / max(most - 1, 1)
    for place in range(most):
        if len(chosen) >= most:
            break
        chosen.setdefault((found := along[round(place * step)]).number, found)
    return sorted(chosen.values(), key=lambda t: t.number)
