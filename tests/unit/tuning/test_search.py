"""The search: one seed gives one sequence, budgets end it, what fails is told, and the frontier is what nothing beats."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from fairloop.core.checks import Check
from fairloop.core.datasets import Roles
from fairloop.core.loops import gate
from fairloop.core.tuning import Search, SearchPlan
from fairloop.errors import InvalidInput
from fairloop.evaluation.trainer import Trainer
from fairloop.registry.model import Model
from fairloop.tables.table import Table
from fairloop.tuning.search import Searcher
from fairloop.tuning.trials import Aim, Trial, spread, undominated

PARITY = "demographic_parity_difference"
GATES = [gate("roc_auc", at_least=0.6), gate(PARITY, at_most=0.1, by="sex")]


def people(rows: int = 800) -> Table:
    random = np.random.default_rng(0)
    man, skill = random.random(rows) < 0.5, random.normal(0, 1, rows)
    frame = pl.DataFrame({"skill": skill, "place": man + random.normal(0, 0.3, rows), "sex": np.where(man, "M", "F"),
                          "hired": (skill + 1.2 * man + random.normal(0, 0.8, rows) > 0.6).astype(int)})  # fmt: skip
    return Table(frame, Roles(target="hired", positive=1, sensitive=["sex"]))


def fit(train: Table, c: float = 1.0, kind: str = "plain") -> Model:
    if kind == "broken":
        raise ValueError("no such kind")
    return Model(LogisticRegression(C=c).fit(train.X, train.y, sample_weight=train.weight))


TRAIN, VALID = people().split(0.5, 0.5)
AIM = Aim.of(GATES, "binary", "sex")


def searcher(plan: SearchPlan, methods: list[str] | None = None, **options: object) -> Searcher:
    trainer = Trainer(fit, {"train": TRAIN, "c": 1.0, "kind": "plain"})
    asked = ["reweighing", "threshold_optimizer"] if methods is None else methods
    return Searcher(trainer, VALID, plan, asked, AIM, attribute="sex", criterion=PARITY, **options)  # type: ignore[arg-type]


def test_equal_seeds_find_equal_trials() -> None:
    plan = Search(c=(0.01, 10.0, "log"), budget=10)
    one, two = (searcher(plan).run() for _ in range(2))
    assert [(t.name, t.goodness) for t in one] == [(t.name, t.goodness) for t in two]
    other = searcher(Search(c=(0.01, 10.0, "log"), budget=10, seed=1)).run()
    assert [t.name for t in other[:3]] == [t.name for t in one[:3]]  # each method once as it is
    assert [t.name for t in other[3:]] != [t.name for t in one[3:]]


def test_every_method_comes_first_as_the_pipeline_has_it() -> None:
    trials = searcher(Search(c=(0.01, 10.0), budget=3)).run()
    assert [(t.method, t.settings) for t in trials] == [("plain", {}), ("reweighing", {}), ("threshold_optimizer", {})]
    assert all(t.metrics[f"{PARITY} by sex"] < trials[0].metrics[f"{PARITY} by sex"] for t in trials[1:])


def test_budgets_of_time_and_money_end_it() -> None:
    def clock() -> float:
        return next(ticks)

    ticks = itertools.count(0.0, 1.0)
    trials = searcher(Search(c=(0.01, 10.0), budget="10s"), clock=clock).run()
    assert 1 <= len(trials) <= 5  # every trial looks at the clock three times
    ticks = itertools.count(0.0, 1.0)
    dear = searcher(Search(c=(0.01, 10.0), budget="$0.01"), clock=clock, usd_per_hour=3.6).run()
    assert [t.name for t in dear] == [t.name for t in trials]  # $0.01 at $3.60 an hour is ten seconds too


def test_what_fails_is_told_and_left_out() -> None:
    found = searcher(Search(kind=["plain", "broken"], budget=12), ["reweighing", "gap_penalty", "reject_option"])
    trials = found.run()
    assert "works inside LightGBM" in found.left_out["gap_penalty"]
    assert "at prediction time" in found.left_out["reject_option"]
    assert {t.method for t in trials[4:]} <= {"plain", "reweighing"}
    broken = [t for t in trials if t.settings.get("kind") == "broken"]
    assert broken
    assert all(t.error == "ValueError: no such kind" and not t.goodness for t in broken)
    assert len(trials) == 12


def test_only_the_frontier_keeps_its_models() -> None:
    trials = searcher(Search(c=(0.001, 10.0, "log"), budget=12)).run()
    front = undominated(trials)
    assert {t.number for t in trials if t.model is not None} == {t.number for t in front}
    for one in front:
        assert not any(all(a >= b for a, b in zip(o.goodness, one.goodness, strict=True)) and o.goodness != one.goodness
                       for o in trials if o.goodness)  # fmt: skip


def test_without_an_attribute_only_hyperparameters_are_searched() -> None:
    aim = Aim.of([], "binary", "")
    trainer = Trainer(fit, {"train": TRAIN, "c": 1.0})
    trials = Searcher(trainer, VALID, Search(c=(0.01, 10.0), budget=4), ["reweighing"], aim).run()
    assert {t.method for t in trials} == {"plain"}
    assert all(len(t.goodness) == 1 for t in trials)


def test_numbers_have_their_own_aim() -> None:
    def fit_number(train: Table, alpha: float = 1.0) -> Model:
        return Model(Ridge(alpha=alpha).fit(train.X, train.y, sample_weight=train.weight))

    train, valid = (t.with_roles(target="skill", positive=None, ignore=["hired"]) for t in (TRAIN, VALID))
    aim = Aim.of([], "regression", "sex")
    assert aim == Aim(quality="r2", criteria=("mean_prediction_difference by sex",))
    trials = Searcher(Trainer(fit_number, {"train": train, "alpha": 1.0}), valid, Search(alpha=(0.1, 10.0), budget=4),
                      ["reweighing"], aim, attribute="sex").run()  # fmt: skip
    assert all(t.goodness or "weights" in t.error for t in trials)


# ---------------------------------------------------------------------- the frontier
def trial(number: int, *goodness: float) -> Trial:
    return Trial(number=number, method="plain", strength=None, settings={}, goodness=goodness)


def test_of_equal_trials_the_first_is_on_the_frontier() -> None:
    found = undominated([trial(0, 0.9, -0.2), trial(1, 0.9, -0.2), trial(2, 0.8, -0.1), trial(3, 0.7, -0.15), trial(4)])
    assert [t.number for t in found] == [0, 2]


def test_a_long_frontier_is_thinned_to_its_ends_and_the_middle() -> None:
    front = [trial(i, 0.9 - i / 100, -0.2 + i / 100) for i in range(15)]
    kept = spread(front, 5)
    assert len(kept) == 5
    assert {0, 14} <= {t.number for t in kept}
    assert spread(front[:3], 5) == front[:3]


def test_the_aim_follows_the_gates() -> None:
    assert AIM.quality == "roc_auc"
    assert AIM.criteria == (f"{PARITY} by sex", "equalized_odds_difference by sex")
    asked = [Check(metric="f1", at_least=0.5), Check(metric="latency_p99_ms", at_most=5)]
    assert Aim.of(asked, "binary", "sex").quality == "f1"
    assert Aim.of([], "multiclass", "").quality == "accuracy"


# ---------------------------------------------------------------------- what a loop says
def test_ranges_and_budgets_are_read() -> None:
    found = Search(rate=(0.01, 0.3, "log"), leaves=(7, 63), kind=["a", "b"], budget="2m", seed=3)
    rate, leaves, kind = found.ranges
    assert (rate.low, rate.high, rate.log, rate.whole) == (0.01, 0.3, True, False)
    assert (leaves.whole, leaves.log) == (True, False)
    assert kind.choices == ["a", "b"]
    assert found.budget.seconds == 120
    assert Search(budget="$0.50").budget.usd == Search(budget="0.5 usd").budget.usd == 0.5
    assert Search(budget="40 trials").budget.trials == Search(budget=40).budget.trials == 40
    assert [Search(budget=b).budget.words for b in ("2m", "$0.5", 3)] == ["120 s", "$0.5", "3 trials"]


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"rate": 0.1}, r"Search\(rate=0.1\): give \(low, high\)"),
        ({"rate": (0.1, 0.2, "linear")}, "or a list of choices"),
        ({"rate": (0.3, 0.1)}, "a smaller and a larger"),
        ({"rate": (0.0, 0.1, "log")}, "must begin above 0"),
        ({"kind": [object(), 1]}, "choices are texts"),
        ({"budget": True}, "give '2m'"),
        ({"budget": "0 trials"}, "one positive amount"),
        ({"budget": "soon"}, "is not a duration"),
    ],
)
def test_what_a_search_cannot_use_is_named(space: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        Search(**space)  # type: ignore[arg-type]
