"""The Table: rows with the roles of their columns. What steps pass to each other."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl

from fairloop.core.datasets import Roles
from fairloop.errors import InvalidInput
from fairloop.tables.features import feature_column, group_labels
from fairloop.tables.reading import read_file, read_parquet
from fairloop.tables.splits import split_indices

ROW, WEIGHT, Y = "_row", "_weight", "_y"
RESERVED = (ROW, WEIGHT, Y)
"""Columns of ours inside the frame: the row's stable id, and a weight or answer that a mitigation set."""
Floats = npt.NDArray[np.float64]


class Table:
    """Rows with roles: which column is the target, which are sensitive, which is the weight.

    The features ``X`` never hold the target, a sensitive attribute, the weight or an ignored column. A Table is not
    changed in place: :meth:`replace`, :meth:`take`, :meth:`split` and :meth:`with_frame` give new ones with the same
    roles.

    Parameters
    ----------
    frame : polars.DataFrame or pandas.DataFrame
        The rows. The column ``_row`` holds stable row ids; it is added when missing.
    roles : Roles
        What the columns are for.
    """

    def __init__(self, frame: Any, roles: Roles | None = None) -> None:
        self.roles = roles or Roles()
        self.frame = _with_row_ids(_to_polars(frame))
        check_roles(self.frame, self.roles)

    # ------------------------------------------------------------------ what steps read
    @property
    def columns(self) -> list[str]:
        """The table's own columns, without Fairloop's ``_row``, ``_weight`` and ``_y``."""
        return [name for name in self.frame.columns if name not in RESERVED]

    @property
    def features(self) -> list[str]:
        """Names of the columns a model may read."""
        roles = self.roles
        hidden = {roles.target, roles.weight, *roles.sensitive, *roles.ignore}
        return [name for name in self.columns if name not in hidden]

    @property
    def X(self) -> pd.DataFrame:  # the word of the field
        """Features as pandas: numbers, categoricals for text that names categories, and free text."""
        columns = {name: feature_column(self.frame[name]) for name in self.features}
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self)))

    @property
    def y(self) -> npt.NDArray[Any]:
        """The answers: int8 0 or 1 (1 is the positive one) for a binary target, else the values as they are."""
        if Y in self.frame.columns:
            found = self.frame[Y].to_numpy()
            return found.astype(np.int8) if self.task == "binary" else found.copy()
        target = self._target()
        if self.task == "binary":
            positive = True if self.roles.positive is None else self.roles.positive
            return (target.cast(pl.String) == _as_text(positive, target.dtype)).to_numpy().astype(np.int8)
        if self.task == "regression":
            return target.cast(pl.Float64).to_numpy().copy()
        return (
            np.asarray(target.cast(pl.String).to_list()) if not target.dtype.is_numeric() else target.to_numpy().copy()
        )

    @property
    def weight(self) -> Floats:
        """How much each row counts; ones unless a column or a mitigation says otherwise."""
        name = WEIGHT if WEIGHT in self.frame.columns else self.roles.weight
        if name is None:
            return np.ones(len(self))
        return self.frame[name].cast(pl.Float64).to_numpy().copy()

    @property
    def sensitive(self) -> pd.DataFrame:
        """The sensitive attributes as text, one column each; a missing value belongs to no group."""
        columns = {name: group_labels(self.frame[name]) for name in self.roles.sensitive}
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self)), dtype="str")

    @property
    def row_ids(self) -> npt.NDArray[np.int64]:
        return self.frame[ROW].cast(pl.Int64).to_numpy().copy()

    @property
    def task(self) -> str:
        """``binary``, ``multiclass`` or ``regression``, told from the target."""
        target = self._target()
        if self.roles.positive is not None or target.dtype == pl.Boolean:
            return "binary"
        if not target.dtype.is_numeric():
            return "multiclass"
        values = target.unique()
        if set(values.to_list()) <= {0, 1}:
            return "binary"
        fractions = target.dtype.is_float() and bool((values != values.floor()).any())
        return "regression" if fractions or len(values) > 20 else "multiclass"

    def to_polars(self) -> pl.DataFrame:
        """All columns, with the row ids in ``_row``."""
        return self.frame

    def to_pandas(self) -> pd.DataFrame:
        """All columns as pandas; the row ids are the index."""
        frame: pd.DataFrame = self.frame.drop(ROW).to_pandas()
        return frame.set_index(pd.Index(self.row_ids, name=ROW))

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        return f"Table({len(self)} rows, {len(self.features)} features, target {self.roles.target!r})"

    def _repr_html_(self) -> str:
        shown = self.frame.drop([name for name in RESERVED if name in self.frame.columns])
        return str(shown._repr_html_())

    # ------------------------------------------------------------------ new tables from this one
    def replace(self, *, weight: npt.ArrayLike | None = None, y: npt.ArrayLike | None = None) -> Table:
        """The same rows with other weights or other answers; the trainer sees them as ``.weight`` and ``.y``."""
        new: list[pl.Series] = []
        if weight is not None:
            values = np.asarray(weight, dtype=np.float64)
            if not np.isfinite(values).all() or (values < 0).any():
                raise InvalidInput("A weight is negative, NaN or infinite; weights must be finite and not below zero.")
            new.append(pl.Series(WEIGHT, values))
        if y is not None:
            answers = np.asarray(y)
            if self.task == "binary" and not np.isin(answers, (0, 1)).all():
                raise InvalidInput("The answers of a binary table must be 0 or 1.")
            new.append(pl.Series(Y, answers.astype(np.int8) if self.task == "binary" else answers))
        for column in new:
            if len(column) != len(self):
                raise InvalidInput(f"{len(column)} values were given for {len(self)} rows; give one a row.")
        return self._like(self.frame.with_columns(new))

    def with_frame(self, frame: Any) -> Table:
        """Other rows or columns under the same roles; refused when a column with a role is gone."""
        return self._like(frame)

    def take(self, indices: npt.ArrayLike) -> Table:
        """The rows at these positions, in this order."""
        return self._like(self.frame[np.asarray(indices)])

    def split(self, *fractions: float, seed: int = 0) -> tuple[Table, ...]:
        """Random parts of about these sizes; a row's part depends on its id and the seed alone.

        A table that grows keeps every row in its part: what was test stays test.

        Examples
        --------
        >>> train, valid, test = people.split(0.6, 0.2, 0.2)  # doctest: +SKIP
        """
        return tuple(self.take(part) for part in split_indices(self.row_ids, fractions, seed))

    def with_roles(self, **changes: Any) -> Table:
        """The same rows with some roles changed."""
        return Table(self.frame, replaced(self.roles, **changes))

    # ------------------------------------------------------------------ files
    @classmethod
    def from_file(cls, path: str | Path, roles: Roles | None = None) -> Table:
        """The table in a CSV or Parquet file."""
        frame = read_file(Path(path))
        if taken := [name for name in RESERVED[1:] if name in frame.columns]:
            raise InvalidInput(f"The column name {taken[0]!r} is reserved; rename the column.")
        return cls(frame, roles)

    def to_parquet(self) -> bytes:
        """Parquet bytes; equal tables give equal bytes."""
        buffer = io.BytesIO()
        self.frame.write_parquet(buffer, compression="zstd", statistics=True)
        return buffer.getvalue()

    @classmethod
    def from_parquet(cls, data: bytes, roles: Roles | None = None) -> Table:
        return cls(read_parquet(data), roles)

    # ------------------------------------------------------------------ inside
    def _like(self, frame: Any) -> Table:
        return Table(frame, self.roles)

    def _target(self) -> pl.Series:
        if self.roles.target is None:
            raise InvalidInput("This table has no target; name one, for example fl.Data(..., target='income').")
        return self.frame[self.roles.target]


