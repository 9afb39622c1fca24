from __future__ import annotations

from typing import Any

import pytest

from fairloop.errors import InvalidInput, TooLarge
from fairloop.serving.inputs import Column, Inputs, columns_of, sensitive_of

INPUTS = Inputs([Column(name="age", kind="number"), Column(name="n", kind="integer", missing=False),
                 Column(name="work", kind="category"), Column(name="on", kind="boolean"),
                 Column(name="day", kind="date"), Column(name="note", kind="text")], max_rows=3)  # fmt: skip
ROW = {"age": 1, "n": 2, "work": "a", "on": True, "day": "1970-01-03", "note": "hello"}


def test_values_are_typed_by_their_column() -> None:
    columns, n = INPUTS.from_records([ROW, {**ROW, "age": None, "n": 2.0, "work": 7, "on": 0, "day": None}])
    assert n == 2
    assert columns == {"age": [1.0, None], "n": [2, 2.0], "work": ["a", "7"], "on": [True, False], "day": [2.0, None],
                       "note": ["hello", "hello"]}  # fmt: skip


@pytest.mark.parametrize(("change", "named"), [
    ({"n": None}, "n"), ({"n": 1.5}, "n"), ({"n": "1"}, "n"), ({"n": 2**70}, "n"), ({"age": "x"}, "age"),
    ({"age": float("nan")}, "age"), ({"age": float("inf")}, "age"), ({"age": False}, "age"), ({"note": 1}, "note"),
    ({"day": "soon"}, "day"), ({"on": "yes"}, "on"), ({"on": 2}, "on"), ({"work": []}, "work"), ({"extra": 1}, "extra"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=f"'{named}'"):
        INPUTS.from_records([{**ROW, **change}])


def test_shape_faults_are_refused() -> None:
    with pytest.raises(InvalidInput, match="'work'"):
        INPUTS.from_records([ROW, {k: v for k, v in ROW.items() if k != "work"}])
    with pytest.raises(InvalidInput, match="No rows"):
        INPUTS.from_records([])
    with pytest.raises(InvalidInput, match="Row 1"):
        INPUTS.from_records([ROW, 5])
    with pytest.raises(InvalidInput, match="twice"):
        INPUTS.from_rows(["age", "age"], [[1, 2]])
    with pytest.raises(InvalidInput, match="Row 0"):
        INPUTS.from_rows(None, [[1]])
    with pytest.raises(InvalidInput, match="different numbers"):
        INPUTS.check({"age": [1], "n": [1, 2]})
    with pytest.raises(TooLarge):
        INPUTS.from_records([ROW] * 4)


def test_columns_of_both_signatures() -> None:
    ours = columns_of({"columns": [{"name": "a", "kind": "integer"}]})
    theirs = columns_of({"inputs": [{"name": "a", "type": "long", "required": True}, {"name": "b", "type": "string"}]})
    assert ours == [Column(name="a", kind="integer")]
    assert theirs == [Column(name="a", kind="integer", missing=False), Column(name="b", kind="text")]
    for bad in ({}, {"inputs": [{"type": "tensor"}]}, {"inputs": [{"name": "a", "type": "binary"}]}):
        with pytest.raises(InvalidInput):
            columns_of(bad)


def test_sensitive_values_per_row() -> None:
    assert sensitive_of(None, 2) is None
    assert sensitive_of({"sensitive": {"sex": ["F", None], "age": 3}}, 2) == [{"sex": "F", "age": "3"}, {"age": "3"}]
    for bad in ({"sensitive": 1}, {"sensitive": {"sex": ["F"]}}, {"sensitive": {"sex": [{}, {}]}},
                {"sensitive": {"sex": "x" * 201}}):  # fmt: skip
        with pytest.raises(InvalidInput):
            sensitive_of(bad, 2)
