"""Planted label bias over many seeds, and prescriptions that keep what they promise. ``make simulations`` runs 50 each."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support.planted_labels import Planted, planted

from fairloop.evaluation.data_bias import shifts_of
from fairloop.evaluation.data_bias_prescription import Asked, Prescription, measured_gap, prescribe
from fairloop.evaluation.data_bias_reference import Judged
from fairloop.fairness.label_bias import OVER, UNDER
from fairloop.stats.arrays import Bools

SEEDS = 50
STRONG = {"rows": 6000, "wrong": 0.4, "difference": -0.3, "proxy": 2.5}
"""Labels of women who can be told apart by a proxy: what a model trained on them passes on."""


def named(seed: int, **what: object) -> set[tuple[str, str]]:
    """The groups and directions that are called biased."""
    made = planted(1000 + seed, **what)  # type: ignore[arg-type]
    return {(s.group, s.direction) for s in shifts_of(Judged.of(made.table), "sex") if s.state == "bias"}


def test_planted_and_clean_twin() -> None:
    assert named(1, wrong=0.4) == {("women", UNDER)}
    assert named(1) == set()


@pytest.mark.simulation
@pytest.mark.parametrize(("what", "truth"), [
    ({"wrong": 0.3}, ("women", UNDER)), ({"wrong": 0.15, "direction": "over"}, ("women", OVER)),
    ({"wrong": 0.3, "group": "men"}, ("men", UNDER)),
])  # fmt: skip
def test_planted_bias_is_found_and_named(what: dict[str, object], truth: tuple[str, str]) -> None:
    found = [named(seed, **what) for seed in range(SEEDS)]
    assert sum(truth in f for f in found) >= 0.9 * SEEDS
    assert sum(bool(f - {truth}) for f in found) <= 0.05 * SEEDS


@pytest.mark.simulation
@pytest.mark.parametrize("what", [
    {}, {"own_slope": 0.8}, {"difference": -1.5, "strength": 2.0}, {"rows": 3000}, {"noise": 0.05},
])  # fmt: skip
def test_clean_labels_and_noise_that_everybody_has_raise_no_alarm(what: dict[str, object]) -> None:
    assert sum(bool(named(seed, **what)) for seed in range(SEEDS)) <= 0.05 * SEEDS


# ------------------------------------------------------------------ promises
def kept(seed: int, **asked: object) -> tuple[bool, float, float]:
    """Whether the measured gap lies in the promise; by how much the gap fell, and with twice as many random rows."""
    data = planted(5000 + seed, **STRONG)  # type: ignore[arg-type]
    judged, question = Judged.of(data.table), Asked(by="sex", **asked)  # type: ignore[arg-type]
    made = prescribe(judged, question)
    assert made.chosen is not None
    after = _gap(judged, question, _relabelled(judged, data, made.order[: made.chosen.relabel]))
    rows = np.random.default_rng(seed).permutation(len(judged.labels))[: 2 * made.chosen.relabel]
    return (
        made.chosen.holds(after),
        made.now - after,
        made.now - _gap(judged, question, _relabelled(judged, data, rows)),
    )


def _relabelled(judged: Judged, data: Planted, rows: np.ndarray) -> Bools:
    labels = judged.labels.copy()
    labels[rows] = data.truth[rows]
    return labels


def _gap(judged: Judged, asked: Asked, labels: Bools) -> float:
    found = measured_gap(judged, asked, labels).estimate
    assert found is not None
    return found


def test_a_promise_is_kept_and_beats_chance() -> None:
    inside, chosen, chance = kept(0, relabel=200, draws=8)
    assert inside
    assert chosen > 2 * chance
    assert chosen > 0.03


@pytest.mark.simulation
def test_promises_hold_and_half_the_rows_of_a_random_choice_suffice() -> None:
    found = [kept(seed) for seed in range(SEEDS)]
    assert sum(inside for inside, _, _ in found) >= 0.9 * SEEDS
    assert sum(chosen >= chance for _, chosen, chance in found) >= 0.9 * SEEDS
    assert np.mean([chosen for _, chosen, _ in found]) >= np.mean([chance for _, _, chance in found])


def test_nothing_is_promised_where_no_labels_look_wrong() -> None:
    made: Prescription = prescribe(Judged.of(planted(3, rows=3000).table), Asked(by="sex", draws=8))
    assert made.chosen is None
    assert made.promises == []
