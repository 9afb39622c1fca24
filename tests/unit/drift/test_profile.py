import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from fairloop.drift.profile import kind_of, merge, profile_reference, profile_scores, profile_window
from fairloop.errors import InvalidInput


def frame(n: int = 1000, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": random.integers(18, 90, n),
            "gain": np.where(random.random(n) < 0.9, 0.0, random.lognormal(8, 1, n)),
            "job": random.choice(["clerk", "nurse", "smith"], n),
            "note": [f"this is note {i} of many words" for i in random.integers(0, 10**9, n)],
            "flag": random.random(n) < 0.5,
            "tags": [["a", "b"]] * n,
        }
    )


def test_kinds_come_from_the_types() -> None:
    reference = profile_reference(frame())
    assert {name: profile["kind"] for name, profile in reference.items()} == {
        "age": "number", "gain": "number", "job": "category", "note": "text", "flag": "category",
    }  # fmt: skip
    assert profile_reference(frame(), ["age"], {"age": "category"})["age"]["kind"] == "category"
    assert kind_of(pl.Series("x", [None, None], dtype=pl.String)) == "category"
    assert kind_of(pl.Series("x", ["one of four words"] * 50)) == "category"


def test_profiles_are_small_json_and_come_back() -> None:
    reference = profile_reference(frame(5000))
    text = json.dumps(reference)
    assert len(text) < 100_000
    again = json.loads(text)
    window = frame(300, seed=1)
    assert profile_window(window, again) == profile_window(window, reference)
    json.dumps(profile_window(window, again), allow_nan=False)


def test_pandas_and_mappings_count_like_polars() -> None:
    table = frame().drop("tags")
    reference = profile_reference(table)
    assert profile_reference(table.to_pandas()) == reference
    assert profile_reference({name: table[name].to_list() for name in table.columns}) == reference
    assert profile_window(pd.DataFrame(table.to_dict(as_series=False)), reference) == profile_window(table, reference)


def test_windows_of_parts_merge_to_the_whole() -> None:
    reference = profile_reference(frame())
    window = frame(500, seed=2)
    whole = profile_window(window, reference)
    merged = merge(profile_window(window[:123], reference), profile_window(window[123:], reference))
    for name, profile in whole.items():
        for key in ("n", "missing", "counts"):
            assert merged[name].get(key) == profile.get(key), name
    assert merged["age"]["sum"] == pytest.approx(whole["age"]["sum"])
    assert merged["note"]["features"]["words"]["counts"] == whole["note"]["features"]["words"]["counts"]
    other = profile_window(window, profile_reference(frame(seed=9)))
    with pytest.raises(InvalidInput, match="different bins"):
        merge(whole, other)
    with pytest.raises(InvalidInput, match="different columns"):
        merge(whole, {})


def test_a_column_the_window_lacks_is_missing_in_every_row() -> None:
    reference = profile_reference(frame())
    window = profile_window(frame(200).drop("age", "job"), reference)
    assert window["age"]["missing"] == window["job"]["missing"] == 200
    assert window["age"]["n"] == 200


def test_scores() -> None:
    scores = np.random.default_rng(0).random(1000)
    reference = profile_scores(scores)
    window = profile_scores(list(scores[:100]), reference)
    assert reference.keys() == window.keys() == {"score"}
    assert window["score"]["n"] == 100
    assert profile_scores([], reference)["score"]["n"] == 0


def test_unknown_columns_and_kinds_are_named() -> None:
    with pytest.raises(InvalidInput, match="No column 'wage'"):
        profile_reference(frame(), ["wage"])
    with pytest.raises(InvalidInput, match="Unknown kind 'image'"):
        profile_reference(frame(), ["age"], {"age": "image"})


def test_no_rows() -> None:
    reference = profile_reference(frame(0))
    assert reference["age"]["n"] == 0
    assert profile_window(frame(5), reference)["age"]["counts"] == [5]
