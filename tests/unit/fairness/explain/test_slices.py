"""Slices: a planted one is found and named in its own columns; a model that errs alike everywhere has none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fairloop.errors import InvalidInput, NotANumber
from fairloop.fairness.explain.slices import Condition, find_slices


def workers(n: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame({
        "age": random.integers(18, 70, n), "hours": random.integers(5, 60, n),
        "job": pd.Categorical(random.choice(["clerk", "sales", "driver", "nurse", "cook"], n)),
        "u": random.normal(size=n), "v": random.normal(size=n), "w": pd.Categorical(random.choice(list("abc"), n)),
    })  # fmt: skip


def planted(rows: pd.DataFrame, seed: int) -> np.ndarray:
    """Part-time workers under 28 are wrong in 40 % of cases, everybody else in 12 %."""
    inside = (rows["age"] < 28) & (rows["hours"] <= 22)
    return (np.random.default_rng(seed).random(len(rows)) < np.where(inside, 0.4, 0.12)).astype(float)


def found_share(seeds: range, n: int = 4000) -> float:
    """How often the planted slice comes first and is named by its own two columns."""
    hits = []
    for seed in seeds:
        rows = workers(n, seed)
        found = find_slices(rows, planted(rows, seed + 1), seed=seed)
        hits.append(bool(found) and found[0].found and {c.column for c in found[0].conditions} == {"age", "hours"})
    return float(np.mean(hits))


def alarm_share(seeds: range, n: int = 2000) -> float:
    """How often anything is named where errors are the same everywhere."""
    alarms = []
    for seed in seeds:
        even = (np.random.default_rng(seed).random(n) < 0.15).astype(float)
        alarms.append(any(part.found for part in find_slices(workers(n, seed), even, seed=seed)))
    return float(np.mean(alarms))


def test_a_planted_slice_is_found_and_named() -> None:
    assert found_share(range(3)) == 1
    assert alarm_share(range(3)) == 0


@pytest.mark.simulation
def test_planted_and_even_over_many_seeds() -> None:
    hits, alarms = found_share(range(50)), alarm_share(range(100, 300))
    print(f"slices: found and named {hits:.3f} of 50, even errors named {alarms:.3f} of 200")  # the report quotes it
    assert hits >= 0.9
    assert alarms <= 0.05 + 2 * (0.05 * 0.95 / 200) ** 0.5


def test_its_words_and_numbers() -> None:
    rows = workers(6000, 5)
    first = find_slices(rows, planted(rows, 6), seed=5)[0]
    assert first.words().startswith("age at most ")
    assert " and hours at most " in first.words()
    assert first.low is not None
    assert first.low > 0.1
    assert first.error > 2 * first.rest
    plain = first.plain()
    assert plain["found"]
    assert plain["difference"] == pytest.approx(first.error - first.rest)


def test_categories_and_absolute_errors() -> None:
    rows = workers(4000, 1)
    errors = np.abs(np.random.default_rng(1).normal(size=4000)) * np.where(rows["job"] == "nurse", 3.0, 1.0)
    first = find_slices(rows, errors)[0]
    assert first.words() == "job is nurse"
    assert first.low is not None
    assert first.low > 1


def test_nothing_to_find() -> None:
    rows = workers(400, 0)
    assert find_slices(rows, np.zeros(400)) == []
    assert find_slices(rows.iloc[:20], np.ones(20)) == []
    assert find_slices(rows.iloc[:0], np.zeros(0)) == []


def test_errors_that_are_none() -> None:
    rows = workers(10, 0)
    with pytest.raises(InvalidInput, match="negative"):
        find_slices(rows, np.full(10, -1.0))
    with pytest.raises(InvalidInput):
        find_slices(rows, np.zeros(9))
    with pytest.raises(NotANumber):
        find_slices(rows, np.full(10, np.nan))


def test_conditions_in_words() -> None:
    assert Condition(column="age", above=20, below=30).words() == "age above 20 and at most 30"
    assert Condition(column="age", above=20).words() == "age above 20"
    assert Condition(column="job", values=("a", "b")).words() == "job is a or b"
    assert Condition(column="job", values=("a",), negated=True).words() == "job is not a"
    column = pd.Series([1.0, np.nan, 25.0])
    assert Condition(column="age", above=20).holds(column).tolist() == [False, False, True]
