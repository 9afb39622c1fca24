"""Checks and Verdicts: a question with a threshold, and its answer. Gates, canary judges and monitors use this type."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fairloop.errors import InvalidInput

LOWER_IS_BETTER = {
    "demographic_parity_difference", "equalized_odds_difference", "latency_p50_ms", "latency_p99_ms", "cost_usd",
    "size_bytes", "memory_bytes", "mean_absolute_error", "root_mean_squared_error", "log_loss", "brier_score",
    "error_rate", "drift", "prediction_drift",
}  # fmt: skip
HIGHER_IS_BETTER = {"roc_auc", "accuracy", "balanced_accuracy", "average_precision", "f1", "precision", "recall", "r2"}
METRICS = LOWER_IS_BETTER | HIGHER_IS_BETTER
GROUP_METRICS = {"demographic_parity_difference", "equalized_odds_difference"}
WORDS = {
    "roc_auc": "ranking quality (ROC AUC)",
    "accuracy": "share of right answers (accuracy)",
    "balanced_accuracy": "accuracy averaged over both answers",
    "average_precision": "average precision",
    "f1": "F1 score",
    "precision": "share of positive answers that are right (precision)",
    "recall": "share of true positives found (recall)",
    "r2": "explained variance (R squared)",
    "mean_absolute_error": "mean absolute error",
    "root_mean_squared_error": "root mean squared error",
    "log_loss": "log loss",
    "brier_score": "Brier score",
    "demographic_parity_difference": "difference in selection rate between groups (demographic parity difference)",
    "equalized_odds_difference": "largest difference in error rates between groups (equalized odds difference)",
    "latency_p50_ms": "median time to answer, milliseconds",
    "latency_p99_ms": "time within which 99 of 100 answers come, milliseconds",
    "cost_usd": "cost, US dollars",
    "size_bytes": "size of the model's files, bytes",
    "memory_bytes": "memory, bytes",
    "error_rate": "share of failed requests",
    "drift": "change of the inputs against the training data (drift)",
    "prediction_drift": "change of the model's scores against held-out data",
}


class Status(StrEnum):
    PASS = "pass"  # noqa: S105  # a verdict, not a password
    FAIL = "fail"
    INSUFFICIENT = "insufficient_evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A question with a threshold.

    Exactly one of ``at_least``, ``at_most`` and ``drop`` is set, except for ``drift`` and ``prediction_drift``, whose
    threshold is calibrated to the sample size and may be left out. ``drop`` limits how far the metric may fall below
    its value when the model was judged.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    drop: float | None = None
    by: str | None = None
    because: str | None = None

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise InvalidInput(f"Unknown metric {self.metric!r}; known are: {', '.join(sorted(METRICS))}.")
        limits = [v for v in (self.at_least, self.at_most, self.drop) if v is not None]
        for limit in limits:
            if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not math.isfinite(limit):
                raise InvalidInput(f"The threshold of {self.metric} is {limit!r}; give a finite number.")
        free = self.metric in {"drift", "prediction_drift"}
        if len(limits) != 1 and not (free and not limits):
            raise InvalidInput(f"{self.metric} needs exactly one of at_least, at_most and drop.")
        if self.metric in GROUP_METRICS and not self.by:
            raise InvalidInput(
                f"{self.metric} compares groups: say by which sensitive attribute, for example by='sex'."
            )

    @property
    def threshold(self) -> float | None:
        return next((v for v in (self.at_least, self.at_most, self.drop) if v is not None), None)

    @property
    def name(self) -> str:
        return f"{self.metric} by {self.by}" if self.by else self.metric

    @property
    def question(self) -> str:
        """The check in plain words, for people who do not read metric names."""
        what = WORDS.get(self.metric, self.metric)
        by = f" by {self.by}" if self.by else ""
        if self.at_least is not None:
            return f"Is the {what}{by} at least {self.at_least:g}?"
        if self.at_most is not None:
            return f"Is the {what}{by} at most {self.at_most:g}?"
        if self.drop is not None:
            return f"Has the {what}{by} fallen by no more than {self.drop:g} since the model was judged?"
        return f"Is there no {what}{by} beyond what chance explains?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to a Check, with its evidence.

    ``low`` and ``high`` bound ``estimate`` at 95 % (simultaneously over groups); ``n`` counts the rows used. With an
    upper limit T: pass if ``high <= T``, fail if ``low > T``, else insufficient evidence.
    """

    check: Check
    status: Status
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    method: str
    detail: dict[str, Any] = field(default_factory=dict)


def judge(check: Check, estimate: float | None, low: float | None, high: float | None, *, n: int, method: str,
          detail: dict[str, Any] | None = None, baseline: float | None = None) -> Verdict:  # fmt: skip
    """The verdict on an estimate with its interval: the one place that applies the rule.

    ``baseline`` is the metric's value when the model was judged, needed by a ``drop`` check. A missing or non-finite
    estimate or bound gives insufficient evidence, never pass.
    """
    at_least, at_most = check.at_least, check.at_most
    if check.drop is not None and baseline is not None:
        if check.metric in LOWER_IS_BETTER:
            at_most = baseline + check.drop
        else:
            at_least = baseline - check.drop
    status = Status.INSUFFICIENT
    numbers = (estimate, low, high)
    if all(v is not None and math.isfinite(v) for v in numbers):
        if at_most is not None:
            status = Status.PASS if high <= at_most else Status.FAIL if low > at_most else status  # type: ignore[operator]
        elif at_least is not None:
            status = Status.PASS if low >= at_least else Status.FAIL if high < at_least else status  # type: ignore[operator]
    else:
        estimate, low, high = (v if v is not None and math.isfinite(v) else None for v in numbers)
    extra = dict(detail or {})
    if baseline is not None:
        extra["baseline"] = baseline
    return Verdict(check=check, status=status, estimate=estimate, low=low, high=high, n=n, method=method, detail=extra)
