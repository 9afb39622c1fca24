import numpy as np
import pandas as pd
import polars as pl
import pytest

from fairloop.errors import InvalidInput
from fairloop.fairness.gaps import demographic_parity_difference
from fairloop.fairness.grouping import POOLED, crossed, group_rows


def test_small_groups_are_joined_or_left_out() -> None:
    group = np.repeat(["big", "s", "t"], [50, 20, 20])
    joined = group_rows(group)
    assert joined.names == ("big", POOLED)
    assert joined.pooled == ("s", "t")
    assert list(joined.total()) == [50, 40]
    assert list(joined.total(np.arange(90.0))) == [np.arange(50).sum(), np.arange(50, 90).sum()]
    alone = group_rows(group[:70])
    assert (alone.names, alone.too_small) == (("big",), ("s",))
    assert (alone.codes[50:] == -1).all()
    assert group_rows(pd.Series(["a", None] * 40)).missing == 40
    assert group_rows([]).names == ()
    with pytest.raises(InvalidInput, match="smallest group"):
        group_rows(group, min_group=0)


@pytest.mark.parametrize("kind", [np.array, pd.Series, pl.Series])
def test_intersections_are_groups_of_their_own(kind: type) -> None:
    sex = kind(["F", "F", "M", "M"] * 100)
    race = kind(["a", "b", "a", "a"] * 100)
    both = crossed([sex, race])
    assert list(both[:4]) == ["F & a", "F & b", "M & a", "M & a"]
    three = crossed([sex, race, kind(["x"] * 400)])
    assert sorted(three.cat.categories) == ["F & a & x", "F & b & x", "M & a & x"]


def test_a_row_that_lacks_one_attribute_belongs_to_no_intersection() -> None:
    both = crossed([["F", None, "M", "M"], ["a", "b", None, "a"]])
    assert [None if pd.isna(v) else v for v in both] == ["F & a", None, None, "M & a"]
    with pytest.raises(InvalidInput, match="rows"):
        crossed([["F"], ["a", "b"]])
    with pytest.raises(InvalidInput, match="at least one"):
        crossed([])


def test_a_gap_that_only_the_intersection_has() -> None:
    """Each attribute alone shows no gap (fairness gerrymandering, Kearns and others 2018)."""
    sex, race = np.repeat(["F", "F", "M", "M"], 500), np.repeat(["a", "b", "a", "b"], 500)
    share = np.repeat([0.2, 0.6, 0.6, 0.2], 500)
    selected = np.tile(np.arange(500) / 500, 4) < share
    for alone in (sex, race):
        assert demographic_parity_difference(None, selected, alone).estimate == pytest.approx(0.0)
    both = demographic_parity_difference(None, selected, crossed([sex, race]))
    assert both.estimate == pytest.approx(0.4)
    assert both.low > 0.3
