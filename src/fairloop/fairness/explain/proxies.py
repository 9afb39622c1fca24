"""How well each column, and the model's score, tells a sensitive attribute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chi2

from fairloop.fairness.encoding import encode
from fairloop.stats.arrays import Floats
from fairloop.stats.corrections import holm
from fairloop.stats.estimate import Estimate
from fairloop.stats.quality import roc_auc

FOLDS = 5
BINS = 20
MIN_GROUP = 20
_PRIOR = 5.0
_EXPECTED = 5.0
MOST_ROWS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """How well one column tells the group: 0.5 not at all, 1 perfectly. ``p`` is corrected for all columns asked."""

    column: str
    strength: Estimate
    p: float
    per_group: dict[str, float]

    @property
    def found(self) -> bool:
        return self.p <= 0.05 and (self.strength.estimate or 0.0) > 0.5

    def plain(self) -> dict[str, Any]:
        return {"column": self.column, **self.strength.plain(), "p": self.p, "found": self.found,
                "per_group": self.per_group}  # fmt: skip


def proxies(columns: Mapping[str, Any], groups: Any, *, seed: int = 0) -> list[Proxy]:
    r"""Rank columns by how well each alone predicts the group of a row it has not seen.

    A number is cut into bins of equal share, a category stands for itself; each fold's rows are scored with the shares
    of the group in the other folds' bins, shrunk to the overall share. The strength is the area under the ROC curve of
    those scores (for several groups the mean over groups of group against rest), so it sees any dependence, not only a
    monotone one. A useless column has about 0.5, or a little below.

    Parameters
    ----------
    columns : mapping of str to array of shape (n,)
        Columns, and scores of models, by name. Missing values are a bin of their own.
    groups : array of shape (n,)
        Rows without a group are left out; groups of fewer than 20 rows count to the rest only.
    seed : int
        Deals the rows into folds.

    Returns
    -------
    list of Proxy
        Strongest first, with DeLong intervals and p-values of Pearson's test of independence, adjusted by Holm over all
        columns: the chance of naming any innocent column is at most 5 %. Empty when there are fewer than two groups.
    """
    codes, names = encode(groups)
    known = np.flatnonzero(codes >= 0)
    random = np.random.default_rng(seed)
    if len(known) > MOST_ROWS:
        known = np.sort(random.choice(known, MOST_ROWS, replace=False))
    codes = codes[known]
    counts = np.bincount(codes, minlength=len(names))
    asked = [place for place, count in enumerate(counts) if count >= MIN_GROUP and len(codes) - count >= MIN_GROUP]
    if len(names) == 2:
        asked = asked[:1]
    if not asked:
        return []
    fold = random.permutation(np.arange(len(codes)) % FOLDS)
    found = []
    for name, values in columns.items():
        bins = binned(values)[known]
        areas = {names[place]: _area(bins, codes == place, fold) for place in asked}
        strength = _mean(list(areas.values()))
        found.append(
            (name, strength, _p_value(bins, codes, len(names)), {g: float(a.estimate or 0.5) for g, a in areas.items()})
        )
    adjusted = holm([p for _, _, p, _ in found])
    ranked = [Proxy(column=name, strength=strength, p=p, per_group=areas)
              for (name, strength, _, areas), p in zip(found, adjusted, strict=True)]  # fmt: skip
    return sorted(ranked, key=lambda proxy: (-(proxy.strength.estimate or 0.0), proxy.column))


def binned(values: Any) -> npt.NDArray[np.intp]:
    """A column as small integers: a category each, or bins of equal share of a number; missing values are one more."""
    column = values if isinstance(values, pd.Series) else pd.Series(values)
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy().astype(np.intp)
    elif pd.api.types.is_bool_dtype(column.dtype) or not pd.api.types.is_numeric_dtype(column.dtype):
        codes = encode(column)[0]
    else:
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        known = numbers[np.isfinite(numbers)]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.empty(0)
        codes = np.where(np.isfinite(numbers), np.searchsorted(edges, numbers, side="left"), -1).astype(np.intp)
    return np.asarray(np.where(codes < 0, codes.max(initial=-1) + 1, codes), dtype=np.intp)


def _area(bins: npt.NDArray[np.intp], member: npt.NDArray[np.bool_], fold: npt.NDArray[Any]) -> Estimate:
    """AUC of the out-of-fold shares."""
    size = int(bins.max()) + 1
    scores = np.empty(len(bins))
    for number in range(FOLDS):
        inside, outside = fold == number, fold != number
        prior = float(member[outside].mean())
        hits = np.bincount(bins[outside], weights=member[outside], minlength=size)
        rows = np.bincount(bins[outside], minlength=size)
        shares = (hits + _PRIOR * prior) / (rows + _PRIOR)
        scores[inside] = shares[bins[inside]] - prior  # folds differ in their overall share, which tells nothing
    return roc_auc(member.astype(np.int8), scores)


def _mean(areas: list[Estimate]) -> Estimate:
    """The mean over groups; its bounds are the means of theirs, which is wide enough for any dependence."""

    def middle(name: str) -> float:
        return float(np.mean([getattr(a, name) for a in areas]))

    method = "cross-validated area under the ROC curve" + (", mean of group against rest" if len(areas) > 1 else "")
    return Estimate(estimate=middle("estimate"), low=middle("low"), high=middle("high"), n=areas[0].n, method=method)


def _p_value(bins: npt.NDArray[np.intp], codes: npt.NDArray[Any], k: int) -> float:
    """Pearson's test of independence of bin and group; bins that expect fewer than five of a group count as one.

    The out-of-fold scores of all folds depend on each other, so the area itself has no simple test.
    """
    table = np.bincount(bins * k + codes, minlength=(int(bins.max()) + 1) * k).reshape(-1, k).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    shares = table.sum(axis=0) / table.sum()
    rare = table.sum(axis=1) * shares.min() < _EXPECTED
    joined = np.vstack([table[~rare], table[rare].sum(axis=0)])
    joined = joined[joined.sum(axis=1) > 0]
    freedom = (joined.shape[0] - 1) * (joined.shape[1] - 1)
    if freedom == 0:
        return 1.0
    expected = joined.sum(axis=1, keepdims=True) * shares
    return float(chi2.sf((np.square(joined - expected) / expected).sum(), freedom))


def joint_strength(rows: pd.DataFrame, groups: Any, *, seed: int = 0) -> Estimate | None:
    """How well all columns together tell the group: the same area, of a boosted model's out-of-fold scores.

    None when there are fewer than two groups of 20 rows.
    """
    import lightgbm

    codes, names = encode(groups)
    known = np.flatnonzero(codes >= 0)
    random = np.random.default_rng(seed)
    if len(known) > 5000:
        known = np.sort(random.choice(known, 5000, replace=False))
    codes, frame = codes[known], numeric(rows.iloc[known].reset_index(drop=True))
    counts = np.bincount(codes, minlength=len(names))
    asked = [p for p, c in enumerate(counts) if c >= MIN_GROUP and len(codes) - c >= MIN_GROUP][:3]
    if not asked:
        return None
    fold = random.permutation(np.arange(len(codes)) % 3)
    areas = []
    for place in asked[:1] if len(names) == 2 else asked:
        member, scores = codes == place, np.zeros(len(codes))
        for number in range(3):
            data = lightgbm.Dataset(frame[fold != number], member[fold != number].astype(float))
            options = {"objective": "binary", "num_leaves": 15, "verbose": -1, "num_threads": 1, "seed": 0,
                       "deterministic": True}  # fmt: skip
            scores[fold == number] = lightgbm.train(options, data, 40).predict(frame[fold == number], num_threads=1)
        areas.append(roc_auc(member.astype(np.int8), scores))
    return _mean(areas)


def numeric(rows: pd.DataFrame) -> Floats:
    """Columns as numbers: categories and texts by the place of their value in the alphabet."""
    return np.column_stack([rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
                            if pd.api.types.is_numeric_dtype(rows[name].dtype) else binned(rows[name]).astype(float)
                            for name in rows.columns])  # fmt: skip