def _to_polars(frame: Any) -> pl.DataFrame:
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pd.DataFrame):
        found = pl.from_pandas(frame)
        keeps_ids = ROW not in found.columns and frame.index.name == ROW
        return found.with_columns(pl.Series(ROW, frame.index.to_numpy(), dtype=pl.Int64)) if keeps_ids else found
    raise InvalidInput(f"A Table is made from a polars or pandas DataFrame, not from a {type(frame).__name__}.")


def _with_row_ids(frame: pl.DataFrame) -> pl.DataFrame:
    if ROW in frame.columns and frame[ROW].dtype.is_integer() and frame[ROW].null_count() == 0:
        return frame
    return frame.with_columns(pl.Series(ROW, np.arange(frame.height), dtype=pl.Int64))


def _as_text(positive: object, dtype: pl.DataType) -> str:
    """``positive`` as polars writes a value of ``dtype`` in text, so that 1, 1.0 and True mean the same answer."""
    if dtype == pl.Boolean:
        return "true" if str(positive).lower() in {"true", "1", "1.0"} else "false"
    if dtype.is_numeric():
        try:
            return str(pl.Series([float(positive)]).cast(dtype).cast(pl.String)[0])  # type: ignore[arg-type]
        except (ValueError, pl.exceptions.PolarsError) as cause:
            raise InvalidInput(f"positive={positive!r} is not a number, but the target holds numbers.") from cause
    return str(positive)


def check_roles(frame: pl.DataFrame, roles: Roles) -> None:
    """InvalidInput when a column with a role does not exist or has two roles."""
    named: Sequence[str] = [n for n in (roles.target, roles.weight, *roles.sensitive) if n is not None]
    for name in (*named, *roles.ignore):
        if name not in frame.columns:
            known = ", ".join(n for n in frame.columns if n not in RESERVED)
            raise InvalidInput(f"There is no column {name!r}; the table has: {known[:300]}.")
    if twice := [name for name in named if named.count(name) > 1]:
        raise InvalidInput(f"The column {twice[0]!r} has two roles; give it one of target, weight and sensitive.")
