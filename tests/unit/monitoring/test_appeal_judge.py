"""Comparing upheld appeals by group: quiet when all are wronged alike however often one looks, loud when not."""

from __future__ import annotations

import random
from collections import Counter

import polars as pl
import pytest

from fairloop.core.appeals import UpheldAppeal
from fairloop.core.checks import Status
from fairloop.monitoring.appeal_judge import compare
from fairloop.monitoring.appeal_steps import judged

PEOPLE = {"Female": 3000, "Male": 7000}


def test_a_group_upheld_far_more_often_fails_and_is_named() -> None:
    found = compare("sex", PEOPLE, {"Female": 20, "Male": 2}, comparisons=2)
    assert found.status is Status.FAIL
    assert found.detail["group"] == "Female"
    assert found.detail["words"] == (
        "Appeals of women are upheld 6.7 times per 1,000 people judged, of everybody else 0.3 times (20 and 2 upheld)."
    )
    assert found.estimate == pytest.approx((20 / 3000) / (2 / 7000))


def test_few_upheld_appeals_say_nothing() -> None:
    for upheld in ({}, {"Female": 1}, {"Female": 4}, {"Female": 3, "Male": 3}):
        assert compare("sex", PEOPLE, upheld, comparisons=2).status is Status.INSUFFICIENT


def test_one_group_alone_cannot_be_compared() -> None:
    assert compare("sex", {"Female": 10}, {"Female": 9}, comparisons=1).status is Status.INSUFFICIENT


def test_people_are_counted_not_appeals() -> None:
    rows = [(f"f{i}", 1, "sex", "Female") for i in range(30)] + [(f"m{i}", 100 + i, "sex", "Male") for i in range(70)]
    people = pl.DataFrame(rows, schema=["id", "person", "attribute", "value"], orient="row")
    [same_inputs] = judged(people, [UpheldAppeal(prediction_id=f"f{i}", deployment_id="d") for i in range(30)])
    assert same_inputs.status is Status.INSUFFICIENT
    assert same_inputs.n == 1
    many = people.with_columns(person=pl.arange(0, pl.len(), dtype=pl.Int64))
    one_contact = [UpheldAppeal(prediction_id=f"f{i}", deployment_id="d", person="same") for i in range(30)]
    assert judged(many, one_contact)[0].n == 1
    apart = [UpheldAppeal(prediction_id=f"f{i}", deployment_id="d") for i in range(30)]
    assert judged(many, apart)[0].status is Status.FAIL


def ever_alarmed(dice: random.Random, chance: float, looks: int) -> bool:
    """One endpoint: each upheld appeal is a woman's with ``chance``, and one looks after every decision."""
    counts: Counter[str] = Counter()
    for _ in range(looks):
        counts["Female" if dice.random() < chance else "Male"] += 1
        if compare("sex", PEOPLE, counts, comparisons=2).status is Status.FAIL:
            return True
    return False


def test_looking_after_every_decision_raises_no_false_alarm() -> None:
    dice = random.Random(1)
    assert sum(ever_alarmed(dice, 0.3, 30) for _ in range(15)) <= 1


@pytest.mark.simulation
def test_false_alarms_and_power_over_many_seeds() -> None:
    dice = random.Random(2)
    null = sum(ever_alarmed(dice, 0.3, 150) for _ in range(300))
    assert null <= 3  # 1 % of endpoints, ever
    assert sum(ever_alarmed(dice, 0.7, 60) for _ in range(100)) >= 95  # upheld 5.4 times as often
