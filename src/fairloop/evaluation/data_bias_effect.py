"""The kind ``label_effect``: a labelling task's answers become a dataset version, and the promise meets the measured gap.

Runs in a worker. The new version has the same row ids, so every split by id stays as it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fairloop.client.client import Client
from fairloop.core.datasets import DatasetVersion, Roles
from fairloop.core.labeling import POSITIVE, FinalLabel, ItemState, LabelTask
from fairloop.datasets.publish import load, publish
from fairloop.errors import InvalidInput, Refused
from fairloop.evaluation.analysing import Subject
from fairloop.evaluation.data_bias_prescription import Asked, measured_gap
from fairloop.evaluation.data_bias_reference import Judged
from fairloop.fairness.gaps import Gap
from fairloop.pipelines.context import Context
from fairloop.tables.table import Table


def label_effect(context: Context, subject: Subject, params: dict[str, Any]) -> dict[str, Any]:
    """Publish what a task's people found as a new version of its dataset, and measure the gap before and after."""
    client = context.client
    task: LabelTask = client.labeling.get(str(params.get("task_id", "")))
    parent: DatasetVersion = client.datasets.get(task.dataset_version_id)
    before = load(client, parent)
    after, changed = relabelled(before, _labels(client, task.id))
    origin = {"labeling_task": task.id, "rows_labelled": task.items, "labels_changed": changed}
    made = publish(client, parent.dataset, after, parents=[parent.id], origin=origin, licence=parent.licence)
    told = _compared(before, after, task)
    client.labeling.publish(task.id, made.id)
    return {
        **told, "dataset_version_id": made.id, "dataset": made.dataset, "version": made.version, "changed": changed,
        "labelled": task.items, "words": _words(task, made, changed, told),
    }  # fmt: skip


def relabelled(table: Table, labels: list[FinalLabel]) -> tuple[Table, int]:
    """``table`` with the settled answers in its target column, and how many labels that changed.

    Raises
    ------
    Refused
        An answer needs a value the target column has none of: a negative one where there are several.
    """
    settled = {label.row_id: label.answer == POSITIVE for label in labels if label.state is ItemState.SETTLED}
    truth = np.asarray(table.y, dtype=np.bool_)
    wanted = truth.copy()
    for place, row_id in enumerate(table.row_ids.tolist()):
        wanted[place] = settled.get(row_id, bool(truth[place]))
    changed = wanted != truth
    if not changed.any():
        return table, 0
    target = table.roles.target
    if target is None:
        raise InvalidInput("The dataset names no target, so its labels cannot change.")
    yes, no = _values(table.frame[target], truth, table.roles)
    values = table.frame[target].to_list()
    for place in np.flatnonzero(changed).tolist():
        values[place] = yes if wanted[place] else no
    column = pl.Series(target, values, dtype=table.frame[target].dtype)
    return table.with_frame(table.frame.with_columns(column)), int(changed.sum())


def _values(target: pl.Series, truth: npt.NDArray[np.bool_], roles: Roles) -> tuple[Any, Any]:
    """The value of a positive and of a negative answer in the target column."""
    negative = target.filter(pl.Series(~truth)).unique().sort().to_list()
    positive = target.filter(pl.Series(truth)).unique().sort().to_list()
    if len(negative) != 1 or len(positive) != 1:
        raise Refused(f"{roles.target!r} has {len(negative)} negative answers, so a row labelled negative has no one value; "
                      "give the target two answers.")  # fmt: skip
    return positive[0], negative[0]


def _labels(client: Client, task_id: str) -> list[FinalLabel]:
    found: list[FinalLabel] = []
    cursor: str | None = None
    while True:
        page = client.labeling.labels(task_id, cursor=cursor, limit=1000)
        found += page.items
        if page.next is None:
            return found
        cursor = page.next


def _compared(before: Table, after: Table, task: LabelTask) -> dict[str, Any]:
    """The gap of the reference model before and after, beside what was promised; nothing without a gap to look at."""
    by = task.by or next(iter(before.roles.sensitive), "")
    if not by:
        return {"before": None, "after": None, "promised": None, "inside": None}
    asked = Asked(by=by, metric=task.metric or "demographic_parity_difference")
    old, new = Judged.of(before), Judged.of(after)
    gaps: list[Gap] = [measured_gap(judged, asked, judged.labels) for judged in (old, new)]
    promised = task.promise or None
    measured = gaps[1].estimate
    inside = promised["low"] <= measured <= promised["high"] if promised and measured is not None else None
    return {"by": by, "metric": asked.metric, "before": gaps[0].plain(), "after": gaps[1].plain(), "promised": promised,
            "inside": inside}  # fmt: skip


def _words(task: LabelTask, made: DatasetVersion, changed: int, told: dict[str, Any]) -> str:
    said = (f"{made.dataset} v{made.version} is the data with {changed} of {task.items} labels changed. "
            if changed else f"No label of the {task.items} rows changed, so the data stays as it was. ")  # fmt: skip
    old, new = (told[side]["estimate"] if told[side] else None for side in ("before", "after"))
    if old is None or new is None:
        return said + "There is no gap between groups to measure."
    metric = str(told["metric"]).replace("_", " ")
    said += f"The {metric} by {told['by']} went from {old:.2f} to {new:.2f}"
    if told["promised"] is None:
        return said + "."
    low, high = told["promised"]["low"], told["promised"]["high"]
    where = "inside" if told["inside"] else "outside"
    return said + f", {where} the promised {low:.2f} to {high:.2f}."
