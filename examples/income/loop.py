"""Who is likely to earn over 50K? The whole loop in one file, on census data that ships with Fairloop.

fairloop run examples/income/loop.py
"""

import fairloop as fl


@fl.step(cpu=1, memory="1GiB")
def split(people: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:
    """Train, validation and test part: large ones to judge on, for a gap between groups needs many rows to be told."""
    return people.split(0.4, 0.3, 0.3)


@fl.step(cpu=2, memory="2GiB", retries=1)
def fit(train: fl.Table, learning_rate: float = 0.1) -> fl.Model:
    """LightGBM on codes of the text columns. Neither sex nor race is in train.X."""
    from lightgbm import LGBMClassifier
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    X = train.X
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer(
        [("codes", codes, make_column_selector(dtype_include="category")(X))], remainder="passthrough"
    )
    trees = LGBMClassifier(n_estimators=150, learning_rate=learning_rate, random_state=0, n_jobs=1, verbose=-1)
    pipeline = Pipeline([("columns", columns), ("trees", trees)])
    # the weight is what a mitigation changes: hand it on
    return fl.Model(pipeline.fit(X, train.y, trees__sample_weight=train.weight))


@fl.pipeline
def train_income(people: fl.Table, learning_rate: float = 0.1):
    train, valid, test = split(people)
    model = fit(train, learning_rate=learning_rate)
    return fl.candidate(model, valid, test)  # judges quality, fairness, latency, size; explains; registers


loop = fl.Loop(
    name="income",
    goal="Find people likely to earn over 50K, equally well for women and men",
    data=fl.Data("adult", target="income", positive=">50K", sensitive=["sex", "race"]),
    pipeline=train_income,
    gates=[
        fl.gate("roc_auc", at_least=0.85),
        fl.gate(
            "demographic_parity_difference", at_most=0.12, by="sex", because="equal access to the offer is the goal"
        ),
        fl.gate("equalized_odds_difference", at_most=0.20, by="sex"),
        fl.gate("latency_p99_ms", at_most=20),
        fl.gate("cost_usd", at_most=1),
    ],
    mitigate=["reweighing", "exponentiated_gradient", "threshold_optimizer"],
    approval=fl.Approval(role="manager", expires="3d"),
    rollout=fl.Canary(steps=[10, 50, 100], judge_by=["sex"]),
    watch=[
        fl.Drift(),
        fl.Bias("demographic_parity_difference", at_most=0.12, by="sex"),
        fl.Performance("roc_auc", drop=0.05),
        fl.Resources(latency_p99_ms=50),
    ],
    on_alert="propose",
)
