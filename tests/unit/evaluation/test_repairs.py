"""Every mitigation through the trainer hook: the gap shrinks, the repaired model is stored without pickle and answers the
same when it is loaded, and what is not defined or not allowed is refused by name."""

from __future__ import annotations

from pathlib import Path

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from fairloop.core.datasets import Roles
from fairloop.core.mitigations import BY_NAME, MITIGATIONS
from fairloop.errors import InvalidInput, Refused
from fairloop.evaluation.repairs import Repairs
from fairloop.evaluation.trainer import Trainer
from fairloop.fairness.gaps import all_gaps
from fairloop.fairness.grouping import crossed
from fairloop.registry.model import Model
from fairloop.tables.table import Table

PARITY, ODDS = "demographic_parity_difference", "equalized_odds_difference"


def people(rows: int = 2400, seed: int = 0) -> Table:
    random = np.random.default_rng(seed)
    sex = random.choice(["F", "M"], rows)
    skill = random.normal(0, 1, rows)
    chance = 1 / (1 + np.exp(-(1.5 * skill + np.where(sex == "M", 1.0, -1.0))))
    frame = pl.DataFrame({
        "skill": skill, "place": (sex == "M") + random.normal(0, 0.5, rows), "noise": random.normal(0, 1, rows),
        "hobby": np.where(random.random(rows) < 0.8, np.where(sex == "M", "chess", "tennis"), "none"),
        "sex": sex, "hired": (random.random(rows) < chance).astype(int),
        "level": np.digitize(skill + random.normal(0, 0.5, rows), [-0.5, 0.5]),
        "pay": 60 * skill + 80.0 * (sex == "M") + random.normal(0, 100, rows),
    })  # fmt: skip
    return Table(frame, Roles(target="hired", positive=1, sensitive=["sex"], ignore=["level", "pay"]))


def fit(train: Table, trees: int = 25) -> Model:
    model = lgb.LGBMClassifier(n_estimators=trees, num_leaves=7, verbose=-1, random_state=0, n_jobs=1)
    return Model(model.fit(train.X, train.y, sample_weight=train.weight))


def fit_number(train: Table) -> Model:
    model = lgb.LGBMRegressor(n_estimators=25, num_leaves=7, verbose=-1, random_state=0, n_jobs=1)
    return Model(model.fit(train.X, train.y, sample_weight=train.weight))


def fit_all(train: Table) -> Model:
    kind = Ridge if train.task == "regression" else LogisticRegression
    return Model(kind().fit(train.X, train.y, sample_weight=train.weight))


def fit_line(train: Table) -> Model:
    return Model(LogisticRegression().fit(train.X[["skill", "place"]], train.y, sample_weight=train.weight))


@pytest.fixture(scope="module")
def parts() -> tuple[Table, Table]:
    train, valid = people().split(0.5, 0.5)
    return train, valid


@pytest.fixture(scope="module")
def repairs(parts: tuple[Table, Table]) -> Repairs:
    return Repairs(Trainer(fit, {"train": parts[0]}), "sex", PARITY, allow_attribute=True)


def gap(model: Model, table: Table, metric: str = PARITY) -> float:
    found = all_gaps(table.y, model.predict(table.X, table.sensitive), table.sensitive["sex"])[metric].estimate
    assert found is not None
    return found


@pytest.mark.parametrize("method", MITIGATIONS)
def test_every_mitigation_narrows_the_gap_and_comes_back_from_its_folder(
    method: str, repairs: Repairs, parts: tuple[Table, Table], tmp_path: Path
) -> None:
    valid = parts[1]
    plain = gap(repairs.plain, valid)
    strength = {"gap_penalty": 20.0, "adversarial": 1.0, "grid_search": 0.2}.get(method)
    if method == "correlation_removal":  # against linear trainers: trees find the group in what is left
        repairs = Repairs(Trainer(fit_all, {"train": parts[0]}), "sex", PARITY)
    model = repairs.make(method, strength)
    if not method.startswith("calibrated"):
        assert gap(model, valid) < plain * (1.05 if method == "disparate_impact_repair" else 0.85)
    model.describe(valid.X)
    model.save(tmp_path)
    loaded = Model.load(tmp_path)
    np.testing.assert_array_equal(loaded.scores(valid.X, valid.sensitive), model.scores(valid.X, valid.sensitive))
    assert loaded.structure["kind"] in {"estimator", "mean", "adjusted", "transformed"}
    assert loaded.reads_sensitive == (
        ["sex"] if BY_NAME[method].needs_attribute or method == "threshold_optimizer" else []
    )
    assert not [p for p in tmp_path.rglob("*") if p.suffix in {".pkl", ".pickle", ".joblib"}]
    again = Repairs(repairs.trainer, "sex", PARITY, allow_attribute=True).make(method, strength)
    np.testing.assert_array_equal(again.scores(valid.X, valid.sensitive), model.scores(valid.X, valid.sensitive))


