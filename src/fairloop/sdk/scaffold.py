"""``fairloop new``: a readable loop.py for a table of the user's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fairloop.core.loops import Data
from fairloop.core.names import check_name
from fairloop.datasets.publish import dataset_name
from fairloop.datasets.roles import settle_roles
from fairloop.errors import InvalidInput
from fairloop.sdk.baseline import Gates, baseline_gates, quoted
from fairloop.sdk.proxies import Proxy, suspected_proxies
from fairloop.tables.kinds import kind_of
from fairloop.tables.reading import read_file
from fairloop.tables.table import Table

IDENTIFIER_SHARE = 0.9
"""A text column whose values nearly all differ is taken for an identifier and left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was found out about a table."""

    name: str
    data: Data
    table: Table
    texts: list[str]
    categories: list[str]
    numbers: list[str]
    left_out: list[str]
    gates: Gates
    proxies: list[Proxy]


def generate(data_path: str | Path, target: str, sensitive: list[str] | None = None, name: str | None = None) -> str:
    """The text of a loop.py for the table in ``data_path``.

    The task is told from the target, the positive answer of a two-valued target is the rarer one, gates come from a
    short baseline fit with room below what it reaches, and columns that betray a sensitive attribute are listed.

    Raises
    ------
    InvalidInput, NotFound
        The file, the target or a sensitive column cannot be used; nothing is written.
    """
    path = Path(data_path)
    table = Table(read_file(path))
    data = Data(str(data_path), target=target, positive=_positive(table, target), sensitive=list(sensitive or []))
    table = settle_roles(table, data)
    draft = _draft(check_name(name or dataset_name(path), "loop"), data, table)
    return _render(draft)


def _positive(table: Table, target: str) -> Any:
    """The rarer answer of a target with two answers that are not 0 and 1; None for any other target."""
    if target not in table.columns:
        raise InvalidInput(f"There is no column {target!r}; the table has: {', '.join(table.columns)[:300]}.")
    column = table.frame[target].drop_nulls()
    if column.n_unique() != 2 or column.dtype == pl.Boolean or column.dtype.is_float():
        return None
    if column.dtype.is_numeric() and set(column.unique().to_list()) == {0, 1}:
        return None
    counts = column.rename("answer").value_counts(name="count").sort(["count", "answer"])
    return counts["answer"][0]


def _draft(name: str, data: Data, table: Table) -> Draft:
    texts: list[str] = []
    categories: list[str] = []
    numbers: list[str] = []
    left_out: list[str] = []
    for column in table.features:
        values = table.frame[column]
        kind = kind_of(values)
        distinct = 0 if kind == "array" else values.drop_nulls().n_unique()  # no booster reads pictures: fl.Net does
        if distinct < 2 or (kind == "category" and distinct > max(50, IDENTIFIER_SHARE * values.drop_nulls().len())):
            left_out.append(column)
        else:
            {"text": texts, "category": categories}.get(kind, numbers).append(column)
    if not texts + categories + numbers:
        raise InvalidInput("No column is left to learn from: each is constant or different in every row.")
    used = table.with_roles(ignore=[*table.roles.ignore, *left_out])
    return Draft(name=name, data=data, table=table, texts=texts, categories=categories, numbers=numbers, left_out=left_out,
                 gates=baseline_gates(used, numbers, categories, texts), proxies=suspected_proxies(used))  # fmt: skip


# ------------------------------------------------------------------ text
def _render(draft: Draft) -> str:
    function = re.sub(r"\W+", "_", draft.name.lower()).strip("_") or "table"
    if function[0].isdigit():
        function = f"t_{function}"
    judged = ", ".join(quoted(attribute) for attribute in draft.gates.limits)
    lines = [
        f'"""The loop {draft.name!r}: from {Path(draft.data.name).name} to a watched model that predicts {draft.data.target}.',
        "",
        "    fairloop run loop.py",
        "",
        *_comment_task(draft),
        '"""',
        "",
        "import fairloop as fl",
        "",
        *_proxy_comments(draft),
        *_lists(draft),
        "",
        '@fl.step(cpu=1, memory="1GiB")',
        "def split(rows: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:",
        '    """Train, validation and test part. A row keeps its part when the table grows."""',
        "    return rows.split(0.6, 0.2, 0.2)",
        "",
        "",
        *_fit(draft),
        "",
        "",
        "@fl.pipeline",
        f"def train_{function}(rows: fl.Table):",
        "    train, valid, test = split(rows)",
        "    return fl.candidate(fit(train), valid, test)  # judges quality, fairness, latency, size; explains; registers",
        "",
        "",
        "loop = fl.Loop(",
        f"    name={quoted(draft.name)},",
        f"    goal={quoted(_goal(draft))},",
        f"    data={_data(draft.data)},",
        f"    pipeline=train_{function},",
        "    gates=[",
        *[f"        {gate}" for gate in draft.gates.lines],
        "    ],",
        *(['    mitigate=["reweighing", "exponentiated_gradient"],'] if judged else []),
        '    approval=fl.Approval(role="manager", expires="3d"),',
        f"    rollout=fl.Canary(steps=[10, 50, 100]{f', judge_by=[{judged}]' if judged else ''}),",
        "    watch=[",
        "        fl.Drift(),",
        *[
            f'        fl.Bias("demographic_parity_difference", at_most={limit}, by={quoted(attribute)}),'
            for attribute, limit in draft.gates.limits.items()
        ],
        *_performance(draft),
        "        fl.Resources(latency_p99_ms=250),",
        "    ],",
        '    on_alert="propose",',
        ")",
        "",
    ]
    return "\n".join(lines)


