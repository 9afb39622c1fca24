"""Which candidate goes to the gate, told in words. Pure Python: the server runs it.

The validation part chooses, the test part then judges once. So a candidate is preferred when its validation interval
leaves enough room that the test part will likely pass it too; among those the best quality wins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fairloop.core.checks import CRITERIA, GROUP_METRICS, HIGHER_IS_BETTER, LOWER_IS_BETTER, Check, Status, judge
from fairloop.core.models import Candidate, Evaluation
from fairloop.evaluation.plan import name_of

LIKELY = 0.8
"""Chance of passing on the test part from which a candidate counts as safe."""
HOPELESS = 0.1
"""Below this chance no candidate is sent to the gate: the test part is not spent on it."""
TIE = 0.001
"""A better quality than the plain model's by less than this (in units of its size, above 1) is no reason to replace it."""
_Z95 = 1.959963984540054
_ELSEWHERE = {"cost_usd", "drift", "prediction_drift", "error_rate"}
_SYSTEM = {"latency_p50_ms", "latency_p99_ms", "size_bytes", "memory_bytes"}
_QUALITY = [m for m in sorted(HIGHER_IS_BETTER | LOWER_IS_BETTER) if m not in GROUP_METRICS | _ELSEWHERE | _SYSTEM]
_DEFAULT_QUALITY = ("roc_auc", "r2", "accuracy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """``candidate_id`` is None when nothing should go to the gate; ``words`` says why, in plain sentences.

    ``points`` is what the frontier draws, plain JSON: candidate_id, method, strength, name, state (judged, dominated or
    chosen), quality and every criterion as {metric, estimate, low, high}, misses (gate names) and chance (of passing
    on the test part).
    """

    candidate_id: str | None
    words: str
    points: list[dict[str, Any]] = field(default_factory=list)


def choose(
    judged: Sequence[tuple[Candidate, Evaluation]], gates: Sequence[Check], primary: str | None = None
) -> Choice:
    """The candidate that the gate should judge, from the evaluations on the validation part.

    Parameters
    ----------
    judged : sequence of (Candidate, Evaluation)
        The evaluation is the one on the validation part.
    gates : sequence of Check
        Those that rows can answer decide; cost, drift and failed requests are judged elsewhere.
    primary : str, optional
        The fairness criterion that the frontier shows against quality; by default that of the first fairness gate.
    """
    asked = [gate for gate in gates if gate.metric not in _ELSEWHERE]
    if not judged:
        return Choice(candidate_id=None, words="There is no candidate to choose from.")
    quality = _quality_metric(asked, judged)
    criteria = _criteria(asked, judged, primary)
    points = frontier([_point(c, e, asked, quality, criteria) for c, e in judged])
    safe = [p for p in points if not p["misses"] and p["chance"] >= LIKELY]
    possible = [p for p in points if p["chance"] >= HOPELESS and p["meets"]]
    if safe:
        best = max(safe, key=lambda p: (_goodness(p["quality"]), p["chance"]))
        best = next((p for p in safe if _is_plain(p) and _as_good(p["quality"], best["quality"])), best)
    elif possible:
        best = max(possible, key=lambda p: (not p["misses"], p["chance"], _goodness(p["quality"])))
    else:
        return Choice(candidate_id=None, words=_words_none(points, asked), points=points)
    best["state"] = "chosen"
    return Choice(candidate_id=best["candidate_id"], words=_words(best, points, asked, len(safe)), points=points)


def _is_plain(point: dict[str, Any]) -> bool:
    """The user's model as the pipeline makes it: no mitigation, no setting of a search."""
    return point["method"] == "plain" and not point["settings"]


def _as_good(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return _goodness(one) >= _goodness(other) - TIE * max(1.0, abs(_goodness(other)))


def frontier(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same points with ``state`` judged or dominated.

    A point is dominated when another is at least as good in quality and in every criterion, and better in one.
    """
    for point in points:
        beaten = any(_dominates(other, point) for other in points if other is not point)
        point["state"] = "dominated" if beaten else "judged"
    return points


def _dominates(one: dict[str, Any], other: dict[str, Any]) -> bool:
    pairs = [(_goodness(one["quality"]), _goodness(other["quality"]))]
    pairs += [(_goodness(a), _goodness(b)) for a, b in zip(one["criteria"], other["criteria"], strict=True)]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def _goodness(number: dict[str, Any]) -> float:
    if number["estimate"] is None:
        return -math.inf
    better_low = number["metric"].split(" by ")[0] in LOWER_IS_BETTER
    return -float(number["estimate"]) if better_low else float(number["estimate"])


# ------------------------------------------------------------------ points
def _quality_metric(gates: list[Check], judged: Sequence[tuple[Candidate, Evaluation]]) -> str:
    known = judged[0][1].metrics
    gated = [gate.metric for gate in gates if gate.metric in _QUALITY]
    return next((m for m in (*gated, *_DEFAULT_QUALITY, *_QUALITY) if m in known), "roc_auc")


def _criteria(gates: list[Check], judged: Sequence[tuple[Candidate, Evaluation]], primary: str | None) -> list[str]:
    """Names of both fairness criteria by the attributes that gates name, the primary one first."""
    gated = sorted((g for g in gates if g.metric in GROUP_METRICS), key=lambda g: g.metric != primary)
    attributes = list(dict.fromkeys(g.by for g in gated))
    names = [g.name for g in gated] + [f"{m} by {a}" for a in attributes for m in CRITERIA]
    if not names:
        names = sorted(n for n in judged[0][1].metrics if n.split(" by ")[0] in CRITERIA)
    return list(dict.fromkeys(names))


def _point(candidate: Candidate, evaluation: Evaluation, gates: list[Check], quality: str,
           criteria: list[str]) -> dict[str, Any]:  # fmt: skip
    misses, chance, meets = [], 1.0, True
    for gate in gates:
        found = evaluation.metrics.get(gate.name)
        status, likely, met = _answer(gate, found)
        chance, meets = min(chance, likely), meets and met
        if status is not Status.PASS:
            misses.append(gate.name)
    return {"candidate_id": candidate.id, "method": candidate.method, "strength": candidate.strength,
            "settings": candidate.settings or {},
            "name": name_of(candidate.method, candidate.strength, candidate.settings), "state": "judged",
            "quality": _number(quality, evaluation), "criteria": [_number(n, evaluation) for n in criteria],
            "gates": [_number(g.name, evaluation) for g in gates], "misses": misses, "chance": chance,
            "meets": meets}  # fmt: skip


def _number(name: str, evaluation: Evaluation) -> dict[str, Any]:
    found = evaluation.metrics.get(name) or {}
    return {"metric": name} | {key: found.get(key) for key in ("estimate", "low", "high")}


def _answer(gate: Check, found: dict[str, Any] | None) -> tuple[Status, float, bool]:
    """Verdict on the validation part, chance to pass on as many test rows, and whether the bare estimate would do."""
    if found is None or any(found[key] is None for key in ("estimate", "low", "high")):
        return Status.INSUFFICIENT, 0.0, False
    estimate, low, high = found["estimate"], found["low"], found["high"]
    verdict = judge(gate, estimate, low, high, n=found["n"], method=found["method"], baseline=estimate)
    limit, below = _limit(gate, estimate)
    room = limit - high if below else low - limit
    met = estimate <= limit if below else estimate >= limit
    spread = (high - low) / (2 * _Z95) * math.sqrt(2)
    chance = (1.0 if room >= 0 else 0.0) if spread <= 0 else 0.5 * (1 + math.erf(room / spread / math.sqrt(2)))
    return verdict.status, chance, met


def _limit(gate: Check, estimate: float) -> tuple[float, bool]:
    """The threshold, and whether the metric must stay below it; a drop is counted from the validation estimate."""
    below = gate.metric in LOWER_IS_BETTER
    if gate.at_most is not None:
        return gate.at_most, True
    if gate.at_least is not None:
        return gate.at_least, False
    drop = gate.drop or 0.0
    return (estimate + drop, True) if below else (estimate - drop, False)


# ------------------------------------------------------------------ words
def _words(best: dict[str, Any], points: list[dict[str, Any]], gates: list[Check], safe: int) -> str:
    name = best["name"][0].upper() + best["name"][1:]
    if not best["misses"] and best["chance"] >= LIKELY:
        reason = "it passes every gate on the validation rows with room to spare"
        if len(points) > 1:
            why = f"it has the best {_plain(best['quality']['metric'])} of these"
            if _is_plain(best):
                why = f"none of these has a {_plain(best['quality']['metric'])} clearly better than the plain model's"
            reason = f"{safe} of {len(points)} candidates pass every gate on the validation rows with room to spare, and {why}"
    elif not best["misses"]:
        reason = (
            "it passes every gate on the validation rows, though narrowly, and is likeliest to pass on the test rows"
        )
    else:
        close = _listed([_plain(m) for m in best["misses"]])
        reason = f"its estimates meet every limit, but its interval does not yet clear {close}"
    numbers = [f"{_plain(best['quality']['metric'])} {_shown(best['quality'])}"]
    numbers += [f"{_plain(g.name)} {_shown(n)} where {_limit_words(g)} is asked"
                for g, n in zip(gates, best["gates"], strict=True) if g.metric in GROUP_METRICS]  # fmt: skip
    return f"{name} was chosen: {reason}. Its numbers: {_listed(numbers)}.{_against_plain(best, points)}"


def _against_plain(best: dict[str, Any], points: list[dict[str, Any]]) -> str:
    plain = next((p for p in points if _is_plain(p) and p is not best), None)
    if plain is None or plain["quality"]["estimate"] is None or not best["criteria"]:
        return ""
    lost = plain["quality"]["estimate"] - best["quality"]["estimate"]
    moved = [f"{_plain(a['metric'])} from {a['estimate']:.3f} to {b['estimate']:.3f}"
             for a, b in zip(plain["criteria"], best["criteria"], strict=True)
             if a["estimate"] is not None and b["estimate"] is not None]  # fmt: skip
    change = "gives up" if _goodness(best["quality"]) <= _goodness(plain["quality"]) else "gains"
    return f" Against the plain model it {change} {abs(lost):.3f} of {_plain(best['quality']['metric'])} and moves {_listed(moved)}."


def _words_none(points: list[dict[str, Any]], gates: list[Check]) -> str:
    told = []
    for point in sorted(points, key=lambda p: -p["chance"])[:3]:
        missed = [f"{_plain(g.name)} {_shown(n)} where {_limit_words(g)} is asked"
                  for g, n in zip(gates, point["gates"], strict=True) if g.name in point["misses"]]  # fmt: skip
        told.append(f"{point['name']} misses {_listed(missed)}")
    rest = f" ({len(points) - 3} more miss gates too)" if len(points) > 3 else ""
    head = "The candidate does not pass" if len(points) == 1 else f"None of the {len(points)} candidates passes"
    return f"{head} every gate on the validation rows: {'; '.join(told)}{rest}."


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("roc auc", "ROC AUC")


def _shown(number: dict[str, Any]) -> str:
    if number["estimate"] is None:
        return "unknown for lack of evidence"
    digits = 3 if abs(number["estimate"]) < 10 else 1
    bounds = f" ({number['low']:.{digits}f} to {number['high']:.{digits}f})" if number["low"] is not None else ""
    return f"{number['estimate']:.{digits}f}{bounds}"


def _limit_words(gate: Check) -> str:
    if gate.at_most is not None:
        return f"at most {gate.at_most:g}"
    if gate.at_least is not None:
        return f"at least {gate.at_least:g}"
    return f"a drop of at most {gate.drop:g}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
