"""Labelled traffic has the types and roles of the training table."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import polars as pl

from fairloop.core.datasets import Roles
from fairloop.monitoring.traffic_rows import with_traffic
from fairloop.tables.table import ROW, Table


def traffic(
    features: list[dict[str, Any]], labels: list[Any], sensitive: list[tuple[int, str, str]] | None = None
) -> Any:
    ids = [f"prd_{i}" for i in range(len(features))]
    told = [(ids[i], a, v) for i, a, v in sensitive or []]
    return (
        pl.DataFrame({"id": ids, "features": [json.dumps(f) for f in features]}),
        pl.DataFrame({"id": ids, "label": [json.dumps(label) for label in labels]}),
        pl.DataFrame(told, schema={"id": pl.String, "attribute": pl.String, "value": pl.String}, orient="row"),
    )


def test_every_type_comes_back() -> None:
    frame = pl.DataFrame({"n": [1, 2], "x": [0.5, None], "job": ["a", "b"], "ok": [True, False],
                          "day": [date(2026, 1, 2), None], "code": [7, 8], "sex": ["F", "M"], "w": [2.0, 3.0],
                          "memo": ["p", "q"], "y": ["no", "yes"]})  # fmt: skip
    roles = Roles(target="y", positive="yes", sensitive=["sex", "code"], weight="w", ignore=["memo"])
    train = Table(frame, roles).replace(weight=[5.0, 6.0])
    rows = [
        {"n": 3, "x": 1, "job": "c", "ok": True, "day": 20_000.0},
        {"n": None, "x": None, "job": None, "ok": None, "day": None},
    ]
    made = with_traffic(train, *traffic(rows, [1, "no"], [(0, "sex", "M"), (0, "code", "9")]), first_id=100)
    assert made.roles == roles
    assert made.frame.columns == frame.with_columns(pl.lit(0).alias(ROW)).columns
    assert made.frame[ROW].to_list() == [0, 1, 100, 101]
    new = made.frame.tail(2).to_dicts()
    assert new[0] == {
        "n": 3,
        "x": 1.0,
        "job": "c",
        "ok": True,
        "day": date(2024, 10, 4),
        "code": 9,
        "sex": "M",
        "w": 1.0,
        "memo": None,
        "y": "yes",
        ROW: 100,
    }
    assert new[1]["y"] == "no"
    assert new[1]["sex"] is None
    assert made.y.tolist() == [0, 1, 1, 0]


def test_a_label_the_target_cannot_hold_leaves_its_row_out() -> None:
    train = Table(pl.DataFrame({"n": [1, 2], "y": ["no", "yes"]}), Roles(target="y", positive="yes"))
    made = with_traffic(train, *traffic([{"n": 3}, {"n": 4}], ["maybe", "yes"]), first_id=2)
    assert made.frame["y"].to_list() == ["no", "yes", "yes"]
    assert made.row_ids.tolist() == [0, 1, 2]


def test_numbers_stay_numbers() -> None:
    train = Table(pl.DataFrame({"n": [1.0, 2.0], "y": [0.25, 3.5]}), Roles(target="y"))
    made = with_traffic(train, *traffic([{"n": 3}, {"n": 4}], [7, "x"]), first_id=2)
    assert made.frame["y"].to_list() == [0.25, 3.5, 7.0]
    binary = Table(pl.DataFrame({"n": [1, 2], "y": [0, 1]}), Roles(target="y"))
    assert with_traffic(binary, *traffic([{"n": 3}], [True]), first_id=2).frame["y"].to_list() == [0, 1, 1]
