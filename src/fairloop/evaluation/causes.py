"""Why a gate failed, in words: which rate differs between whom, what stands in for the attribute. Pure Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairloop.core.checks import GROUP_METRICS, Status, Verdict
from fairloop.core.models import Evaluation

_RATES = {
    "selection_rate": "share selected", "true_positive_rate": "true positive rate",
    "false_positive_rate": "false positive rate", "accuracy": "share of right answers",
    "precision": "share of positive answers that are right", "label_rate": "share of positive labels",
}  # fmt: skip
_BOTH = {"equalized_odds_difference": ("false_positive_rate", "true_positive_rate")}
_NAMED = 3


def causes(failed: Sequence[Verdict], drivers: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence for each verdict that did not pass and has a cause to name, then what stands in for the attributes.

    ``drivers`` are those of the evaluation, with ``tells`` and ``words`` (evaluation/stand_ins.py).
    """
    told, attributes = [], []
    for verdict in failed:
        if verdict.status is Status.PASS:
            continue
        told += _sentences(verdict)
        if verdict.check.metric in GROUP_METRICS and verdict.status is Status.FAIL:
            attributes += [name for name in verdict.check.attributes if name not in attributes]
    for attribute in attributes:
        told += _stand_ins(attribute, drivers)
    return list(dict.fromkeys(told))


def words_of(validation: Evaluation | None, failed: Sequence[Verdict] | None = None) -> str:
    """The causes as the end of a refusal; empty when none is known."""
    if validation is None:
        return ""
    found = causes(validation.verdicts if failed is None else failed, validation.drivers)
    return f" The cause: {' '.join(found)}" if found else ""


def _sentences(verdict: Verdict) -> list[str]:
    """What differs between whom; for a check over several rates, each rate that lies apart by more than the limit."""
    check, detail = verdict.check, verdict.detail
    words = [str(detail["words"])] if detail.get("words") else []
    if check.metric not in GROUP_METRICS:
        return words
    pair, worst = detail.get("pair"), str(detail.get("rate") or "")
    if verdict.status is not Status.FAIL or not pair:
        return []
    groups = {str(g["group"]): g for g in detail.get("groups", [])}
    limit = check.at_most if check.at_most is not None else 1.0
    rates = [worst, *(rate for rate in _BOTH.get(check.metric, ()) if rate != worst)]
    found = []
    for rate in rates:
        known = [(float(share), str(g)) for g in pair if (share := _share(groups.get(str(g)), rate)) is not None]
        if len(known) == 2 and (rate == worst or abs(known[0][0] - known[1][0]) > limit):
            (low, less), (high, more) = sorted(known)
            what = _RATES.get(rate, rate.replace("_", " "))
            found.append(
                f"the {what} differs by {check.by}: {_percent(high)} for {more!r} against {_percent(low)} for {less!r}."
            )
    return found or words


def _share(group: dict[str, Any] | None, rate: str) -> float | None:
    found = (group or {}).get(rate)
    return found.get("estimate") if isinstance(found, dict) else None


def _stand_ins(attribute: str, drivers: Sequence[dict[str, Any]]) -> list[str]:
    used = [d for d in drivers if (d.get("low") or 0) > 0]
    telling = sorted((d for d in used if attribute in d.get("tells", {})), key=lambda d: -d["tells"][attribute])
    found = [f"the column {d['column']!r} stands in for {attribute}: it tells it apart in "
             f"{100 * d['tells'][attribute]:.0f} of 100 pairs, and the model uses it." for d in telling[:_NAMED]]  # fmt: skip
    for driver in used:
        if words := driver.get("words", {}).get(attribute):
            listed = ", ".join(repr(word) for word in words)
            found.append(
                f"words in {driver['column']!r} stand in for {attribute}: {listed} mark it, and move the score."
            )
    return found


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.02 or share == 0 else f"{100 * share:.1f} %"
