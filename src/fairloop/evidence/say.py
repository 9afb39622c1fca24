"""Numbers, times and verdicts as evidence writes them: plain words, with interval, rows and method."""

from __future__ import annotations

from typing import Any

from fairloop.core.checks import GROUP_METRICS, WORDS, Status, Verdict
from fairloop.core.clock import rfc3339
from fairloop.monitoring.words import sentence

ANSWERS = {Status.PASS: "yes", Status.FAIL: "no", Status.INSUFFICIENT: "too little evidence to say"}


def number(value: Any) -> str:
    """Four digits for a measurement, all of a count."""
    if value is None:
        return "unknown"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def interval(low: Any, high: Any) -> str:
    return "" if low is None or high is None or low == high else f"{number(low)} to {number(high)}"


def when(ms: int | None) -> str:
    text = rfc3339(ms) if ms else None
    return f"{text[:10]} {text[11:16]} UTC" if text else "unknown"


def metric(name: str) -> str:
    """``roc_auc by sex`` as people read it."""
    base, by, attribute = name.partition(" by ")
    words = WORDS.get(base, base.replace("_", " "))
    return f"{words[:1].upper()}{words[1:]}{f' by {attribute}' if by else ''}"


def verdict_row(verdict: Verdict) -> list[str]:
    return [verdict.check.question, ANSWERS[verdict.status], number(verdict.estimate),
            interval(verdict.low, verdict.high), number(verdict.n), verdict.method]  # fmt: skip


VERDICT_HEAD = ["Question", "Answer", "Measured", "95 % interval", "Rows", "Method"]


def gaps(verdicts: list[Verdict]) -> list[str]:
    """A sentence a gap between groups: who, by how much, what is allowed."""
    told = [v for v in verdicts if v.check.metric in GROUP_METRICS and v.detail.get("pair") and v.estimate is not None]
    return [sentence(v) for v in told]


def one_line(value: Any) -> str:
    """A value of unknown shape on one line, cut where it is long."""
    if isinstance(value, dict):
        text = ", ".join(f"{k} {one_line(v)}" for k, v in value.items() if v not in ("", None, [], {}))
    elif isinstance(value, (list, tuple)):
        text = ", ".join(one_line(v) for v in value)
    else:
        text = number(value)
    return text if len(text) <= 300 else f"{text[:300]} ..."


def metric_rows(metrics: dict[str, Any]) -> list[list[str]]:
    """Every measured number of an evaluation as a row."""
    return [[metric(name), number(found.get("estimate")), interval(found.get("low"), found.get("high")),
             number(found.get("n")), str(found.get("method") or "")] for name, found in sorted(metrics.items())]  # fmt: skip
