"""Amounts with units in text: ``"2GiB"``, ``"500m"``, ``"3d"``."""

from __future__ import annotations

import re

from fairloop.errors import InvalidInput

_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
          "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
          "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}  # fmt: skip
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


def _split(text: str, what: str, units: dict[str, float] | dict[str, int]) -> tuple[float, float]:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    unit = match.group(2).lower() if match else ""
    if not match or unit not in units:
        names = ", ".join(u for u in units if u)
        raise InvalidInput(f"{text!r} is not {what}; write a number and one of {names}, for example "
                           f"{'2GiB' if 'gib' in units else '3d'!r}.")  # fmt: skip
    return float(match.group(1)), units[unit]


def parse_bytes(value: str | float) -> int:
    """Bytes of ``"2GiB"``; a plain number is bytes already."""
    if isinstance(value, (int, float)):
        return int(value)
    number, unit = _split(value, "a size", _BYTES)
    return int(number * unit)


def parse_seconds(value: str | float) -> float:
    """Seconds of ``"3d"``; a plain number is seconds already."""
    if isinstance(value, (int, float)):
        return float(value)
    number, unit = _split(value, "a duration", _SECONDS)
    return number * unit


def show_bytes(count: float) -> str:
    """``1.5 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024 or unit == "GiB":
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
