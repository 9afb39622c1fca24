from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairloop.core.codec import bits_of
from fairloop.core.datasets import Roles
from fairloop.errors import InvalidInput
from fairloop.pipelines import values
from fairloop.tables.table import Table


class Memory:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self.kept[sha256] = data
        return sha256

    def get(self, sha256: str) -> bytes:
        return self.kept[sha256]


def there_and_back(value: Any) -> tuple[dict[str, Any], Any]:
    blobs = Memory()
    output = values.store(value, blobs)
    return output, values.load(output, blobs)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


def exactly(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return bits_of(a) == bits_of(b)
    if isinstance(a, list):
        return len(a) == len(b) and all(exactly(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(exactly(a[k], b[k]) for k in a)
    return bool(a == b)


@given(json_values)
def test_json_values_come_back_exactly(value: Any) -> None:
    _, back = there_and_back(value)
    assert exactly(value, back)


def test_large_json_goes_by_hash() -> None:
    output, back = there_and_back(["x" * 1000] * 100)
    assert (output["kind"], len(back)) == ("json", 100)


@pytest.mark.parametrize("value", [(1, 2), {1: "a"}, {"$float": 1}, {"s"}, b"bytes", np.float64(1.5), [(1,)], 1 + 2j],
                         ids=repr)  # fmt: skip
def test_what_json_would_change_keeps_its_type(value: Any) -> None:
    output, back = there_and_back(value)
    assert output["kind"] == "pickle"
    assert back == value
    assert type(back) is type(value)


@dataclass
class Point:
    x: float


def test_objects_pass_by_pickle() -> None:
    output, back = there_and_back(Point(math.pi))
    assert back == Point(math.pi)
    assert "own_class" not in output


def test_a_class_of_this_session_is_marked() -> None:
    @dataclass
    class Own:
        x: int

    assert there_and_back(Own(1))[0]["own_class"] is True


def test_frames_and_arrays_in_open_formats() -> None:
    for frame in (pl.DataFrame({"a": [1, None], "b": ["x", "y"]}), pd.DataFrame({"a": [1.5, 2.5]})):
        output, back = there_and_back(frame)
        assert output["kind"] == "frame"
        assert type(back) is type(frame)
        assert back.equals(frame)
    array = np.array([[1.0, -0.0], [np.nan, np.inf]])
    output, back = there_and_back(array)
    assert output["kind"] == "array"
    assert back.tobytes() == array.tobytes()


def test_a_pandas_index_is_kept() -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=["r", "s"])
    output, back = there_and_back(frame)
    assert output["kind"] == "pickle"
    assert back.equals(frame)


def test_tables_keep_their_roles() -> None:
    table = Table(pl.DataFrame({"age": [1, 2], "sex": ["f", "m"], "y": [0, 1]}), Roles(target="y", sensitive=["sex"]))
    output, back = there_and_back(table)
    assert output["kind"] == "table"
    assert output["roles"]["sensitive"] == ["sex"]
    assert back.roles == table.roles
    assert back.features == ["age"]


def test_containers_of_outputs_are_loaded_inside() -> None:
    blobs = Memory()
    stored = values.store((1, 2), blobs)
    resolved = {"dict": {"a": {"list": [stored, {"json": 3}]}, "b": {"json": None}}}
    assert values.load(resolved, blobs) == {"a": [(1, 2), 3], "b": None}


def test_what_cannot_pass_is_refused_by_name() -> None:
    import threading

    with pytest.raises(InvalidInput, match="A lock cannot pass between steps"):
        values.store(threading.Lock(), Memory())
    with pytest.raises(InvalidInput, match="kind 'hologram'"):
        values.load({"kind": "hologram", "sha256": "0" * 64}, Memory())
