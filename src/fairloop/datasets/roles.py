"""Do these roles fit this table? Every answer is one sentence that names the column and the fix."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from fairloop.core.datasets import Roles
from fairloop.core.loops import Data
from fairloop.errors import InvalidInput, NotANumber
from fairloop.tables.kinds import kind_of
from fairloop.tables.table import Table

MAX_GROUPS = 20
MAX_CLASSES = 50


def settle_roles(table: Table, data: Data, ignore: list[str] | None = None) -> Table:
    """``table`` under the roles that ``data`` names, checked, with the positive answer filled in where it is plain.

    Raises
    ------
    InvalidInput
        A column does not exist, the target has missing values or one value only, the positive answer does not occur,
        a sensitive attribute has too many groups, or no feature is left.
    """
    if not data.target:
        raise InvalidInput(f"fl.Data({data.name!r}) names no target; add target='...', one of: {_names(table)}.")
    roles = Roles(target=data.target, positive=data.positive, sensitive=list(data.sensitive), ignore=list(ignore or []))
    return check_table(Table(table.frame, roles))


def check_table(table: Table) -> Table:
    """The table itself when its rows fit its roles, with ``positive`` settled for a binary target."""
    if not len(table):
        raise InvalidInput("The table has no rows; give a file with data.")
    for name in table.columns:
        kind_of(table.frame[name])
    roles = table.roles
    if roles.weight is not None and not _usable_weights(table):
        raise InvalidInput(
            f"The weight column {roles.weight!r} holds missing, negative or infinite values; correct them."
        )
    for name in roles.sensitive:
        _check_groups(table.frame[name])
    if roles.target is None:
        return table
    if not table.features:
        raise InvalidInput(f"No column is left to learn from beside the target {roles.target!r}; add some.")
    return Table(table.frame, replace(roles, positive=_settled_positive(table.frame[roles.target], roles.positive)))


def _settled_positive(target: pl.Series, positive: Any) -> Any:
    name = target.name
    if missing := target.null_count():
        raise InvalidInput(
            f"The target {name!r} is missing in {missing} of {len(target)} rows; remove or complete these rows."
        )
    if target.dtype.is_float() and not bool(target.is_finite().all()):
        count = int((~target.is_finite()).sum())
        raise NotANumber(f"The target {name!r} is NaN or infinite in {count} of {len(target)} rows; remove these rows.")
    if kind_of(target) in {"text", "date"}:
        raise InvalidInput(
            f"The target {name!r} holds {kind_of(target)}, which cannot be predicted; choose another column."
        )
    answers = target.unique().sort().to_list()
    if len(answers) == 1:
        raise InvalidInput(f"The target {name!r} is {answers[0]!r} in every row; there is nothing to learn.")
    numbers = target.dtype.is_numeric()
    if positive is None:
        if target.dtype == pl.Boolean or (numbers and set(answers) == {0, 1}):
            return True if target.dtype == pl.Boolean else 1
        if len(answers) == 2 and not numbers:
            raise InvalidInput(f"The target {name!r} has two answers, {answers[0]!r} and {answers[1]!r}: say which one is "
                               f"positive, for example positive={answers[1]!r}.")  # fmt: skip
        if not numbers and len(answers) > MAX_CLASSES:
            raise InvalidInput(f"The target {name!r} has {len(answers)} different answers; choose a column with "
                               f"{MAX_CLASSES} or fewer, or one of numbers.")  # fmt: skip
        return None
    known = Table(target.to_frame(), Roles(target=name, positive=positive)).y
    if not known.any():
        shown = ", ".join(repr(a) for a in answers[:10])
        raise InvalidInput(f"positive={positive!r} is not among the answers in {name!r}, which are: {shown}.")
    if known.all():
        raise InvalidInput(f"Every row of {name!r} is {positive!r}; there is nothing to learn.")
    return positive


def _check_groups(column: pl.Series) -> None:
    groups = column.n_unique()
    if groups > MAX_GROUPS:
        raise InvalidInput(f"The sensitive attribute {column.name!r} has {groups} different values, too many to compare "
                           f"as groups; band it into {MAX_GROUPS} or fewer first.")  # fmt: skip
    if column.drop_nulls().n_unique() < 2:
        raise InvalidInput(f"The sensitive attribute {column.name!r} has only one group, so nothing can be compared.")


def _usable_weights(table: Table) -> bool:
    column = table.frame[table.roles.weight or ""]
    if not column.dtype.is_numeric() or column.null_count():
        return False
    weight = table.weight
    return bool(np.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0)


def _names(table: Table) -> str:
    return ", ".join(table.columns)[:300]
