"""Group metrics with intervals: ours on 10M rows beside one Polars group-by of the same run (the floor), Fairlearn on 1M.

`python benchmarks/bench_fairness.py [rows]`; `make bench-fairness`. Target: at most twice the floor.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import polars as pl

from fairloop.fairness.gaps import all_gaps
from fairloop.fairness.grouping import crossed
from fairloop.fairness.multiclass_gaps import class_tables, multiclass_gap
from fairloop.fairness.pretraining import data_gaps
from fairloop.fairness.regression_gaps import regression_gaps
from fairloop.fairness.score_gaps import calibration_within_groups

GROUPS = ["White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"]
PEER_ROWS = 1_000_000
SHORT_S = 0.2
"""Work that takes less is measured again and again."""


def median_s(work: Callable[[], object], repeats: int = 5) -> float:
    times: list[float] = []
    while len(times) < repeats or (sum(times) < SHORT_S and len(times) < 50):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def polars_group_by(table: pl.DataFrame) -> pl.DataFrame:
    label, predicted = pl.col("label"), pl.col("predicted")
    return table.group_by("group").agg(
        n=pl.len(), accuracy=(label == predicted).mean(), selection=predicted.mean(),
        tpr=predicted.filter(label).mean(), fpr=predicted.filter(~label).mean(),
    )  # fmt: skip


def polars_bins(table: pl.DataFrame) -> pl.DataFrame:
    """What calibration within groups needs at least."""
    place = (pl.col("score") * 10).cast(pl.Int8)
    return table.group_by("group", place.alias("bin")).agg(
        n=pl.len(), s=pl.col("score").mean(), y=pl.col("label").mean()
    )


def polars_moments(table: pl.DataFrame) -> pl.DataFrame:
    """What gaps of numbers need at least: mean and variance of prediction, error, size and square of the error."""
    error = pl.col("score") - pl.col("truth")
    each = {"prediction": pl.col("score"), "error": error, "absolute": error.abs(), "square": error.pow(2)}
    return table.group_by("group").agg(
        **{f"{name}_mean": value.mean() for name, value in each.items()},
        **{f"{name}_sd": value.std() for name, value in each.items()},
    )


def fairlearn_frame(label: np.ndarray, predicted: np.ndarray, group: np.ndarray) -> object:
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import accuracy_score

    metrics = {
        "accuracy": accuracy_score,
        "selection": selection_rate,
        "tpr": true_positive_rate,
        "fpr": false_positive_rate,
    }
    frame = MetricFrame(metrics=metrics, y_true=label, y_pred=predicted, sensitive_features=group)
    return frame.by_group, frame.difference()


def main(rows: int) -> None:
    random = np.random.default_rng(0)
    label, predicted = random.random(rows) < 0.3, random.random(rows) < 0.4
    codes = random.integers(0, len(GROUPS), rows)
    weight, score = random.random(rows), random.random(rows)
    truth = score + random.normal(size=rows)
    kind = random.integers(0, 4, rows)
    strings = pl.Series(GROUPS)[codes]
    sex = pl.Series(["Female", "Male"])[random.integers(0, 2, rows)]
    table = pl.DataFrame(
        {"label": label, "predicted": predicted, "score": score, "truth": truth, "group": strings, "sex": sex}
    )
    frame = table.with_columns(pl.col("group").cast(pl.Enum(GROUPS)))
    floor, numbers = median_s(lambda: polars_group_by(table)), median_s(lambda: polars_moments(table))
    bins = median_s(lambda: polars_bins(table), 3)
    fast = median_s(lambda: polars_group_by(frame))
    pandas = strings.to_pandas()
    measured = [
        ("polars group-by, strings, no intervals (floor)", floor, floor),
        ("fairloop: 13 gaps, strings", median_s(lambda: all_gaps(label, predicted, table["group"])), floor),
        ("fairloop: 13 gaps, pandas strings", median_s(lambda: all_gaps(label, predicted, pandas), 3), floor),
        ("fairloop: 13 gaps, strings, weighted", median_s(lambda: all_gaps(label, predicted, table["group"], weight)), floor),
        ("fairloop: 13 gaps, group & sex crossed",
         median_s(lambda: all_gaps(label, predicted, crossed([table["group"], table["sex"]])), 3), floor),
        ("fairloop: metrics of the data", median_s(lambda: data_gaps(label, table["group"]), 3), floor),
        ("polars means by group and score bin (floor)", bins, bins),
        ("fairloop: calibration within groups",
         median_s(lambda: calibration_within_groups(label, score, table["group"]), 3), bins),
        ("fairloop: 4 classes, 2 gaps",
         median_s(lambda: [multiclass_gap(name, c) for c in [class_tables(kind, kind, table["group"])]
                           for name in ("demographic_parity_difference", "equalized_odds_difference")], 3), floor),
        ("polars group-by, categories (floor)", fast, fast),
        ("fairloop: 13 gaps, categories", median_s(lambda: all_gaps(label, predicted, frame["group"])), fast),
        ("polars means and variances (floor)", numbers, numbers),
        ("fairloop: 4 gaps of numbers", median_s(lambda: regression_gaps(truth, score, table["group"]), 3), numbers),
    ]  # fmt: skip
    print(f"group metrics with intervals, {rows:,} rows in {len(GROUPS)} groups")
    for name, seconds, base in measured:
        print(f"  {name:<50} {seconds * 1000:10.1f} ms  {seconds / base:8.2f} x floor")
    some = min(rows, PEER_ROWS)
    part = (label[:some], predicted[:some], strings.to_numpy()[:some])
    ours = median_s(lambda: all_gaps(*part))
    peer = median_s(lambda: fairlearn_frame(*part), repeats=1)
    print(f"beside Fairlearn, {some:,} rows, NumPy strings")
    print(f"  {'fairloop: 13 gaps with intervals':<50} {ours * 1000:10.1f} ms")
    print(f"  {'fairlearn: 4 metrics, no intervals':<50} {peer * 1000:10.1f} ms  {peer / ours:8.1f} x ours")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
