import json

import fairlearn.metrics
import numpy as np
import pytest

from fairloop.core.checks import Check, Status, judge
from fairloop.fairness.gaps import (
    GAPS,
    all_gaps,
    demographic_parity_difference,
    equalized_odds_difference,
    gap_from_table,
)
from fairloop.fairness.groups import count_groups

PEERS = {
    "demographic_parity_difference": fairlearn.metrics.demographic_parity_difference,
    "demographic_parity_ratio": fairlearn.metrics.demographic_parity_ratio,
    "equal_opportunity_difference": fairlearn.metrics.equal_opportunity_difference,
    "equalized_odds_difference": fairlearn.metrics.equalized_odds_difference,
}


@pytest.mark.parametrize("k", [2, 5, 10])
@pytest.mark.parametrize("weighted", [False, True])
def test_estimates_equal_fairlearn(k: int, weighted: bool) -> None:
    random = np.random.default_rng(k)
    n = 400 * k
    group = random.integers(0, k, n)
    label = random.random(n) < 0.3
    predicted = random.random(n) < 0.2 + 0.4 * label + 0.02 * group
    weight = random.random(n) if weighted else None
    found = all_gaps(label, predicted, group, weight)
    assert found.keys() == GAPS.keys()
    for name, peer in PEERS.items():
        expected = peer(label, predicted, sensitive_features=group, sample_weight=weight)
        assert found[name].estimate == pytest.approx(expected, abs=1e-9), name
        assert found[name].low <= expected <= found[name].high
        assert GAPS[name](label, predicted, group, weight) == found[name]


def test_the_rule_gives_three_answers() -> None:
    check = Check(metric="demographic_parity_difference", at_most=0.10, by="sex")
    answers = []
    for n, low_rate in ((2000, 0.48), (2000, 0.30), (100, 0.38)):
        predicted = np.r_[np.arange(n) < 0.5 * n, np.arange(n) < low_rate * n]
        gap = demographic_parity_difference(None, predicted, ["m"] * n + ["f"] * n)
        verdict = judge(check, gap.estimate, gap.low, gap.high, n=gap.n, method=gap.method, detail=gap.detail())
        answers.append(verdict.status)
    assert answers == [Status.PASS, Status.FAIL, Status.INSUFFICIENT]


def test_the_detail_names_the_groups_and_is_plain_json() -> None:
    random = np.random.default_rng(0)
    group = np.array(["a"] * 500 + ["b"] * 500 + ["c"] * 5 + [None] * 7, dtype=object)
    label = random.random(len(group)) < 0.5
    predicted = random.random(len(group)) < np.where(group == "a", 0.8, 0.3)
    gap = equalized_odds_difference(label, predicted, group)
    detail = json.loads(json.dumps(gap.detail()))
    assert detail["pair"] == ["a", "b"]
    assert detail["rate"] in ("true_positive_rate", "false_positive_rate")
    assert detail["too_small"] == ["c"]
    assert detail["missing"] == 7
    assert [each["group"] for each in detail["groups"]] == ["a", "b"]
    assert gap.n == 1000
    assert gap.plain()["estimate"] == gap.estimate


def test_less_than_two_groups_is_no_evidence() -> None:
    for group in (["a"] * 100, ["a"] * 95 + ["b"] * 5, [None] * 100):
        gap = demographic_parity_difference(None, [1] * 100, group)
        assert (gap.estimate, gap.low, gap.high, gap.pair, gap.rate) == (None, None, None, None, None)
    assert demographic_parity_difference([], [], []).n == 0


def test_without_labels_odds_are_unknown() -> None:
    names = all_gaps(None, [0, 1] * 50, ["a", "b"] * 50).keys()
    assert names == {"demographic_parity_difference", "demographic_parity_ratio"}
    table = count_groups(None, [0, 1] * 50, ["a", "b"] * 50)
    assert gap_from_table("equalized_odds_difference", table).estimate is None


def test_a_group_without_positives_cannot_pass_equalized_odds() -> None:
    label = np.r_[np.zeros(1000), np.arange(1000) % 2]
    predicted = np.r_[np.zeros(1000), np.arange(1000) % 2]
    gap = equalized_odds_difference(label, predicted, ["a"] * 1000 + ["b"] * 1000)
    assert gap.estimate == 0.0
    assert gap.high > 0.9


def test_acceptance_two_equal_groups_of_100_and_a_true_gap() -> None:
    random = np.random.default_rng(5)
    false = found = 0
    for _ in range(200):
        equal = demographic_parity_difference(None, random.random(200) < 0.25, ["a"] * 100 + ["b"] * 100)
        false += equal.low > 0.10
        rates = np.repeat([0.30, 0.05], 500)
        apart = demographic_parity_difference(None, random.random(1000) < rates, ["a"] * 500 + ["b"] * 500)
        found += apart.low > 0.10
    assert false <= 18
    assert found >= 180
