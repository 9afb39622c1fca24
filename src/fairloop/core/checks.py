"""Checks and Verdicts: a question with a threshold, and its answer. Gates, canary judges and monitors use this type."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fairloop.errors import InvalidInput

CRITERIA = ("demographic_parity_difference", "equalized_odds_difference")
"""The two criteria that pages and frontiers always show together: where base rates differ no model has both at zero."""
DATA_METRICS = {
    "class_imbalance", "label_rate_difference", "label_kl_divergence", "label_js_divergence", "label_lp_norm",
    "label_total_variation", "label_ks_distance", "conditional_label_disparity",
}  # fmt: skip
"""What is told of the data alone, before a model is trained: each compares the labels of groups."""
GROUP_METRICS = DATA_METRICS | {
    *CRITERIA, "demographic_parity_ratio", "equal_opportunity_difference", "predictive_equality_difference",
    "equalized_odds_ratio", "average_odds_difference", "average_absolute_odds_difference", "accuracy_difference",
    "predictive_parity_difference", "false_discovery_rate_difference", "false_omission_rate_difference",
    "calibration_difference", "calibration_within_groups", "roc_auc_difference", "conditional_demographic_disparity",
    "between_group_entropy", "mean_prediction_difference", "mean_error_difference", "mean_absolute_error_difference",
    "root_mean_squared_error_difference",
}  # fmt: skip
"""Metrics that compare groups, and so need ``by``."""
HIGHER_IS_BETTER = {
    "roc_auc", "accuracy", "balanced_accuracy", "average_precision", "f1", "precision", "recall", "specificity",
    "matthews_correlation", "lift_top_tenth", "macro_f1", "macro_precision", "macro_roc_auc", "lowest_recall", "r2",
    "consistency", "demographic_parity_ratio", "equalized_odds_ratio",
}  # fmt: skip
LOWER_IS_BETTER = GROUP_METRICS - HIGHER_IS_BETTER | {
    "log_loss", "brier_score", "expected_calibration_error", "mean_absolute_error", "root_mean_squared_error",
    "median_absolute_error", "mean_absolute_percentage_error", "quantile_loss_10", "quantile_loss_90",
    "generalized_entropy_index", "theil_index", "latency_p50_ms", "latency_p99_ms", "cost_usd", "size_bytes",
    "memory_bytes", "error_rate", "drift", "prediction_drift", "appeal_rate_ratio", "concept_influence",
    "identity_swap_gap", "severe_on_weak_evidence",
}  # fmt: skip
METRICS = LOWER_IS_BETTER | HIGHER_IS_BETTER
PROBED = {"concept_influence", "identity_swap_gap"}
"""Metrics that try the model on examples; ``by`` names a concept or a list of terms that the loop tells."""
CONDITIONAL = {"conditional_demographic_disparity", "conditional_label_disparity"}
"""Metrics that compare groups within strata, and so need ``by="sex|column"``."""
WORDS = {
    "roc_auc": "ranking quality (ROC AUC)",
    "accuracy": "share of right answers (accuracy)",
    "balanced_accuracy": "accuracy averaged over the true answers",
    "average_precision": "precision averaged over all thresholds (average precision)",
    "f1": "balance of precision and recall (F1 score)",
    "precision": "share of positive answers that are right (precision)",
    "recall": "share of true positives found (recall)",
    "specificity": "share of true negatives left alone (specificity)",
    "matthews_correlation": "correlation of answer and truth (Matthews)",
    "lift_top_tenth": "times more positives in the best-scored tenth than in all rows (lift)",
    "macro_f1": "F1 score averaged over the classes",
    "macro_precision": "precision averaged over the classes",
    "macro_roc_auc": "ranking quality averaged over the classes (one against the rest)",
    "lowest_recall": "share found of the class that is found least often",
    "r2": "explained variance (R squared)",
    "mean_absolute_error": "mean absolute error",
    "root_mean_squared_error": "root mean squared error",
    "median_absolute_error": "median absolute error",
    "mean_absolute_percentage_error": "mean absolute error relative to the true value",
    "quantile_loss_10": "quantile loss at 10 % (too high costs nine times too low)",
    "quantile_loss_90": "quantile loss at 90 % (too low costs nine times too high)",
    "log_loss": "log loss",
    "brier_score": "mean squared error of the scores as chances (Brier score)",
    "expected_calibration_error": "distance between score and frequency (expected calibration error)",
    "generalized_entropy_index": "inequality between people in how the errors treat them (generalized entropy index)",
    "theil_index": "inequality between people in how the errors treat them (Theil index)",
    "consistency": "agreement of each answer with those for the five most similar people (consistency)",
    "demographic_parity_difference": "difference in selection rate between groups (demographic parity difference)",
    "demographic_parity_ratio": "lowest selection rate over the highest (demographic parity ratio)",
    "equalized_odds_difference": "largest difference in error rates between groups (equalized odds difference)",
    "equalized_odds_ratio": "smallest ratio of error rates between groups (equalized odds ratio)",
    "equal_opportunity_difference": "difference between groups in the share of true positives found (equal opportunity)",
    "predictive_equality_difference": "difference between groups in the share wrongly selected (predictive equality)",
    "average_odds_difference": "difference between groups in the average of both rates of selection (average odds)",
    "average_absolute_odds_difference": "average of the differences between groups in both rates of selection",
    "accuracy_difference": "difference in the share of right answers between groups (accuracy equality)",
    "predictive_parity_difference": "difference between groups in how often a positive answer is right (predictive parity)",
    "false_discovery_rate_difference": "difference between groups in how often a positive answer is wrong (false discovery)",
    "false_omission_rate_difference": "difference between groups in how often a negative answer is wrong (false omission)",
    "calibration_difference": "difference between groups in how far scores lie above or below the truth",
    "calibration_within_groups": "largest distance between score and frequency in any group (calibration within groups)",
    "roc_auc_difference": "difference in ranking quality between groups",
    "conditional_demographic_disparity": "share among the rejected less share among the selected, within strata",
    "between_group_entropy": "inequality between groups in how the errors treat them (generalized entropy)",
    "mean_prediction_difference": "difference in the mean prediction between groups",
    "mean_error_difference": "difference between groups in how far predictions lie above or below the truth",
    "mean_absolute_error_difference": "difference in the mean absolute error between groups",
    "root_mean_squared_error_difference": "difference in the root mean squared error between groups",
    "class_imbalance": "imbalance in the number of rows between groups (class imbalance)",
    "label_rate_difference": "difference in the share of positive labels between groups",
    "label_kl_divergence": "divergence of the labels between groups (Kullback-Leibler)",
    "label_js_divergence": "divergence of the labels between groups (Jensen-Shannon)",
    "label_lp_norm": "distance of the labels between groups (Euclidean)",
    "label_total_variation": "distance of the labels between groups (total variation)",
    "label_ks_distance": "largest difference in the share of any label between groups",
    "conditional_label_disparity": "share among negative labels less share among positive ones, within strata",
    "latency_p50_ms": "median time to answer, milliseconds",
    "latency_p99_ms": "time within which 99 of 100 answers come, milliseconds",
    "cost_usd": "cost, US dollars",
    "size_bytes": "size of the model's files, bytes",
    "memory_bytes": "memory, bytes",
    "error_rate": "share of failed requests",
    "appeal_rate_ratio": "upheld appeals per person, one group against everybody else (appeal rate ratio)",
    "concept_influence": "change of the score that comes with the concept",
    "severe_on_weak_evidence": "share of severe answers given on weak evidence (a score below 0.8) and without a person",
    "identity_swap_gap": "change of the score when only words for groups are swapped:",
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
        if self.metric in PROBED and not self.by:
            raise InvalidInput(f"{self.metric} needs by=, the name of a concept or of terms that the loop tells.")
        if self.by is not None and not (self.attributes and all(self.attributes)):
            raise InvalidInput(f"by={self.by!r} names no groups; give 'sex', or 'sex&race' for both together.")
        if self.given is not None and self.metric not in CONDITIONAL:
            raise InvalidInput(f"{self.metric} has no strata; only {' and '.join(sorted(CONDITIONAL))} take "
                               f"by='sex|column', not {self.by!r}.")  # fmt: skip
        if self.metric in CONDITIONAL and not self.given:
            raise InvalidInput(f"{self.metric} compares like with like: name the column of the strata, for example "
                               f"by='{self.by}|education'.")  # fmt: skip

    @property
    def threshold(self) -> float | None:
        return next((v for v in (self.at_least, self.at_most, self.drop) if v is not None), None)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The sensitive attributes of ``by``: two of ``sex&race``, one of ``sex|education``."""
        return tuple(part.strip() for part in (self.by or "").partition("|")[0].split("&")) if self.by else ()

    @property
    def given(self) -> str | None:
        """The column within whose values groups are compared: ``education`` of ``sex|education``."""
        _, bar, column = (self.by or "").partition("|")
        return column.strip() if bar else None

    @property
    def name(self) -> str:
        return f"{self.metric} by {self.by}" if self.by else self.metric

    @property
    def question(self) -> str:
        """The check in plain words, for people who do not read metric names."""
        what = WORDS.get(self.metric, self.metric)
        by = f" by {' and '.join(self.attributes)}" if self.by else ""
        by = f" {self.by!r}" if self.metric in PROBED else by
        by += f" within {self.given}" if self.given else ""
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
