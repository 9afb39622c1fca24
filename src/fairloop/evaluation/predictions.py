"""The predictions of an evaluation, kept so that anyone can compute its numbers again."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fairloop.tables.table import Table

FIXED = ("row_id", "label", "score", "predicted", "weight")


def predictions_file(table: Table, scores: npt.NDArray[np.float64], predicted: npt.NDArray[Any]) -> bytes:
    """Parquet with row_id, label, score, predicted, weight and one text column a sensitive attribute.

    ``label`` is 0/1 for a binary target (1 is the positive answer). For multiclass, score is the probability of the
    predicted class. A sensitive attribute named like a fixed column gets the prefix ``group_``.
    """
    score = scores if scores.ndim == 1 else scores.max(axis=1)
    columns: dict[str, Any] = {"row_id": table.row_ids, "label": table.y, "score": score, "predicted": predicted,
                               "weight": table.weight}  # fmt: skip
    for name in table.roles.sensitive:
        columns[f"group_{name}" if name in FIXED else name] = table.frame[name].cast(pl.String)
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def part_hash(table: Table) -> str:
    """Names the very rows of a part, whatever order its columns have."""
    told = hashlib.sha256(table.row_ids.tobytes())
    told.update("\n".join(map(str, table.y.tolist())).encode())
    return told.hexdigest()
