from __future__ import annotations

import polars as pl
import pytest

from fairloop.core.datasets import Roles
from fairloop.core.loops import Data
from fairloop.datasets.roles import check_table, settle_roles
from fairloop.errors import InvalidInput, NotANumber
from fairloop.tables.table import Table

FRAME = pl.DataFrame({
    "x": [1.0, 2.0, 3.0, 4.0], "flag": [True, False, True, False], "zero_one": [0, 1, 1, 0], "nan": [1.5, float("nan"), 2.0, 3.0],
    "inf": [1.5, float("inf"), 2.0, 3.0], "word": ["a", "b", "a", "b"], "gap": ["a", None, "a", "b"], "one": ["a"] * 4,
    "weight": [1.0, 2.0, -1.0, 1.0], "groups": ["f", "m", "f", "m"],
})  # fmt: skip


@pytest.mark.parametrize(("target", "positive"), [("flag", True), ("zero_one", 1)])
def test_the_plain_positive_answer_is_settled(target: str, positive: object) -> None:
    table = settle_roles(Table(FRAME), Data("d", target=target, sensitive=["groups"]))
    assert table.roles.positive == positive
    assert table.task == "binary"


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (Data("d", target="nan"), NotANumber, "NaN or infinite in 1 of 4 rows"),
        (Data("d", target="inf"), NotANumber, "NaN or infinite in 1 of 4 rows"),
        (Data("d", target="gap"), InvalidInput, "missing in 1 of 4 rows"),
        (Data("d", target="word"), InvalidInput, "say which one is positive"),
        (Data("d", target="word", positive="c"), InvalidInput, "not among the answers in 'word', which are: 'a', 'b'"),
        (Data("d", target="x", positive="high"), InvalidInput, "is not a number"),
        (Data("d", target="one"), InvalidInput, "in every row; there is nothing to learn"),
        (Data("d", target="flag", sensitive=["one"]), InvalidInput, "only one group"),
        (Data("d"), InvalidInput, "names no target; add target="),
    ],
)
def test_what_does_not_fit(data: Data, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        settle_roles(Table(FRAME), data)


def test_too_many_groups_weights_and_no_features() -> None:
    many = pl.DataFrame({"age": list(range(40)), "x": list(range(40)), "y": [0, 1] * 20})
    with pytest.raises(InvalidInput, match="40 different values, too many"):
        check_table(Table(many, Roles(target="y", sensitive=["age"])))
    with pytest.raises(InvalidInput, match="weight column 'weight'"):
        check_table(Table(FRAME, Roles(target="flag", weight="weight")))
    with pytest.raises(InvalidInput, match="No column is left to learn from"):
        check_table(Table(FRAME.select("flag"), Roles(target="flag")))
    with pytest.raises(InvalidInput, match="no rows"):
        check_table(Table(FRAME.clear(), Roles(target="flag")))
