"""Pictures and embeddings through both protocols: nested or flat lists of the signature's shape."""

from __future__ import annotations

from typing import Any

import pytest

from fairloop.errors import InvalidInput
from fairloop.serving.inputs import Inputs, columns_of
from fairloop.serving.protocols import from_invocations, from_oip, metadata

FLAT = [1.0, 2.0, 3.0, 4.0]
NESTED = [[[1, 2], [3, 4]]]
INPUTS = Inputs(columns_of({"columns": [{"name": "picture", "kind": "array", "shape": [1, 2, 2]}]}))


def tensor(shape: list[int], data: list[Any]) -> dict[str, Any]:
    return {"inputs": [{"name": "picture", "shape": shape, "datatype": "FP32", "data": data}]}


@pytest.mark.parametrize(
    "columns",
    [
        INPUTS.from_records([{"picture": NESTED}])[0],
        INPUTS.from_rows(None, [[FLAT]])[0],
        from_oip(tensor([1, 1, 2, 2], [NESTED]), INPUTS).columns,
        from_oip(tensor([1, 4], FLAT), INPUTS).columns,
        from_invocations({"dataframe_split": {"columns": ["picture"], "data": [[FLAT]]}}, INPUTS).columns,
        from_invocations({"instances": [{"picture": NESTED}]}, INPUTS).columns,
    ],
)
def test_every_way_to_send_a_picture(columns: dict[str, Any]) -> None:
    assert columns == {"picture": [FLAT]}


@pytest.mark.parametrize(
    "value", [None, 3, "x", [], [1, 2, 3], [[1, 2], [3, 4]], [[[1, 2], [3]]], [1, 2, 3, None], [1, 2, 3, True]]
)
def test_what_does_not_fit_is_named(value: Any) -> None:
    with pytest.raises(InvalidInput, match="'picture' in row 0"):
        INPUTS.from_records([{"picture": value}])


def test_a_batch_is_cut_into_rows_and_the_metadata_say_the_shape() -> None:
    asked = from_oip(tensor([2, 1, 2, 2], [*FLAT, *FLAT]), INPUTS)
    assert (asked.n, asked.columns) == (2, {"picture": [FLAT, FLAT]})
    with pytest.raises(InvalidInput, match="one to 5 sizes"):
        from_oip(tensor([1] * 6, FLAT), INPUTS)
    with pytest.raises(InvalidInput, match="has shape"):
        from_oip(tensor([1, 5], FLAT), INPUTS)
    assert metadata(INPUTS, model="m", versions=[1])["inputs"][0]["shape"] == [-1, 1, 2, 2]