@pytest.mark.parametrize("method", ["exponentiated_gradient", "gap_penalty", "threshold_optimizer", "reject_option"])
def test_error_rates_can_be_the_aim(method: str, parts: tuple[Table, Table]) -> None:
    train, valid = parts
    repairs = Repairs(Trainer(fit, {"train": train}), "sex", ODDS, allow_attribute=method == "reject_option")
    model = repairs.make(method, 30.0 if method == "gap_penalty" else None)
    assert gap(model, valid, ODDS) < gap(repairs.plain, valid, ODDS) * 0.75


def test_the_threshold_optimizer_reads_nobodys_attribute_unless_it_may(parts: tuple[Table, Table]) -> None:
    train, valid = parts
    model = Repairs(Trainer(fit, {"train": train}), "sex", PARITY).make("threshold_optimizer", 1.0)
    assert model.reads_sensitive == []
    assert model.structure["rule"]["kind"] == "expected_thresholds"
    assert gap(model, valid) < 0.1
    swapped = valid.with_frame(valid.frame.with_columns(sex=pl.lit("F")))
    np.testing.assert_array_equal(model.scores(valid.X), model.scores(swapped.X, swapped.sensitive))


def test_strength_closes_the_gap_step_by_step(repairs: Repairs, parts: tuple[Table, Table]) -> None:
    for method, few, much in (("reweighing", 0.3, 1.0), ("gap_penalty", 1.0, 100.0), ("threshold_optimizer", 0.3, 1.0),
                              ("massaging", 0.3, 1.0), ("grid_search", 0.05, 0.2)):  # fmt: skip
        less, more = (gap(repairs.make(method, s), parts[1]) for s in (few, much))
        assert more < less < gap(repairs.plain, parts[1]) + 0.05, method


def test_what_needs_the_attribute_is_refused_unless_the_policy_allows_it(parts: tuple[Table, Table]) -> None:
    shut = Repairs(Trainer(fit, {"train": parts[0]}), "sex", PARITY)
    for method in [name for name, known in BY_NAME.items() if known.needs_attribute]:
        with pytest.raises(
            Refused, match=r"needs 'sex' of every person at prediction time.*allow_attribute_at_prediction"
        ):
            shut.make(method)


def test_a_model_that_reads_the_attribute_asks_for_it(repairs: Repairs, parts: tuple[Table, Table]) -> None:
    model, valid = repairs.make("reject_option", 1.0), parts[1]
    with pytest.raises(
        InvalidInput, match=r"reads 'sex' of the person it judges; send it as parameters\.sensitive\.sex"
    ):
        model.scores(valid.X)
    with pytest.raises(InvalidInput, match="1 values of 'sex' came for"):
        model.scores(valid.X, {"sex": ["F"]})
    unknown = model.scores(valid.X, {"sex": [None] * len(valid)})
    np.testing.assert_array_equal(
        unknown >= 0.5, repairs.plain.scores(valid.X) >= 0.5
    )  # the plain rule for the unknown


# ---------------------------------------------------------------------- other answers
@pytest.mark.parametrize("method", ["reweighing", "resampling", "correlation_removal", "gap_penalty"])
def test_numbers_are_repaired_where_that_is_defined(method: str, parts: tuple[Table, Table], tmp_path: Path) -> None:
    train, valid = (part.with_roles(target="pay", positive=None, ignore=["hired", "level"]) for part in parts)
    trainer = fit_all if method == "correlation_removal" else fit_number
    repairs = Repairs(Trainer(trainer, {"train": train}), "sex", PARITY)
    model = repairs.make(method, 20.0 if method == "gap_penalty" else 1.0)

    def apart(found: Model) -> float:
        scores, men = found.scores(valid.X), (valid.sensitive["sex"] == "M").to_numpy()
        return abs(float(scores[men].mean() - scores[~men].mean()))

    assert apart(model) < 0.8 * apart(Repairs(Trainer(fit_number, {"train": train}), "sex", PARITY).plain)
    model.save(tmp_path)
    np.testing.assert_array_equal(Model.load(tmp_path).scores(valid.X), model.scores(valid.X))


