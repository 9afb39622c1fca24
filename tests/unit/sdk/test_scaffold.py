"""fairloop new: what is written is valid, readable Python whose steps make a judged model that passes its gates."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from fairloop.core.checks import Status
from fairloop.core.datasets import Roles
from fairloop.datasets.roles import settle_roles
from fairloop.datasets.samples import SAMPLES
from fairloop.errors import InvalidInput, NotFound
from fairloop.evaluation.evidence import Evidence, gather
from fairloop.sdk.proxies import suspected_proxies
from fairloop.sdk.scaffold import generate
from fairloop.tables.table import Table


def staff(rows: int = 900) -> pl.DataFrame:
    random = np.random.default_rng(5)
    gender = random.choice(["woman", "man"], rows)
    years = random.integers(0, 30, rows).astype(float)
    years[random.random(rows) < 0.1] = np.nan
    words = random.choice(["always late and never on time for work", "a great and helpful colleague to all of us",
                           "does the work that is asked for and no more"], rows)  # fmt: skip
    score = np.nan_to_num(years, nan=10) / 10 + (words == "a great and helpful colleague to all of us") * 1.5
    return pl.DataFrame({
        "staff no": [f"id-{i}" for i in range(rows)], "years": pl.Series(years).fill_nan(None),
        "team": random.choice(["sales", "it", None], rows), "hobby": np.where(gender == "man", "chess", "tennis"),
        "review": words, "gender": gender, "constant": 1,
        "promoted": np.where(score + random.normal(0, 0.5, rows) > 2.5, "yes", "no"),
    })  # fmt: skip


def module_of(text: str, folder: Path, name: str) -> ModuleType:
    (folder / f"{name}.py").write_text(text)
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def turned(text: str, folder: Path, name: str) -> tuple[ModuleType, Evidence]:
    """The generated module, and what judging its model on the test part gives."""
    module = module_of(text, folder, name)
    definition = module.loop.definition
    table = settle_roles(Table.from_file(definition.data.name), definition.data)
    split, fit = module.split.__fairloop_function__, module.fit.__fairloop_function__
    train, valid, test = split(table)
    del valid
    return module, gather(fit(train), test, definition.gates)


def test_csv_with_missing_values_and_text(tmp_path: Path) -> None:
    file = tmp_path / "my staff.csv"
    staff().write_csv(file)
    text = generate(file, "promoted", ["gender"])
    assert "'yes' counts as positive" in text
    assert "#   hobby -> gender: 1.00" in text
    assert "Left out, constant or different in nearly every row: staff no, constant" in text
    assert 'TEXTS = ["review"]' in text
    assert 'CATEGORIES = ["team", "hobby"]' in text
    module, evidence = turned(text, tmp_path, "scaffold_csv")
    assert module.loop.name == "my_staff"
    assert module.loop.definition.data.sensitive == ["gender"]
    assert {v.status for v in evidence.verdicts} == {Status.PASS}
    assert not {"gender", "promoted"} & set(evidence.model.inputs)
    assert evidence.measured.metrics["roc_auc"]["estimate"] > 0.85


def test_parquet(tmp_path: Path) -> None:
    text = generate(SAMPLES["adult"].file, "income", ["sex", "race"], name="census")
    assert text.count("demographic_parity_difference") == 4
    assert "relationship -> sex" in text
    module, evidence = turned(text, tmp_path, "scaffold_parquet")
    assert module.loop.name == "census"
    assert {v.status for v in evidence.verdicts} == {Status.PASS}


def test_a_regression_target(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    size = random.random(800) * 100
    frame = pl.DataFrame({"size": size, "city": random.choice(["a", "b"], 800), "sold": pl.date_range(
        pl.date(2020, 1, 1), pl.date(2022, 3, 10), eager=True)[:800], "price": size * 3 + random.normal(0, 20, 800)})  # fmt: skip
    file = tmp_path / "houses.parquet"
    frame.write_parquet(file)
    text = generate(file, "price", [])
    assert "regression" in text
    assert "LGBMRegressor" in text
    assert "mitigate" not in text
    _, evidence = turned(text, tmp_path, "scaffold_regression")
    assert {v.status for v in evidence.verdicts} == {Status.PASS}
    assert evidence.model.task == "regression"


def test_a_multiclass_target(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    x = random.random(600)
    frame = pl.DataFrame({"x": x, "band": np.where(x < 0.3, "low", np.where(x < 0.6, "middle", "high"))})
    file = tmp_path / "bands.csv"
    frame.write_csv(file)
    _, evidence = turned(generate(file, "band", []), tmp_path, "scaffold_multiclass")
    assert {v.status for v in evidence.verdicts} == {Status.PASS}


def test_a_tiny_table_asks_for_nothing_it_cannot_tell(tmp_path: Path) -> None:
    file = tmp_path / "tiny.csv"
    staff(60).write_csv(file)
    text = generate(file, "promoted", ["gender"])
    assert "too few rows in each group of gender" in text
    compile(text, "loop.py", "exec")


@pytest.mark.parametrize(
    ("target", "sensitive", "error", "words"),
    [
        ("salary", [], InvalidInput, "no column 'salary'; the table has: staff no, years"),
        ("promoted", ["tribe"], InvalidInput, "no column 'tribe'"),
        ("promoted", ["promoted"], InvalidInput, "two roles"),
        ("years", [], InvalidInput, "missing in"),
        ("constant", [], InvalidInput, "nothing to learn"),
        ("promoted", ["staff no"], InvalidInput, "too many to compare"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    target: str, sensitive: list[str], error: type[Exception], words: str, tmp_path: Path
) -> None:
    file = tmp_path / "staff.csv"
    staff(200).write_csv(file)
    with pytest.raises(error, match=words):
        generate(file, target, sensitive)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file"):
        generate(tmp_path / "gone.csv", "x", [])


def test_names_with_quotes_stay_names(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pl.DataFrame(
        {'a "b" \\c': random.random(300), "d'e": random.choice(["x", "y"], 300), "t": random.choice([0, 1], 300)}
    )
    file = tmp_path / "odd.parquet"
    frame.write_parquet(file)
    turned(generate(file, "t", ["d'e"]), tmp_path, "scaffold_odd")


def test_proxies_find_what_betrays_and_not_what_does_not() -> None:
    random = np.random.default_rng(0)
    group = random.choice(["a", "b"], 2000)
    frame = pl.DataFrame({
        "leak": (group == "a") + random.normal(0, 0.3, 2000), "noise": random.normal(0, 1, 2000),
        "many": random.integers(0, 1000, 2000).astype(str), "g": group, "y": random.choice([0, 1], 2000),
    })  # fmt: skip
    found = suspected_proxies(Table(frame, Roles(target="y", sensitive=["g"])))
    assert [(p.column, p.attribute) for p in found] == [("leak", "g")]
    assert found[0].auc > 0.95
