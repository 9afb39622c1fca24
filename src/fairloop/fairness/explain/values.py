"""Shapley values of single answers: through shap for trees, by sampled walks for everything else.

References
----------
Lundberg, S. M. et al. (2020). From local explanations to global understanding with explainable AI for trees. Nature
Machine Intelligence 2, 56-67.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fairloop.fairness.explain.walks import Score, scored, spread_residual, walk
from fairloop.stats.arrays import Floats

INSTALL = "pip install 'fairloop[explain]' for exact values of trees"
SAMPLED = "sampled walks"
_TOLERANCE = 1e-6
_FORESTS = {"RandomForestClassifier", "ExtraTreesClassifier", "RandomForestRegressor", "ExtraTreesRegressor",
            "DecisionTreeClassifier", "DecisionTreeRegressor", "LGBMRegressor", "GradientBoostingRegressor"}  # fmt: skip
_BOOSTED = {"LGBMClassifier", "Booster", "GradientBoostingClassifier"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One fitted estimator of an averaged model, its share, and which column of its probabilities is explained."""

    estimator: Any
    weight: float = 1.0
    output: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowValues:
    """``base`` plus a row of ``values`` is that row's score; ``values`` has shape (rows, columns).

    ``method`` says how they were found and what about them is exact.
    """

    base: float
    values: Floats
    columns: list[str]
    exact: bool
    method: str


def row_values(score: Score, members: Sequence[Member], rows: pd.DataFrame, references: pd.DataFrame, *, rounds: int = 30,
               seed: int = 0) -> RowValues:  # fmt: skip
    r"""Shapley values of each row's score against the mean score of the reference rows.

    Trees whose splits are all numeric go through shap's interventional TreeExplainer. What is explained is always the
    score the model answers with (a probability, or the value of a regression), so the values of an averaged model are the
    weighted means of its members' values. For forests that is the exact Shapley value; boosted trees add up in log-odds,
    so shap finds exact values there and scales them to probabilities, reference by reference. Every result is checked
    to add up to the model's own scores within 1e-6, and is thrown away if it does not.

    Anything else is sampled: ``rounds`` walks from every row to reference rows, see :func:`walks.walk`; unbiased for any
    function, and adding up exactly.

    Parameters
    ----------
    score : function
        The model's score of rows.
    members : sequence of Member
        The fitted estimators behind it; empty to sample.
    rows, references : pandas.DataFrame
        With the columns the model reads.
    """
    found = _through_shap(score, members, rows, references)
    if found is not None:
        return found
    random = np.random.default_rng(seed)
    n, d = rows.shape
    drawn = [random.permutation(np.arange(n * rounds) % len(references))[: n * rounds]][0]
    taken = np.repeat(np.arange(n), rounds)
    samples = walk(
        score, rows.iloc[taken].reset_index(drop=True), references.iloc[drawn].reset_index(drop=True), random
    )
    shaped = samples.reshape(n, rounds, d)
    base, own = float(scored(score, references).mean()), scored(score, rows)
    errors = shaped.std(axis=1, ddof=1) / np.sqrt(rounds) if rounds > 1 else np.ones((n, d))
    values = np.array([spread_residual(part, error, total - base)
                       for part, error, total in zip(shaped.mean(axis=1), errors, own, strict=True)]).reshape(n, d)  # fmt: skip
    return RowValues(base=base, values=values, columns=[str(c) for c in rows.columns], exact=False,
                     method=f"{SAMPLED}, {rounds} a row" + ("" if _shap() else f" ({INSTALL})"))  # fmt: skip


def _shap() -> Any | None:
    """The shap library; None where it is not installed."""
    try:
        with warnings.catch_warnings():  # of what it imports
            warnings.simplefilter("ignore")
            return importlib.import_module("shap")
    except ImportError:
        return None


def _through_shap(score: Score, members: Sequence[Member], rows: pd.DataFrame,
                  references: pd.DataFrame) -> RowValues | None:  # fmt: skip
    """None when shap is missing, a member is no tree that it explains in the model's own output, or it does not add up."""
    names = {type(member.estimator).__name__ for member in members}
    plain = all(isinstance(dtype, np.dtype) and dtype.kind in "iufb" for dtype in rows.dtypes)
    if not members or not names <= _FORESTS | _BOOSTED or not plain or not len(rows) or (shap := _shap()) is None:
        return None
    if any(m.output not in (None, 0, 1) for m in members if type(m.estimator).__name__ in _BOOSTED):
        return None
    base, values = 0.0, np.zeros(rows.shape)
    for member in members:
        read = list(getattr(member.estimator, "feature_names_in_", rows.columns))
        if read != list(rows.columns):
            return None
        try:
            one, own = _of_member(shap, member, rows, references)
        except (ValueError, TypeError, RuntimeError, AssertionError, shap.utils._exceptions.ExplainerError):
            return None  # a tree this shap does not know: sampled instead
        base, values = base + member.weight * one, values + member.weight * own
    if np.abs(base + values.sum(axis=1) - scored(score, rows)).max() > _TOLERANCE:
        return None
    boosted = bool(names & _BOOSTED)
    method = ("exact Shapley values in log-odds, scaled to probabilities (shap)" if boosted
              else "exact Shapley values (shap)")  # fmt: skip
    return RowValues(base=base, values=values, columns=[str(c) for c in rows.columns], exact=not boosted, method=method)


def _of_member(shap: Any, member: Member, rows: pd.DataFrame, references: pd.DataFrame) -> tuple[float, Floats]:
    classifier = member.output is not None
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says of itself is no news to whoever asked
        explainer = shap.TreeExplainer(member.estimator, data=references, feature_perturbation="interventional",
                                       model_output="probability" if classifier else "raw")  # fmt: skip
        found = np.asarray(explainer.shap_values(rows, check_additivity=False), dtype=np.float64)
    base = np.ravel(np.asarray(explainer.expected_value, dtype=np.float64))
    if found.ndim == 3:
        output = member.output or 0
        return float(base[output]), found[:, :, output]
    if member.output == 0:  # one column of values is that of the second class
        return 1.0 - float(base[-1]), -found
    return float(base[-1]), found
