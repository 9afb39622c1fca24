"""The gates to begin with."""

from __future__ import annotations

import pytest

import fairloop as fl
from fairloop.errors import InvalidInput


def test_each_attribute_concept_and_list_of_terms_has_its_gate() -> None:
    made = fl.default_gates(sensitive=["sex", "race"], concepts=["male"], terms=["sex"], severe=True)
    assert [g.name for g in made] == [
        "demographic_parity_difference by sex", "equalized_odds_difference by sex", "demographic_parity_difference by race",
        "equalized_odds_difference by race", "concept_influence by male", "identity_swap_gap by sex", "severe_on_weak_evidence",
    ]  # fmt: skip
    assert all(g.because for g in made)
    assert fl.default_gates(sensitive=["sex"], task="multiclass")
    assert fl.default_gates(task="regression") == []


@pytest.mark.parametrize("options", [{"task": "ranking"}, {"sensitive": "sex"}, {"sensitive": ["sex"], "task": "regression"},
                                     {"severe": True, "task": "multiclass"}])  # fmt: skip
def test_what_has_no_default_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        fl.default_gates(**options)  # type: ignore[arg-type]
