"""Tables: sensitive columns never reach the features, whatever the roles; what is written comes back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairloop.core.datasets import Roles
from fairloop.errors import InvalidInput
from fairloop.tables.table import Table

NAMES = ["age", "hours", "job", "sex", "race", "income", "count", "part"]


def people(rows: int = 200) -> pl.DataFrame:
    random = np.random.default_rng(1)
    return pl.DataFrame({
        "age": random.integers(18, 90, rows), "hours": random.normal(40, 10, rows),
        "job": random.choice(["cook", "nurse", "clerk"], rows), "sex": random.choice(["F", "M"], rows),
        "race": random.choice(["a", "b", "c"], rows), "income": random.choice(["<=50K", ">50K"], rows),
        "count": random.random(rows) + 0.5, "part": random.choice(["x", "y"], rows),
    })  # fmt: skip


ROLES = Roles(target="income", positive=">50K", sensitive=["sex", "race"], weight="count", ignore=["part"])


def test_roles_decide_what_a_model_sees() -> None:
    table = Table(people(), ROLES)
    assert table.features == ["age", "hours", "job"]
    assert list(table.X.columns) == table.features
    assert table.task == "binary"
    assert table.y.dtype == np.int8
    assert set(table.y) == {0, 1}
    np.testing.assert_array_equal(table.y == 1, (people()["income"] == ">50K").to_numpy())
    np.testing.assert_array_equal(table.weight, people()["count"].to_numpy())
    assert list(table.sensitive.columns) == ["sex", "race"]
    assert len(table) == 200
    assert "_row" not in table.columns


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_hidden_columns_are_never_features(data: st.DataObject) -> None:
    names = data.draw(st.permutations(NAMES))
    cut = data.draw(st.integers(0, 3))
    roles = Roles(target=names[0], sensitive=list(names[1 : 1 + cut]), ignore=list(names[5:7]),
                  weight="count" if "count" in names[7:] else None)  # fmt: skip
    table = Table(people(60), roles)
    hidden = {roles.target, roles.weight, *roles.sensitive, *roles.ignore, "_row", "_weight", "_y"}
    changed = table.replace(weight=np.ones(60)).take(np.arange(30))
    for one in (table, changed, *table.split(0.5, 0.5), table.with_frame(table.to_pandas())):
        assert not hidden & set(one.X.columns)
        assert set(one.features) == set(NAMES) - hidden


def test_parquet_round_trip_keeps_bits_ids_and_overrides() -> None:
    table = Table(people(), ROLES).take([5, 3, 9]).replace(weight=[0.1, 0.2, 1e-300], y=[1, 0, 1])
    again = Table.from_parquet(table.to_parquet(), table.roles)
    assert again.frame.equals(table.frame)
    assert again.row_ids.tolist() == [5, 3, 9]
    assert again.weight.tolist() == [0.1, 0.2, 1e-300]
    assert again.y.tolist() == [1, 0, 1]
    assert table.to_parquet() == again.to_parquet()


def test_a_step_may_go_through_pandas_or_polars() -> None:
    table = Table(people(), ROLES).take(np.arange(50, 150))
    by_pandas = table.with_frame(table.to_pandas().query("age > 40"))
    by_polars = table.with_frame(table.to_polars().filter(pl.col("age") > 40))
    assert by_pandas.row_ids.tolist() == by_polars.row_ids.tolist()
    assert by_pandas.roles == table.roles
    with pytest.raises(InvalidInput, match="no column 'sex'"):
        table.with_frame(table.to_polars().drop("sex"))
    assert "age" in table._repr_html_()
    assert repr(table) == "Table(100 rows, 3 features, target 'income')"


def test_features_as_models_read_them() -> None:
    frame = pl.DataFrame({
        "whole": [1, 2, 3], "gaps": [1, None, 3], "real": [0.5, None, 2.0], "flag": [True, False, True],
        "maybe": [True, None, False], "kind": ["b", None, "a"],
        "words": ["a long and winding text here now", "another long text with many words", None],
        "day": pl.Series(["1970-01-02", "1970-01-03", None]).str.to_date(), "empty": [None, None, None], "y": [0, 1, 0],
    })  # fmt: skip
    X = Table(frame, Roles(target="y")).X
    assert X["whole"].dtype == np.int64
    np.testing.assert_array_equal(X["gaps"], [1.0, np.nan, 3.0])
    assert X["flag"].dtype == np.bool_
    np.testing.assert_array_equal(X["maybe"], [1.0, np.nan, 0.0])
    assert list(X["kind"].cat.categories) == ["a", "b"]
    assert X["kind"].isna().tolist() == [False, True, False]
    assert isinstance(X["words"].dtype, pd.StringDtype)
    np.testing.assert_array_equal(X["day"], [1.0, 2.0, np.nan])
    assert X["empty"].isna().all()


@pytest.mark.parametrize(
    ("values", "positive", "task", "first"),
    [
        (["no", "yes", "no"], "yes", "binary", 0),
        ([1, 0, 1], None, "binary", 1),
        ([True, False, True], None, "binary", 1),
        ([2, 5, 5], 2, "binary", 1),
        ([2.0, 5.0, 5.0], 5, "binary", 0),
        (["a", "b", "c"], None, "multiclass", "a"),
        ([1.5, 2.5, 9.0], None, "regression", 1.5),
        (list(range(30)), None, "regression", 0.0),
    ],
)
def test_task_and_answers(values: list[object], positive: object, task: str, first: object) -> None:
    table = Table(pl.DataFrame({"x": list(range(len(values))), "y": values}), Roles(target="y", positive=positive))  # type: ignore[arg-type]
    assert table.task == task
    assert table.y[0] == first


def test_missing_groups_belong_to_no_group() -> None:
    table = Table(pl.DataFrame({"sex": ["F", None], "y": [0, 1], "x": [1, 2]}), Roles(target="y", sensitive=["sex"]))
    assert table.sensitive["sex"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (lambda t: t.replace(weight=[1.0]), "1 values were given for 200 rows"),
        (lambda t: t.replace(weight=np.full(200, np.nan)), "finite and not below zero"),
        (lambda t: t.replace(weight=np.full(200, -1.0)), "finite and not below zero"),
        (lambda t: t.replace(y=np.full(200, 3)), "0 or 1"),
        (lambda t: t.with_roles(target="salary"), "no column 'salary'"),
        (lambda t: t.with_roles(sensitive=["sex", "sex"]), "two roles"),
        (lambda t: Table([1, 2]), "not from a list"),
        (lambda t: Table(people()).y, "has no target"),
        (lambda t: t.split(0.9, 0.2), "at most 1"),
    ],
)
def test_what_does_not_fit_is_named(what: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        what(Table(people(), ROLES))  # type: ignore[operator]


def test_columns_no_model_reads_are_named() -> None:
    with pytest.raises(InvalidInput, match="'lists' holds List"):
        Table(pl.DataFrame({"lists": [["a"], ["b"]], "y": [0, 1]}), Roles(target="y")).X  # noqa: B018
