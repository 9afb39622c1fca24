"""What a failing check found, in words a manager reads: groups, numbers, and what the policy allows."""

from __future__ import annotations

from collections.abc import Callable

from fairloop.core.checks import GROUP_METRICS, HIGHER_IS_BETTER, WORDS, Verdict
from fairloop.core.units import show_bytes
from fairloop.monitoring.persistence import FAILING

_PEOPLE = {
    "female": "women", "f": "women", "woman": "women", "women": "women",
    "male": "men", "m": "men", "man": "men", "men": "men",
}  # fmt: skip
_SHOWN_COLUMNS = 3


def sentence(verdict: Verdict, *, in_a_row: int = 1) -> str:
    """One or two sentences on a failing verdict, for example *Women are selected 17 points less often than men
    (9 % against 26 %); the policy allows 12.*"""
    usual = _gap_of if verdict.check.metric in GROUP_METRICS else _quality
    told = _TOLD.get(verdict.check.metric, usual)(verdict)
    again = f" Seen in {in_a_row} windows in a row." if in_a_row > 1 else ""
    return told[0].upper() + told[1:] + again


def _points(share: float) -> str:
    points = 100 * share
    return f"{points:.0f}" if abs(points) >= 2 or abs(points - round(points)) < 0.005 else f"{points:.1f}"


def _percent(share: float) -> str:
    return f"{_points(share)} %"


def people(group: str, by: str) -> str:
    """How a group is called in a sentence: women, men, or people with that value."""
    if by.lower() in {"sex", "gender"} and group.lower() in _PEOPLE:
        return _PEOPLE[group.lower()]
    if group == "small groups pooled":
        return f"people of the small {by} groups together"
    return f"people with {by} {group!r}"


def _rate_of(verdict: Verdict, group: str, rate: str) -> float | None:
    for row in verdict.detail.get("groups", []):
        if row["group"] == group:
            value = row[rate]["estimate"]
            return None if value is None else float(value)
    return None


def _gap(verdict: Verdict) -> str:
    check, by = verdict.check, verdict.check.by or ""
    limit = f"; the policy allows {100 * (check.at_most or 0):g}"
    pair, rate = verdict.detail.get("pair"), verdict.detail.get("rate") or "selection_rate"
    if not pair or verdict.estimate is None:
        return f"groups by {by} are treated too differently{limit}."
    more, less = people(pair[0], by), people(pair[1], by)
    high, low = _rate_of(verdict, pair[0], rate), _rate_of(verdict, pair[1], rate)
    rates = f" ({_percent(low)} against {_percent(high)})" if low is not None and high is not None else ""
    points = f"{_points(verdict.estimate)} points"
    if rate == "true_positive_rate":
        return f"of those who should be selected, {less} are found {points} less often than {more}{rates}{limit}."
    if rate == "false_positive_rate":
        rates = f" ({_percent(high)} against {_percent(low)})" if low is not None and high is not None else ""
        return (
            f"of those who should not be selected, {more} are selected {points} more often than {less}{rates}{limit}."
        )
    return f"{less} are selected {points} less often than {more}{rates}{limit}."


def _gap_of(verdict: Verdict) -> str:
    """Any other gap: what was found, its groups, and what the policy asks for."""
    check = verdict.check
    limit = f"at least {check.at_least:g}" if check.at_least is not None else f"at most {check.at_most or 0:g}"
    by = " and ".join(check.attributes)
    groups = str(verdict.detail.get("words") or "").rstrip(".")
    apart = f" ({groups[:1].lower()}{groups[1:]})" if groups else ""
    return f"the {WORDS[check.metric]} by {by} is {verdict.estimate or 0:.3g}{apart}; the policy asks for {limit}."


def _columns(names: list[str]) -> str:
    shown = names[:_SHOWN_COLUMNS]
    rest = len(names) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {rest} more columns"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _drift(verdict: Verdict) -> str:
    names = [str(name) for name in verdict.detail.get(FAILING) or []]
    if not names:
        return "the inputs no longer look like the data the model was judged on."
    verb = "no longer looks" if len(names) == 1 else "no longer look"
    return f"the inputs have changed: {_columns(names)} {verb} like the data the model was judged on."


def _prediction_drift(verdict: Verdict) -> str:
    return "the model's scores have changed against those it gave on held-out data."


def _latency(verdict: Verdict) -> str:
    share = "99 of 100" if verdict.check.metric == "latency_p99_ms" else "half of the"
    return (f"{share} answers come within {verdict.estimate or 0:.3g} ms only; the policy allows "
            f"{verdict.check.at_most or 0:g} ms.")  # fmt: skip


def _errors(verdict: Verdict) -> str:
    return (f"{_percent(verdict.estimate or 0)} of the requests failed; the policy allows "
            f"{100 * (verdict.check.at_most or 0):g} %.")  # fmt: skip


def _memory(verdict: Verdict) -> str:
    allowed = show_bytes(verdict.check.at_most or 0)
    return f"the endpoint uses {show_bytes(verdict.estimate or 0)} of memory; the policy allows {allowed}."


def _quality(verdict: Verdict) -> str:
    check = verdict.check
    what, now = WORDS.get(check.metric, check.metric), f"{verdict.estimate or 0:.3g}"
    if check.drop is not None:
        baseline = float(verdict.detail.get("baseline") or 0)
        moved, change = ("fallen", "fall") if check.metric in HIGHER_IS_BETTER else ("risen", "rise")
        return (f"the {what} on labelled traffic has {moved} to {now} from {baseline:.3g} when the model was judged; "
                f"the policy allows a {change} of {check.drop:g}.")  # fmt: skip
    limit = f"at least {check.at_least:g}" if check.at_least is not None else f"at most {check.at_most or 0:g}"
    return f"the {what} on labelled traffic is {now}; the policy asks for {limit}."


_TOLD: dict[str, Callable[[Verdict], str]] = {
    "demographic_parity_difference": _gap, "equalized_odds_difference": _gap, "drift": _drift,
    "prediction_drift": _prediction_drift, "latency_p50_ms": _latency, "latency_p99_ms": _latency,
    "error_rate": _errors, "memory_bytes": _memory,
}  # fmt: skip
