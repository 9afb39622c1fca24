"""Verdicts on one window of traffic: drift, fairness, quality, speed, each with its uncertainty. Workers only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fairloop.core.checks import GROUP_METRICS, Check, Status, Verdict, judge
from fairloop.core.monitors import Watched
from fairloop.drift.judge import ALPHA, MIN_EFFECT, judge_drift
from fairloop.drift.profile import profile_scores, profile_window
from fairloop.errors import InvalidInput
from fairloop.evaluation.metrics import QUALITY, asked_quality
from fairloop.fairness.gaps import Gap
from fairloop.fairness.group_metrics import WITHOUT_LABELS, Comparison, Sample
from fairloop.monitoring.latency import SPEED, Traffic, judge_traffic
from fairloop.monitoring.persistence import FAILING, SEVERE
from fairloop.stats.estimate import Estimate
from fairloop.stats.quality import BY_ANSWER

Floats = npt.NDArray[np.float64]

ENOUGH = 0.8
"""Share of a window's rows whose label (or sensitive value) must be known before it is judged by them."""
STRICT = 0.9995
"""Confidence at which a failing check alarms at once: a hundredth of the usual chance of error."""
SCORE_ALPHA = 0.02
"""Chance that a window's scores fail without drift. Lower than for the inputs: two failures in a row of the one score
column are as likely as its square, while the inputs must fail in the same column of many."""
PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A window's rows in log order. NaN in ``labels`` and null in ``sensitive`` mean: not known (yet)."""

    features: pl.DataFrame
    scores: Floats
    predicted: Floats
    labels: Floats
    sensitive: dict[str, pl.Series] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return len(self.scores)

    def columns(self, check: Check) -> dict[str, pl.Series]:
        """What the check compares by, and the column of its strata; all null where nothing came."""
        unknown = pl.Series([None] * self.n, dtype=pl.String)
        found = {name: self.sensitive.get(name, unknown) for name in check.attributes}
        if check.given is not None and check.given in self.features.columns:
            found[check.given] = self.features[check.given]
        return found

    @property
    def labelled(self) -> int:
        return int(np.isfinite(self.labels).sum())


def judge_window(rows: Rows, checks: list[Check], watched: Watched, traffic: Traffic, *,
                 closed: bool) -> tuple[list[Verdict], dict[str, Any]]:  # fmt: skip
    """The verdict of each check, and what pages draw.

    A check whose labels or sensitive values have not arrived is *insufficient evidence*, marked pending. Once the
    window is ``closed`` nothing more is awaited: then what is there is judged, but too little of it never passes.
    """
    told = {attribute: len(values) - values.null_count() for attribute, values in rows.sensitive.items()}
    detail: dict[str, Any] = {"coverage": {"labels": rows.labelled, "sensitive": told}}
    verdicts = [_verdict(check, rows, watched, traffic, closed, detail) for check in checks]
    detail[PENDING] = [v.check.name for v in verdicts if v.detail.get(PENDING)]
    return verdicts, detail


def _verdict(
    check: Check, rows: Rows, watched: Watched, traffic: Traffic, closed: bool, detail: dict[str, Any]
) -> Verdict:
    try:
        return _answer(check, rows, watched, traffic, closed, detail)
    except InvalidInput as cause:  # answers that are no yes or no, scores that are no probabilities
        return nothing(check, cause.message, n=rows.n)


def _answer(
    check: Check, rows: Rows, watched: Watched, traffic: Traffic, closed: bool, detail: dict[str, Any]
) -> Verdict:
    if check.metric == "drift":
        known = watched.profile.get("columns")
        return _drift(check, known, lambda ref: profile_window(rows.features, ref), detail, "columns", ALPHA)
    if check.metric == "prediction_drift":
        known = watched.profile.get("scores")
        return _drift(check, known, lambda ref: profile_scores(rows.scores, ref), detail, "scores", SCORE_ALPHA)
    if check.metric in SPEED:
        return judge_traffic(check, traffic, strict=STRICT)
    if check.metric in GROUP_METRICS:
        return _gap(check, rows, watched, closed, detail)
    return _quality(check, rows, watched, closed)


def nothing(check: Check, why: str, *, n: int = 0, **detail: Any) -> Verdict:
    """No answer, and the reason in words."""
    return Verdict(check=check, status=Status.INSUFFICIENT, estimate=None, low=None, high=None, n=n, method=why,
                   detail=detail)  # fmt: skip


