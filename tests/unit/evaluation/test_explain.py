"""Explanations of whole models: every kind a loop can make is explained alike, and its findings are said in words."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from fairloop.core.codec import dumps
from fairloop.core.datasets import Roles
from fairloop.errors import InvalidInput
from fairloop.evaluation import explain_words as words
from fairloop.evaluation.explain import Rows, explain_rows
from fairloop.evaluation.explain_one import answer_for
from fairloop.evaluation.explained import Explained
from fairloop.fairness.mitigation.after import Adjustment
from fairloop.registry.model import Model
from fairloop.tables.table import Table


def hiring(rows: int = 1600, seed: int = 0, *, betrayed: bool = True) -> Table:
    """``club`` stands in for ``sex`` (unless it does not), and the label was kinder to men."""
    random = np.random.default_rng(seed)
    male = random.random(rows) < 0.5
    skill = random.normal(size=rows)
    club = np.where(male if betrayed else random.random(rows) < 0.5, "chess", "choir")
    club = np.where(random.random(rows) < 0.15, "none", club)
    good = skill + (0.9 * male if betrayed else 0) + random.normal(0, 0.6, rows) > 0.5
    return Table(pl.DataFrame({"skill": skill, "club": club, "luck": random.normal(size=rows), "sex": np.where(male, "M", "F"),
                               "hired": np.where(good, "yes", "no"), "pay": 20 + 5 * skill + 4 * male}),
                 Roles(target="hired", positive="yes", sensitive=["sex"], ignore=["pay"]))  # fmt: skip


def fit(table: Table, seed: int = 0, trees: int = 15) -> Model:
    estimator = lightgbm.LGBMClassifier(n_estimators=trees, num_leaves=7, verbose=-1, n_jobs=1, random_state=seed)
    model = Model(estimator.fit(table.X, table.y))
    model.describe(table.X)
    return model


def explained(model: Model, table: Table, **options: Any) -> dict[str, Any]:
    labels = table.y if model.task == table.task else None
    rows = Rows(Explained.of(model, table, options.pop("answer", None)), table, labels, table.sensitive)
    found = explain_rows(rows, **options)
    assert len(dumps(found)) < 200_000
    return found


def whole(found: dict[str, Any]) -> None:
    """The parts add up, whatever the model is made of."""
    gap = found["attributes"][0]["gap"]
    assert sum(p["part"] for p in gap["parts"]) == pytest.approx(gap["gap"], abs=1e-9)
    for person in found["people"]:
        assert person["base"] + sum(p["part"] for p in person["parts"]) == pytest.approx(person["score"], abs=1e-6)


@pytest.fixture(scope="module")
def table() -> Table:
    return hiring()


def test_the_stand_in_is_named(table: Table) -> None:
    found = explained(fit(table), table)
    whole(found)
    first = found["findings"][0]
    assert first.startswith("Most of the gap of 0.")
    assert "by sex comes from club (0." in first
    assert "share selected: M 0." in first
    by_sex = found["attributes"][0]
    assert by_sex["proxies"][0]["column"] == "club"
    assert found["findings"][1].startswith("club (right in ")
    assert by_sex["gap"]["gap"] == pytest.approx(by_sex["rates"][1]["rate"] - by_sex["rates"][0]["rate"])
    assert found["words"] == " ".join(found["findings"])
    assert {e["column"] for e in found["effects"]} == {"skill", "club", "luck"}


def test_the_clean_twin_has_no_stand_in() -> None:
    clean = hiring(betrayed=False)
    found = explained(fit(clean), clean)
    by_sex = found["attributes"][0]
    assert not any(p["found"] for p in by_sex["proxies"])
    assert "may be chance" in found["findings"][0]
    assert not any("apart" in sentence for sentence in found["findings"])


def test_averaged_models(table: Table) -> None:
    """As exponentiated gradient makes them."""
    mean = Model.mean([fit(table, 0), fit(table, 1, 5)], [0.25, 0.75])
    found = explained(mean, table)
    whole(found)
    assert found["attributes"][0]["gap"]["parts"][0]["column"] == "club"


def test_averaged_trees_with_numbers_only_are_exact(table: Table) -> None:
    numbers = Table(
        table.frame.with_columns(pl.col("club").replace_strict({"chess": 1.0, "choir": 0.0, "none": 0.5})), table.roles
    )
    forests = [
        RandomForestClassifier(8, max_depth=4, random_state=s, n_jobs=1).fit(numbers.X, numbers.y) for s in (0, 1)
    ]
    found = explained(Model.mean([Model(f) for f in forests], [0.4, 0.6]), numbers)
    whole(found)
    assert found["importance"]["exact"]
    assert found["attributes"][0]["score_gap"]["method"] == "exact Shapley values of trees"


def test_a_rule_that_reads_the_attribute_is_a_column_of_its_own(table: Table) -> None:
    """Thresholds by group: what the rule does for women shows as the part of ``sex``, against the gap."""
    rule = Adjustment(kind="group_thresholds", attribute="sex", groups=["F", "M"], values={"low": [0.3, 0.7, 0.5], "high": [0.3, 0.7, 0.5],
                      "share": [1.0, 1.0, 1.0], "thresholds": [0.3, 0.7, 0.5], "threshold": [0.3, 0.7, 0.5]})  # fmt: skip
    model = Model.adjusted(fit(table), rule)
    found = explained(model, table)
    whole(found)
    assert "sex" in found["columns"]
    parts = {p["column"]: p["part"] for p in found["attributes"][0]["gap"]["parts"]}
    plain = {p["column"]: p["part"] for p in explained(fit(table), table)["attributes"][0]["gap"]["parts"]}
    higher = found["attributes"][0]["gap"]["higher"]
    assert (parts["sex"] if higher == "M" else -parts["sex"]) < 0
    assert "sex" not in plain
    assert not any(p["column"] == "sex" for p in found["attributes"][0]["proxies"])
    person = np.flatnonzero(Explained.of(model, table).answers() == 0)[0]
    rows = Rows(Explained.of(model, table), table, table.y, table.sensitive)
    one = answer_for(rows, rows.explained.rows.iloc[[person]].reset_index(drop=True))
    assert "sex" in one["immutable"]


def test_whose_answers_are_compared(table: Table) -> None:
    found = explained(fit(table), table, criterion="found")
    whole(found)
    answers, sex = fit(table).predict(table.X), table.sensitive["sex"].to_numpy()
    right = table.y == 1
    expected = abs(answers[right & (sex == "M")].mean() - answers[right & (sex == "F")].mean())
    assert found["attributes"][0]["gap"]["gap"] == pytest.approx(expected)
    assert "found among those who should be" in found["findings"][0]


def test_regression(table: Table) -> None:
    pay = Table(table.frame, Roles(target="pay", sensitive=["sex"], ignore=["hired"]))
    X = pay.X[["skill", "luck"]].assign(stand_in=(pay.X["club"] == "chess").astype(float))
    frame = table.frame.with_columns(stand_in=(pl.col("club") == "chess").cast(pl.Float64))
    pay = Table(frame, Roles(target="pay", sensitive=["sex"], ignore=["hired", "club"]))
    model = Model(LinearRegression().fit(X, pay.y))
    model.describe(X)
    found = explained(model, pay)
    whole(found)
    assert found["attributes"][0]["gap"]["parts"][0]["column"] == "stand_in"
    assert "mean answer: M 2" in found["findings"][0]
    rows = Rows(Explained.of(model, pay), pay, pay.y, pay.sensitive)
    one = answer_for(rows, X.iloc[[0]], wanted={"at_least": 28})
    assert one["wanted"] == "at least 28"
    assert one["changes"]
    with pytest.raises(InvalidInput, match="say what is wanted"):
        answer_for(rows, X.iloc[[0]])


def test_more_than_two_answers(table: Table) -> None:
    frame = table.frame.with_columns(job=pl.when(pl.col("pay") > 26).then(pl.lit("chief")).when(pl.col("pay") > 20).then(pl.lit("clerk"))
                                     .otherwise(pl.lit("none")))  # fmt: skip
    jobs = Table(frame, Roles(target="job", sensitive=["sex"], ignore=["hired", "pay", "club"]))
    model = Model(LogisticRegression(max_iter=500).fit(jobs.X, jobs.y))
    model.describe(jobs.X)
    found = explained(model, jobs, answer="chief")
    whole(found)
    assert found["answer"] == "chief"
    rows = Rows(Explained.of(model, jobs, "chief"), jobs, jobs.y, jobs.sensitive)
    place = int(np.flatnonzero(model.predict(jobs.X) == "none")[0])
    one = answer_for(rows, rows.explained.rows.iloc[[place]].reset_index(drop=True), wanted="clerk")
    assert (one["answer"], one["wanted"]) == ("none", "clerk")
    assert one["changes"][0]["changes"][0]["column"] == "skill"
    with pytest.raises(InvalidInput, match="which answer is wanted"):
        answer_for(rows, rows.explained.rows.iloc[[place]].reset_index(drop=True))


def test_questions_that_make_no_sense(table: Table) -> None:
    model = fit(table)
    with pytest.raises(InvalidInput, match="'age' is not a sensitive attribute"):
        explained(model, table, attributes=["age"])
    with pytest.raises(InvalidInput, match="reads the column 'club'"):
        Explained.of(model, Table(table.frame.drop("club"), table.roles))
    rows = Rows(Explained.of(model, table), table, table.y, table.sensitive)
    with pytest.raises(InvalidInput, match="immutable names 'height'"):
        answer_for(rows, table.X.iloc[[0]], immutable=["height"])


@pytest.mark.parametrize(
    ("value", "text"), [(0.1749, "0.17"), (0.0042, "0.004"), (0.0, "0.00"), (1234.5, "1,234"), (-0.03, "-0.03")]
)
def test_numbers_as_people_read_them(value: float, text: str) -> None:
    assert words.number(value) == text


def shares(seeds: range) -> tuple[float, float]:
    """Planted stand-in named in the findings; anything named in the clean twin."""
    hits, alarms = [], []
    for seed in seeds:
        betrayed, clean = hiring(1200, seed), hiring(1200, seed + 500, betrayed=False)
        found = explained(fit(betrayed), betrayed, columns=["skill"], seed=seed)["findings"]
        hits.append("comes from club (" in found[0] and found[1].startswith("club (right in"))
        told = explained(fit(clean), clean, columns=["skill"], seed=seed)["attributes"][0]["proxies"]
        alarms.append(any(proxy["found"] for proxy in told))
    return float(np.mean(hits)), float(np.mean(alarms))


@pytest.mark.simulation
def test_planted_stand_ins_are_named_in_words_over_many_seeds() -> None:
    hits, alarms = shares(range(50))
    print(f"stand-ins: named in words {hits:.3f} of 50, clean twins named {alarms:.3f} of 50")
    assert hits >= 0.9
    assert alarms <= 0.1  # three of 50: 5 % within what 50 seeds can tell
