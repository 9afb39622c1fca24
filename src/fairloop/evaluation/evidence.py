"""All evidence about one model on one part of the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from fairloop.core.checks import Check, Verdict
from fairloop.drift.profile import profile_reference, profile_scores
from fairloop.errors import InvalidInput
from fairloop.evaluation.importance import permutation_importance
from fairloop.evaluation.latency import cost_of_serving
from fairloop.evaluation.metrics import Measured, measure, verdicts
from fairloop.evaluation.predictions import part_hash, predictions_file
from fairloop.evaluation.probes import Probes, try_probes
from fairloop.evaluation.stand_ins import stand_ins
from fairloop.registry.model import Model
from fairloop.registry.scoring import Scores
from fairloop.tables.table import Table

_KINDS = {"integer": "number", "number": "number", "boolean": "category", "category": "category", "text": "text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """``model`` is the judged model with its signature, as an endpoint would load it."""

    model: Model
    measured: Measured
    verdicts: list[Verdict]
    predictions: bytes
    part_sha256: str
    n: int
    drivers: list[dict[str, Any]]
    profile: dict[str, Any]


def gather(model: Model, table: Table, checks: list[Check], *, explain: bool = True,
           baselines: dict[str, float] | None = None, probes: Probes | None = None) -> Evidence:  # fmt: skip
    """Judge ``model`` on ``table``.

    ``explain`` adds what describes the model rather than the part: importance per column, and the profile of inputs and
    scores that the watch compares live traffic with (``{"columns": ..., "scores": ...}``, see drift/profile.py).
    ``probes`` are concepts and terms to try the model with.
    """
    if not len(table):
        raise InvalidInput("The part to judge on has no rows; give fl.candidate parts with data.")
    if table.roles.target is None:
        raise InvalidInput("The part to judge on has no target; pass on tables that keep their roles.")
    if model.task != table.task:
        raise InvalidInput(f"The model is for {model.task}, but the target {table.roles.target!r} is {table.task}; "
                           "train on train.y, or say which answer is positive.")  # fmt: skip
    _check_inputs(model, table)
    X, y = table.X, table.y
    frame = X[model.inputs] if model.inputs else X
    model.describe(frame)
    served, resources = cost_of_serving(model)
    scores = served.scores(frame, table.sensitive)
    predicted = served.decide(scores)
    classes = served.classes if served.task == "multiclass" else None
    found = measure(table.task, y, scores, predicted, table.sensitive, table.weight, threshold=served.threshold,
                    classes=classes, checks=checks, features=X)  # fmt: skip
    probed = try_probes(served, table, probes)
    found = replace(found, metrics=found.metrics | resources | probed.metrics, details=found.details | probed.details)
    profile: dict[str, Any] = {}
    if explain:
        kinds = {c["name"]: _KINDS[c["kind"]] for c in served.columns if c["kind"] in _KINDS}  # arrays have no profile
        profile = {"columns": profile_reference(frame[list(kinds)], kinds=kinds),
                   "scores": profile_scores(scores) if scores.ndim == 1 else {}}  # fmt: skip
    return Evidence(
        model=served, measured=found, verdicts=verdicts(checks, found, baselines),
        predictions=predictions_file(table, scores, predicted), part_sha256=part_hash(table), n=len(table),
        drivers=_drivers(served, frame, table, scores) if explain else [], profile=profile,
    )  # fmt: skip


def _drivers(model: Model, frame: pd.DataFrame, table: Table, scores: Scores) -> list[dict[str, Any]]:
    """What moves the answers, and what of it tells a sensitive attribute."""
    found = permutation_importance(model, frame, table.y, sensitive=table.sensitive)
    return stand_ins(found, frame, table.sensitive, scores)


def _check_inputs(model: Model, table: Table) -> None:
    """A model that reads a column no feature may be says so before it is judged on anything."""
    roles = table.roles
    hidden = {roles.target, roles.weight, *roles.sensitive} - {None}
    if wrong := [name for name in model.inputs if name in hidden]:
        role = "the target" if wrong[0] == roles.target else "the weight" if wrong[0] == roles.weight else "sensitive"
        raise InvalidInput(
            f"The model reads the column {wrong[0]!r}, which is {role}; train on table.X, which leaves it out."
        )
    if gone := [name for name in model.inputs if name not in table.features]:
        raise InvalidInput(f"The model reads the column {gone[0]!r}, which the part to judge on does not have.")
