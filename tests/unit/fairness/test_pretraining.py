import numpy as np
import pytest

from fairloop.errors import InvalidInput
from fairloop.fairness.pretraining import conditional_disparity, data_gap, data_gaps, label_codes, label_table


def test_admissions_that_departments_explain() -> None:
    """Berkeley's shape: fewer of one group are admitted, in every department as many."""
    random = np.random.default_rng(0)
    group = np.repeat(["F", "M"], 4000)
    strict = random.random(8000) < np.where(group == "F", 0.8, 0.3)
    admitted = random.random(8000) < np.where(strict, 0.2, 0.7)
    assert data_gaps(admitted, group)["label_rate_difference"].low > 0.15
    within = conditional_disparity(admitted, group, strict)
    assert within.low == pytest.approx(0.0, abs=0.01)
    assert within.high < 0.05
    assert conditional_disparity(admitted, group, np.zeros(8000)).low > 0.15


def test_strata_of_numbers_are_cut_and_strata_with_one_answer_say_nothing() -> None:
    random = np.random.default_rng(1)
    group, income = random.choice(["F", "M"], 3000), random.normal(size=3000)
    label = random.random(3000) < np.where(income > 0, 0.6, 0.2)
    assert conditional_disparity(label, group, income).high < 0.1
    assert conditional_disparity(label, group, label).estimate is None
    assert conditional_disparity(label, np.repeat("F", 3000), income).estimate is None
    with pytest.raises(InvalidInput, match="strata have 2 rows"):
        conditional_disparity(label, group, [1, 2])


def test_labels_of_any_kind() -> None:
    numbers = np.arange(1000.0)
    codes, names = label_codes(numbers)
    assert len(names) == 10
    assert np.bincount(codes).tolist() == [100] * 10
    assert label_codes(["b", "a", "b"])[1] == ("a", "b")
    with pytest.raises(InvalidInput, match="missing"):
        label_codes(np.array([1.0, np.nan]))
    with pytest.raises(InvalidInput, match="dimensions"):
        label_codes(np.zeros((2, 2)))
    with pytest.raises(InvalidInput, match="no metric of the data"):
        data_gap("accuracy_difference", label_table([0, 1] * 50, ["a"] * 50 + ["b"] * 50))


def test_groups_that_are_alike_and_groups_that_share_nothing() -> None:
    group = ["a"] * 200 + ["b"] * 200
    for name, gap in data_gaps([0, 1] * 200, group).items():
        assert (gap.estimate, gap.low) == (0.0, 0.0), name
        assert 0 < gap.high < 0.3, name
    apart = data_gaps([0] * 200 + [1] * 200, group)
    assert apart["label_total_variation"].estimate == 1.0
    assert apart["label_js_divergence"].estimate == pytest.approx(np.log(2))
    assert apart["label_lp_norm"].estimate == pytest.approx(np.sqrt(2))
    assert apart["label_kl_divergence"].estimate is None
    for name, gap in data_gaps([0, 1] * 50, ["a"] * 100).items():
        assert gap.estimate is None, name
    assert data_gaps([], [])["class_imbalance"].estimate is None


def test_words_name_the_groups() -> None:
    gap = data_gaps([0, 1] * 100 + [0] * 100, ["a"] * 200 + ["b"] * 100)
    assert gap["class_imbalance"].words == "Share of rows is 0.667 for a and 0.333 for b."
    assert gap["label_rate_difference"].words == "Label rate is 0.5 for a and 0 for b."
    assert gap["label_ks_distance"].pair == ("a", "b")
