import numpy as np
import polars as pl

from fairloop.drift.judge import judge_drift
from fairloop.drift.profile import profile_reference, profile_window
from fairloop.drift.text import NONE, text_reference, text_window

WORDS = np.array([f"word{i}" for i in range(2000)])
CHANCE = 1 / np.arange(1, 2001)
CHANCE /= CHANCE.sum()


def texts(random: np.random.Generator, n: int, chance: np.ndarray = CHANCE, length: int = 10) -> list[str]:
    return [" ".join(random.choice(WORDS, random.poisson(length) + 1, p=chance)) for _ in range(n)]


def test_features_of_a_text() -> None:
    reference = text_reference(pl.Series("t", ["red green blue", "Red green", "green blue", "blue"] * 25 + [None]))
    assert reference["missing"] == 1
    assert set(reference["vocabulary"]) <= {"red", "green", "blue"}
    window = text_window(pl.Series("t", ["GREEN! violet", "", None]), reference)
    features = window["features"]
    assert window["n"] == 3
    assert {name: profile["missing"] for name, profile in features.items()} == {
        "length": 1, "words": 1, "unknown words": 1, "leading word": 1,
    }  # fmt: skip
    assert sum(features["leading word"]["counts"]) == 2


def test_texts_without_known_words_have_no_leading_word() -> None:
    random = np.random.default_rng(0)
    reference = text_reference(pl.Series("t", texts(random, 1000)))
    names = reference["features"]["leading word"]["categories"]
    assert NONE in names
    window = text_window(pl.Series("t", ["nothing known here"] * 10), reference)
    assert window["features"]["leading word"]["counts"][names.index(NONE)] == 10


def test_new_words_are_drift_and_equal_texts_are_not() -> None:
    random = np.random.default_rng(1)
    reference = profile_reference({"t": texts(random, 3000)})
    assert reference["t"]["kind"] == "text"
    pool = texts(random, 6000)
    false = 0
    for _ in range(100):
        rows = random.choice(len(pool), 300, replace=False)
        judged = judge_drift(reference, profile_window({"t": [pool[row] for row in rows]}, reference))
        false += judged["status"] == "fail"
    assert false <= 10
    other = CHANCE.copy()
    random.shuffle(other[20:])
    for changed in (texts(random, 300, other), texts(random, 300, length=14)):
        judged = judge_drift(reference, profile_window({"t": changed}, reference))
        assert judged["drifted"] == ["t"]
        assert judged["columns"]["t"]["features"]["words"]["bins"]


def test_no_texts() -> None:
    for series in (pl.Series("t", [], dtype=pl.String), pl.Series("t", [None, None], dtype=pl.String)):
        reference = text_reference(series)
        assert reference["vocabulary"] == []
        assert text_window(pl.Series("t", ["a b c"]), reference)["n"] == 1
        assert text_window(series, reference)["missing"] == series.null_count()
