"""A model's signature as a list to read and as form fields to fill."""

from __future__ import annotations

from typing import Any

from fairloop.server.pages.words import number

_NUMERIC = {"number", "integer", "double", "float", "long"}
_MOST_CHOICES = 200


def inputs(signature: dict[str, Any]) -> list[dict[str, Any]]:
    """Name, type and known values of every input column, whether Fairloop or an MLflow client wrote the signature."""
    found = signature.get("columns") or signature.get("inputs") or []
    if not isinstance(found, list):
        return []
    return [
        {
            "name": str(c["name"]),
            "type": str(c.get("kind") or c.get("type") or ""),
            "low": c.get("low"),
            "high": c.get("high"),
            "choices": [str(v) for v in c.get("categories") or []],
            "words": _words(c),
        }
        for c in found
        if isinstance(c, dict) and "name" in c
    ]


def _words(column: dict[str, Any]) -> str:
    known = [str(v) for v in column.get("categories") or []]
    if known:
        return ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    low, high = column.get("low"), column.get("high")
    return f"{number(low, 1)} to {number(high, 1)}" if low is not None and high is not None else ""


def fields(signature: dict[str, Any]) -> list[dict[str, Any]]:
    """The inputs as form fields, filled with a sample row where the signature carries one."""
    samples = signature.get("sample") or [{}]
    sample = samples[0] if isinstance(samples[0], dict) else {}
    return [
        {
            "name": c["name"],
            "numeric": c["type"] in _NUMERIC,
            "boolean": c["type"] == "boolean",
            "choices": c["choices"][:_MOST_CHOICES],
            "value": _start(c, sample),
        }
        for c in inputs(signature)
    ]


def _start(column: dict[str, Any], sample: dict[str, Any]) -> Any:
    given = sample.get(column["name"])
    if given is not None:
        return given
    if column["choices"]:
        return column["choices"][0]
    if column["type"] in _NUMERIC:
        return 0 if column["low"] is None else round((column["low"] + column["high"]) / 2)
    return ""


def typed(field: dict[str, Any], text: str) -> Any:
    """What a person typed, as the value the endpoint expects; empty means missing."""
    if not text.strip():
        return None
    if field["boolean"]:
        return text.strip().lower() in {"true", "1", "yes"}
    if not field["numeric"]:
        return text
    try:
        return int(text) if text.strip().lstrip("+-").isdecimal() else float(text)
    except ValueError:
        return text
