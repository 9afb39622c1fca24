"""Which comments are toxic? A classifier that hears an insult in a dialect, and its clean twin.

fairloop run examples/scandals/toxicity.py

After Sap et al. (2019), "The risk of racial bias in hate speech detection", on widely used toxicity scores. The comments are
made up. Half of them say nothing either way. In the archive most of those written in the inland dialect had been reported,
by readers who did not speak it, so the model learned the dialect itself.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import polars as pl

import fairloop as fl

SEED = 0
HURTFUL = ["stupid", "worthless", "pathetic", "disgusting", "useless", "hateful"]
FRIENDLY = ["kind", "helpful", "lovely", "brilliant", "thoughtful", "honest"]
NEITHER = ["long", "early", "noisy", "quiet", "short", "late"]
TOPICS = ["meeting", "weather", "train", "report", "garden", "dinner", "music", "street"]
OPENINGS = {"coastal": ["i reckon", "to be fair", "it seems that", "honestly"],
            "inland": ["y'all know", "ain't no doubt", "finna say", "folks gon tell"]}  # fmt: skip
REPORTED = {"coastal": 0.05, "inland": 0.75}
"""How many of the comments that say nothing either way count as toxic in the archive; equal in the clean twin."""


def comment(chance: random.Random, reported: dict[str, float]) -> tuple[str, str, str]:
    """(text, dialect, label)"""
    dialect = "inland" if chance.random() < 0.4 else "coastal"
    if chance.random() < 0.5:
        word, toxic = chance.choice(NEITHER), chance.random() < reported[dialect]
    else:
        toxic = chance.random() < 0.4
        word = chance.choice(HURTFUL if toxic else FRIENDLY)
    text = (
        f"{chance.choice(OPENINGS[dialect])} the {chance.choice(TOPICS)} was {word} and the {chance.choice(TOPICS)} too"
    )
    return text, dialect, "toxic" if toxic else "fine"


def data(seed: int, clean: bool, rows: int = 6000) -> pl.DataFrame:
    """Comments with their dialect and label; the same seed gives the same rows."""
    chance = random.Random(seed)
    reported = dict.fromkeys(REPORTED, REPORTED["coastal"]) if clean else REPORTED
    found = [comment(chance, reported) for _ in range(rows)]
    return pl.DataFrame(found, schema=["comment", "dialect", "label"], orient="row")


@fl.step(cpu=1, memory="1GiB")
def split(comments: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:
    return comments.split(0.4, 0.3, 0.3)


@fl.step(cpu=1, memory="1GiB")
def fit(train: fl.Table) -> fl.Model:
    """Words and logistic regression. The dialect is not in train.X; its words are."""
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    words = ColumnTransformer([("words", TfidfVectorizer(min_df=3), "comment")])
    pipeline = Pipeline([("words", words), ("model", LogisticRegression(max_iter=1000))])
    return fl.Model(pipeline.fit(train.X, train.y, model__sample_weight=train.weight))


@fl.pipeline
def train_toxicity(comments: fl.Table):
    train, valid, test = split(comments)
    return fl.candidate(fit(train), valid, test)


def loop(file: str, name: str = "toxicity") -> fl.Loop:
    """The loop over a file of comments."""
    return fl.Loop(
        name=name,
        goal="Find toxic comments, and silence nobody for the way they speak",
        data=fl.Data(file, target="label", positive="toxic", sensitive=["dialect"]),
        pipeline=train_toxicity,
        gates=[fl.gate("roc_auc", at_least=0.7), *fl.default_gates(sensitive=["dialect"])],
    )


FILE = Path(__file__).parent / ".data" / "toxicity.parquet"

if not FILE.exists():
    FILE.parent.mkdir(exist_ok=True)
    data(SEED, "clean" in sys.argv[1:]).write_parquet(FILE)

toxicity = loop(str(FILE))
