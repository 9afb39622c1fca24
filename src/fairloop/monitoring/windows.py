"""Windows of the prediction log: where one ends, and its rows with what became known about them later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from fairloop.core import codec
from fairloop.monitoring.judge import Rows


def window_id(monitor_id: str, deployment_id: str, from_seq: int) -> str:
    """The same for the same rows, so a window judged twice stays one."""
    told = f"{monitor_id}/{deployment_id}/{from_seq}"
    return "win_" + hashlib.sha256(told.encode()).hexdigest()[:18]


def cut(places: list[int], size: int) -> list[tuple[int, int]]:
    """First and last place of each full window; a last part that is not full waits for more traffic."""
    return [(places[start], places[start + size - 1]) for start in range(0, len(places) - size + 1, size)]


def assemble(predictions: pl.DataFrame, labels: pl.DataFrame, sensitive: pl.DataFrame, *, task: str,
             positive: Any) -> Rows:  # fmt: skip
    """A window's log rows joined with the labels and sensitive values known by now."""
    known = dict(labels.select("id", "label").iter_rows())
    ids = predictions["id"].to_list()
    values = [_label(known.get(i), task, positive) for i in ids]
    groups: dict[str, pl.Series] = {}
    for (attribute,), part in sensitive.group_by("attribute", maintain_order=True):
        told = dict(part.select("id", "value").iter_rows())
        groups[str(attribute)] = pl.Series(str(attribute), [told.get(i) for i in ids], dtype=pl.String)
    return Rows(
        features=features_of(predictions["features"]),
        scores=predictions["score"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        predicted=predictions["predicted"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        labels=np.array(values, dtype=np.float64), sensitive=groups,
    )  # fmt: skip


def features_of(texts: Iterable[str]) -> pl.DataFrame:
    """Logged features, one column each."""
    records = [codec.loads(text, trusted=True) for text in texts]
    return pl.DataFrame(records, infer_schema_length=None, strict=False)


def _label(text: str | None, task: str, positive: Any) -> float:
    if text is None:
        return np.nan
    label = codec.loads(text, trusted=True)
    if task == "binary":
        return is_positive(label, positive)
    try:
        return float(label) if task == "regression" else np.nan
    except (TypeError, ValueError):
        return np.nan


def is_positive(label: Any, positive: Any) -> float:
    """1 or 0 for a label as people send it: the positive answer itself, or true, false, 1 and 0 for yes and no.

    NaN when nobody said which answer is the positive one and the label does not tell.
    """
    if positive is not None and (label == positive or str(label) == str(positive)):
        return 1.0
    plain = isinstance(label, (bool, int, float)) and label in (0, 1)
    if plain and (positive is None or isinstance(positive, (str, bool))):
        return float(label)
    return np.nan if positive is None else 0.0
