"""Findings of an explanation as sentences that a manager reads."""

from __future__ import annotations

from typing import Any

SCORE = "the model's score"
_MOST = 0.6
_NAMED = 3
_STRONG = 0.65
_OF = {"selection": "selected", "found": "found among those who should be", "wrongly_selected": "selected wrongly"}


def findings(told: dict[str, Any]) -> list[str]:
    """One sentence a finding: each gap, each proxy that matters, where it errs, what moves answers most."""
    found = []
    for attribute in told["attributes"]:
        if sentence := gap_words(attribute, told["task"], told["criterion"]):
            found.append(sentence)
        if sentence := proxy_words(attribute):
            found.append(sentence)
    if (wrong := slice_words(told["slices"], told["task"])) is not None:
        found.append(wrong)
    moving = [c["column"] for c in told["importance"]["columns"] if c["size"] > 0][:_NAMED]
    if moving:
        found.append(f"{_joined(moving)} {'moves' if len(moving) == 1 else 'move'} its answers most.")
    return found


def gap_words(attribute: dict[str, Any], task: str, criterion: str = "selection") -> str:
    """``Most of the gap of 0.17 by sex comes from relationship (0.08) and hours-per-week (0.03).``"""
    gap, name = attribute["gap"], attribute["attribute"]
    if gap is None:
        return f"By {name} no two groups have enough rows to compare."
    size, who = number(gap["gap"]), f"{gap['higher']} {number(rate(attribute, gap['higher']))}, "
    who += f"{gap['lower']} {number(rate(attribute, gap['lower']))}"
    what = "mean answer" if task == "regression" else f"share {_OF[criterion]}"
    if gap["gap"] <= 0 or (gap["low"] is not None and gap["low"] <= 0):
        return f"The gap of {size} by {name} ({what}: {who}) may be chance."
    widening = [p for p in gap["parts"] if p["part"] > 0 and (p["low"] is None or p["low"] > 0)]
    narrowing = [p for p in gap["parts"] if p["part"] < -0.1 * gap["gap"] and (p["high"] is None or p["high"] < 0)]
    named = _enough(widening, gap["gap"])
    if not named:
        return f"No column alone explains the gap of {size} by {name} ({what}: {who})."
    parts = _joined([f"{p['column']} ({number(p['part'])})" for p in named])
    most = sum(p["part"] for p in named) >= 0.5 * gap["gap"]
    text = (f"Most of the gap of {size} by {name} comes from {parts}" if most
            else f"The gap of {size} by {name} comes from many columns, most of all {parts}")  # fmt: skip
    if narrowing:
        text += f"; {_joined([p['column'] for p in narrowing[:2]])} {'narrows' if len(narrowing) == 1 else 'narrow'} it"
    return f"{text} ({what}: {who})."


def gap_title(attribute: dict[str, Any]) -> str:
    """The finding in the title of a chart: ``relationship and hours-per-week make most of the gap by sex``."""
    gap, name = attribute["gap"], attribute["attribute"]
    if gap["gap"] <= 0 or (gap["low"] is not None and gap["low"] <= 0):
        return f"The gap of {number(gap['gap'])} by {name} may be chance"
    named = _enough([p for p in gap["parts"] if p["part"] > 0 and (p["low"] is None or p["low"] > 0)], gap["gap"])
    if not named:
        return f"No column alone explains the gap of {number(gap['gap'])} by {name}"
    most = sum(p["part"] for p in named) >= 0.5 * gap["gap"]
    verb = "makes" if len(named) == 1 else "make"
    return f"{_joined([p['column'] for p in named])} {verb} {'most of' if most else 'the largest part of'} the gap by {name}"


def rate(attribute: dict[str, Any], group: str) -> float:
    return float(next(r["rate"] for r in attribute["rates"] if r["group"] == group))


def _enough(parts: list[dict[str, Any]], gap: float) -> list[dict[str, Any]]:
    """The fewest largest parts that make most of the gap, three at most."""
    named: list[dict[str, Any]] = []
    for part in parts[:_NAMED]:
        if sum(p["part"] for p in named) >= _MOST * gap:
            break
        if not named or part["part"] >= 0.05 * gap:
            named.append(part)
    return named


def proxy_words(attribute: dict[str, Any]) -> str:
    """Which columns betray the attribute; says so only of strong ones."""
    name = attribute["attribute"]
    strong = [p for p in attribute["proxies"] if p["found"] and p["estimate"] >= _STRONG][:2]
    if not strong:
        return ""
    told = _joined([f"{p['column']} ({_chance(p['estimate'])})" for p in strong])
    text = f"{told} {'tells' if len(strong) == 1 else 'tell'} {name} apart, where 50 of 100 would be a coin"
    score = attribute["score"]
    if score is not None and score["found"] and score["estimate"] >= _STRONG:
        text += f"; so does the model's score ({_chance(score['estimate'])})"
    return text + "."


def _chance(area: float) -> str:
    return f"right in {round(100 * area)} of 100 pairs"


def slice_words(slices: dict[str, Any] | None, task: str) -> str | None:
    """Where it errs most; None without true answers."""
    if slices is None:
        return None
    confirmed = [s for s in slices["slices"] if s["found"]]
    if not confirmed:
        return "No group of rows stands out by its errors."
    first = confirmed[0]
    if task == "regression":
        told = f"off by {number(first['error'])} on average against {number(first['rest'])} elsewhere"
    else:
        told = f"{_percent(first['error'])} of answers wrong against {_percent(first['rest'])} elsewhere"
    return f"It errs most where {first['words']}: {told} ({first['n']} rows kept aside for this)."


def person_words(score: float, wanted: str, changes: list[dict[str, Any]], *, immutable: list[str]) -> str:
    """``The answer would be yes with hours-per-week 45 instead of 38.``"""
    kept = f" {_joined(immutable)} stayed as {'it is' if len(immutable) == 1 else 'they are'}." if immutable else ""
    if not changes:
        return f"No small set of allowed changes gives the answer {wanted} (the score is {number(score)}).{kept}"
    told = [" and ".join(f"{c['column']} {value(c['after'])} instead of {value(c['before'])}" for c in one["changes"])
            for one in changes]  # fmt: skip
    return f"The answer would be {wanted} with {'; or with '.join(told)}.{kept}"


def number(found: float) -> str:
    """Two digits that mean something: 0.17, 0.08, 0.004, 1,234."""
    size = abs(found)
    if size >= 1000:
        return f"{found:,.0f}"
    if size >= 100:
        return f"{found:.0f}"
    if size >= 0.01 or size == 0:
        return f"{found:.2f}"
    return f"{found:.1g}"


def value(found: Any) -> str:
    if found is None:
        return "nothing"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, float):
        return f"{found:.6g}"
    return str(found)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _joined(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
