"""Which mitigations a loop tries, in order. Safe for the server: nothing numeric is imported."""

from __future__ import annotations

from collections.abc import Sequence

from fairloop.errors import InvalidInput

STRENGTHS: dict[str, tuple[float | None, ...]] = {
    "reweighing": (0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0),
    "exponentiated_gradient": (None,),
}
"""Strengths that are swept. Exponentiated gradient has one setting: it aims at no gap at all."""
NOT_TRIED = {
    "threshold_optimizer": "not tried: needs the attribute at prediction time, the policy does not allow it",
}
NAMES = {"plain": "the plain model", "reweighing": "reweighing", "exponentiated_gradient": "exponentiated gradient",
         "threshold_optimizer": "threshold optimizer"}  # fmt: skip


def mitigation_plan(mitigate: Sequence[str]) -> list[tuple[str, float | None]]:
    """(method, strength) of every candidate to train, without the methods that the policy rules out."""
    found: list[tuple[str, float | None]] = []
    for method in dict.fromkeys(mitigate):
        if method in NOT_TRIED:
            continue
        if method not in STRENGTHS:
            known = ", ".join([*STRENGTHS, *NOT_TRIED])
            raise InvalidInput(f"Unknown mitigation {method!r}; choose from {known}.")
        found += [(method, strength) for strength in STRENGTHS[method]]
    return found


def not_tried(mitigate: Sequence[str]) -> dict[str, str]:
    """The methods that were asked for and are left out, each with the reason."""
    return {method: NOT_TRIED[method] for method in mitigate if method in NOT_TRIED}


def name_of(method: str, strength: float | None) -> str:
    """``reweighing at strength 1.25``."""
    words = NAMES.get(method, method.replace("_", " "))
    return words if strength is None else f"{words} at strength {strength:g}"
