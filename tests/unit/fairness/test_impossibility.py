"""What base rates forbid is computed exactly, and said only when they differ for sure."""

import subprocess
import sys

import numpy as np
import pytest

from fairloop.fairness.gaps import all_gaps
from fairloop.fairness.impossibility import trade_offs


def found(rate: float, other: float, *, n: int = 4000, perfect: bool = False) -> tuple[list, dict]:
    random = np.random.default_rng(0)
    group = np.repeat(["a", "b"], n // 2)
    label = random.random(n) < np.where(group == "a", rate, other)
    answer = label if perfect else random.random(n) < np.where(label, 0.7, 0.2)
    gaps = all_gaps(label, answer, group)
    rows = [row.plain() for row in gaps["demographic_parity_difference"].groups]
    return trade_offs(rows, gaps["label_rate_difference"].plain()), gaps


def test_three_pairs_of_criteria_exclude_each_other() -> None:
    told, gaps = found(0.5, 0.2)
    assert [(t.met, t.missed) for t in told] == [
        ("predictive_parity_difference", "equalized_odds_difference"),
        ("equalized_odds_difference", "demographic_parity_difference"),
        ("calibration_within_groups", "equalized_odds_difference"),
    ]
    rows = {row.group: row.rates for row in gaps["label_rate_difference"].groups}
    p, q = (rows[name]["label_rate"].estimate for name in "ab")
    precision, recall, wrong = (
        np.mean([rows[name][rate].estimate for name in "ab"])
        for rate in ("precision", "true_positive_rate", "false_positive_rate")
    )
    odds = recall * (1 - precision) / precision
    assert told[0].bound == pytest.approx(odds * p / (1 - p) - odds * q / (1 - q))
    assert told[1].bound == pytest.approx((recall - wrong) * (p - q))
    for each in told:
        assert each.words.startswith("The positive label is true for 5")
        assert each.plain()["source"]
    assert told[0].about("false_discovery_rate_difference")
    assert told[1].about("demographic_parity_ratio")
    assert not told[1].about("accuracy_difference")


def test_a_model_that_meets_one_misses_the_other_by_the_bound() -> None:
    """Equal error rates by construction: the selection gap is what was told."""
    told, gaps = found(0.6, 0.2, n=400_000)
    assert gaps["equalized_odds_difference"].estimate < 0.01
    assert gaps["demographic_parity_difference"].estimate == pytest.approx(told[1].bound, abs=0.005)


def test_nothing_is_said_without_evidence() -> None:
    assert found(0.3, 0.3)[0] == []
    assert found(0.5, 0.4, n=60)[0] == []
    assert trade_offs([], None) == []
    perfect = found(0.5, 0.2, perfect=True)[0]
    assert [t.missed for t in perfect] == ["demographic_parity_difference"]


def test_the_server_may_say_it() -> None:
    code = "import sys, fairloop.fairness.impossibility; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