@pytest.mark.parametrize("method", ["reweighing", "resampling", "correlation_removal"])
def test_classes_are_repaired_where_that_is_defined(method: str, parts: tuple[Table, Table], tmp_path: Path) -> None:
    train, valid = (part.with_roles(target="level", positive=None, ignore=["hired", "pay"]) for part in parts)
    model = Repairs(Trainer(fit, {"train": train}), "sex", PARITY).make(method, 1.0)
    assert model.task == "multiclass"
    model.save(tmp_path)
    np.testing.assert_array_equal(Model.load(tmp_path).predict(valid.X), model.predict(valid.X))
    assert (model.predict(valid.X) == valid.y).mean() > 0.6


@pytest.mark.parametrize("method", [name for name, known in BY_NAME.items() if "regression" not in known.tasks])
def test_what_is_not_defined_for_numbers_says_so(method: str, parts: tuple[Table, Table]) -> None:
    train = parts[0].with_roles(target="pay", positive=None, ignore=["hired", "level"])
    with pytest.raises(
        Refused, match=rf"{BY_NAME[method].words} is defined for binary targets; 'pay' is regression. For it"
    ):
        Repairs(Trainer(fit_number, {"train": train}), "sex", PARITY, allow_attribute=True).make(method)


# ---------------------------------------------------------------------- trainers
def test_the_gap_penalty_needs_lightgbm(parts: tuple[Table, Table]) -> None:
    with pytest.raises(
        Refused, match=r"works inside LightGBM; fit_line \(test_repairs.py, line \d+\) returns a Logistic"
    ):
        Repairs(Trainer(fit_line, {"train": parts[0]}), "sex", PARITY).make("gap_penalty")


def test_trainers_that_ignore_weights_are_found_for_every_task(parts: tuple[Table, Table]) -> None:
    def deaf(train: Table) -> Model:
        kind = LinearRegression if train.task == "regression" else LogisticRegression
        return Model(kind().fit(train.X[["skill"]], train.y))

    for target, others in (("hired", ["level", "pay"]), ("level", ["hired", "pay"]), ("pay", ["hired", "level"])):
        table = parts[0].with_roles(target=target, positive=None, ignore=others)
        with pytest.raises(Refused, match="weights change nothing in deaf"):
            Repairs(Trainer(deaf, {"train": table}), "sex", PARITY).make("reweighing", 1.0)


def test_settings_change_how_the_trainer_is_called(parts: tuple[Table, Table]) -> None:
    trainer = Trainer(fit, {"train": parts[0], "trees": 3})
    assert trainer.using({"trees": 5}).fit(parts[0]).estimator.booster_.num_trees() == 5
    with pytest.raises(
        InvalidInput, match=r"fit \(test_repairs.py, line \d+\) is given no argument 'depth'; it is given: train"
    ):
        trainer.using({"depth": 5})


def test_one_group_has_no_gap(parts: tuple[Table, Table]) -> None:
    women = parts[0].take(np.flatnonzero((parts[0].sensitive["sex"] == "F").to_numpy()))
    with pytest.raises(Refused, match="'sex' has fewer than two groups"):
        Repairs(Trainer(fit, {"train": women}), "sex", PARITY).make("reweighing", 1.0)
    with pytest.raises(Refused, match="'race' is not a sensitive attribute"):
        Repairs(Trainer(fit, {"train": women}), "race", PARITY)
    with pytest.raises(Refused, match="'magic' is not known"):
        Repairs(Trainer(fit, {"train": parts[0]}), "sex", PARITY).make("magic")


def test_the_gap_between_intersections_is_closed() -> None:
    table = people()
    race = np.where(np.random.default_rng(1).random(len(table)) < 0.5, "a", "b")
    frame = table.frame.with_columns(race=pl.Series(race))
    both = Table(frame, Roles(target="hired", positive=1, sensitive=["sex", "race"], ignore=["level", "pay"]))
    made = Repairs(Trainer(fit, {"train": both}), "sex&race", PARITY)
    assert made.names == ["F & a", "F & b", "M & a", "M & b"]
    groups = crossed([both.sensitive["sex"], both.sensitive["race"]])

    def gap(model: Model) -> float:
        return float(all_gaps(both.y, model.decide(model.scores(both.X)), groups)[PARITY].estimate or 0.0)

    assert gap(made.make("reweighing", 1.0)) < 0.6 * gap(made.plain)
    allowed = Repairs(Trainer(fit, {"train": both}), "sex&race", PARITY, allow_attribute=True)
    with pytest.raises(Refused, match="reads one attribute"):
        allowed.make("reject_option")
    with pytest.raises(Refused, match="'age' is not a sensitive attribute"):
        Repairs(Trainer(fit, {"train": both}), "sex&age", PARITY)
