from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from fairloop.errors import InvalidInput
from fairloop.fairness.grouping import POOLED
from fairloop.fairness.groups import GroupRates, count_groups, pool, rates_of


def group_rates(*rows: Any) -> list[GroupRates]:
    return rates_of(pool(count_groups(*rows)).table)


def sample(n: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    group = np.array(["a", "b", "c"], dtype=object)[random.integers(0, 3, n)]
    return random.random(n) < 0.3, random.random(n) < 0.4, group, random.random(n)


@pytest.mark.parametrize(
    "form",
    [
        list,
        np.asarray,
        lambda g: g.astype(str),
        pd.Series,
        pd.Categorical,
        lambda g: pd.Series(g).astype("category"),
        pl.Series,
        lambda g: pl.Series(g, dtype=pl.Categorical),
        lambda g: pl.Series(g, dtype=pl.Enum(["c", "b", "a"])),
    ],
)
def test_groups_of_every_library_count_alike(form: Any) -> None:
    label, predicted, group, _ = sample()
    table = count_groups(label, predicted, form(group))
    assert table.names == ("a", "b", "c")
    for index, name in enumerate(table.names):
        mask = group == name
        expected = [np.sum(mask & (label == y) & (predicted == p)) for y in (0, 1) for p in (0, 1)]
        assert list(table.rows[index]) == expected


@pytest.mark.parametrize(
    "group",
    [
        np.array([1, 0, 1, 0]),
        np.array([True, False, True, False]),
        pl.Series([1, 0, 1, 0]),
        pl.Series([True, False, True, False]),
        np.array([1.0, 0.0, 1.0, 0.0]),
    ],
)
def test_groups_need_not_be_text(group: Any) -> None:
    assert list(count_groups(None, [1, 0, 0, 0], group).rows.sum(axis=1)) == [2, 2]


@pytest.mark.parametrize(
    "group",
    [
        ["a", None, "b", None],
        pd.Series(["a", None, "b", None]),
        pl.Series(["a", None, "b", None]),
        pl.Series(["a", None, "b", None], dtype=pl.Categorical),
        np.array([1.0, np.nan, 2.0, np.nan]),
        pl.Series([1, None, 2, None]),
    ],
)
def test_missing_groups_are_counted_and_left_out(group: Any) -> None:
    table = count_groups([0, 1, 0, 1], [1, 1, 0, 0], group, [1.0, 2.0, 3.0, 4.0])
    assert table.missing == 2
    assert table.rows.sum() == 2
    assert table.weight.sum() == 4.0


def test_tables_of_parts_add_up_to_the_whole() -> None:
    label, predicted, group, weight = sample()
    group[:700] = np.where(group[:700] == "c", "d", group[:700])
    whole = count_groups(label, predicted, group, weight)
    parts = [count_groups(label[part], predicted[part], group[part], weight[part])
             for part in (slice(0, 700), slice(700, None))]  # fmt: skip
    merged = parts[0] + parts[1]
    assert merged.names == whole.names == ("a", "b", "c", "d")
    for field in ("rows", "weight", "square"):
        np.testing.assert_allclose(getattr(merged, field), getattr(whole, field), rtol=1e-12)


def test_small_groups_are_pooled_or_named() -> None:
    predicted = np.zeros(170, dtype=int)
    group = np.repeat(["big", "bigger", "s", "t"], [50, 80, 20, 20])
    pooling = pool(count_groups(None, predicted, group))
    assert pooling.table.names == ("big", "bigger", POOLED)
    assert pooling.pooled == ("s", "t")
    assert pooling.too_small == ()
    alone = pool(count_groups(None, predicted[:150], group[:150]))
    assert alone.table.names == ("big", "bigger")
    assert alone.too_small == ("s",)
    assert [rates.group for rates in group_rates(None, predicted[:150], group[:150])] == ["big", "bigger"]
    with pytest.raises(InvalidInput, match="smallest group"):
        pool(count_groups(None, predicted, group), 0)


def test_rates_of_a_group() -> None:
    label, predicted, group, weight = sample()
    rates = {found.group: found for found in group_rates(label, predicted, group, weight)}
    mask = group == "b"
    assert rates["b"].n == mask.sum()
    assert rates["b"].rates["selection_rate"].estimate == pytest.approx(
        np.average(predicted[mask], weights=weight[mask])
    )
    positive = mask & label
    tpr = rates["b"].rates["true_positive_rate"]
    assert tpr.estimate == pytest.approx(np.average(predicted[positive], weights=weight[positive]))
    assert tpr.low < tpr.estimate < tpr.high
    assert tpr.n == positive.sum()
    assert rates["b"].plain()["accuracy"]["n"] == mask.sum()


def test_without_labels_only_selection_is_known() -> None:
    _, predicted, group, _ = sample()
    for rates in group_rates(None, predicted, group):
        assert rates.rates["selection_rate"].estimate is not None
        assert rates.rates["true_positive_rate"].estimate is None
        assert rates.rates["accuracy"].estimate is None


def test_nothing_and_wrong_shapes() -> None:
    assert count_groups([], [], []).names == ()
    assert group_rates([], [], []) == []
    with pytest.raises(InvalidInput, match="groups have 1 rows"):
        count_groups([0, 1], [0, 1], ["a"])
    with pytest.raises(InvalidInput, match="dimensions"):
        count_groups([0, 1], [0, 1], np.array([["a"], ["b"]]))
