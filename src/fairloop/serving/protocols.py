"""The two ways to ask: Open Inference Protocol v2 and MLflow's /invocations, to and from checked columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgspec

from fairloop.errors import InvalidInput
from fairloop.serving.inputs import Columns, Inputs, sensitive_of

_MOST_SIZES = 5
"""Rows, and four ways an array may extend (channels, depth, height, width)."""
_TEXT_TYPES = {"BYTES", "STRING"}
_OIP_TYPES = {"BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64",
              *_TEXT_TYPES}  # fmt: skip
_OIP_OF = {
    "number": "FP64",
    "integer": "INT64",
    "boolean": "BOOL",
    "text": "BYTES",
    "category": "BYTES",
    "date": "BYTES",
    "array": "FP32",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One checked request."""

    columns: Columns
    n: int
    sensitive: list[dict[str, str]] | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    scores: list[float]
    predicted: list[Any]
    ids: list[str]


def decode(body: bytes) -> dict[str, Any]:
    """The body's JSON object; InvalidInput for anything else, however malformed."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as cause:
        hint = " (NaN is not JSON: send null for a missing value)" if b"NaN" in body else ""
        raise InvalidInput(f"The body is not valid JSON: {str(cause)[:200]}{hint}.") from cause
    if not isinstance(value, dict):
        raise InvalidInput("The body must be a JSON object.")
    return value


# ------------------------------------------------------------------ MLflow /invocations
def from_invocations(body: dict[str, Any], inputs: Inputs) -> Asked:
    """Exactly one of dataframe_split, dataframe_records, instances and inputs, with ``params.sensitive`` beside it."""
    given = [k for k in ("dataframe_split", "dataframe_records", "instances", "inputs") if k in body]
    if len(given) != 1:
        raise InvalidInput("Send exactly one of dataframe_split, dataframe_records, instances and inputs.")
    data = body[given[0]]
    if given[0] == "dataframe_split":
        if not isinstance(data, dict) or not isinstance(data.get("data"), list):
            raise InvalidInput('dataframe_split must be {"columns": [...], "data": [[...], ...]}.')
        names = data.get("columns")
        if names is not None and not isinstance(names, list):
            raise InvalidInput("dataframe_split.columns must be a list of column names.")
        columns, n = inputs.from_rows(names, data["data"])
    elif isinstance(data, dict):
        if given[0] == "dataframe_records":
            raise InvalidInput("dataframe_records must be a list of objects, one a row.")
        columns, n = inputs.check({name: v if isinstance(v, list) else [v] for name, v in data.items()})
    elif isinstance(data, list):
        plain_rows = bool(data) and isinstance(data[0], list) and given[0] != "dataframe_records"
        columns, n = inputs.from_rows(None, data) if plain_rows else inputs.from_records(data)
    else:
        raise InvalidInput(f"{given[0]} must be a list of rows or an object of columns.")
    params = body.get("params")
    return Asked(columns, n, sensitive_of(params, n), _text_id(params))


def to_invocations(answer: Answer) -> dict[str, Any]:
    return {"predictions": answer.predicted, "scores": answer.scores, "prediction_ids": answer.ids}


# ------------------------------------------------------------------ OIP v2
def from_oip(body: dict[str, Any], inputs: Inputs) -> Asked:
    """One tensor per column (shape [n] or [n, 1]; [n, ...] for a column of arrays), or one [n, k] tensor with every column
    in the signature's order."""
    tensors = body.get("inputs")
    if not isinstance(tensors, list) or not tensors:
        raise InvalidInput("inputs must be a list of tensors with name, shape, datatype and data.")
    read = [_tensor(t, index) for index, t in enumerate(tensors)]
    first_name, first_shape, first = read[0]
    if (
        len(read) == 1
        and first_name not in inputs.names
        and len(first_shape) == 2
        and first_shape[1] == len(inputs.names)
    ):
        k = first_shape[1]
        columns, n = inputs.from_rows(None, [first[i : i + k] for i in range(0, len(first), k)])
    else:
        named: Columns = {}
        for name, shape, data in read:
            if name in inputs.arrays and len(shape) > 1:
                size = math.prod(shape[1:])
                data = [data[i * size : (i + 1) * size] for i in range(shape[0])]
            elif len(shape) > 1 and shape[1:] != [1]:
                raise InvalidInput(f"The tensor {name!r} has shape {shape}; send [rows] or [rows, 1] for a column.")
            if name in named:
                raise InvalidInput(f"The tensor {name!r} stands twice in inputs; keep one.")
            named[name] = data
        columns, n = inputs.check(named)
    parameters = body.get("parameters")
    own = body.get("id")
    return Asked(columns, n, sensitive_of(parameters, n), own if isinstance(own, str) else _text_id(parameters))


