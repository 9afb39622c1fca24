"""The analysis ``explain``: where gaps come from, proxies, where the model errs, what moves its answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.errors import InvalidInput
from fairloop.evaluation import explain_words as words
from fairloop.evaluation.analysing import Subject
from fairloop.evaluation.explained import Explained
from fairloop.fairness.explain.effects import accumulated_effect, partial_dependence
from fairloop.fairness.explain.gap import Decomposition, decompose_gap, parts_from_values
from fairloop.fairness.explain.proxies import joint_strength, proxies
from fairloop.fairness.explain.slices import find_slices
from fairloop.fairness.explain.values import RowValues, row_values
from fairloop.pipelines.context import Context
from fairloop.stats.intervals import newcombe_difference, two_sided
from fairloop.tables.table import Table

CRITERIA = {"selection": None, "found": 1, "wrongly_selected": 0}
"""What of the answers is compared: of everybody (demographic parity), of those whose true answer is yes (equal
opportunity), or no."""
MIN_GROUP = 30
MOST_ROWS = 20_000
SHOWN = 200
REFERENCES = 100
EFFECT_ROWS = 1500
EFFECTS = 4
MANY = 3
"""Averages of more models than this are walked once: every walk asks each of them."""
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """What is explained: the model over rows with their labels and groups."""

    explained: Explained
    table: Table
    labels: Array | None
    groups: pd.DataFrame


def explain(_: Context, subject: Subject, params: dict[str, Any]) -> dict[str, Any]:
    """Explain a model on the validation part of what judged it, or on ``params["data"]``.

    ``params``: part, data, attributes (all sensitive ones), criterion (selection, found, wrongly_selected), answer (the
    class looked at, for more than two), columns (for the curves; the strongest by default), seed.
    """
    part, data = str(params.get("part", "validation")), str(params.get("data", ""))
    criterion = str(params.get("criterion", "selection"))
    if criterion not in CRITERIA:
        raise InvalidInput(f"criterion={criterion!r}; it is one of {', '.join(CRITERIA)}.")
    rows = prepare(subject, part, data, params.get("answer"), int(params.get("seed", 0)))
    told = explain_rows(rows, criterion=criterion, attributes=params.get("attributes"), columns=params.get("columns"),
                        seed=int(params.get("seed", 0)))  # fmt: skip
    return {"part": "" if data else part, "data": data, **told}


def prepare(subject: Subject, part: str, data: str, answer: Any, seed: int) -> Rows:
    """The subject's model over its rows, a random 20,000 of them when there are more."""
    table, model = subject.table(part, data), subject.model()
    if not len(table):
        raise InvalidInput("There are no rows to explain the model on; name another part or dataset version.")
    if len(table) > MOST_ROWS:
        table = table.take(np.sort(np.random.default_rng(seed).choice(len(table), MOST_ROWS, replace=False)))
    labels = table.y if table.roles.target is not None and model.task == table.task else None
    explained = Explained.of(model, table)
    if model.task == "multiclass":
        names = [str(c) for c in model.classes]
        if answer is not None and str(answer) not in names:
            raise InvalidInput(f"answer={answer!r} is none of the model's classes: {', '.join(names[:20])}.")
        explained = explained.with_answer(str(answer) if answer is not None else _most_unequal(explained, table))
    return Rows(explained, table, labels, table.sensitive)


def _most_unequal(explained: Explained, table: Table) -> str:
    """The class whose share differs most between groups of any attribute."""
    answers = explained.answers().astype(str)
    best, found = -1.0, str(explained.model.classes[0])
    for name in (str(c) for c in explained.model.classes):
        for attribute in table.sensitive.columns:
            shares = pd.Series(answers == name).groupby(table.sensitive[attribute].to_numpy()).mean()
            if len(shares) > 1 and float(shares.max() - shares.min()) > best:
                best, found = float(shares.max() - shares.min()), name
    return found