def _drift(check: Check, reference: dict[str, Any] | None, profile: Callable[[dict[str, Any]], dict[str, Any]],
           detail: dict[str, Any], key: str, alpha: float) -> Verdict:  # fmt: skip
    if not reference:
        return nothing(check, "no reference was stored with this model")
    least = MIN_EFFECT if check.at_most is None else check.at_most
    found = judge_drift(reference, profile(reference), alpha, min_effect=least)
    detail[key] = found["columns"]
    evidence = {
        FAILING: found["drifted"],
        SEVERE: found["severe"],
        "p_value": found["p_value"],
        "alpha": found["alpha"],
        "min_effect": found["min_effect"],
    }
    return Verdict(check=check, status=Status(found["status"]), estimate=found["estimate"], low=None, high=None,
                   n=found["n"], method=found["method"], detail=evidence)  # fmt: skip


def _gap(check: Check, rows: Rows, watched: Watched, closed: bool, detail: dict[str, Any]) -> Verdict:
    if watched.task == "multiclass":
        return nothing(check, "groups of a model with several classes are compared before release, not on live traffic")
    columns = rows.columns(check)
    needs_labels, known = check.metric not in WITHOUT_LABELS, np.ones(rows.n, dtype=bool)
    for name in check.attributes:
        known &= columns[name].is_not_null().to_numpy()
    if needs_labels:
        known &= np.isfinite(rows.labels)
    what = f"values of {' and '.join(check.attributes)}" + (" and labels" if needs_labels else "")
    if (waiting := _awaited(check, known, what, closed)) is not None:
        return waiting
    given = rows.scores if watched.task == "regression" else rows.predicted
    sample = Sample(task=watched.task, labels=rows.labels[known] if needs_labels else None, scores=rows.scores[known],
                    predicted=given[known],
                    columns={name: values.filter(pl.Series(known)) for name, values in columns.items()})  # fmt: skip

    def gap(confidence: float) -> Gap:
        return Comparison(sample, check.attributes, check.given, confidence=confidence).gap(check.metric)

    found = gap(0.95)
    detail.setdefault("groups", {})[check.name] = found.detail()
    return _judged(check, known, lambda c: (g := gap(c), g.low, g.high)[1:], found.estimate, found.low, found.high,
                   method=found.method, detail=found.detail())  # fmt: skip


def _quality(check: Check, rows: Rows, watched: Watched, closed: bool) -> Verdict:
    given = rows.predicted if watched.task == "multiclass" or check.metric in BY_ANSWER else rows.scores
    known = np.isfinite(rows.labels) & np.isfinite(given)
    if (waiting := _awaited(check, known, "labels", closed)) is not None:
        return waiting
    baseline = watched.baseline.get(check.metric, {}).get("estimate")
    if check.drop is not None and baseline is None:
        return nothing(check, f"the model was not judged by {check.metric} before it went live", n=int(known.sum()))
    if check.metric not in QUALITY or watched.task == "multiclass":
        return nothing(check, f"{check.metric} is not measured on live traffic of a {watched.task} model")
    sample = Sample(task=watched.task, labels=rows.labels[known], scores=rows.scores[known],
                    predicted=rows.predicted[known], columns={})  # fmt: skip
    features = rows.features.filter(pl.Series(known)).to_pandas() if check.metric == "consistency" else None

    def estimate(confidence: float) -> Estimate:
        return asked_quality(check.metric, sample, features=features, confidence=confidence)

    def bounds(confidence: float) -> tuple[float | None, float | None]:
        found = estimate(confidence)
        return found.low, found.high

    found = estimate(0.95)
    return _judged(check, known, bounds, found.estimate, found.low, found.high, method=found.method,
                   detail={"baseline_part": watched.baseline_part}, baseline=baseline)  # fmt: skip


def _awaited(check: Check, known: npt.NDArray[np.bool_], what: str, closed: bool) -> Verdict | None:
    """A verdict that says what is missing; None when the check can be judged."""
    if not len(known) or known.mean() >= ENOUGH:
        return None
    told = int(known.sum())
    if not closed:
        return nothing(check, f"waiting for {what}: {told} of {len(known)} known", n=told, pending=True)
    if not told:
        return nothing(check, f"no {what} came")
    return None


def _judged(check: Check, known: npt.NDArray[np.bool_], bounds: Callable[[float], tuple[float | None, float | None]],
            estimate: float | None, low: float | None, high: float | None, *, method: str, detail: dict[str, Any],
            baseline: float | None = None) -> Verdict:  # fmt: skip
    n = int(known.sum())
    verdict = judge(check, estimate, low, high, n=n, method=method, detail=detail, baseline=baseline)
    if verdict.status is Status.FAIL:
        low, high = bounds(STRICT)
        strict = judge(check, estimate, low, high, n=n, method=method, baseline=baseline)
        return replace(verdict, detail={**verdict.detail, SEVERE: strict.status is Status.FAIL})
    if verdict.status is Status.PASS and known.mean() < ENOUGH:
        # The rows that came are hardly a fair sample of those that did not.
        partial = f"{method}; only {n} of {len(known)} rows known"
        return replace(verdict, status=Status.INSUFFICIENT, method=partial)
    return verdict
