"""A verdict as a card: the question, the answer, and the interval drawn against the threshold."""

from __future__ import annotations

from typing import Any

from fairloop.core.checks import GROUP_METRICS, LOWER_IS_BETTER, Check, Status, Verdict
from fairloop.core.records import from_plain
from fairloop.server.pages.words import measured, metric, share, state

GROUP_WORDS = {"Female": "women", "Male": "men", "female": "women", "male": "men"}
_BOUNDED = {
    "roc_auc",
    "accuracy",
    "balanced_accuracy",
    "average_precision",
    "f1",
    "precision",
    "recall",
    "demographic_parity_difference",
    "equalized_odds_difference",
    "error_rate",
    "brier_score",
}
RATE_WORDS = {
    "selection_rate": "selected",
    "true_positive_rate": "found when they should be",
    "false_positive_rate": "selected although they should not be",
}


def cards(verdicts: list[Verdict] | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cards of verdicts, those that did not pass first."""
    known = [v if isinstance(v, Verdict) else from_plain(Verdict, v) for v in verdicts]
    return [card(v) for v in sorted(known, key=lambda v: (v.status is Status.PASS, v.status is Status.INSUFFICIENT))]


def card(verdict: Verdict) -> dict[str, Any]:
    check = verdict.check
    tone = state(verdict.status)["tone"]
    interval = ""
    if verdict.low is not None and verdict.high is not None and verdict.low != verdict.high:
        interval = f"95 % between {measured(check.metric, verdict.low)} and {measured(check.metric, verdict.high)}"
    return {
        "question": check.question,
        "name": name_of(check),
        "status": verdict.status,
        "tone": tone,
        "estimate": measured(check.metric, verdict.estimate),
        "interval": interval,
        "n": verdict.n,
        "method": verdict.method,
        "because": check.because or "",
        "words": words(verdict),
        "trade_offs": list(verdict.detail.get("trade_offs") or []),
        "strip": strip(verdict),
    }


def name_of(check: Check) -> str:
    return f"{metric(check.metric)} by {check.by}" if check.by else metric(check.metric)


def words(verdict: Verdict) -> str:
    """What the numbers mean, in one sentence."""
    check = verdict.check
    if told := verdict.detail.get("words"):
        return str(told)
    if verdict.status is Status.INSUFFICIENT and verdict.estimate is None:
        return str(verdict.detail.get("reason") or "There is no evidence yet: nothing to measure it on.")
    if check.metric in GROUP_METRICS:
        return _gap_words(verdict)
    if check.metric == "drift" and (moved := verdict.detail.get("failing")):
        return f"Changed beyond what chance explains: {', '.join(map(str, moved[:4]))}."
    if verdict.status is Status.INSUFFICIENT:
        return "The interval crosses the limit: more rows are needed to say."
    return ""


def _gap_words(verdict: Verdict) -> str:
    pair, groups = verdict.detail.get("pair"), verdict.detail.get("groups") or []
    rate = str(verdict.detail.get("rate") or "selection_rate")
    limit = verdict.check.at_most
    rates: dict[str, Any] = {g["group"]: (g.get(rate) or {}).get("estimate") for g in groups}
    if not pair or verdict.estimate is None or any(rates.get(g) is None for g in pair):
        return ""
    less, more = sorted(pair, key=lambda g: float(rates[g]))
    allowed = f"; the policy allows {limit * 100:g}" if limit is not None else ""
    return (
        f"{_people(less)} are {RATE_WORDS.get(rate, rate)} {abs(rates[more] - rates[less]) * 100:.1f} points "
        f"less often than {_people(more, start=False)} ({share(rates[less])} against {share(rates[more])}){allowed}."
    )


def _people(group: str, *, start: bool = True) -> str:
    found = GROUP_WORDS.get(group, group)
    return found[:1].upper() + found[1:] if start else found


def limit_of(verdict: Verdict) -> tuple[float | None, bool]:
    """(threshold, whether it is an upper one); a drop counts from the baseline."""
    check = verdict.check
    if check.drop is not None:
        baseline = verdict.detail.get("baseline")
        upper = check.metric in LOWER_IS_BETTER
        return (None if baseline is None else baseline + (check.drop if upper else -check.drop)), upper
    if check.at_least is not None:
        return check.at_least, False
    limit = check.at_most if check.at_most is not None else verdict.detail.get("min_effect")
    return limit, True


def strip(verdict: Verdict) -> dict[str, Any]:
    """Positions in percent of everything the line shows, and what it says to a screen reader."""
    limit, upper = limit_of(verdict)
    check, tone = verdict.check, state(verdict.status)["tone"]
    known = [float(v) for v in (verdict.estimate, verdict.low, verdict.high, limit) if v is not None]
    found: dict[str, Any] = {
        "tone": tone,
        "at": None,
        "low": None,
        "width": None,
        "limit": None,
        "zone": None,
        "limit_words": "",
        "limit_style": "",
        "words": f"{name_of(check)}: no estimate",
    }
    if not known:
        return found
    start, size = _scale(known, check.metric, upper=upper)

    def place(value: float) -> float:
        return round(min(100.0, max(0.0, (value - start) / size * 100)), 2)

    if verdict.estimate is not None:
        found["at"] = place(verdict.estimate)
        found["words"] = f"{name_of(check)}: {measured(check.metric, verdict.estimate)}"
    if verdict.low is not None and verdict.high is not None:
        found["low"], found["width"] = place(verdict.low), round(place(verdict.high) - place(verdict.low), 2)
        found["words"] += f", between {measured(check.metric, verdict.low)} and {measured(check.metric, verdict.high)}"
    if limit is not None:
        at = found["limit"] = place(limit)
        found["zone"] = (0, at) if upper else (at, round(100 - at, 2))
        found["limit_words"] = f"{'at most' if upper else 'at least'} {measured(check.metric, limit)}"
        found["limit_style"] = f"left:{at}%;transform:translateX({'-100%' if at > 72 else '0' if at < 28 else '-50%'})"
        found["words"] += f"; the limit is {found['limit_words']}"
    return found


def _scale(known: list[float], name: str, *, upper: bool) -> tuple[float, float]:
    low, high = min(known), max(known)
    pad = (high - low) * 0.3 or abs(high) * 0.2 or 1.0
    start = 0.0 if upper and low >= 0 else low - pad
    end = high + pad
    if name in _BOUNDED:
        start, end = max(0.0, start), min(1.0, end)
    return start, (end - start) or 1.0