def _tensor(tensor: Any, index: int) -> tuple[str, list[int], list[Any]]:
    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
        raise InvalidInput(f"Input {index} has no name; send name, shape, datatype and data.")
    name, shape, kind = tensor["name"][:200], tensor.get("shape"), tensor.get("datatype")
    if not isinstance(kind, str) or kind not in _OIP_TYPES:
        known = ", ".join(sorted(_OIP_TYPES))
        raise InvalidInput(f"The tensor {name!r} has datatype {str(kind)[:40]!r}; known are {known}.")
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= _MOST_SIZES
        or any(type(s) is not int or s < 0 for s in shape)
    ):
        raise InvalidInput(f"The tensor {name!r} needs a shape of one to {_MOST_SIZES} sizes, for example [1].")
    data = tensor.get("data")
    if not isinstance(data, list):
        raise InvalidInput(f"The tensor {name!r} needs its values in data, as a list.")
    while data and isinstance(data[0], list):
        if not all(isinstance(row, list) for row in data):
            raise InvalidInput(f"The tensor {name!r} mixes lists and values; send one list per row, or one flat list.")
        data = [value for row in data for value in row]
    if len(data) != math.prod(shape):
        raise InvalidInput(f"The tensor {name!r} has shape {shape} but {len(data)} values.")
    if kind in _TEXT_TYPES and any(v is not None and type(v) is not str for v in data):
        raise InvalidInput(f"The tensor {name!r} has datatype {kind}; every value must be text.")
    if kind == "BOOL":
        data = [bool(v) if v in (0, 1) else v for v in data]
    return name, shape, data


def _text_id(parameters: Any) -> str:
    own = parameters.get("id") if isinstance(parameters, dict) else None
    return own[:200] if isinstance(own, str) else ""


def to_oip(answer: Answer, *, model: str, version: int, deployment_id: str, asked: Asked) -> dict[str, Any]:
    n = asked.n
    found: dict[str, Any] = {
        "model_name": model, "model_version": str(version), "parameters": {"deployment": deployment_id},
        "outputs": [
            {"name": "score", "shape": [n], "datatype": "FP64", "data": answer.scores},
            {"name": "predicted", "shape": [n], "datatype": _datatype(answer.predicted), "data": answer.predicted},
            {"name": "prediction_id", "shape": [n], "datatype": "BYTES", "data": answer.ids},
        ],
    }  # fmt: skip
    if asked.id:
        found["id"] = asked.id
    return found


def _datatype(values: list[Any]) -> str:
    first = values[0]
    return "BOOL" if isinstance(first, bool) else "INT64" if isinstance(first, int) else (
        "FP64" if isinstance(first, float) else "BYTES")  # fmt: skip


def metadata(inputs: Inputs, *, model: str, versions: list[int]) -> dict[str, Any]:
    """OIP model metadata."""
    return {
        "name": model, "versions": [str(v) for v in versions], "platform": "fairloop",
        "inputs": [{"name": c.name, "datatype": _OIP_OF[c.kind], "shape": [-1, *c.shape],
                    "parameters": {"kind": c.kind, "nullable": c.missing}} for c in inputs.columns],
        "outputs": [{"name": "score", "datatype": "FP64", "shape": [-1]},
                    {"name": "predicted", "datatype": "INT64", "shape": [-1]},
                    {"name": "prediction_id", "datatype": "BYTES", "shape": [-1]}],
    }  # fmt: skip
