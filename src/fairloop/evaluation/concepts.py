"""Concepts in a judged network: examples gathered from rows, texts or datasets, tested, and told in words. Needs torch."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import torch

from fairloop.core.concepts import Concept
from fairloop.errors import InvalidInput
from fairloop.evaluation.concept_models import net_of
from fairloop.fairness.concepts.hooks import hidden_layers
from fairloop.fairness.concepts.tcav import Examples, Finding, tcav
from fairloop.registry.model import Model
from fairloop.registry.nets import Net
from fairloop.stats.estimate import Estimate
from fairloop.tables.table import Table

METHOD = "TCAV, jackknife over disjoint example sets"
MOST_CLASSES = 12
SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finding with the sentence people read."""

    finding: Finding
    words: str


def find_concepts(model: Model, table: Table, concepts: list[Concept], frames: dict[str, pd.DataFrame]) -> list[Told]:
    """Every concept tested on the judged rows; p-values adjusted over all concepts, layers and answers.

    Raises
    ------
    InvalidInput
        The model is no network, a concept has too few examples, or a column is missing; the message says which.
    """
    net = net_of(model)
    X = table.X[model.inputs] if model.inputs else table.X
    rows, answers = net.tensor(X), _codes(table)
    inputs, targets = _by_answer(net, table, rows)
    sets: dict[str, Examples] = {}
    others: dict[str, Examples] = {}
    for concept in concepts:
        sets[concept.name], others[concept.name] = _examples(net, concept, table, X, rows, answers, frames)
    found: list[Finding] = []
    for layers in {tuple(c.layers) for c in concepts}:
        mine = {c.name: sets[c.name] for c in concepts if tuple(c.layers) == layers}
        found += tcav(net.module, mine, {name: others[name] for name in mine}, inputs, targets,
                      list(layers) or hidden_layers(net.module)[-1:], people=rows, answers=net.answers, seed=SEED)  # fmt: skip
    return [Told(finding=one, words=words_of(one)) for one in found]


def influence_of(found: list[Told]) -> tuple[Estimate, Told]:
    """The size of the strongest influence over layers and answers; its interval starts at 0 where the sign is open."""
    strongest = max(found, key=lambda told: abs(told.finding.influence))
    one = strongest.finding
    low, high = max(0.0, one.influence_low, -one.influence_high), max(abs(one.influence_low), abs(one.influence_high))
    return Estimate(estimate=abs(one.influence), low=low, high=high, n=one.examples, method=METHOD), strongest


def words_of(one: Finding) -> str:
    """The finding in a sentence or two."""
    score = f"TCAV score {one.score:.2f} where random concepts have {one.random_score:.2f} ± {one.random_spread:.2f}"
    effect = f"moves the score by {one.influence:+.2f} ({one.influence_low:+.2f} to {one.influence_high:+.2f})"
    if not one.found:
        return f"The answer {one.target!r} does not lean on the concept {one.concept!r} beyond chance: {score}; the concept {effect}."
    if not one.leans:
        return (f"The network's way to the answer {one.target!r} follows the concept {one.concept!r}, but that makes no sure "
                f"difference: {score}; the concept {effect}.")  # fmt: skip
    way = "towards" if one.influence >= 0 else "away from"
    return (f"The model's answer {one.target!r} leans on the concept {one.concept!r}: {score}; the concept "
            f"{effect}, {way} this answer.")  # fmt: skip


def plain_findings(found: list[Told]) -> list[dict[str, Any]]:
    return [told.finding.plain() | {"words": told.words} for told in found]


def vectors_file(found: list[Told], model_sha256: str) -> bytes:
    """The concept vectors as an .npz file without pickle: one array a finding, and a table of what they are."""
    kept = {f"vector_{i}": told.finding.vector for i, told in enumerate(found)}
    names = [
        [t.finding.concept, t.finding.layer, t.finding.target, model_sha256, f"{t.finding.accuracy:.6f}"] for t in found
    ]
    buffer = io.BytesIO()
    np.savez(buffer, names=np.array(names), **kept)  # type: ignore[arg-type]  # arrays by name
    return buffer.getvalue()


def read_vectors(data: bytes) -> dict[tuple[str, str, str], npt.NDArray[np.float64]]:
    """Vectors by (concept, layer, answer)."""
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        return {(str(row[0]), str(row[1]), str(row[2])): kept[f"vector_{i}"] for i, row in enumerate(kept["names"])}


# ------------------------------------------------------------------ examples
def _examples(net: Net, concept: Concept, table: Table, X: pd.DataFrame, rows: torch.Tensor,
              answers: npt.NDArray[np.int64], frames: dict[str, pd.DataFrame]) -> tuple[Examples, Examples]:  # fmt: skip
    """Inputs with the concept, and those without."""
    if concept.where:
        inside = torch.from_numpy(_rows_where(table, concept))
        strata = answers[inside.numpy()], answers[~inside.numpy()]
        return Examples(inputs=rows[inside], strata=strata[0]), Examples(inputs=rows[~inside], strata=strata[1])
    others = Examples(
        inputs=net.tensor(_columns(frames[concept.against], X, concept.against)) if concept.against else rows
    )
    if concept.examples:
        if len(X.columns) != 1:
            raise InvalidInput(
                f"The concept {concept.name!r} is told by texts, but the model reads {len(X.columns)} columns."
            )
        frame = pd.DataFrame({X.columns[0]: pd.array(concept.examples, dtype="str")})
    else:
        frame = _columns(frames[concept.data], X, concept.data)
    return Examples(inputs=net.tensor(frame)), others


def _rows_where(table: Table, concept: Concept) -> npt.NDArray[np.bool_]:
    """The rows that show the concept."""
    inside = np.ones(len(table), dtype=np.bool_)
    for name, value in concept.where.items():
        if name not in table.columns:
            raise InvalidInput(
                f"The concept {concept.name!r} names the column {name!r}, which the table does not have."
            )
        inside &= (table.frame[name].cast(pl.String).fill_null("") == _text(value)).to_numpy()
    return inside


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _columns(frame: pd.DataFrame, X: pd.DataFrame, source: str) -> pd.DataFrame:
    if missing := [name for name in X.columns if name not in frame.columns]:
        raise InvalidInput(f"The examples in {source!r} lack the column {missing[0]!r}, which the model reads.")
    return frame[list(X.columns)]


def _codes(table: Table) -> npt.NDArray[np.int64]:
    """The true answers as strata: classes, or quarters of a number."""
    y = table.y
    if table.task == "regression":
        return np.searchsorted(np.quantile(y, [0.25, 0.5, 0.75]), y).astype(np.int64)
    found: npt.NDArray[np.int64] = np.unique(y.astype(str), return_inverse=True)[1].astype(np.int64)
    return found


def _by_answer(net: Net, table: Table, rows: torch.Tensor) -> tuple[dict[str, torch.Tensor], dict[str, int]]:
    """Inputs by true answer, and the network's output for it. A binary question has one: its other is the mirror image."""
    if table.task == "regression":
        return {"a higher value": rows}, {"a higher value": 0}
    if table.task == "binary":
        name = str(table.roles.positive if table.roles.positive is not None else True)
        return {name: rows[torch.from_numpy(table.y == 1)]}, {name: net.positive_output}
    y = table.y.astype(str)
    common = sorted(net.classes_, key=lambda c: -int((y == str(c)).sum()))[:MOST_CLASSES]
    inputs = {str(c): rows[torch.from_numpy(y == str(c))] for c in common if (y == str(c)).any()}
    return inputs, {str(c): net.classes_.index(c) for c in common if str(c) in inputs}
