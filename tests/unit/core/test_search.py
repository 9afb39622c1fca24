from __future__ import annotations

from typing import Any

import pytest

from fairloop.core.search import EVERYTHING, All, Any_, Comparison, Order, holds, parse_filter, parse_order
from fairloop.errors import InvalidInput


def one(kind: str, key: str, op: str, value: Any = None) -> Comparison:
    return Comparison(kind=kind, key=key, op=op, value=value)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", EVERYTHING),
        ("metrics.auc > 0.9", one("metric", "auc", ">", 0.9)),
        ("metric.`a b` <= -1e-3", one("metric", "a b", "<=", -0.001)),
        ("params.\"a'b\" = 'x'", one("param", "a'b", "=", "x")),
        ("tags.mlflow.runName LIKE 'a%'", one("tag", "mlflow.runName", "like", "a%")),
        ("attributes.start_time = 1700000000000", one("attribute", "start_time", "=", 1700000000000)),
        ("run_id IN ('a', 'b')", one("attribute", "run_id", "in", ("a", "b"))),
        ("params.x NOT IN ('a')", one("param", "x", "not in", ("a",))),
        ("tags.x IS NULL", one("tag", "x", "missing")),
        ("tags.x is not null", one("tag", "x", "exists")),
        ("name == 'it''s'", one("attribute", "name", "=", "it's")),
        ('params.lr = "0.1"', one("param", "lr", "=", "0.1")),
        ("metrics.a/b-c_d <> 1", one("metric", "a/b-c_d", "!=", 1)),
        (
            "a = '1' and b = '2' or c = '3'",
            Any_(
                parts=(
                    All(parts=(one("attribute", "a", "=", "1"), one("attribute", "b", "=", "2"))),
                    one("attribute", "c", "=", "3"),
                )
            ),
        ),
        (
            "a = '1' AND (b = '2' OR c = '3')",
            All(
                parts=(
                    one("attribute", "a", "=", "1"),
                    Any_(parts=(one("attribute", "b", "=", "2"), one("attribute", "c", "=", "3"))),
                )
            ),
        ),
    ],
)
def test_text_becomes_a_tree(text: str, tree: object) -> None:
    assert parse_filter(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "metrics.auc",
        "metrics.auc >",
        "> 1",
        "metrics.auc > 0.9 and",
        "metrics. > 1",
        "metrics.auc >> 1",
        "a = 'x",
        "a = 1 b = 2",
        "(a = 1",
        "a = 1)",
        "a in 'x'",
        "a in ()",
        "a in ('x'",
        "nonsense.x = 1",
        "a is 1",
        "a ~ 'x'",
        "a = x",
        "metrics.a > 1e999",
        "(" * 30 + "a = 1" + ")" * 30,
        " and ".join(["a = 1"] * 101),
        "a = '" + "x" * 8200 + "'",
        "a = 1; drop table runs",
        "a in (" + ",".join(["1"] * 1001) + ")",
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_filter(text)


def test_the_error_shows_the_place() -> None:
    with pytest.raises(InvalidInput, match="frobnicate"):
        parse_filter("metrics.auc > 0.9 frobnicate")


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("metrics.auc DESC", Order(kind="metric", key="auc", descending=True)),
        ("start_time", Order(kind="attribute", key="start_time")),
        ("params.`a b` asc", Order(kind="param", key="a b")),
        ("attributes.start_time desc", Order(kind="attribute", key="start_time", descending=True)),
    ],
)
def test_orders(text: str, order: Order) -> None:
    assert parse_order(text) == order


@pytest.mark.parametrize("text", ["", "metrics.auc sideways", "metrics.auc > 1", "x.y"])
def test_orders_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_order(text)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("a = 'x'", True),
        ("a != 'x'", False),
        ("b > 1", True),
        ("b >= 3", False),
        ("c = 'x'", False),
        ("c is null", True),
        ("a like 'x%'", True),
        ("a like 'X'", False),
        ("a ilike 'X'", True),
        ("b in (1, 2)", True),
        ("b not in (1, 2)", False),
        ("a = 'y' or b = 2", True),
        ("a = 'x' and b = 3", False),
        ("c != 'x'", False),
        ("a like '_'", True),
        ("a like '%%'", True),
        ("b = '2'", True),
        ("a is not null", True),
        ("", True),
    ],
)
def test_truth(text: str, truth: bool) -> None:
    values = {"a": "x", "b": 2}
    assert holds(parse_filter(text), lambda _, key: values.get(key)) is truth


def test_like_takes_no_exponential_time() -> None:
    pattern = "%a" * 200 + "b"
    assert not holds(one("attribute", "x", "like", pattern), lambda *_: "a" * 5000)
