"""Which comments hurt? A loop over text: the same gates, evidence and watch as for numbers in columns.

fairloop run examples/comments/loop.py
"""

import sys
from pathlib import Path

import fairloop as fl

HERE = Path(__file__).parent
CSV = HERE / "comments.csv"

if not CSV.exists():
    sys.path.insert(0, str(HERE))
    from data import write

    write(CSV)


@fl.step(cpu=1, memory="1GiB")
def split(comments: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:
    return comments.split(0.6, 0.2, 0.2)


@fl.step(cpu=1, memory="1GiB")
def fit(train: fl.Table) -> fl.Model:
    """TF-IDF and logistic regression. The dialect is not in train.X; the words that betray it are."""
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    words = ColumnTransformer([("words", TfidfVectorizer(min_df=3), "comment")])
    pipeline = Pipeline([("words", words), ("model", LogisticRegression(max_iter=1000))])
    return fl.Model(pipeline.fit(train.X, train.y, model__sample_weight=train.weight))


@fl.pipeline
def train_comments(comments: fl.Table):
    train, valid, test = split(comments)
    return fl.candidate(fit(train), valid, test)


loop = fl.Loop(
    name="comments",
    goal="Find comments that hurt, without silencing a dialect",
    data=fl.Data(str(CSV), target="label", positive="hurtful", sensitive=["dialect"]),
    pipeline=train_comments,
    gates=[
        fl.gate("roc_auc", at_least=0.8),
        fl.gate("equalized_odds_difference", at_most=0.25, by="dialect", because="a dialect is no offence"),
        fl.gate("latency_p99_ms", at_most=50),
    ],
    mitigate=["reweighing"],
    watch=[fl.Drift(), fl.Bias("demographic_parity_difference", at_most=0.25, by="dialect")],
)
