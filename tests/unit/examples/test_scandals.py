"""The scandal suite at the level of numbers: default gates catch the scandals and are quiet on their clean twins.

The many seeds run with ``make simulations``; a few of them here.
"""

from __future__ import annotations

import pytest
from tests.support.scandals import NAMES, alarms, judged

SEEDS = 100
QUICK = {"toxicity": 1, "face": 1, "recruiter": 3, "translation": 1, "doctor": 1}


@pytest.mark.parametrize("name", NAMES)
def test_clean_twins_are_quiet_on_a_few_seeds(name: str) -> None:
    for seed in range(QUICK[name]):
        assert alarms(judged(name, seed, clean=True)[0]) == []


def test_a_threat_called_only_when_sure_passes() -> None:
    verdicts, _ = judged("translation", 0, clean=False, sure=0.8)
    assert alarms(verdicts) == []


@pytest.mark.simulation
@pytest.mark.parametrize("name", NAMES)
def test_clean_twins_alarm_in_at_most_five_of_a_hundred_seeds(name: str) -> None:
    alarmed = [seed for seed in range(SEEDS) if alarms(judged(name, seed, clean=True)[0])]
    assert len(alarmed) <= 0.05 * SEEDS, alarmed


@pytest.mark.simulation
@pytest.mark.parametrize("name", NAMES)
def test_scandals_are_caught_and_named_whatever_the_seed(name: str) -> None:
    for seed in range(20):
        verdicts, causes = judged(name, seed, clean=False)
        assert any(v["status"] == "fail" for v in alarms(verdicts)), seed
        assert causes, seed
