"""Gates with room below what a short baseline fit reaches, so that an ordinary table passes and a broken one does not."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor

from fairloop.evaluation.metrics import Measured, measure
from fairloop.registry.model import Model
from fairloop.tables.table import Table

MOST_ROWS = 20_000
PARTS = (0.6, 0.2, 0.2)


def baseline_gates(table: Table) -> list[str]:
    """Lines of ``gates=[...]``: quality below the low bound of a baseline, gaps above its high bound, and latency.

    A gap that too few rows can tell becomes a comment: a gate on it could never pass.
    """
    if len(table) > MOST_ROWS:
        table = table.take(np.sort(np.random.default_rng(0).permutation(len(table))[:MOST_ROWS]))
    found = _measured(table)
    metric, floor = {"regression": ("r2", -1.0), "multiclass": ("accuracy", 0.0)}.get(table.task, ("roc_auc", 0.5))
    gates = []
    if (least := _below(found, metric, floor)) is not None:
        gates.append(f'fl.gate("{metric}", at_least={least}),')
    if table.task == "binary":
        gates += [_gap_gate(found, attribute) for attribute in table.roles.sensitive]
    return [*gates, 'fl.gate("latency_p99_ms", at_most=100),']


def _gap_gate(found: Measured, attribute: str) -> str:
    limit = _above(found, f"demographic_parity_difference by {attribute}")
    if limit is None:
        return f"# too few rows in each group of {attribute} to judge a gap between them"
    return (f'fl.gate("demographic_parity_difference", at_most={limit}, by={quoted(attribute)}),'
            "  # tighten it to what your policy asks")  # fmt: skip


def quoted(text: str) -> str:
    """A Python literal in double quotes where that needs no escapes."""
    return f'"{text}"' if text.isprintable() and '"' not in text and "\\" not in text else repr(text)


def _measured(table: Table) -> Measured:
    train, _, test = table.split(*PARTS)
    X = _numbered(train.X)
    one_answer = table.task != "regression" and len(np.unique(train.y)) < 2
    if X.shape[1] == 0 or len(train) < 40 or len(test) < 20 or one_answer:
        return Measured(metrics={})
    kind = LGBMRegressor if table.task == "regression" else LGBMClassifier
    least = int(min(20, max(2, len(table) // 100)))
    fitted = kind(n_estimators=60, num_leaves=15, min_child_samples=least, random_state=0, verbose=-1, n_jobs=1)
    model = Model(fitted.fit(X, train.y, sample_weight=train.weight))
    scores = model.scores(_numbered(test.X))
    classes = model.classes if model.task == "multiclass" else None
    return measure(table.task, test.y, scores, model.decide(scores), test.sensitive, test.weight, classes=classes)


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Without texts, and with names that LightGBM takes (it refuses quotes and brackets)."""
    renamed = frame.rename(columns={name: f"c{i}" for i, name in enumerate(frame.columns)})
    return renamed[[name for name in renamed.columns if str(renamed[name].dtype) != "str"]]


def _below(found: Measured, name: str, floor: float) -> float | None:
    """The low bound less about the interval's half length, on two digits; None when the baseline could not tell."""
    number = found.metrics.get(name, {})
    if number.get("low") is None:
        return None
    low, high = float(number["low"]), float(number["high"])
    return max(floor, min(math.floor((low - (high - low) / 2 - 0.03) * 100) / 100, 0.95))


def _above(found: Measured, name: str) -> float | None:
    number = found.metrics.get(name, {})
    if number.get("high") is None:
        return None
    low, high = float(number["low"]), float(number["high"])
    return min(1.0, math.ceil((high + (high - low) / 2 + 0.03) * 100) / 100)
