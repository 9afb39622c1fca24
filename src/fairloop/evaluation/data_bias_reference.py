"""The reference model by which data is judged: a small, deterministic gradient boosting over a table's features.

It never sees a sensitive attribute. It stands for *a model somebody might train on these rows*, so that data can be judged
before and after a change of its labels without anybody's pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logit

from fairloop.errors import InvalidInput, Refused
from fairloop.fairness.encoding import encode
from fairloop.stats.arrays import Bools, Floats
from fairloop.tables.table import Table

MOST_ROWS = 30_000
"""Larger tables are judged by so many of their rows, drawn by id: always the same ones."""
FOLDS = 3
TEXT_PARTS = 20
TREES = 80
_GROWTH = {"objective": "binary", "learning_rate": 0.08, "num_leaves": 8, "min_data_in_leaf": 20, "lambda_l2": 5.0,
           "num_threads": 1, "seed": 0, "deterministic": True, "force_row_wise": True, "verbosity": -1,
           "max_cat_threshold": 16}  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """The rows of a binary table as the reference model reads them, split in two halves by row id."""

    table: Table

    @classmethod
    def of(cls, table: Table, most: int = MOST_ROWS) -> Judged:
        """The table, or ``most`` of its rows.

        Raises
        ------
        Refused
            The target is not binary, or there is nothing to learn from.
        """
        if table.roles.target is None or table.task != "binary":
            raise Refused("Labels are judged for a binary target; name the target and its positive answer.")
        if not table.features:
            raise Refused("There is no feature to judge the labels by; keep at least one column.")
        if len(table) <= most:
            return cls(table)
        order = np.argsort(_mixed(table.row_ids, 7), kind="stable")
        return cls(table.take(np.sort(order[:most])))

    @cached_property
    def labels(self) -> Bools:
        return np.asarray(self.table.y, dtype=np.bool_)

    @cached_property
    def half(self) -> Bools:
        """Which half a row is in: told from its id, so that a row that stays keeps its half."""
        return np.asarray(_mixed(self.table.row_ids, 3) & np.uint64(1), dtype=np.bool_)

    @cached_property
    def matrix(self) -> Floats:
        return np.concatenate([_numbers(self.table.X[name]) for name in self.table.features], axis=1)

    @cached_property
    def categories(self) -> list[int]:
        """Places of columns that hold codes of categories."""
        found, place = [], 0
        for name in self.table.features:
            column = self.table.X[name]
            if isinstance(column.dtype, pd.CategoricalDtype):
                found.append(place)
            place += TEXT_PARTS if _is_text(column) else 1
        return found

    def groups(self, attribute: str) -> tuple[npt.NDArray[np.intp], list[str]]:
        """Codes and names of the groups of a sensitive attribute."""
        if attribute not in self.table.roles.sensitive:
            known = ", ".join(self.table.roles.sensitive) or "none"
            raise InvalidInput(f"{attribute!r} is not a sensitive attribute of this data, which has: {known}.")
        return encode(self.table.sensitive[attribute], len(self.table))

    # ------------------------------------------------------------------ models
    def fit(self, rows: npt.NDArray[Any], labels: Bools, trees: int = TREES) -> lightgbm.Booster:
        data = lightgbm.Dataset(self.matrix[rows], label=labels[rows].astype(np.float64), free_raw_data=True,
                                categorical_feature=self.categories, params={"verbosity": -1})  # fmt: skip
        return lightgbm.train(_GROWTH, data, num_boost_round=trees)

    def halves(self, labels: Bools, extra: Bools | None = None) -> tuple[Floats, list[lightgbm.Booster]]:
        """Scores of every row from the model of the other half, and both models; ``extra`` rows teach both."""
        scores, models = np.zeros(len(labels)), []
        more = np.zeros(len(labels), dtype=np.bool_) if extra is None else extra
        for side in (False, True):
            judged = self.half == side
            model = self.fit(np.flatnonzero(~judged | more), labels)
            scores[judged] = np.asarray(model.predict(self.matrix[judged]))
            models.append(model)
        return scores, models

    def scores_of_rest(self, inside: Bools, labels: Bools) -> Floats:
        """Logits from models that saw no row of ``inside``; the rest is cross-fitted."""
        rest, found = np.flatnonzero(~inside), np.zeros(len(labels))
        fold = _mixed(self.table.row_ids[rest], 5) % np.uint64(FOLDS)
        group = np.flatnonzero(inside)
        for k in range(FOLDS):
            judged = rest[fold == k]
            model = self.fit(rest[fold != k], labels, 2 * TREES)
            found[judged] = _logit(np.asarray(model.predict(self.matrix[judged])))
            found[group] += _logit(np.asarray(model.predict(self.matrix[group]))) / FOLDS
        return found


def _logit(chances: Floats) -> Floats:
    return np.asarray(logit(np.clip(chances, 1e-4, 1 - 1e-4)))


def _mixed(row_ids: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.uint64]:
    """Row ids hashed to well-mixed integers (the finaliser of splitmix64)."""
    with np.errstate(over="ignore"):
        x = row_ids.astype(np.uint64) + np.uint64(seed * 0x9E3779B97F4A7C15 & 0xFFFF_FFFF_FFFF_FFFF)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray((x ^ (x >> np.uint64(31))) >> np.uint64(20))


def _is_text(column: pd.Series) -> bool:
    return not isinstance(column.dtype, pd.CategoricalDtype) and pd.api.types.is_string_dtype(column.dtype)


def _numbers(column: pd.Series) -> Floats:
    """A column as one or, for free text, several columns of numbers."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy().astype(np.float64)
        return np.where(codes < 0, np.nan, codes)[:, None]
    if _is_text(column):
        return _text_parts(column.to_list())
    return np.asarray(column.to_numpy(), dtype=np.float64)[:, None]


def _text_parts(texts: Sequence[str]) -> Floats:
    """Latent parts of the words: truncated SVD of TF-IDF."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    empty = np.zeros((len(texts), TEXT_PARTS))
    try:
        words = TfidfVectorizer(max_features=2000).fit_transform(texts)
    except ValueError:  # no word at all
        return empty
    parts = min(TEXT_PARTS, words.shape[1] - 1, words.shape[0] - 1)
    if parts < 1:
        return empty
    empty[:, :parts] = TruncatedSVD(parts, random_state=0).fit_transform(words)
    return empty