def explain_rows(rows: Rows, *, criterion: str = "selection", attributes: list[str] | None = None,
                 columns: list[str] | None = None, seed: int = 0) -> dict[str, Any]:  # fmt: skip
    """Everything the analysis tells, as plain JSON, its findings in words."""
    explained = rows.explained
    asked = list(rows.groups.columns) if attributes is None else list(attributes)
    if unknown := [name for name in asked if name not in rows.groups.columns]:
        raise InvalidInput(f"{unknown[0]!r} is not a sensitive attribute of these rows; they have "
                           f"{', '.join(rows.groups.columns) or 'none'}.")  # fmt: skip
    shown, values = _sampled_values(explained, seed)
    found: dict[str, Any] = {
        "task": explained.model.task, "answer": explained.answer, "criterion": criterion, "rows": len(rows.table),
        "columns": [str(c) for c in explained.rows.columns], "model": repr(explained.model),
        "attributes": [_attribute(rows, name, criterion, shown, values, seed) for name in asked],
        "slices": _slices(rows, seed), "importance": _importance(values),
        "people": list(_people(rows, shown, values)),
    }  # fmt: skip
    strongest = [c for c in columns or [] if c in explained.described]
    if not strongest:
        strongest = [c["column"] for c in found["importance"]["columns"] if c["column"] in explained.described][
            :EFFECTS
        ]
    found["effects"] = _effects(explained, strongest, seed)
    findings = words.findings(found)
    return found | {"findings": findings, "words": " ".join(findings)}


# ------------------------------------------------------------------ the gap
def _attribute(rows: Rows, name: str, criterion: str, shown: Array, values: RowValues, seed: int) -> dict[str, Any]:
    """One sensitive attribute: rates, the gap between the extreme groups taken apart, and what betrays the attribute."""
    explained, groups = rows.explained, rows.groups[name].to_numpy(dtype=object)
    kept = np.ones(len(groups), dtype=bool)
    if (label := CRITERIA[criterion]) is not None:
        if rows.labels is None or explained.model.task == "regression":
            raise InvalidInput(f"criterion={criterion!r} needs true answers of yes or no; these rows have none.")
        truth = rows.labels if explained.model.task == "binary" else rows.labels.astype(str) == explained.answer
        kept = truth == label
    outcome = explained.outcome(explained.rows)
    rates: list[dict[str, Any]] = []
    for group in sorted({str(g) for g in groups if isinstance(g, str)}):
        inside = kept & (groups == group)
        if inside.any():
            rates.append({"group": group, "n": int(inside.sum()), "rate": float(outcome[inside].mean())})
    judged = [rate for rate in rates if rate["n"] >= MIN_GROUP]
    found: dict[str, Any] = {"attribute": name, "rates": rates, "gap": None, "score_gap": None,
                             **_betrayed(rows, name, seed)}  # fmt: skip
    if len(judged) < 2:
        return found
    high, low = max(judged, key=lambda r: float(r["rate"])), min(judged, key=lambda r: float(r["rate"]))
    within = explained.at(explained.rows[kept])
    rounds = 2 if len(explained.members()) <= MANY else 1
    gap = decompose_gap(
        explained.outcome, within.rows, groups[kept], high["group"], low["group"], rounds=rounds, seed=seed
    )
    pairs = len(judged) * (len(judged) - 1) // 2
    bounds = _bounds(outcome[kept & (groups == high["group"])], outcome[kept & (groups == low["group"])], pairs)
    found["gap"] = gap.plain() | {"low": bounds[0], "high": bounds[1]}
    if criterion == "selection" and explained.model.task != "regression":
        found["score_gap"] = _score_gap(explained, groups, shown, values, gap, seed)
    return found


def _bounds(one: Array, other: Array, pairs: int) -> tuple[float, float]:
    """95 % interval of the difference of two means, simultaneous for as many pairs of groups as it was picked from."""
    z = two_sided(1 - 0.05 / pairs)
    if np.isin(one, (0, 1)).all() and np.isin(other, (0, 1)).all():
        return newcombe_difference(float(one.sum()), len(one), float(other.sum()), len(other), z)
    half = z * float(np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other)))
    middle = float(one.mean() - other.mean())
    return middle - half, middle + half


def _score_gap(explained: Explained, groups: Array, shown: Array, values: RowValues, gap: Decomposition,
               seed: int) -> dict[str, Any]:  # fmt: skip
    """The gap of scores before any threshold: exact where the values of rows are, on the rows they were made for."""
    here = groups[shown]
    enough = min((here == gap.higher).sum(), (here == gap.lower).sum()) >= 2
    if enough and values.exact:
        return parts_from_values(values.values, values.columns, here, gap.higher, gap.lower).plain()
    return decompose_gap(explained.score, explained.rows, groups, gap.higher, gap.lower, rounds=1, seed=seed).plain()


def _betrayed(rows: Rows, name: str, seed: int) -> dict[str, Any]:
    """How well each column, the model's score, and all columns together tell the attribute."""
    explained, groups = rows.explained, rows.groups[name]
    columns: dict[str, Any] = {c: explained.rows[c] for c in explained.described if c not in explained.told}
    found = proxies(columns | {words.SCORE: explained.score(explained.rows)}, groups, seed=seed)
    known = list(columns)
    joint = joint_strength(explained.rows[known], groups, seed=seed) if known else None
    return {"proxies": [proxy.plain() for proxy in found if proxy.column != words.SCORE],
            "score": next((proxy.plain() for proxy in found if proxy.column == words.SCORE), None),
            "together": joint.plain() if joint is not None else None}  # fmt: skip


