"""The analyses ``concepts`` and ``swap``: what people ask about a network's concepts and a text model's terms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fairloop.core.concepts import Concept, Terms
from fairloop.core.models import ModelVersion
from fairloop.core.records import from_plain
from fairloop.errors import InvalidInput
from fairloop.evaluation.analysing import Subject
from fairloop.evaluation.concept_models import net_of
from fairloop.evaluation.probes import gather_probes, swap_detail, swap_terms
from fairloop.pipelines.context import Context
from fairloop.registry.model import Model
from fairloop.tables.table import Table

MOST_ROWS = 20_000


def concepts(context: Context, subject: Subject, params: dict[str, Any]) -> dict[str, Any]:
    """Test a network for concepts (TCAV); with ``against`` also what has changed since another version.

    ``params``: concepts (a list as in ``fl.Concept``; by default those of the loop that made the model), or for one concept
    name and where (``"sex=male"``); layers, part, data, against (``models:/NAME/VERSION`` or an id).
    """
    model, table = subject.model(), _rows(subject, params)
    net_of(model)  # says what is missing before torch is needed
    from fairloop.evaluation.concepts import find_concepts, plain_findings, vectors_file

    asked = _concepts(subject, params)
    probes = gather_probes(context.client, {"concepts": asked})
    if probes is None or not probes.concepts:
        raise InvalidInput("Name a concept: concepts=[{'name': 'male', 'where': {'sex': 'male'}}].")
    found = find_concepts(model, table, probes.concepts, probes.frames)
    sha256 = context.client.blobs.put(vectors_file(found, _model_sha256(subject)))
    told = [one.words for one in found]
    result = {"findings": told, "concepts": plain_findings(found), "vectors": sha256, "rows": len(table), "drift": []}
    if params.get("against"):
        drift = _drift(context, model, str(params["against"]), table, probes.concepts, probes.frames)
        result["drift"] = drift
        told += [str(one["words"]) for one in drift]
    return result | {"words": " ".join(told)}


def swap(context: Context, subject: Subject, params: dict[str, Any]) -> dict[str, Any]:
    """Swap words for groups in texts and look at the score.

    ``params``: terms (a list as in ``fl.Terms``; by default those of the loop that made the model), or for one list name
    and pairs (``"he/she, man/woman"``); column, part, data.
    """
    asked = _terms(subject, params)
    model, table = subject.model(), _rows(subject, params)
    found = []
    for terms in asked:
        swapped = swap_terms(model, table, terms, column=str(params.get("column", "")))
        found.append({"name": terms.name, "gap": swapped.gap.plain()} | swap_detail(swapped, terms))
    words = [one["words"] for one in found]
    return {"findings": words, "terms": found, "rows": len(table), "words": " ".join(words)}


def _model_sha256(subject: Subject) -> str:
    """The hash of the model's manifest where a pipeline judged it; else the subject's id says which model it is."""
    candidate = subject.candidate()
    return candidate.model_sha256 if candidate is not None else subject.id


# ------------------------------------------------------------------ what was asked
def _rows(subject: Subject, params: dict[str, Any]) -> Table:
    table = subject.table(str(params.get("part") or "validation"), str(params.get("data") or ""))
    if len(table) > MOST_ROWS:
        table = table.take(np.sort(np.random.default_rng(0).choice(len(table), MOST_ROWS, replace=False)))
    return table


def _of_loop(subject: Subject, what: str) -> list[Any]:
    """What the loop that made the subject tells."""
    cycle = subject.cycle()
    if cycle is None:
        return []
    found: list[Any] = subject.context.client.loops.get(cycle.loop).definition.get(what, [])
    return found


def _concepts(subject: Subject, params: dict[str, Any]) -> list[Any]:
    told = params.get("concepts")
    if not told and params.get("where"):
        told = [
            {"name": str(params.get("name") or params["where"]).replace("=", " "), "where": _where(params["where"])}
        ]
    layers = params.get("layers") or []
    layers = [part.strip() for part in layers.split(",")] if isinstance(layers, str) else list(layers)
    found = from_plain(list[Concept], told or _of_loop(subject, "concepts"))
    return [replace(one, layers=layers) if layers else one for one in found]


def _where(told: Any) -> dict[str, Any]:
    if isinstance(told, dict):
        return told
    parts = [part.partition("=") for part in str(told).split(",")]
    if not all(mark and name.strip() for name, mark, _ in parts):
        raise InvalidInput(f"where={str(told)[:80]!r}; write COLUMN=VALUE, for example sex=male.")
    return {name.strip(): value.strip() for name, _, value in parts}


def _terms(subject: Subject, params: dict[str, Any]) -> list[Terms]:
    told = params.get("terms")
    if not told and params.get("pairs"):
        pairs = [tuple(word.strip() for word in part.split("/")) for part in str(params["pairs"]).split(",")]
        if not all(len(pair) == 2 for pair in pairs):
            raise InvalidInput(f"pairs={str(params['pairs'])[:80]!r}; write pairs such as he/she, man/woman.")
        told = [{"name": str(params.get("name") or "terms"), "pairs": pairs}]
    found = from_plain(list[Terms], told or _of_loop(subject, "terms"))
    if not found:
        raise InvalidInput("Name the words to swap: pairs='he/she, man/woman'.")
    return found


# ------------------------------------------------------------------ drift
def _drift(context: Context, model: Model, against: str, table: Table, asked: list[Concept],
           frames: dict[str, Any]) -> list[dict[str, Any]]:  # fmt: skip
    """Each concept here and in the other version, on the same rows."""
    from fairloop.evaluation.concepts import find_concepts
    from fairloop.fairness.concepts.drift import concept_drift
    from fairloop.fairness.concepts.hooks import activations

    version: ModelVersion = context.client.models.version_by_id(context.client.analyses.subject_id(against))
    other = Subject(context, "model_version", version.id).model()
    older = {(t.finding.concept, t.finding.target): t.finding for t in find_concepts(other, table, asked, frames)}
    found = []
    for told in find_concepts(model, table, asked, frames):
        new, old = told.finding, older.get((told.finding.concept, told.finding.target))
        if old is None:
            continue
        inputs = [activations(net_of(m).module, one.layer, net_of(m).tensor(table.X[m.inputs] if m.inputs else table.X))
                  for m, one in ((other, old), (model, new))]  # fmt: skip
        drift = concept_drift(old, new, *inputs)
        way = "leans more on" if drift.change > 0 else "leans less on"
        change = f"{drift.change:+.2f} ({drift.low:+.2f} to {drift.high:+.2f})"
        name = f"{version.model} v{version.version}"
        words = (f"Since {name} the answer {drift.target!r} {way} the concept {drift.concept!r}: influence {change}."
                 if drift.moved else
                 f"Since {name} the influence of {drift.concept!r} on {drift.target!r} has changed by {change}, which chance "
                 "explains.")  # fmt: skip
        found.append({"concept": drift.concept, "target": drift.target, "older": drift.older, "newer": drift.newer,
                      "change": drift.change, "low": drift.low, "high": drift.high, "agreement": drift.agreement,
                      "cosine": drift.cosine, "moved": drift.moved, "against": name, "words": words})  # fmt: skip
    return found
