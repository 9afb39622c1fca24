"""Values between steps: what a step returned as something a row can hold, and back.

Never used in a server process: loading a value may run code of the person who made it (kind ``pickle``).
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any, Protocol

import cloudpickle

from fairloop.core import codec
from fairloop.core.datasets import Roles
from fairloop.core.records import from_plain, to_plain
from fairloop.errors import InvalidInput

INLINE_BYTES = 65_536
OWN_CLASS = "own_class"
"""Marks a pickle that carries a class by value (``__main__``, notebooks): another session defines its own, so such a
result is not used again."""
_SCALARS = (type(None), bool, int, float, str)


class BlobStore(Protocol):
    def put(self, data: bytes) -> str: ...

    def get(self, sha256: str) -> bytes: ...


def store(value: Any, blobs: BlobStore) -> dict[str, Any]:
    """``value`` as an output: small JSON inline, everything else as bytes by hash."""
    kind = _kind(value)
    if kind == "json":
        text = codec.dumps(value)
        if len(text) <= INLINE_BYTES:
            return {"json": value}
        return {"kind": "json", "sha256": blobs.put(text.encode()), "size_bytes": len(text.encode())}
    data, extra = _WRITERS[kind](value, blobs)
    return {"kind": kind, "sha256": blobs.put(data), "size_bytes": len(data), **extra}


def load(output: dict[str, Any], blobs: BlobStore) -> Any:
    """The value of an output, or of a resolved input (lists and dicts of outputs)."""
    if "json" in output:
        return output["json"]
    if "list" in output:
        return [load(part, blobs) for part in output["list"]]
    if "dict" in output:
        return {name: load(part, blobs) for name, part in output["dict"].items()}
    reader = _READERS.get(output["kind"])
    if reader is None:
        raise InvalidInput(f"A stored value of kind {output['kind']!r} is not known here; upgrade fairloop.")
    return reader(output, blobs)


def _kind(value: Any) -> str:
    if is_json(value):
        return "json"
    module, name = type(value).__module__, type(value).__name__
    if module == "fairloop.tables.table" and name == "Table":
        return "table"
    if module == "fairloop.registry.model" and name == "Model":
        return "model"
    if (polars := sys.modules.get("polars")) and isinstance(value, polars.DataFrame):
        return "frame"
    if (pandas := sys.modules.get("pandas")) and isinstance(value, pandas.DataFrame) and _plain_columns(value):
        return "frame"
    if (numpy := sys.modules.get("numpy")) and type(value) is numpy.ndarray and not value.dtype.hasobject:
        return "array"
    return "pickle"


def is_json(value: Any, depth: int = 0) -> bool:
    """Whether JSON gives back exactly ``value``: a tuple or a subclass would come back as something else."""
    if type(value) in _SCALARS:
        return not isinstance(value, str) or value.isascii() or _encodes(value)
    if depth >= codec.MAX_DEPTH:
        return False
    if type(value) is list:
        return all(is_json(v, depth + 1) for v in value)
    if type(value) is dict:
        keys = all(type(k) is str and not k.startswith("$") and _encodes(k) for k in value)
        return keys and all(is_json(v, depth + 1) for v in value.values())
    return False


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain_columns(frame: Any) -> bool:
    """Whether Parquet keeps a pandas frame as it is: unique text columns and no index of its own."""
    pandas = sys.modules["pandas"]
    names = list(frame.columns)
    plain = all(type(n) is str for n in names) and len(set(names)) == len(names)
    return plain and type(frame.index) is pandas.RangeIndex and all(str(t) != "object" for t in frame.dtypes)


# ------------------------------------------------------------------ writers
def _write_table(value: Any, _: BlobStore) -> tuple[bytes, dict[str, Any]]:
    return value.to_parquet(), {"roles": to_plain(value.roles), "rows": len(value)}


def _write_model(value: Any, blobs: BlobStore) -> tuple[bytes, dict[str, Any]]:
    """The model's files as blobs of their own, and the manifest that names them."""
    with tempfile.TemporaryDirectory() as folder:
        value.save(folder)
        files = {}
        for path in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
            data = path.read_bytes()
            files[path.relative_to(folder).as_posix()] = {"sha256": blobs.put(data), "size_bytes": len(data)}
    return codec.dumps({"files": files}).encode(), {}


def _write_frame(value: Any, _: BlobStore) -> tuple[bytes, dict[str, Any]]:
    buffer, library = io.BytesIO(), type(value).__module__.split(".")[0]
    if library == "polars":
        value.write_parquet(buffer)
    else:
        value.to_parquet(buffer)
    return buffer.getvalue(), {"library": library, "rows": len(value)}


def _write_array(value: Any, _: BlobStore) -> tuple[bytes, dict[str, Any]]:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, value, allow_pickle=False)
    return buffer.getvalue(), {}


def _write_pickle(value: Any, _: BlobStore) -> tuple[bytes, dict[str, Any]]:
    try:
        data = cloudpickle.dumps(value)
        own = {OWN_CLASS: True} if b"_make_skeleton_class" in data else {}
        return data, {"type": type(value).__qualname__, **own}
    except (TypeError, AttributeError, ValueError, RecursionError) as cause:
        raise InvalidInput(
            f"A {type(value).__name__} cannot pass between steps ({cause}); return data instead."
        ) from cause


# ------------------------------------------------------------------ readers
def _read_table(output: dict[str, Any], blobs: BlobStore) -> Any:
    from fairloop.tables.table import Table

    return Table.from_parquet(blobs.get(output["sha256"]), from_plain(Roles, output["roles"]))


def _read_model(output: dict[str, Any], blobs: BlobStore) -> Any:
    from fairloop.registry.model import Model

    with tempfile.TemporaryDirectory() as folder:
        for name, file in codec.loads(blobs.get(output["sha256"]))["files"].items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(blobs.get(file["sha256"]))
        return Model.load(folder)


def _read_frame(output: dict[str, Any], blobs: BlobStore) -> Any:
    buffer = io.BytesIO(blobs.get(output["sha256"]))
    if output["library"] == "polars":
        import polars as pl

        return pl.read_parquet(buffer)
    import pandas as pd

    return pd.read_parquet(buffer)


def _read_array(output: dict[str, Any], blobs: BlobStore) -> Any:
    import numpy as np

    return np.load(io.BytesIO(blobs.get(output["sha256"])), allow_pickle=False)


def _read_json(output: dict[str, Any], blobs: BlobStore) -> Any:
    return codec.loads(blobs.get(output["sha256"]), trusted=True)


def _read_pickle(output: dict[str, Any], blobs: BlobStore) -> Any:
    return cloudpickle.loads(blobs.get(output["sha256"]))


_WRITERS = {"table": _write_table, "model": _write_model, "frame": _write_frame, "array": _write_array,
            "pickle": _write_pickle}  # fmt: skip
_READERS = {"table": _read_table, "model": _read_model, "frame": _read_frame, "array": _read_array,
            "json": _read_json, "pickle": _read_pickle}  # fmt: skip
