"""Explanations as charts with titles that say the finding."""

from __future__ import annotations

from typing import Any

from fairloop.evaluation import explain_words as words

_SHOWN = 12


def explanation(result: dict[str, Any]) -> dict[str, Any]:
    """What the partial of ``explain`` draws."""
    return {
        "rows": result["rows"],
        "part": result.get("part", ""),
        "data": result.get("data", ""),
        "attributes": [_attribute(found, result) for found in result["attributes"]],
        "slices": _slices(result["slices"], result["task"]),
        "importance": _importance(result["importance"]),
        "people": [_person(person) for person in result["people"]],
        "effects": [_effect(found, result["importance"]["base"]) for found in result["effects"]],
        "method": result["importance"]["method"],
    }


def _attribute(found: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    name, gap = found["attribute"], found["gap"]
    shown = {"name": name, "gap": None, "score": None, "proxies": None, "together": found["together"]}
    if gap is not None:
        title = words.gap_title(found)
        shown["gap"] = {"title": title, "chart": _gap(gap), "method": gap["method"], "n": gap["n"]}
        score = found["score_gap"]
        if score is not None:
            shown["score"] = {"chart": _gap(score), "method": score["method"], "gap": words.number(score["gap"])}
    if found["proxies"]:
        shown["proxies"] = _proxies(name, found)
    return shown


def _gap(gap: dict[str, Any]) -> dict[str, Any]:
    rows = [{"name": p["column"], "value": p["part"], "low": p["low"], "high": p["high"]} for p in gap["parts"]]
    rest = sum(row["value"] for row in rows[_SHOWN:])
    rows = rows[:_SHOWN] + ([{"name": "all other columns", "value": rest, "low": None, "high": None}] if rest else [])
    return {"rows": rows, "axis": f"part of the gap of {words.number(gap['gap'])}"}


def _proxies(name: str, found: dict[str, Any]) -> dict[str, Any]:
    ranked = found["proxies"][:_SHOWN] + ([found["score"]] if found["score"] else [])
    rows = [
        {
            "name": p["column"],
            "value": p["estimate"],
            "low": p["low"],
            "high": p["high"],
            "strong": p["found"],
            "note": "more than chance" if p["found"] else "may be chance",
        }
        for p in ranked
    ]
    first = found["proxies"][0]
    title = f"{first['column']} tells {name} best" if first["found"] else f"No column tells {name}"
    chart = {"rows": rows, "axis": "share of pairs told apart rightly", "from": 0.5}
    return {"title": title, "chart": chart | {"fromName": "a coin"}}


def _slices(slices: dict[str, Any] | None, task: str) -> dict[str, Any] | None:
    if slices is None:
        return None
    share = task != "regression"

    def shown(value: float) -> str:
        return f"{100 * value:.1f} %" if share else words.number(value)

    rows = [
        {
            "words": s["words"],
            "error": shown(s["error"]),
            "rest": shown(s["rest"]),
            "interval": "" if s["low"] is None else f"{shown(s['low'])} to {shown(s['high'])}",
            "n": s["n"],
            "found": s["found"],
            "p": s["p"],
        }
        for s in slices["slices"]
    ]
    return {
        "title": words.slice_words(slices, task),
        "overall": shown(slices["overall"]),
        "rows": rows,
        "measure": "Wrong" if share else "Mean error",
    }


def _importance(importance: dict[str, Any]) -> dict[str, Any] | None:
    rows = [{"name": c["column"], "value": c["size"], "low": None, "high": None} for c in importance["columns"]]
    rows = [row for row in rows if row["value"] > 0][:_SHOWN]
    if not rows:
        return None
    return {"title": f"{rows[0]['name']} moves answers most", "chart": {"rows": rows, "axis": "mean size of its part"}}


def _person(person: dict[str, Any]) -> dict[str, Any]:
    title = f"The {person['which']} score: {words.number(person['score'])}, row {person['row_id']}"
    if person["which"] == "nearest to the line":
        title = f"Nearest to the line: {words.number(person['score'])}, row {person['row_id']}"
    return {"title": title, "chart": waterfall(person["base"], person["parts"]), "row": person["row_id"]}


def waterfall(base: float, parts: list[dict[str, Any]], limit: float | None = None) -> dict[str, Any]:
    """One answer from everybody's mean to the person's score."""
    rows = [{"name": f"{p['column']} = {words.value(p['value'])}", "value": p["part"]} for p in parts]
    rest = sum(row["value"] for row in rows[_SHOWN:])
    rows = rows[:_SHOWN] + ([{"name": "all other columns", "value": rest}] if rest else [])
    return {"base": base, "rows": rows, "axis": "score", "limit": limit}


def _effect(found: dict[str, Any], level: float) -> dict[str, Any]:
    partial, column = found["partial"], found["column"]
    value, at = partial["value"], partial["at"]
    if isinstance(at[0], (str, bool)):
        best = at[value.index(max(value))]
        title = f"{column}: highest for {words.value(best)}"
    else:
        change = value[-1] - value[0]
        wide = max(value) - min(value)
        moves = "rises" if change > 0.5 * wide else "falls" if change < -0.5 * wide else "rises and falls"
        title = f"The answer {moves} with {column}"
    return {"title": title, "chart": {"column": column, "partial": partial, "local": found["local"], "level": level}}


def one_person(result: dict[str, Any]) -> dict[str, Any]:
    """What the partial of ``counterfactual`` draws."""
    who = result["person"]
    name = (
        f"row {who['row']}" if "row" in who else f"prediction {who['prediction_id']}" if "prediction_id" in who else ""
    )
    changes = [
        [f"{c['column']}: {words.value(c['after'])} instead of {words.value(c['before'])}" for c in one["changes"]]
        for one in result["changes"]
    ]
    return {
        "title": f"{name}: score {words.number(result['score'])}".lstrip(": "),
        "chart": waterfall(result["base"], result["parts"], result["threshold"]),
        "changes": changes,
        "wanted": result["wanted"],
        "immutable": result["immutable"],
        "method": result["method"],
    }
