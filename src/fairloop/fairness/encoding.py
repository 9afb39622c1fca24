"""Group values of any library as small integers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.errors import InvalidInput

if TYPE_CHECKING:
    import polars as pl

Codes = npt.NDArray[np.intp]


def encode(groups: Any, length: int | None = None) -> tuple[Codes, list[str]]:
    """Codes and names of groups; names sorted, missing values (None, NaN, null) coded -1.

    Parameters
    ----------
    groups : array, pandas Series or polars Series of shape (n,)
        Strings, categories, integers, booleans or numbers; each distinct value is one group.

    Raises
    ------
    InvalidInput
        If it is not a vector, or not ``length`` long.
    """
    codes, values = _of_polars(groups) if _is_polars(groups) else _of_others(groups)
    if length is not None and len(codes) != length:
        raise InvalidInput(f"The groups have {len(codes)} rows, the others {length}; give one value a row.")
    names = [str(value) for value in values]
    used = sorted(set(names))
    if used == names:
        return codes, names
    place = {name: index for index, name in enumerate(used)}
    mapping = np.array([place[name] for name in names] + [-1], dtype=np.intp)
    return mapping[codes], used


def _of_others(groups: Any) -> tuple[Codes, list[Any]]:
    values = (
        groups if isinstance(groups, (pd.Series, pd.Categorical, pd.Index, np.ndarray)) else np.asarray(groups, object)
    )
    if getattr(values, "ndim", 1) != 1:
        raise InvalidInput(f"The groups have {values.ndim} dimensions; give a vector with one value a row.")
    codes, distinct = pd.factorize(values, use_na_sentinel=True)
    return codes.astype(np.intp, copy=False), list(distinct)


def _is_polars(groups: Any) -> bool:
    """Nobody has made a polars Series without importing polars, which an endpoint does not need."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(groups, polars.Series)


def _of_polars(groups: pl.Series) -> tuple[Codes, list[Any]]:
    import polars as pl

    if groups.dtype == pl.String:
        distinct = groups.unique().drop_nulls()
        coded, values = groups.cast(pl.Enum(distinct)).to_physical(), distinct.to_list()
    elif groups.dtype == pl.Enum:
        coded, values = groups.to_physical(), groups.dtype.categories.to_list()  # type: ignore[attr-defined]
    elif groups.dtype == pl.Categorical:
        return _of_polars(groups.cast(pl.String))
    else:
        return _of_others(groups.to_pandas())
    if groups.null_count():
        coded = coded.cast(pl.Int64).fill_null(-1)
    return coded.to_numpy().astype(np.intp, copy=False), values
