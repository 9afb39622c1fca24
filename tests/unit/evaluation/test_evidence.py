"""One model, one part: predictions, drivers, latency, and what a model may not read."""

from __future__ import annotations

import io

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from fairloop.core.datasets import Roles
from fairloop.core.loops import gate
from fairloop.errors import InvalidInput, Refused
from fairloop.evaluation.evidence import gather
from fairloop.evaluation.predictions import part_hash
from fairloop.evaluation.trainer import Trainer
from fairloop.registry.model import Model
from fairloop.tables.table import Table


def people(rows: int = 1500, seed: int = 0) -> Table:
    random = np.random.default_rng(seed)
    sex = random.choice(["F", "M"], rows)
    skill = random.normal(0, 1, rows)
    frame = pl.DataFrame({
        "skill": skill, "noise": random.normal(0, 1, rows), "hobby": np.where(sex == "M", "chess", "tennis"),
        "sex": sex, "hired": (skill + (sex == "M") + random.normal(0, 0.5, rows) > 0.7).astype(int),
    })  # fmt: skip
    return Table(frame, Roles(target="hired", positive=1, sensitive=["sex"]))


def fit(train: Table, trees: int = 15) -> Model:
    model = lgb.LGBMClassifier(n_estimators=trees, num_leaves=7, verbose=-1, random_state=0, n_jobs=1)
    return Model(model.fit(train.X, train.y, sample_weight=train.weight))


def test_evidence_holds_what_a_reader_needs() -> None:
    train, valid = people().split(0.5, 0.5)
    evidence = gather(fit(train), valid, [gate("roc_auc", at_least=0.6)])
    rows = pl.read_parquet(io.BytesIO(evidence.predictions))
    assert rows.columns == ["row_id", "label", "score", "predicted", "weight", "sex"]
    assert rows["row_id"].to_list() == valid.row_ids.tolist()
    np.testing.assert_array_equal(rows["score"].to_numpy(), evidence.model.scores(valid.X))
    assert [d["column"] for d in evidence.drivers][-1] == "noise"
    assert all(d["low"] <= d["importance"] <= d["high"] for d in evidence.drivers)
    noise = evidence.drivers[-1]
    assert noise["low"] < 0.005
    assert set(evidence.profile["columns"]) == {"skill", "noise", "hobby"}
    assert evidence.profile["scores"]["score"]["n"] == len(valid)
    latency = evidence.measured.metrics["latency_p99_ms"]
    assert 0 < latency["low"] <= latency["estimate"] <= latency["high"]
    assert evidence.measured.metrics["size_bytes"]["estimate"] > 1000
    assert evidence.verdicts[0].status == "pass"


def test_the_gate_needs_no_explanation() -> None:
    train, test = people(600).split(0.5, 0.5)
    evidence = gather(fit(train), test, [], explain=False)
    assert evidence.drivers == []
    assert evidence.profile == {}


def test_a_part_is_named_by_its_rows() -> None:
    table = people(100)
    assert part_hash(table) == part_hash(table.with_frame(table.frame.select(reversed(table.frame.columns))))
    assert part_hash(table) != part_hash(table.take(np.arange(99)))


def test_a_model_may_read_no_hidden_column() -> None:
    table = people(400)
    coded = table.with_frame(table.frame.with_columns(sex=(pl.col("sex") == "M").cast(pl.Int8).cast(pl.String)))
    cheat = LogisticRegression().fit(coded.frame.select(pl.col("sex").cast(pl.Int8), "skill").to_pandas(), coded.y)
    with pytest.raises(InvalidInput, match="reads the column 'sex', which is sensitive"):
        gather(Model(cheat), coded, [])
    leak = LogisticRegression().fit(table.frame.select("hired").to_pandas(), table.y)
    with pytest.raises(InvalidInput, match="'hired', which is the target"):
        gather(Model(leak), table, [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.take(np.arange(0)), "no rows"),
        (lambda t: Table(t.frame), "no target"),
        (lambda t: t.with_roles(target="skill", positive=None, ignore=["hired"]), "for binary, but the target 'skill'"),
        (lambda t: t.with_frame(t.frame.drop("skill")), "reads the column 'skill'"),
    ],
)
def test_parts_that_cannot_judge_are_named(change: object, words: str) -> None:
    table = people(300)
    model = fit(table)
    with pytest.raises(InvalidInput, match=words):
        gather(model, change(table), [])  # type: ignore[operator]


def test_the_trainer_hook_says_what_it_cannot_use() -> None:
    with pytest.raises(Refused, match=r"given no fl\.Table"):
        Trainer(fit, {"trees": 3})
    with pytest.raises(InvalidInput, match=r"must return fl\.Model"):
        Trainer(lambda train: 3, {"train": people(50)}).fit(people(50))
