"""The demo's loop: who is likely to earn over 50K? The first policy asks for quality only, as most teams' does."""

from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

import fairloop as fl


@fl.step(cpu=1, memory="1GiB")
def split(people: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:
    """Training, validation and test rows; a row's part never changes."""
    return people.split(0.5, 0.1, 0.4)


@fl.step(cpu=2, memory="1GiB", retries=1)
def fit(train: fl.Table, learning_rate: float = 0.05) -> fl.Model:
    """Boosted trees on everything but sex and race, which the table never hands to a model."""
    features = train.X
    words = features.select_dtypes(exclude="number").columns.tolist()
    encode = ColumnTransformer(
        [
            (
                "words",
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
                words,
            )
        ],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    trees = LGBMClassifier(
        n_estimators=200, learning_rate=learning_rate, num_leaves=31, random_state=0, n_jobs=1, verbose=-1
    )
    model = Pipeline([("encode", encode), ("trees", trees)])
    model.fit(features, train.y, trees__sample_weight=train.weight)
    return fl.Model(model)


@fl.pipeline
def train_income(people: fl.Table, learning_rate: float = 0.05):
    train, valid, test = split(people)
    model = fit(train, learning_rate=learning_rate)
    return fl.candidate(model, valid, test)


loop = fl.Loop(
    name="income",
    goal="Find people likely to earn over 50K, equally well for women and men",
    data=fl.Data("census", target="income", positive=">50K", sensitive=["sex", "race"]),
    pipeline=train_income,
    gates=[
        fl.gate("roc_auc", at_least=0.85),
        fl.gate("latency_p99_ms", at_most=100),
        fl.gate("cost_usd", at_most=1),
    ],
    mitigate=["reweighing", "exponentiated_gradient"],
    rollout=fl.Canary(steps=[10, 50, 100], judge_by=["sex"], min_requests=200),
    watch=[
        fl.Drift(),
        fl.Bias("demographic_parity_difference", at_most=0.12, by="sex"),
        fl.Bias("equalized_odds_difference", at_most=0.20, by="sex"),
        fl.Performance("roc_auc", drop=0.05),
        fl.Resources(latency_p99_ms=100),
    ],
    watch_every="1h",
    window=2000,
    on_alert="propose",
)
