"""Alert sentences read like sentences."""

from __future__ import annotations

from typing import Any

import pytest

from fairloop.core.checks import Check, Status, Verdict
from fairloop.monitoring.words import sentence


def verdict(check: Check, estimate: float, **detail: Any) -> Verdict:
    return Verdict(check=check, status=Status.FAIL, estimate=estimate, low=estimate, high=estimate, n=500, method="m",
                   detail=detail)  # fmt: skip


def groups(rate: str, **rates: float) -> list[dict[str, Any]]:
    return [{"group": name, rate: {"estimate": value}} for name, value in rates.items()]


def test_demographic_parity() -> None:
    check = Check(metric="demographic_parity_difference", at_most=0.12, by="sex")
    found = verdict(check, 0.17, pair=["Male", "Female"], rate="selection_rate",
                    groups=groups("selection_rate", Male=0.26, Female=0.09))  # fmt: skip
    assert sentence(found) == (
        "Women are selected 17 points less often than men (9 % against 26 %); the policy allows 12."
    )
    assert sentence(found, in_a_row=3).endswith("allows 12. Seen in 3 windows in a row.")


def test_other_groups_are_named_by_their_attribute() -> None:
    check = Check(metric="demographic_parity_difference", at_most=0.125, by="race")
    found = verdict(check, 0.205, pair=["White", "Black"], rate="selection_rate", groups=[])
    assert sentence(found) == (
        "People with race 'Black' are selected 20 points less often than people with race 'White'; "
        "the policy allows 12.5."
    )


@pytest.mark.parametrize(("rate", "words"), [
    ("true_positive_rate", "Of those who should be selected, women are found 25 points less often than men "
                           "(50 % against 75 %); the policy allows 20."),
    ("false_positive_rate", "Of those who should not be selected, men are selected 25 points more often than women "
                            "(75 % against 50 %); the policy allows 20."),
])  # fmt: skip
def test_equalized_odds(rate: str, words: str) -> None:
    check = Check(metric="equalized_odds_difference", at_most=0.2, by="sex")
    found = verdict(check, 0.25, pair=["Male", "Female"], rate=rate, groups=groups(rate, Male=0.75, Female=0.5))
    assert sentence(found) == words


def test_drift_names_columns() -> None:
    one = verdict(Check(metric="drift"), 0.4, failing=["age"])
    assert sentence(one) == "The inputs have changed: age no longer looks like the data the model was judged on."
    many = verdict(Check(metric="drift"), 0.4, failing=["age", "hours", "job", "pay", "sex"])
    assert "age, hours, job and 2 more columns no longer look" in sentence(many)


@pytest.mark.parametrize(
    ("check", "estimate", "words"),
    [
        (
            Check(metric="latency_p99_ms", at_most=50),
            81.2,
            "99 of 100 answers come within 81.2 ms only; the policy allows 50 ms.",
        ),
        (Check(metric="error_rate", at_most=0.01), 0.031, "3 % of the requests failed; the policy allows 1 %."),
        (
            Check(metric="memory_bytes", at_most=2**28),
            2**29,
            "The endpoint uses 512.0 MiB of memory; the policy allows 256.0 MiB.",
        ),
        (
            Check(metric="prediction_drift"),
            0.3,
            "The model's scores have changed against those it gave on held-out data.",
        ),
        (
            Check(metric="accuracy", at_least=0.8),
            0.7,
            "The share of right answers (accuracy) on labelled traffic is 0.7; the policy asks for at least 0.8.",
        ),
    ],
)
def test_other_checks(check: Check, estimate: float, words: str) -> None:
    assert sentence(verdict(check, estimate)) == words


def test_a_fall_is_told_with_its_baseline() -> None:
    found = verdict(Check(metric="roc_auc", drop=0.05), 0.81, baseline=0.921)
    assert sentence(found) == (
        "The ranking quality (ROC AUC) on labelled traffic has fallen to 0.81 from 0.921 when the model was judged; "
        "the policy allows a fall of 0.05."
    )
