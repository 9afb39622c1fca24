"""The analysis ``counterfactual``: which few allowed changes flip one person's answer, and what made it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.errors import InvalidInput
from fairloop.evaluation import explain_words as words
from fairloop.evaluation.analysing import Subject
from fairloop.evaluation.explain import REFERENCES, Rows, plain_value, prepare, waterfall
from fairloop.evaluation.explained import Explained
from fairloop.fairness.explain.counterfactual import counterfactuals
from fairloop.fairness.explain.values import row_values
from fairloop.pipelines.context import Context

MAX_CHANGES = 4


def counterfactual(_: Context, subject: Subject, params: dict[str, Any]) -> dict[str, Any]:
    """Take one answer apart, and find what would flip it.

    ``params``: row (a row's id) or values (column to value) or prediction_id (what its log holds; ``values``
    adds what the log keeps apart, for a model that is told sensitive attributes); part, data;
    immutable, only_up, only_down (columns); max_changes (3); wanted (a class, or for a regression ``{"at_least": v}`` or
    ``{"at_most": v}``).
    """
    rows = prepare(subject, str(params.get("part", "validation")), str(params.get("data", "")), None, 0)
    person, known = _person(rows, params)
    most = int(params.get("max_changes", 3))
    if not 1 <= most <= MAX_CHANGES:
        raise InvalidInput(
            f"max_changes={most}; more than {MAX_CHANGES} changes at once help nobody, and less than 1 none."
        )
    told = answer_for(rows, person, wanted=params.get("wanted"), immutable=_names(params, "immutable"),
                      only_up=_names(params, "only_up"), only_down=_names(params, "only_down"), max_changes=most)  # fmt: skip
    return {"person": known, **told}


def answer_for(rows: Rows, person: pd.DataFrame, *, wanted: Any = None, immutable: list[str] | None = None,
               only_up: list[str] | None = None, only_down: list[str] | None = None,
               max_changes: int = 3) -> dict[str, Any]:  # fmt: skip
    """The person's answer taken apart, and the changes that flip it.

    Sensitive attributes, free text and what the caller names never change.
    """
    explained = rows.explained
    goal = _Goal(explained, person, wanted)
    looked = explained if explained.model.task != "multiclass" else explained.with_answer(goal.wanted)
    if unknown := [n for n in immutable or [] if n not in explained.rows.columns and n not in rows.groups.columns]:
        raise InvalidInput(f"immutable names {unknown[0]!r}, which is no column of this model.")
    fixed = {*(immutable or []), *rows.groups.columns, *explained.told}
    fixed |= {str(c) for c in explained.rows.columns if str(c) not in explained.described}
    found = counterfactuals(goal, person, explained.rows, immutable=fixed, only_up=only_up or [], only_down=only_down or [],
                            max_changes=max_changes)  # fmt: skip
    references = np.sort(
        np.random.default_rng(0).choice(len(explained.rows), min(REFERENCES, len(explained.rows)), replace=False)
    )
    values = row_values(
        looked.score, looked.members(), person, explained.rows.iloc[references].reset_index(drop=True), rounds=200
    )
    score = float(looked.score(person)[0])
    kept = [str(c) for c in person.columns if str(c) in fixed]
    changes = [one.plain() for one in found]
    return {
        "score": score, "threshold": explained.model.threshold if explained.model.task == "binary" else None,
        "answer": goal.now, "wanted": goal.words, "immutable": kept, "changes": changes,
        "base": values.base, "exact": values.exact, "method": values.method, "parts": waterfall(values, 0, person.iloc[0]),
        "words": words.person_words(score, goal.words, changes, immutable=kept),
    }  # fmt: skip


class _Goal:
    """Whether rows have the wanted answer, and how near they are."""

    def __init__(self, explained: Explained, person: pd.DataFrame, wanted: Any) -> None:
        self._explained, task = explained, explained.model.task
        self.now = plain_value(explained.at(person).answers()[0])
        self._sign, self._limit = 1.0, 0.0
        self.wanted: Any = None
        if task == "regression":
            if not isinstance(wanted, dict) or len(wanted) != 1 or next(iter(wanted)) not in {"at_least", "at_most"}:
                raise InvalidInput(
                    "For a regression say what is wanted: wanted={'at_least': value} or {'at_most': value}."
                )
            ((kind, limit),) = wanted.items()
            self._sign, self._limit = (1.0, float(limit)) if kind == "at_least" else (-1.0, float(limit))
            self.words = f"{kind.replace('_', ' ')} {words.value(float(limit))}"
        elif task == "multiclass":
            names = [str(c) for c in explained.model.classes]
            if str(wanted) not in names:
                raise InvalidInput(f"Say which answer is wanted: one of {', '.join(names[:20])}.")
            self.wanted = self.words = str(wanted)
        else:
            self._sign = 1.0 if not self.now else -1.0
            self.words = "yes" if not self.now else "no"

    def __call__(self, frame: pd.DataFrame) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
        task = self._explained.model.task
        looked = self._explained if task != "multiclass" else self._explained.with_answer(self.wanted)
        near = looked.score(frame) * self._sign
        if task == "regression":
            return near >= self._limit * self._sign, near
        hit = looked.outcome(frame) > 0.5
        return (hit if self._sign > 0 else ~hit), near


def _names(params: dict[str, Any], name: str) -> list[str]:
    found = params.get(name, [])
    return [str(part) for part in (found.split(",") if isinstance(found, str) else found) if str(part)]


def _person(rows: Rows, params: dict[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The one row asked about, with the types of the others, and what is known of where it comes from."""
    columns, values = rows.explained.rows, params.get("values")
    given = params.get("given")
    if given is not None:
        values = given["values"] | (values or {})
    if values is None:
        if params.get("row") is None:
            raise InvalidInput("Say who: row=ROW_ID of these rows, values={column: value}, or the id of a prediction.")
        place = np.flatnonzero(rows.table.row_ids == int(params["row"]))
        if not len(place):
            raise InvalidInput(f"No row of these rows has the id {params['row']}; ids are in the column _row.")
        return columns.iloc[place[:1]].reset_index(drop=True), {"row": int(params["row"])}
    if missing := [str(c) for c in columns.columns if str(c) not in values]:
        raise InvalidInput(f"values lacks {', '.join(missing[:5])}; the model reads {len(columns.columns)} columns.")
    made: dict[str, Any] = {}
    for name in (str(c) for c in columns.columns):
        column = columns[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            made[name] = _category(column, values[name])
        else:
            try:
                made[name] = pd.Series([np.nan if values[name] is None else values[name]]).astype(
                    np.float64 if values[name] is None else column.dtype)  # fmt: skip
            except (ValueError, TypeError) as cause:
                raise InvalidInput(
                    f"Column {name!r}: {str(values[name])[:40]!r} does not fit; it holds {column.dtype}."
                ) from cause
    return pd.DataFrame(made), {"prediction_id": params["prediction_id"]} if given is not None else {"values": values}


def _category(column: pd.Series, value: Any) -> pd.Categorical:
    known = column.cat.categories
    return pd.Categorical([None if value is None or str(value) not in set(known) else str(value)], dtype=column.dtype)
