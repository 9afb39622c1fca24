"""Which mitigations a loop tries, in order. Safe for the server: nothing numeric is imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairloop.core.mitigations import ATTRIBUTE_REASON, BY_NAME, words_of
from fairloop.errors import InvalidInput


def mitigation_plan(mitigate: Sequence[str], *, allow_attribute: bool = False) -> list[tuple[str, float | None]]:
    """(method, strength) of every candidate to train, without the methods that the policy rules out."""
    left_out = not_tried(mitigate, allow_attribute=allow_attribute)
    return [(method, strength) for method in dict.fromkeys(mitigate) if method not in left_out
            for strength in BY_NAME[method].sweep]  # fmt: skip


def not_tried(mitigate: Sequence[str], *, allow_attribute: bool = False) -> dict[str, str]:
    """The methods that were asked for and are left out, each with the reason."""
    if unknown := [method for method in mitigate if method not in BY_NAME]:
        raise InvalidInput(f"Unknown mitigation {unknown[0]!r}; choose from {', '.join(BY_NAME)}.")
    return {method: ATTRIBUTE_REASON for method in mitigate if BY_NAME[method].needs_attribute and not allow_attribute}


def name_of(method: str, strength: float | None, settings: dict[str, Any] | None = None) -> str:
    """``reweighing at strength 1.25, learning_rate 0.05``."""
    words = words_of(method) if strength is None else f"{words_of(method)} at strength {strength:.3g}"
    if not settings:
        return words
    told = [
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in settings.items()
    ]
    return f"{words} with {', '.join(told)}"