# ------------------------------------------------------------------ errors
def _slices(rows: Rows, seed: int) -> dict[str, Any] | None:
    """Where the model errs most, by what it reads and by the sensitive attributes; None without true answers."""
    if rows.labels is None:
        return None
    explained, answers = rows.explained, rows.explained.answers()
    if explained.model.task == "regression":
        errors: Array = np.abs(rows.labels.astype(np.float64) - answers)
    else:
        errors = (rows.labels.astype(str) != answers.astype(str)).astype(np.float64)
    described = explained.rows[[c for c in explained.described if c not in explained.told]]
    frame = pd.concat([described, rows.groups.reset_index(drop=True)], axis=1)
    found = find_slices(frame, errors, seed=seed)
    return {"overall": float(errors.mean()), "slices": [part.plain() for part in found]}


# ------------------------------------------------------------------ answers
def _sampled_values(explained: Explained, seed: int) -> tuple[Array, RowValues]:
    """Values of up to 200 rows against 100 reference rows."""
    random = np.random.default_rng(seed)
    n = len(explained.rows)
    shown = np.sort(random.choice(n, min(SHOWN, n), replace=False))
    references = np.sort(random.choice(n, min(REFERENCES, n), replace=False))
    members = explained.members()
    values = row_values(
        explained.score,
        members,
        explained.rows.iloc[shown].reset_index(drop=True),
        explained.rows.iloc[references].reset_index(drop=True),
        rounds=30 if len(members) <= MANY else 12,
        seed=seed,
    )
    return shown, values


def _importance(values: RowValues) -> dict[str, Any]:
    """Mean size of each column's values over people: how much it moves answers, either way."""
    sizes = np.abs(values.values).mean(axis=0)
    ranked = sorted(zip(values.columns, sizes.tolist(), strict=True), key=lambda item: (-item[1], item[0]))
    return {"base": values.base, "exact": values.exact, "method": values.method,
            "columns": [{"column": name, "size": size} for name, size in ranked]}  # fmt: skip


def _people(rows: Rows, shown: Array, values: RowValues) -> Iterator[dict[str, Any]]:
    """Three people whose answer is taken apart: the highest score, the lowest, and the one nearest to the threshold."""
    explained = rows.explained
    scores = values.base + values.values.sum(axis=1)
    middle = explained.model.threshold if explained.model.task == "binary" else float(np.median(scores))
    picked = {"highest": int(np.argmax(scores)), "lowest": int(np.argmin(scores)),
              "nearest to the line": int(np.argmin(np.abs(scores - middle)))}  # fmt: skip
    outcome = explained.outcome(explained.rows.iloc[shown].reset_index(drop=True))
    seen: set[int] = set()
    for which, place in picked.items():
        if place in seen:
            continue
        seen.add(place)
        person = explained.rows.iloc[int(shown[place])]
        yield {"which": which, "row_id": int(rows.table.row_ids[shown[place]]), "score": float(scores[place]),
               "outcome": float(outcome[place]), "base": values.base, "parts": waterfall(values, place, person)}  # fmt: skip


def waterfall(values: RowValues, place: int, person: pd.Series) -> list[dict[str, Any]]:
    """One row's values with what the person has there, largest first."""
    parts = [{"column": name, "value": plain_value(person[name]), "part": float(part)}
             for name, part in zip(values.columns, values.values[place].tolist(), strict=True)]  # fmt: skip
    return sorted(parts, key=lambda part: (-abs(part["part"]), part["column"]))


def plain_value(value: Any) -> Any:
    found = value.item() if isinstance(value, np.generic) else value
    return None if found is None or found is pd.NA or (isinstance(found, float) and np.isnan(found)) else found


def _effects(explained: Explained, columns: list[str], seed: int) -> list[dict[str, Any]]:
    rows = explained.rows
    if len(rows) > EFFECT_ROWS:
        rows = rows.iloc[np.sort(np.random.default_rng(seed).choice(len(rows), EFFECT_ROWS, replace=False))]
        rows = rows.reset_index(drop=True)
    found = []
    for column in columns:
        local = accumulated_effect(explained.score, rows, column)
        found.append({"column": column, "partial": partial_dependence(explained.score, rows, column).plain(),
                      "local": local.plain() if local is not None else None})  # fmt: skip
    return found
