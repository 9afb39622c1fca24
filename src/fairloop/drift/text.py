"""Profiles of columns of text: length, number of words, share of unknown words, leading word. One value a
text each.

Counting every word would treat words of one text as independent and alarm falsely; one value a text keeps the
rows independent, so the same tests hold as for numbers and categories.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from fairloop.drift.categories import category_reference, category_window
from fairloop.drift.numbers import number_reference, number_window

VOCABULARY = 5000
LEADERS = 40
_LEADER_SHARE = (0.01, 0.3)
_WORD = r"[\p{L}\p{N}]+"
NONE = "(none of these words)"

Profile = dict[str, Any]


def text_reference(series: pl.Series) -> Profile:
    """Profiles of four features of each text.

    Half of the reference's texts (every other one) give the vocabulary and the leading words, the other half
    the counts: counted on the texts it was made from, a vocabulary would look more complete than it is for
    new ones.
    """
    texts = series.cast(pl.String).alias("text")
    halves = pl.int_range(len(texts), eager=True) % 2 == 0
    learn, count = texts.filter(halves), texts.filter(~halves)
    documents = _documents(learn)
    vocabulary = documents.filter(pl.col("texts") >= 2).head(VOCABULARY)["word"].to_list()
    size = max(len(learn) - learn.null_count(), 1)
    low, high = (share * size for share in _LEADER_SHARE)
    leaders = documents.filter(pl.col("texts").is_between(low, high)).head(LEADERS)["word"].to_list()[::-1]
    features = _features(count, vocabulary, leaders)
    return {
        "kind": "text",
        "n": len(texts),
        "missing": texts.null_count(),
        "vocabulary": vocabulary,
        "leaders": leaders,
        "features": {
            "length": number_reference(_features_plain(texts)["length"]),
            "words": number_reference(_features_plain(texts)["words"]),
            "unknown words": number_reference(features["unknown words"]),
            "leading word": category_reference(features["leading word"]),
        },
    }


def text_window(series: pl.Series, reference: Profile) -> Profile:
    """The features of other texts in the reference's bins."""
    texts = series.cast(pl.String).alias("text")
    features = _features(texts, reference["vocabulary"], reference["leaders"])
    known = reference["features"]
    return {
        "kind": "text",
        "n": len(texts),
        "missing": texts.null_count(),
        "features": {
            "length": number_window(features["length"], known["length"]),
            "words": number_window(features["words"], known["words"]),
            "unknown words": number_window(features["unknown words"], known["unknown words"]),
            "leading word": category_window(features["leading word"], known["leading word"]),
        },
    }


def _words(texts: pl.Series) -> pl.DataFrame:
    """One row per (text, distinct word)."""
    return (
        texts.to_frame()
        .with_row_index("row")
        .select("row", word=pl.col("text").str.to_lowercase().str.extract_all(_WORD).list.unique())
        .explode("word")
        .drop_nulls()
    )


def _documents(texts: pl.Series) -> pl.DataFrame:
    """Words and in how many texts they stand, most frequent first."""
    return _words(texts).group_by("word").agg(texts=pl.len()).sort(["texts", "word"], descending=[True, False])


def _features_plain(texts: pl.Series) -> pl.DataFrame:
    return texts.to_frame().select(length=pl.col("text").str.len_chars(), words=pl.col("text").str.count_matches(_WORD))


def _features(texts: pl.Series, vocabulary: list[str], leaders: list[str]) -> pl.DataFrame:
    """Four columns, one row a text; null where the text is."""
    rows = texts.to_frame().with_row_index("row")
    place = pl.DataFrame({"word": leaders, "place": range(len(leaders))}, schema={"word": pl.String, "place": pl.Int64})
    found = (
        _words(texts)
        .join(place, on="word", how="left")
        .group_by("row")
        .agg(unknown=(~pl.col("word").is_in(vocabulary)).mean(), place=pl.col("place").min())
    )
    leader = pl.col("place").replace_strict(list(range(len(leaders))), leaders, default=None, return_dtype=pl.String)
    joined = rows.join(found, on="row", how="left").sort("row").with_columns(leader=leader)
    present = pl.col("text").is_not_null()
    return joined.select(
        length=pl.col("text").str.len_chars(),
        words=pl.col("text").str.count_matches(_WORD),
        **{
            "unknown words": pl.when(present).then(pl.col("unknown").fill_null(0.0)),
            "leading word": pl.when(present).then(pl.col("leader").fill_null(NONE)),
        },
    )
