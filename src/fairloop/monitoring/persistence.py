"""When failing windows become an Alert: one bad window is chance until it comes again or is beyond doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairloop.core.checks import Status, Verdict
from fairloop.core.monitors import Window

IN_A_ROW = 2
SEVERE = "severe"
"""Key of ``Verdict.detail``: whether the check fails at a far stricter level too."""
FAILING = "failing"
"""Key of ``Verdict.detail``: the columns that failed, where a check asks about many at once."""


@dataclass(frozen=True, slots=True)
class Persistence:
    """The newest failing window of a check, and how many failed in a row up to it."""

    window: Window
    verdict: Verdict
    in_a_row: int

    @property
    def alarming(self) -> bool:
        return self.in_a_row >= IN_A_ROW or bool(self.verdict.detail.get(SEVERE))


def verdict_of(window: Window, check_name: str) -> Verdict | None:
    return next((v for v in window.verdicts if v.check.name == check_name), None)


def persistence(windows: Sequence[Window], check_name: str) -> Persistence | None:
    """How a check stands after ``windows`` of one deployment, oldest first; None when the last answer is not *fail*.

    Windows without an answer (insufficient evidence) neither continue nor end a row. Where a check asks about many
    columns, the same column must fail each time: some column fails by chance far more often than one column does.
    """
    found = [(window, verdict_of(window, check_name)) for window in windows]
    answered = [(w, v) for w, v in found if v is not None and v.status is not Status.INSUFFICIENT]
    if not answered or answered[-1][1].status is not Status.FAIL:
        return None
    last_window, last = answered[-1]
    shared = set(last.detail.get(FAILING) or [])
    count = 0
    for _, verdict in reversed(answered):
        if verdict.status is not Status.FAIL:
            break
        if shared:
            shared &= set(verdict.detail.get(FAILING) or [])
            if not shared:
                break
        count += 1
    return Persistence(last_window, last, count)
