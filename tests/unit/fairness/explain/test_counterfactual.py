"""Counterfactuals: the cheapest allowed changes, checked against trying everything."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairloop.errors import InvalidInput
from fairloop.fairness.explain.counterfactual import counterfactuals

CITIES = pd.CategoricalDtype(["north", "south", "west"])


def people(n: int = 400, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame({"income": random.integers(10, 90, n), "debt": random.normal(30, 10, n).round(1),
                         "city": pd.Categorical(random.choice(CITIES.categories, n), dtype=CITIES),
                         "age": random.integers(18, 80, n)})  # fmt: skip


def score(frame: pd.DataFrame) -> np.ndarray:
    return np.asarray(frame["income"] - frame["debt"] + 8.0 * (frame["city"] == "west").to_numpy() + 0.2 * frame["age"])


def flipped(frame: pd.DataFrame) -> Any:
    near = score(frame)
    return near >= 50, near


@given(st.integers(0, 60))
@settings(max_examples=25, deadline=None)
def test_every_answer_flips_stays_inside_the_data_and_keeps_what_is_fixed(place: int) -> None:
    rows = people()
    person = rows.iloc[[place]].reset_index(drop=True)
    if flipped(person)[0][0]:
        return
    found = counterfactuals(flipped, person, rows, immutable={"age"}, only_up={"income"})
    for one in found:
        changed = pd.DataFrame([one.row]).astype({"city": CITIES})
        assert flipped(changed)[0][0]
        names = [c.column for c in one.changes]
        assert "age" not in names
        assert len(set(names)) == len(names)
        for c in one.changes:
            assert c.before != c.after
            if c.column != "city":
                assert rows[c.column].min() <= c.after <= rows[c.column].max()
            if c.column == "income":
                assert c.after > c.before
        untouched = [name for name in rows.columns if name not in names]
        assert [one.row[name] for name in untouched] == person[untouched].iloc[0].tolist()
    assert [len(one.changes) for one in found] == sorted(len(one.changes) for one in found)
    assert found == counterfactuals(flipped, person, rows, immutable={"age"}, only_up={"income"})


def test_one_change_where_one_is_enough_and_no_smaller_step_flips() -> None:
    rows = people()
    person = pd.DataFrame(
        {"income": [60], "debt": [25.0], "city": pd.Categorical(["north"], dtype=CITIES), "age": [40]}
    )
    found = counterfactuals(flipped, person, rows, immutable={"age"})
    alone = {one.changes[0].column: one.changes[0].after for one in found if len(one.changes) == 1}
    values = {"income": rows["income"], "debt": rows["debt"]}
    for column, after in alone.items():
        if column == "city":
            continue
        tried = sorted(set(values[column]), key=lambda v: abs(v - person[column].iloc[0]))
        first = next(v for v in tried if flipped(person.assign(**{column: v}))[0][0])
        assert after == pytest.approx(first)
    assert "income" in alone


def test_two_changes_are_found_where_one_is_not_enough() -> None:
    """Against every pair of values the columns have."""
    rows = pd.DataFrame({"a": np.arange(10), "b": np.arange(10), "c": np.arange(10)})
    person = pd.DataFrame({"a": [0], "b": [0], "c": [0]})

    def both(frame: pd.DataFrame) -> Any:
        near = np.minimum(frame["a"], 6) + np.minimum(frame["b"], 6) + 0.0
        return np.asarray(near >= 11), np.asarray(near)

    found = counterfactuals(both, person, rows)
    assert [{c.column for c in one.changes} for one in found] == [{"a", "b"}]
    cheapest = min(a + b for a, b in product(range(10), repeat=2) if min(a, 6) + min(b, 6) >= 11)
    assert sum(c.after for c in found[0].changes) == cheapest


def test_nothing_allowed_flips() -> None:
    rows = people()
    person = rows.iloc[[0]].reset_index(drop=True)
    assert counterfactuals(lambda f: (np.zeros(len(f), dtype=bool), np.zeros(len(f))), person, rows) == []
    assert counterfactuals(flipped, person, rows, immutable=set(rows.columns)) == []


def test_wrong_questions() -> None:
    rows = people()
    with pytest.raises(InvalidInput, match="about one person"):
        counterfactuals(flipped, rows, rows)
    with pytest.raises(InvalidInput, match="'height' does not exist"):
        counterfactuals(flipped, rows.iloc[:1], rows, only_up={"height"})
    with pytest.raises(InvalidInput, match="'city' is no number"):
        counterfactuals(flipped, rows.iloc[:1], rows, only_up={"city"})
