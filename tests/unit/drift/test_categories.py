import polars as pl

from fairloop.drift.categories import FREQUENT, category_reference, category_window


def test_frequent_rare_and_unseen() -> None:
    reference = category_reference(pl.Series("c", ["a"] * 50 + ["b"] * 30 + ["c", "d", "d", None]))
    assert reference["categories"] == ["a", "b"]
    assert reference["counts"] == [50, 30, 3, 0]
    assert reference["rare"] == ["c", "d"]
    assert reference["singletons"] == 1
    assert reference["missing"] == 1
    window = category_window(pl.Series("c", ["b", "d", "new", "new", "x", None]), reference)
    assert window["counts"] == [0, 1, 1, 3]
    assert window["new"] == ["new", "x"]
    assert (window["n"], window["missing"]) == (6, 1)


def test_other_types_are_read_as_text() -> None:
    reference = category_reference(pl.Series("c", [True] * 20 + [False] * 20))
    assert sorted(reference["categories"]) == ["False", "True"]
    window = category_window(pl.Series("c", ["True", "False", "False"]), reference)
    assert sorted(window["counts"]) == [0, 0, 1, 2]
    numbers = category_reference(pl.Series("c", [1.0] * 20 + [float("nan")]))
    assert numbers["missing"] == 1
    assert category_reference(pl.Series("c", ["a"] * 20, dtype=pl.Categorical))["categories"] == ["a"]


def test_very_many_categories_stay_a_small_profile() -> None:
    reference = category_reference(pl.Series("c", [str(i) for i in range(50_000)]))
    assert reference["rare"] is None
    assert reference["counts"] == [50_000, 0]
    window = category_window(pl.Series("c", ["nobody", "7"]), reference)
    assert window["counts"] == [2, 0]
    many = category_reference(pl.Series("c", [str(i % 100) for i in range(50_000)]))
    assert len(many["categories"]) == FREQUENT
    assert len(many["rare"]) == 60


def test_no_rows() -> None:
    reference = category_reference(pl.Series("c", [], dtype=pl.String))
    assert reference["counts"] == [0, 0]
    assert category_window(pl.Series("c", ["a"]), reference)["counts"] == [0, 1]
