"""Gates with room below what a short baseline fit reaches, so that an ordinary table passes and a broken one does not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from fairloop.core.checks import Check
from fairloop.evaluation.metrics import Measured, measure
from fairloop.registry.model import Model
from fairloop.sdk.default_gates import default_gates
from fairloop.tables.table import Table

MOST_ROWS = 20_000
PARTS = (0.6, 0.2, 0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """``limits`` maps a sensitive attribute to the gap it may have; one that cannot be judged is not in it."""

    lines: list[str]
    limits: dict[str, float]


def baseline_gates(table: Table, numbers: list[str], categories: list[str], texts: list[str]) -> Gates:
    """Lines of ``gates=[...]``: quality below the low bound of a baseline, gaps above its high bound, and latency.

    A gap that too few rows can tell becomes a comment: a gate on it could never pass.
    """
    if len(table) > MOST_ROWS:
        table = table.take(np.sort(np.random.default_rng(0).permutation(len(table))[:MOST_ROWS]))
    found = _measured(table, _pipeline(table, numbers, categories, texts))
    metric, floor = {"regression": ("r2", -1.0), "multiclass": ("accuracy", 0.0)}.get(table.task, ("roc_auc", 0.5))
    lines: list[str] = []
    if (least := _below(found, metric, floor)) is not None:
        lines.append(f'fl.gate("{metric}", at_least={least}),')
    limits = {}
    for attribute in table.roles.sensitive if table.task == "binary" else []:
        for check in default_gates(sensitive=[attribute]):
            limit = _above(found, check.name)
            lines.append(_gap_gate(check, limit))
            if limit is not None and check.metric == "demographic_parity_difference":
                limits[attribute] = limit
    return Gates(lines=[*lines, 'fl.gate("latency_p99_ms", at_most=250),'], limits=limits)


def _gap_gate(check: Check, limit: float | None) -> str:
    by, usual = check.by or "", check.at_most or 0.0
    if limit is None:
        what = check.metric.removesuffix("_difference").replace("_", " ")
        return f"# too few rows in each group of {by} to judge a gap in {what} between them"
    told = (
        "tighten it to what your policy asks" if limit <= usual else f"above the usual {usual:g}: say why, or repair it"
    )
    return f'fl.gate("{check.metric}", at_most={limit}, by={quoted(by)}),  # {told}'


def quoted(text: str) -> str:
    """A Python literal in double quotes where that needs no escapes."""
    return f'"{text}"' if text.isprintable() and '"' not in text and "\\" not in text else repr(text)


def _pipeline(table: Table, numbers: list[str], categories: list[str], texts: list[str]) -> Pipeline:
    """What the generated ``fit`` builds, with fewer trees."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    words = [(f"words_{i}", TfidfVectorizer(max_features=2000), name) for i, name in enumerate(texts)]
    columns = ColumnTransformer([("numbers", "passthrough", numbers), ("codes", codes, categories), *words])
    kind = LGBMRegressor if table.task == "regression" else LGBMClassifier
    least = int(min(20, max(2, len(table) // 100)))
    trees = kind(n_estimators=80, learning_rate=0.1, num_leaves=15, min_child_samples=least, random_state=0, verbose=-1)
    return Pipeline([("columns", columns), ("trees", trees)])


def _measured(table: Table, pipeline: Pipeline) -> Measured:
    train, _, test = table.split(*PARTS)
    one_answer = table.task != "regression" and len(np.unique(train.y)) < 2
    if len(train) < 40 or len(test) < 20 or one_answer:
        return Measured(metrics={})
    model = Model(pipeline.fit(train.X, train.y, trees__sample_weight=train.weight))
    scores = model.scores(test.X)
    classes = model.classes if model.task == "multiclass" else None
    return measure(table.task, test.y, scores, model.decide(scores), test.sensitive, test.weight, classes=classes)


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
    return min(1.0, math.ceil((high + (high - low) + 0.03) * 100) / 100)
