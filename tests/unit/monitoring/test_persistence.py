"""One bad window is chance; two in a row, or one beyond doubt, is an alert."""

from __future__ import annotations

from typing import Any

from fairloop.core.checks import Check, Status, Verdict
from fairloop.core.monitors import Window
from fairloop.monitoring.persistence import persistence

CHECK = Check(metric="demographic_parity_difference", at_most=0.1, by="sex")
STATES = {"F": Status.FAIL, "P": Status.PASS, "?": Status.INSUFFICIENT}


def windows(states: str, **detail: Any) -> list[Window]:
    return [
        Window(
            id=f"win_{i}",
            project_id="p",
            monitor_id="m",
            deployment_id="d",
            start_ms=i,
            end_ms=i,
            n=1,
            labelled=0,
            verdicts=[
                Verdict(check=CHECK, status=STATES[s], estimate=0.2, low=0.15, high=0.3, n=1, method="m", detail=detail)
            ],
        )
        for i, s in enumerate(states)
    ]


def rows(states: str, **detail: Any) -> tuple[int, bool] | None:
    found = persistence(windows(states, **detail), CHECK.name)
    return None if found is None else (found.in_a_row, found.alarming)


def test_one_failing_window_is_no_alarm() -> None:
    assert rows("PPF") == (1, False)


def test_two_in_a_row_alarm() -> None:
    assert rows("PFF") == (2, True)
    assert rows("FPFFF") == (3, True)


def test_a_pass_ends_the_row() -> None:
    assert rows("FFP") is None
    assert rows("FPF") == (1, False)
    assert rows("") is None
    assert rows("??") is None


def test_no_answer_neither_ends_nor_makes_a_row() -> None:
    assert rows("F?F") == (2, True)
    assert rows("FF?") == (2, True)


def test_one_window_beyond_doubt_alarms() -> None:
    assert rows("PF", severe=True) == (1, True)


def test_the_same_column_must_fail_twice() -> None:
    first, second = windows("F", failing=["age"]), windows("F", failing=["hours"])
    found = persistence([*first, *second], CHECK.name)
    assert found is not None
    assert not found.alarming
    both = persistence([*first, *windows("F", failing=["hours", "age"])], CHECK.name)
    assert both is not None
    assert both.alarming


def test_a_check_nobody_judged_is_none() -> None:
    assert persistence(windows("FF"), "drift") is None
