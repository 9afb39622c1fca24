"""The prediction log takes every spool line exactly once, whenever it dies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import deltalake
import pytest

from fairloop.monitoring import log as log_module
from fairloop.monitoring.log import PredictionLog

AGE = {"age": 39, "job": "clerk", "hours": None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "endpoints" / "end_1"
    (place / "spool").mkdir(parents=True)
    return place


def spool(folder: Path, kind: str, number: int, lines: list[dict[str, Any]]) -> Path:
    path = folder / "spool" / f"{kind}-{number:010d}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def predictions(start: int, count: int, deployment: str = "dep_a") -> list[dict[str, Any]]:
    return [{"id": f"prd_{i}", "at_ms": 1000 + i, "deployment": deployment, "features": AGE | {"age": i},
             "score": i / 1000, "predicted": i % 2} for i in range(start, start + count)]  # fmt: skip


def test_sealed_segments_are_collected_in_order_and_deleted(folder: Path) -> None:
    spool(folder, "predictions", 2, predictions(3, 3))
    spool(folder, "predictions", 1, predictions(0, 3))
    (folder / "spool" / "predictions-0000000003.open").write_text("half a li")
    log = PredictionLog(folder)
    assert log.collect()["predictions"] == 6
    assert [p.name for p in (folder / "spool").iterdir()] == ["predictions-0000000003.open"]
    places = log.places("dep_a")
    rows = log.predictions("dep_a", places[0], places[-1])
    assert rows["id"].to_list() == [f"prd_{i}" for i in range(6)]
    assert json.loads(rows["features"][4]) == AGE | {"age": 4}
    assert rows["score"][5] == 0.005
    assert log.folder == folder.parents[1] / "logs" / "end_1"


def test_collecting_again_adds_nothing(folder: Path) -> None:
    log = PredictionLog(folder)
    spool(folder, "predictions", 1, predictions(0, 4))
    log.collect()
    spool(folder, "predictions", 2, predictions(4, 2))
    assert log.collect()["predictions"] == 2
    assert log.collect() == {"predictions": 0, "labels": 0, "sensitive": 0}
    assert len(log.places("dep_a")) == 6


def test_a_death_between_commit_and_delete_does_not_double_a_row(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = PredictionLog(folder)
    segment = spool(folder, "predictions", 1, predictions(0, 4))
    monkeypatch.setattr(Path, "unlink", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        log.collect()
    monkeypatch.undo()
    assert segment.exists()
    spool(folder, "predictions", 2, predictions(4, 1))
    assert log.collect()["predictions"] == 1
    assert len(log.places("dep_a")) == 5
    assert not list((folder / "spool").iterdir())


def test_a_death_between_the_tables_of_feedback_keeps_both(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool(
        folder, "feedback", 1, [{"prediction_id": "prd_0", "at_ms": 5, "label": ">50K", "sensitive": {"sex": "Male"}}]
    )
    log = PredictionLog(folder)
    real = log_module.write_deltalake

    def dies(path: Path, *given: Any, **named: Any) -> None:
        if Path(path).name == "sensitive":
            raise KeyboardInterrupt
        real(path, *given, **named)

    monkeypatch.setattr(log_module, "write_deltalake", dies)
    with pytest.raises(KeyboardInterrupt):
        log.collect()
    monkeypatch.undo()
    assert log.collect() == {"predictions": 0, "labels": 0, "sensitive": 1}
    assert log.labels(["prd_0"])["label"].to_list() == ['">50K"']
    assert log.sensitive(["prd_0"])["value"].to_list() == ["Male"]


def test_the_newest_label_and_sensitive_value_count(folder: Path) -> None:
    spool(folder, "sensitive", 9, [{"id": "prd_0", "values": {"sex": "Female", "race": "White"}}])
    spool(folder, "feedback", 1, [{"prediction_id": "prd_0", "at_ms": 5, "label": 0},
                                  {"prediction_id": "prd_0", "at_ms": 7, "label": 1, "sensitive": {"sex": "Male"}},
                                  {"prediction_id": "prd_1", "at_ms": 7, "label": None}])  # fmt: skip
    log = PredictionLog(folder)
    log.collect()
    assert dict(log.labels()["id", "label"].iter_rows()) == {"prd_0": "1"}
    told = {(a, v) for _, a, v in log.sensitive(["prd_0"]).select("id", "attribute", "value").iter_rows()}
    assert told == {("sex", "Male"), ("race", "White")}
    first = log.labels()["seq"][0]
    assert log.labels(after_seq=first).is_empty()


def test_a_damaged_line_is_set_aside(folder: Path) -> None:
    path = spool(folder, "predictions", 1, predictions(0, 2))
    path.write_text(path.read_text() + '{"id": 3}\n')
    log = PredictionLog(folder)
    assert log.collect()["predictions"] == 2
    assert (log.folder / "rejected.jsonl").read_text() == '{"id": 3}\n'


def test_answers_that_are_not_numbers_and_missing_scores_are_kept(folder: Path) -> None:
    line = predictions(0, 1)[0] | {"predicted": "cat", "score": None, "features": {"$pay": 2**62, "text": "héé"}}
    spool(folder, "predictions", 1, [line])
    log = PredictionLog(folder)
    log.collect()
    row = log.predictions_of(["prd_0"]).row(0, named=True)
    assert (row["answer"], row["predicted"], row["score"]) == ('"cat"', None, None)
    assert json.loads(row["features"]) == {"$pay": 2**62, "text": "héé"}


def test_many_small_commits_are_joined(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_MANY_FILES", 3)
    log = PredictionLog(folder)
    for number in range(6):
        spool(folder, "predictions", number, predictions(number * 2, 2))
        log.collect()
    assert len(deltalake.DeltaTable(log.table("predictions")).file_uris()) <= 3
    places = log.places("dep_a")
    assert log.predictions("dep_a", places[0], places[-1])["id"].to_list() == [f"prd_{i}" for i in range(12)]


def test_an_empty_log_answers_empty(folder: Path) -> None:
    log = PredictionLog(folder)
    assert log.places("dep_a") == []
    assert log.labels().is_empty()
    assert log.sensitive(["x"]).is_empty()
