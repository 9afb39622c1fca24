"""Group metrics with intervals on 1M rows: ours, one Polars group-by (the floor), Fairlearn.

`python benchmarks/bench_fairness.py [rows]`
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import polars as pl

from fairloop.fairness.gaps import all_gaps

GROUPS = ["White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"]


def median_s(work: Callable[[], object], repeats: int = 7) -> float:
    times = []
    for _ in range(repeats):
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


def fairlearn_frame(label: np.ndarray, predicted: np.ndarray, group: np.ndarray) -> object:
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import accuracy_score

    metrics = {
        "accuracy": accuracy_score,
        "selection": selection_rate,
        "tpr": true_positive_rate,
        "fpr": false_positive_rate,
    }
    return MetricFrame(
        metrics=metrics,
        y_true=label,
        y_pred=predicted,
        sensitive_features=group,
        n_boot=2,
        ci_quantiles=[0.025, 0.975],
    ).by_group


def main(rows: int) -> None:
    random = np.random.default_rng(0)
    label, predicted = random.random(rows) < 0.3, random.random(rows) < 0.4
    group = np.array(GROUPS, dtype=object)[random.integers(0, len(GROUPS), rows)]
    weight = random.random(rows)
    table = pl.DataFrame({"label": label, "predicted": predicted, "group": pl.Series(group, dtype=pl.String)})
    pandas = table["group"].to_pandas()
    tenth = (label[: rows // 10], predicted[: rows // 10], group[: rows // 10])  # all of it takes a minute
    floor = median_s(lambda: polars_group_by(table))
    measured = {
        "polars group-by, no intervals (floor)": floor,
        "fairloop, polars strings": median_s(lambda: all_gaps(label, predicted, table["group"])),
        "fairloop, pandas strings": median_s(lambda: all_gaps(label, predicted, pandas)),
        "fairloop, numpy objects": median_s(lambda: all_gaps(label, predicted, group)),
        "fairloop, polars strings, weighted": median_s(lambda: all_gaps(label, predicted, table["group"], weight)),
        "fairlearn, 2 bootstraps, a tenth x 10": 10 * median_s(lambda: fairlearn_frame(*tenth), repeats=1),
    }
    print(f"group metrics (accuracy, selection, TPR, FPR) of {rows:,} rows in {len(GROUPS)} groups")
    for name, seconds in measured.items():
        print(f"  {name:<40} {seconds * 1000:10.1f} ms  {seconds / floor:8.2f} x floor")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
