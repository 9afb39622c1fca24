from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from fairloop.errors import InvalidInput, Unavailable
from fairloop.registry.model import Model
from fairloop.serving.boosters import scorer_of
from fairloop.serving.runtime import Batcher, Loaded, load
from support.serving import ROW, frame, trained


def saved(model: Model, folder: Path) -> Loaded:
    model.save(folder)
    return load(folder)


@pytest.mark.parametrize("members", [1, 3])
def test_the_fast_scorer_equals_the_frame_to_the_last_bit(tmp_path: Path, members: int) -> None:
    models = [trained(seed) for seed in range(members)]
    model = models[0] if members == 1 else Model.mean(models, [1.0, 2.0, 3.0])
    model.describe(frame())
    model.save(tmp_path)
    model = Model.load(tmp_path)
    score = scorer_of(model, model.sample)
    assert score is not None
    X = frame(500, seed=7)
    columns: dict[str, list[Any]] = {name: X[name].to_list() for name in X}
    columns["work"][:5] = [None, "unknown", "public", None, ""]
    columns["age"][:3] = [None, 1e9, -0.0]
    assert np.array_equal(score(columns, 500), model.scores(model.frame(columns)))


def test_other_models_take_the_frame(tmp_path: Path) -> None:
    X = frame()[["age", "hours"]]
    model = Model(LinearRegression().fit(X, X["age"] * 2 + 1))
    model.describe(X)
    loaded = saved(model, tmp_path)
    assert scorer_of(Model.load(tmp_path), model.sample) is None
    scores, predicted = loaded.score(loaded.inputs.from_records([{"age": 30.0, "hours": 1.0}])[0])
    assert scores == predicted == pytest.approx([61.0])


def test_a_missing_value_is_refused_where_the_model_cannot_score_it(tmp_path: Path) -> None:
    X = frame()[["age", "hours"]]
    model = Model(LogisticRegression().fit(X, np.arange(len(X)) % 2))
    model.describe(X)
    loaded = saved(model, tmp_path)
    assert [c.missing for c in loaded.inputs.columns] == [False, False]
    with pytest.raises(InvalidInput, match="'age'"):
        loaded.inputs.from_records([{"age": None, "hours": 1.0}])


@pytest.mark.parametrize("quick", [False, True], ids=["in a thread", "on the loop"])
def test_requests_share_a_batch_and_one_bad_row_fails_alone(tmp_path: Path, quick: bool) -> None:
    loaded = saved(trained(), tmp_path)
    sizes: list[int] = []

    class Watched(Loaded):
        def score(self, columns: dict[str, list[Any]]) -> tuple[list[float], list[Any]]:
            sizes.append(len(columns["age"]))
            if 13.0 in columns["age"]:
                raise ValueError("unlucky")
            return super().score(columns)

    watched = Watched(loaded._model, loaded.inputs.columns, max_rows=10, scorer=loaded._scorer)
    watched.quick = quick

    async def ask() -> list[Any]:
        batcher = Batcher(watched)
        rows = [loaded.inputs.from_records([{**ROW, "age": float(age)}])[0] for age in range(10, 20)]
        return await asyncio.gather(*(batcher.score(r, 1, within_s=10) for r in rows), return_exceptions=True)

    found = asyncio.run(ask())
    assert isinstance(found[3], Unavailable)
    alone = [loaded.score(loaded.inputs.from_records([{**ROW, "age": float(a)}])[0]) for a in range(10, 20) if a != 13]
    assert [f for i, f in enumerate(found) if i != 3] == alone
    assert max(sizes) > 1


def test_only_a_compiled_booster_is_quick(tmp_path: Path) -> None:
    X = frame(200)[["age"]]
    linear = Model(LogisticRegression().fit(X, X["age"] > 40))
    linear.describe(X)
    assert saved(trained(), tmp_path / "booster").quick
    assert not saved(linear, tmp_path / "linear").quick


def test_many_rows_and_few_rows_get_the_same_scores(tmp_path: Path) -> None:
    loaded = saved(trained(), tmp_path)
    X = frame(100, seed=3)
    columns: dict[str, list[Any]] = {name: X[name].to_list() for name in X}
    at_once, _ = loaded.score(columns)
    one_by_one = [loaded.score({name: [values[i]] for name, values in columns.items()})[0][0] for i in range(100)]
    assert one_by_one == at_once


def test_a_model_that_hangs_does_not_hang_its_callers(tmp_path: Path) -> None:
    loaded = saved(trained(), tmp_path)

    class Slow(Loaded):
        def score(self, columns: dict[str, list[Any]]) -> tuple[list[float], list[Any]]:
            time.sleep(0.5)
            return super().score(columns)

    slow = Slow(loaded._model, loaded.inputs.columns, max_rows=10)

    async def ask() -> None:
        with pytest.raises(Unavailable, match=r"within 0\.05 s"):
            await Batcher(slow).score(loaded.inputs.from_records([ROW])[0], 1, within_s=0.05)

    asyncio.run(ask())
