"""Profiles of columns of categories: frequent ones by name, the rare pooled, the unseen apart."""

from __future__ import annotations

from typing import Any

import polars as pl

FREQUENT = 40
KNOWN = 1000
_RARE_ROWS = 10
_RARE_SHARE = 0.002

Profile = dict[str, Any]


def category_reference(series: pl.Series) -> Profile:
    """Counts of the frequent categories, then of all rare ones together, then of unseen ones (0 here).

    Frequent are at most 40 categories with at least 10 rows and 0.2 % of them. ``singletons`` counts
    categories seen once: by Good and Turing, their share of the rows is what new rows hold of categories
    never seen, so the judge does not take a long tail for drift. With more than 1,000 rare categories,
    ``rare`` is None and unseen counts as rare.
    """
    found, missing = _counted(series)
    size = sum(found.values())
    enough = max(_RARE_ROWS, _RARE_SHARE * size)
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    frequent = [name for name, count in ordered[:FREQUENT] if count >= enough]
    rest = [(name, count) for name, count in ordered[len(frequent) :]]
    known = sorted(name for name, _ in rest) if len(rest) <= KNOWN else None
    return {
        "kind": "category", "n": size + missing, "missing": missing, "categories": frequent, "rare": known,
        "singletons": sum(1 for _, count in rest if count == 1),
        "counts": [found[name] for name in frequent] + [sum(count for _, count in rest), 0],
    }  # fmt: skip


def category_window(series: pl.Series, reference: Profile) -> Profile:
    """Counts of other rows in the reference's categories; categories it never held count as unseen, the top 5
    by name."""
    found, missing = _counted(series)
    frequent = [found.pop(name, 0) for name in reference["categories"]]
    if reference["rare"] is None:
        rare, unseen = sum(found.values()), {}
    else:
        rare = sum(found.pop(name, 0) for name in reference["rare"])
        unseen = found
    new = sorted(unseen, key=lambda name: (-unseen[name], name))[:5]
    return {
        "kind": "category", "n": len(series), "missing": missing, "categories": reference["categories"],
        "counts": [*frequent, rare, sum(unseen.values())], "new": new,
    }  # fmt: skip


def _counted(series: pl.Series) -> tuple[dict[str, int], int]:
    """Rows per value as text, and how many are missing."""
    counted = series.alias("value").value_counts(name="rows")
    found: dict[str, int] = {}
    missing = 0
    for value, rows in counted.iter_rows():
        if value is None or value != value:  # NaN
            missing += rows
        else:
            found[str(value)] = found.get(str(value), 0) + rows
    return found, missing
