"""Files to frames: CSV with missing values and text, and Parquet."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from fairloop.errors import InvalidInput, NotFound
from fairloop.tables.images import with_pictures

MISSING = ["", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A"]
"""How tables in the wild write a missing value."""
_SEPARATORS = [",", ";", "\t", "|"]


def read_file(path: Path) -> pl.DataFrame:
    """The table in a ``.csv``, ``.tsv`` or ``.parquet`` file, types inferred over all rows.

    A column that names pictures beside the file (see images.py) becomes a column of arrays.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {str(path)!r}; check the path.")
    suffix = path.suffix.lower()
    if suffix in {".parquet", ".pq"}:
        return with_pictures(read_parquet(path), path.parent)
    if suffix in {".csv", ".tsv", ".txt"}:
        return with_pictures(_read_csv(path), path.parent)
    raise InvalidInput(f"{path.name!r} is neither .csv, .tsv nor .parquet; convert it to one of these.")


def read_parquet(source: Path | bytes) -> pl.DataFrame:
    try:
        return pl.read_parquet(source)
    except (pl.exceptions.PolarsError, OSError) as cause:
        name = source.name if isinstance(source, Path) else "The table"
        raise InvalidInput(f"{name} is not a readable Parquet file: {_first_line(cause)}.") from cause


def _read_csv(path: Path) -> pl.DataFrame:
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline().rstrip("\r\n")
    except UnicodeDecodeError as cause:
        raise InvalidInput(f"{path.name} is not UTF-8 text; save it as CSV in UTF-8.") from cause
    if not header.strip():
        raise InvalidInput(f"{path.name} is empty; its first line must name the columns.")
    separator = max(_SEPARATORS, key=header.count)
    names = [name.strip().strip('"') for name in header.split(separator)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(f"{path.name} names the column {twice[0]!r} twice; rename one.")
    try:
        frame = pl.read_csv(
            path, separator=separator, null_values=MISSING, infer_schema_length=None, try_parse_dates=True
        )
    except (pl.exceptions.PolarsError, OSError) as cause:
        raise InvalidInput(f"{path.name} is not a readable CSV file: {_first_line(cause)}.") from cause
    return frame.rename({name: name.strip() for name in frame.columns if name != name.strip()})


def _first_line(cause: BaseException) -> str:
    return (str(cause).strip().splitlines() or ["unknown reason"])[0].rstrip(".")