def _comment_task(draft: Draft) -> list[str]:
    rows = f"{len(draft.table)} rows"
    if draft.table.task == "regression":
        return [f"Guessed from {rows}: {draft.data.target} is a number, so this is regression."]
    if draft.table.task == "multiclass":
        return [
            f"Guessed from {rows}: {draft.data.target} has {len(np.unique(draft.table.y))} answers, so this is multiclass."
        ]
    share = float(draft.table.y.mean())
    positive = draft.table.roles.positive
    return [
        f"Guessed from {rows}: two answers, so this is binary; {positive!r} counts as positive ({share:.0%} of rows)."
    ]


def _proxy_comments(draft: Draft) -> list[str]:
    if not draft.data.sensitive:
        return ["# No sensitive attribute is named, so nothing can be compared between groups. Add some to fl.Data(sensitive=...).",
                ""]  # fmt: skip
    if not draft.proxies:
        return ["# No column by itself tells much about a sensitive attribute.", ""]
    head = [
        "# Suspected proxies: how well each column alone predicts a sensitive attribute (0.5 is chance, 1 is certain)."
    ]
    return [*head, *[f"#   {p.column} -> {p.attribute}: {p.auc:.2f}" for p in draft.proxies], ""]


def _lists(draft: Draft) -> list[str]:
    found = []
    for name, columns in (("NUMBERS", draft.numbers), ("CATEGORIES", draft.categories), ("TEXTS", draft.texts)):
        if columns:
            found.append(f"{name} = {_wrapped(columns)}")
    if draft.left_out:
        found.append(f"# Left out, constant or different in nearly every row: {', '.join(draft.left_out)}")
    return [*found, ""]


def _wrapped(columns: list[str]) -> str:
    text = "[" + ", ".join(quoted(c) for c in columns) + "]"
    return text if len(text) < 100 else "[\n" + "".join(f"    {quoted(c)},\n" for c in columns) + "]"


def _fit(draft: Draft) -> list[str]:
    regression = draft.table.task == "regression"
    model = "LGBMRegressor" if regression else "LGBMClassifier"
    lines = ["@fl.step(cpu=2, memory=\"2GiB\", retries=1)", "def fit(train: fl.Table) -> fl.Model:",
             f'    """LightGBM. The columns in train.X never include {_never(draft)}."""',
             f"    from lightgbm import {model}", "    from sklearn.compose import ColumnTransformer"]  # fmt: skip
    if draft.texts:
        lines.append("    from sklearn.feature_extraction.text import TfidfVectorizer")
    lines.append("    from sklearn.pipeline import Pipeline")
    if draft.categories:
        lines.append("    from sklearn.preprocessing import OrdinalEncoder")
    lines += ["", "    columns = ColumnTransformer(", "        ["]
    if draft.numbers:
        lines.append('            ("numbers", "passthrough", NUMBERS),  # LightGBM reads missing values as they are')
    if draft.categories:
        lines.append(
            '            ("codes", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), CATEGORIES),'
        )
    if draft.texts:
        lines.append('            *[(f"words_{c}", TfidfVectorizer(max_features=2000), c) for c in TEXTS],')
    lines += ["        ]", "    )"]
    size = _min_child(len(draft.table))
    lines.append(f"    trees = {model}(n_estimators=150, learning_rate=0.05, num_leaves=15, min_child_samples={size}, "
                 "random_state=0, n_jobs=1, verbose=-1)")  # fmt: skip
    lines += ['    pipeline = Pipeline([("columns", columns), ("trees", trees)])',
              "    # the weight is what a mitigation changes: hand it on",
              "    return fl.Model(pipeline.fit(train.X, train.y, trees__sample_weight=train.weight))"]  # fmt: skip
    return lines


def _min_child(rows: int) -> int:
    return int(min(20, max(2, rows // 100)))


def _never(draft: Draft) -> str:
    return " or ".join([draft.data.target, *draft.data.sensitive])


def _goal(draft: Draft) -> str:
    groups = f", equally well by {' and '.join(draft.data.sensitive)}" if draft.data.sensitive else ""
    return f"Predict {draft.data.target}{groups}"


def _data(data: Data) -> str:
    parts = [quoted(data.name), f"target={quoted(data.target)}"]
    if data.positive is not None:
        parts.append(f"positive={quoted(data.positive) if isinstance(data.positive, str) else repr(data.positive)}")
    if data.sensitive:
        parts.append(f"sensitive=[{', '.join(quoted(s) for s in data.sensitive)}]")
    return f"fl.Data({', '.join(parts)})"


def _performance(draft: Draft) -> list[str]:
    metric = {"binary": "roc_auc", "multiclass": "accuracy"}.get(draft.table.task)
    return [f'        fl.Performance("{metric}", drop=0.1),'] if metric else []
