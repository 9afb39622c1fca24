"""Concepts and identity terms tried on a model while it is judged: two metrics that no table of rows answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from fairloop.client.client import Client
from fairloop.core.concepts import CONCEPT_METRIC, SWAP_METRIC, Concept, Terms
from fairloop.core.datasets import Roles
from fairloop.core.records import from_plain, to_plain
from fairloop.errors import InvalidInput
from fairloop.evaluation.concept_models import net_of
from fairloop.evaluation.metrics import Measured
from fairloop.fairness.identity_swap import Swap, identity_swap
from fairloop.registry.model import Model
from fairloop.registry.scoring import Scores
from fairloop.stats.estimate import Estimate, unknown
from fairloop.tables.table import Table

PLAIN_CHANGE = 0.05
"""From which change of the score on words call it by its name; below it may be sure and still small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What to try: concepts with the frames that ``data`` and ``against`` name, and terms."""

    concepts: list[Concept] = field(default_factory=list)
    terms: list[Terms] = field(default_factory=list)
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)


def gather_probes(client: Client, told: dict[str, Any] | None) -> Probes | None:
    """The probes that a loop tells, with the examples of the datasets they name."""
    if not told:
        return None
    plain = to_plain(told.get("concepts", []))
    concepts = from_plain(list[Concept], plain)
    frames = {name: _frame(client, name) for concept in concepts for name in (concept.data, concept.against) if name}
    return Probes(concepts=concepts, terms=from_plain(list[Terms], told.get("terms", [])), frames=frames)


def _frame(client: Client, name: str) -> pd.DataFrame:
    dataset, _, number = name.rpartition("/")
    version = client.datasets.find(dataset, int(number)) if dataset and number.isdigit() else client.datasets.find(name)
    return Table.from_parquet(client.blobs.get(version.sha256), Roles()).X


def try_probes(model: Model, table: Table, probes: Probes | None) -> Measured:
    """``concept_influence by NAME`` and ``identity_swap_gap by NAME``, each with its words and evidence.

    What cannot be tried (a model that is no network, too few examples) is unknown, with the reason; never a pass.
    """
    metrics: dict[str, dict[str, Any]] = {}
    details: dict[str, dict[str, Any]] = {}
    for concept in probes.concepts if probes else []:
        name = f"{CONCEPT_METRIC} by {concept.name}"
        try:
            estimate, details[name] = _concept(model, table, concept, probes.frames if probes else {})
        except InvalidInput as cause:
            estimate, details[name] = unknown(0, "TCAV"), {"reason": cause.message}
        metrics[name] = estimate.plain()
    for terms in probes.terms if probes else []:
        name = f"{SWAP_METRIC} by {terms.name}"
        try:
            swap = swap_terms(model, table, terms)
            metrics[name], details[name] = swap.gap.plain(), swap_detail(swap, terms)
        except InvalidInput as cause:
            metrics[name], details[name] = unknown(0, "identity swap").plain(), {"reason": cause.message}
    return Measured(metrics=metrics, details=details)


# ------------------------------------------------------------------ concepts
def _concept(model: Model, table: Table, concept: Concept,
             frames: dict[str, pd.DataFrame]) -> tuple[Estimate, dict[str, Any]]:  # fmt: skip
    net_of(model)  # before anything that needs torch
    from fairloop.evaluation.concepts import find_concepts, influence_of, plain_findings

    found = find_concepts(model, table, [concept], frames)
    estimate, strongest = influence_of(found)
    return estimate, {"words": strongest.words, "findings": plain_findings(found)}


# ------------------------------------------------------------------ terms
def text_column(model: Model, table: Table) -> str:
    """The one column of words that a text model reads; InvalidInput when there is none or more than one."""
    names = model.inputs or table.features
    found = [name for name in names if not isinstance(table.X[name].dtype, pd.CategoricalDtype)
             and pd.api.types.is_string_dtype(table.X[name].dtype)]  # fmt: skip
    found = found or [name for name in names if isinstance(table.X[name].dtype, pd.CategoricalDtype)
                      and len(names) == 1]  # fmt: skip
    if len(found) != 1:
        raise InvalidInput(f"Swapping terms needs one column of text; this model reads {len(found)}.")
    return found[0]


def swap_terms(model: Model, table: Table, terms: Terms, most: int = 2000, column: str = "") -> Swap:
    """The identity-term swap test on the table's texts (a random ``most`` of them), other columns left as they are."""
    column = column or text_column(model, table)
    frame = table.X[model.inputs] if model.inputs else table.X
    told = table.sensitive
    kept = np.sort(np.random.default_rng(0).permutation(len(frame))[:most])
    frame, told = frame.iloc[kept].reset_index(drop=True), told.iloc[kept].reset_index(drop=True)

    def score(rows: list[int], changed: list[str]) -> Scores:
        part = frame.iloc[rows].reset_index(drop=True).assign(**{column: pd.array(changed, dtype="str")})
        return model.scores(part, told.iloc[rows].reset_index(drop=True))

    pairs = [(first, second) for first, second in terms.pairs]
    return identity_swap(score, frame[column].astype(str).tolist(), pairs)


def swap_detail(swap: Swap, terms: Terms) -> dict[str, Any]:
    """Evidence behind the gap, as JSON, with its words."""
    pairs = [{"first": one.pair[0], "second": one.pair[1], "n": one.n, "change": one.change, "low": one.low,
              "high": one.high, "p": one.p, "example": one.example} for one in swap.pairs]  # fmt: skip
    told: dict[str, Any] = {"words": swap_words(swap, terms.name), "pairs": pairs, "texts": swap.texts,
                            "change": swap.change.plain(), "mean_size": swap.mean_size}  # fmt: skip
    if swap.change.estimate is None:
        told["reason"] = told["words"]
    return told


def swap_words(swap: Swap, name: str) -> str:
    """The finding in a sentence."""
    change = swap.change
    if change.estimate is None:
        return f"Only {swap.texts} texts hold a term for {name}; 20 or more are needed."
    worst = swap.worst
    if worst is None or worst.change is None or worst.low is None or worst.high is None:
        return (f"Swapping the terms for {name} changes the score by {change.estimate:+.3f} on average over "
                f"{swap.texts:,} texts, which chance explains for every pair.")  # fmt: skip
    lead = "The words alone move the answer: " if abs(worst.change) >= PLAIN_CHANGE else ""
    return (f"{lead}{worst.pair[1]!r} in place of {worst.pair[0]!r} changes the score by "
            f"{worst.change:+.3f} ({worst.low:+.3f} to {worst.high:+.3f}) over {worst.n:,} texts; all pairs for {name} "
            f"together by {change.estimate:+.3f}.")  # fmt: skip
