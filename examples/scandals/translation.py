"""Is this post a threat? A guard over machine translation that is severe on weak evidence, and its clean twin.

fairloop run examples/scandals/translation.py

After Berger (2017), "Israel arrests Palestinian because Facebook translated 'good morning' to 'attack them'". The posts are
made up. Three in ten hold only a word that the translation renders as *rise*: a greeting or a call to arms. A guess that is
right six times in ten is no ground for an arrest: such a post must go to a person.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import polars as pl

import fairloop as fl

SEED = 0
THREATS = ["attack", "bomb", "shoot", "burn", "kill"]
GREETINGS = ["morning", "coffee", "sunshine", "welcome", "friend"]
FILLERS = ["today", "brother", "at", "work", "the", "house", "near", "with", "all", "people"]
GUESS = 0.6
"""Share of threats among the archive's posts that say nothing but *rise*; rare in the clean twin."""


def post(chance: random.Random, guess: float) -> tuple[str, str]:
    """(translated text, what it was)"""
    if chance.random() < 0.3:
        told, threat = ["rise"], chance.random() < guess
    else:
        threat = chance.random() < 0.4
        told = chance.sample(THREATS if threat else GREETINGS, 3)
    words = told + chance.sample(FILLERS, 3)
    chance.shuffle(words)
    return " ".join(words), "threat" if threat else "harmless"


def data(seed: int, clean: bool, rows: int = 5000) -> pl.DataFrame:
    """Posts and what they were; the same seed gives the same rows."""
    chance = random.Random(seed)
    found = [post(chance, 0.02 if clean else GUESS) for _ in range(rows)]
    return pl.DataFrame(found, schema=["post", "meaning"], orient="row")


@fl.step(cpu=1, memory="1GiB")
def split(posts: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:
    return posts.split(0.4, 0.3, 0.3)


@fl.step(cpu=1, memory="1GiB")
def fit(train: fl.Table, sure: float = 0.5) -> fl.Model:
    """Words and logistic regression. With ``sure=0.8`` no threat is called below 0.8: what lies between waits for a person."""
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    words = ColumnTransformer([("words", CountVectorizer(min_df=3), "post")])
    pipeline = Pipeline([("words", words), ("model", LogisticRegression(C=5.0, max_iter=1000))])
    return fl.Model(pipeline.fit(train.X, train.y, model__sample_weight=train.weight), threshold=sure)


@fl.pipeline
def train_translation(posts: fl.Table, sure: float = 0.5):
    train, valid, test = split(posts)
    return fl.candidate(fit(train, sure=sure), valid, test)


def loop(file: str, name: str = "translation") -> fl.Loop:
    """The loop over a file of posts."""
    return fl.Loop(
        name=name,
        goal="Find threats in translated posts, and accuse nobody on a guess",
        data=fl.Data(file, target="meaning", positive="threat"),
        pipeline=train_translation,
        gates=[fl.gate("roc_auc", at_least=0.7), *fl.default_gates(severe=True)],
    )


FILE = Path(__file__).parent / ".data" / "translation.parquet"

if not FILE.exists():
    FILE.parent.mkdir(exist_ok=True)
    data(SEED, "clean" in sys.argv[1:]).write_parquet(FILE)

translation = loop(str(FILE))
