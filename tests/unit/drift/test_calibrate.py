import numpy as np
import pytest
from scipy import stats

from fairloop.drift.calibrate import (
    chi_square,
    column_tests,
    combine,
    merge_neighbours,
    merge_smallest,
    rank_sum,
    share_test,
)
from fairloop.drift.profile import profile_reference, profile_window


def test_chi_square_equals_scipy() -> None:
    first, second = np.array([100.0, 200.0, 0.0, 300.0]), np.array([20.0, 60.0, 0.0, 40.0])
    table = np.array([first, second])[:, [0, 1, 3]]
    assert chi_square(first, second) == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, abs=1e-12)
    assert chi_square(np.array([5.0]), np.array([7.0])) is None


def test_rank_sum_equals_scipy_with_ties() -> None:
    first, second = np.array([30.0, 50.0, 20.0]), np.array([10.0, 15.0, 25.0])
    values = [np.repeat([0, 1, 2], counts.astype(int)) for counts in (first, second)]
    expected = stats.mannwhitneyu(*values, method="asymptotic").pvalue
    assert rank_sum(first, second) == pytest.approx(expected, abs=1e-12)
    assert rank_sum(np.array([5.0]), np.array([7.0])) is None


@pytest.mark.parametrize("table", [(1, 100, 4, 50), (0, 1000, 2, 100), (3, 10, 3, 10), (0, 50, 5, 6)])
def test_few_hits_are_tested_exactly(table: tuple[int, int, int, int]) -> None:
    a, n, b, m = table
    expected = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
    assert share_test(a, n, b, m) == pytest.approx(expected, abs=1e-9)


def test_shares_that_cannot_differ_are_no_question() -> None:
    assert share_test(0, 10, 0, 20) is None
    assert share_test(10, 10, 20, 20) is None
    assert share_test(0, 0, 1, 20) is None


def test_bins_merge_until_five_rows_are_expected() -> None:
    random = np.random.default_rng(0)
    for merge in (merge_neighbours, merge_smallest):
        for _ in range(50):
            first, second = random.integers(0, 40, 12).astype(float), random.integers(0, 6, 12).astype(float)
            one, two = merge(first, second)
            assert (one.sum(), two.sum()) == (first.sum(), second.sum())
            share = min(one.sum(), two.sum()) / (one + two).sum()
            assert len(one) == 1 or ((one + two) * share >= 5).all()


@pytest.mark.parametrize("n", [60, 200, 1000])
@pytest.mark.parametrize("size", [300, 5000])
def test_p_values_are_honest_whatever_the_sizes(n: int, size: int) -> None:
    random = np.random.default_rng(n + size)
    small = 0

    def rows(count: int) -> dict[str, np.ndarray]:
        number = np.where(random.random(count) < 0.02, np.nan, random.lognormal(size=count))
        return {
            "number": number,
            "mostly zero": np.where(random.random(count) < 0.9, 0, random.integers(1, 99, count)),
            "category": random.choice(list("abcdefgh"), count, p=np.arange(8, 0, -1) / 36),
        }

    for _ in range(150):
        reference = profile_reference(rows(size))
        window = profile_window(rows(n), reference)
        small += sum(combine(column_tests(reference[name], window[name])) <= 0.05 for name in reference)
    assert small / 450 <= 0.075


def test_questions_per_kind() -> None:
    reference = profile_reference({"n": [1.0, 2.0, None] * 50, "c": ["a", "b", "b"] * 50})
    window = profile_window({"n": [1.0, 2.0, None] * 30, "c": ["a", "b", "z"] * 30}, reference)
    assert column_tests(reference["n"], window["n"]).keys() == {"order", "shape", "missing"}
    assert column_tests(reference["c"], window["c"]).keys() == {"unseen", "shape"}
    assert column_tests(reference["c"], window["c"])["unseen"] < 1e-6
    assert column_tests(reference["n"], profile_window({"n": []}, reference)["n"]) == {}
    assert combine({}) == 1.0
