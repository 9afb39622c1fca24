"""Any group metric by its name in ``core.checks``, for any kind of target; what gates and watches call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fairloop.core.checks import CONDITIONAL, DATA_METRICS, GROUP_METRICS
from fairloop.errors import InvalidInput
from fairloop.fairness.gaps import GAPS, Gap
from fairloop.fairness.grouping import MIN_GROUP, crossed
from fairloop.fairness.groups import GroupRates, GroupTable, Pooling, count_groups, pool, rates_of
from fairloop.fairness.individual import between_group_entropy
from fairloop.fairness.multiclass_gaps import ClassTables, class_tables, multiclass_gap
from fairloop.fairness.pretraining import LabelTable, conditional_disparity, data_gap, label_table
from fairloop.fairness.regression_gaps import REGRESSION_GAPS, regression_gap
from fairloop.fairness.score_gaps import SCORE_GAPS

WITHOUT_LABELS = {"demographic_parity_difference", "demographic_parity_ratio", "mean_prediction_difference",
                  "conditional_demographic_disparity"}  # fmt: skip
"""Metrics that can be told before labels come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The rows to judge, each of length n. ``columns`` are what groups and strata are made of, by name.

    ``labels`` are 0/1 for a binary target, numbers for regression, classes for multiclass; None when not known.
    ``scores`` are chances or numbers.
    """

    task: str
    labels: npt.NDArray[Any] | None
    scores: npt.NDArray[Any]
    predicted: npt.NDArray[Any]
    columns: Mapping[str, Any]
    weights: npt.NDArray[np.float64] | None = None

    def column(self, name: str) -> Any:
        found = self.columns.get(name)
        if found is None:
            raise InvalidInput(f"There is no column {name!r} to compare by; known are {', '.join(self.columns)}.")
        return found


class Comparison:
    """The groups of one attribute, or of several crossed; counts are made once and shared by every metric.

    Parameters
    ----------
    by : sequence of str
        Columns of the sample; ``("sex", "race")`` compares their intersections.
    given : str, optional
        The column of the strata, for the conditional disparities.
    min_group : int
        Smaller groups are pooled, or left out and named.
    """

    def __init__(self, sample: Sample, by: Sequence[str], given: str | None = None, *, min_group: int = MIN_GROUP,
                 confidence: float = 0.95) -> None:  # fmt: skip
        self.sample, self.given, self.min_group, self.confidence = sample, given, min_group, confidence
        columns = [sample.column(name) for name in by]
        self.groups = crossed(columns) if len(columns) > 1 else columns[0]

    def gap(self, metric: str) -> Gap:
        """The gap by its name in ``core.checks``.

        Raises
        ------
        InvalidInput
            When it is not defined for this kind of target, or needs labels that are not there.
        """
        sample = self.sample
        if metric not in GROUP_METRICS:
            raise InvalidInput(f"{metric!r} compares no groups; choose one of {', '.join(sorted(GROUP_METRICS))}.")
        if sample.labels is None and metric not in WITHOUT_LABELS:
            raise InvalidInput(f"{metric} needs labels, and none are known.")
        if metric in GAPS and sample.task != "regression":
            if sample.task == "multiclass":
                return multiclass_gap(metric, self.classes, self.confidence)
            return GAPS[metric].of(self.counts, self.rates, self.confidence)
        if metric in DATA_METRICS and metric != "conditional_label_disparity":
            return data_gap(metric, self.labels, self.confidence)
        if metric in REGRESSION_GAPS and sample.task != "multiclass":
            return regression_gap(metric, sample.labels, sample.scores, self.groups, sample.weights, **self._asked)
        if sample.task == "binary":
            return self._binary(metric)
        raise InvalidInput(f"{metric} is not defined for a {sample.task} target.")

    def _binary(self, metric: str) -> Gap:
        sample = self.sample
        if metric in CONDITIONAL:
            answers = sample.labels if metric == "conditional_label_disparity" else sample.predicted
            strata = sample.column(self.given or "")
            return conditional_disparity(np.asarray(answers), self.groups, strata, sample.weights, metric=metric,
                                         **self._asked)  # fmt: skip
        labels = np.asarray(sample.labels)
        if metric == "between_group_entropy":
            return between_group_entropy(labels, sample.predicted, self.groups, sample.weights, **self._asked)
        return SCORE_GAPS[metric](labels, sample.scores, self.groups, sample.weights, **self._asked)

    @property
    def _asked(self) -> dict[str, Any]:
        return {"min_group": self.min_group, "confidence": self.confidence}

    @cached_property
    def table(self) -> GroupTable:
        """Confusion counts of every group, small ones too."""
        return count_groups(self.sample.labels, self.sample.predicted, self.groups, self.sample.weights)

    @cached_property
    def counts(self) -> Pooling:
        return pool(self.table, self.min_group)

    @cached_property
    def rates(self) -> list[GroupRates]:
        return rates_of(self.counts.table, self.confidence)

    @cached_property
    def classes(self) -> ClassTables:
        sample = self.sample
        return class_tables(sample.labels, sample.predicted, self.groups, sample.weights, min_group=self.min_group)

    @cached_property
    def labels(self) -> LabelTable:
        return label_table(np.asarray(self.sample.labels), self.groups, self.sample.weights, min_group=self.min_group)

    def rows(self) -> list[dict[str, Any]]:
        """The groups' own numbers as JSON-able rows, for a table beside the gaps."""
        if self.sample.task == "binary":
            rows = rates_of(self.table, self.confidence) if self.counts.too_small else self.rates
        elif self.sample.task == "multiclass":
            rows = self.classes.rows()
        else:
            known = [self.gap(metric).groups for metric in REGRESSION_GAPS]
            rows = [replace(one, rates={k: v for row in same for k, v in row.rates.items()})
                    for one, same in zip(known[0], zip(*known, strict=True), strict=True)]  # fmt: skip
        return [row.plain() for row in rows]
