"""Label bias found, a prescription, a labelling task by two people, a new version: over HTTP, as people would do it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.support.planted_labels import Planted, planted

from fairloop.client.client import Client
from fairloop.core.analyses import Analysis
from fairloop.core.datasets import DatasetVersion, Roles
from fairloop.core.labeling import ItemState, LabelTask, TaskState
from fairloop.datasets.publish import load, publish
from fairloop.errors import Conflict, FairloopError, InvalidInput, NotFound, PermissionDenied, StepFailed
from fairloop.tables.table import Table


@pytest.fixture(scope="module")
def people(server: Any) -> dict[str, Client]:
    """Three labellers, a viewer, and whoever the server starts with."""
    boss = server.client()
    made = {"boss": boss}
    for name, role in (("ann", "data_scientist"), ("bo", "manager"), ("cy", "ml_engineer"), ("vi", "viewer")):
        boss.people.create(name)
        boss.people.set_member(name, role)
        made[name] = server.client(person=name)
    return made


@pytest.fixture(scope="module")
def data() -> Planted:
    return planted(5000, rows=4000, wrong=0.5, difference=-0.3, proxy=2.5)


@pytest.fixture(scope="module")
def version(server: Any, data: Planted) -> DatasetVersion:
    return publish(server.client(), "applicants", data.table)


@pytest.fixture(scope="module")
def prescribed(server: Any, version: DatasetVersion) -> Analysis:
    client = server.client()
    asked = client.analyses.start("prescription", version.id, {"by": "sex", "relabel": 60, "draws": 8})
    return client.analyses.wait(asked.id)


def test_the_planted_label_bias_is_named(server: Any, version: DatasetVersion) -> None:
    client = server.client()
    found = client.analyses.wait(client.analyses.start("data_bias", version.id).id)
    assert "Positive labels of sex women look under-recorded" in found.words
    shifts = {(s["group"], s["direction"]): s for s in found.result["labels"]["sex"]}
    assert shifts["women", "under-recorded"]["state"] == "bias"
    assert {s["state"] for key, s in shifts.items() if key != ("women", "under-recorded")} == {"clear"}
    assert found.result["coverage"]["sex"], "groups and regions are listed"
    assert all(c["region"] in found.result["regions"] for c in found.result["coverage"]["sex"])


def test_a_prescription_opens_a_task_that_hides_what_would_anchor(people: dict[str, Client], prescribed: Analysis,
                                                                  version: DatasetVersion) -> None:  # fmt: skip
    promise = prescribed.result["promise"]
    assert promise["relabel"] == 60
    assert promise["low"] < promise["estimate"] < promise["high"]
    assert promise["estimate"] < promise["now"]
    assert "Relabel 60 rows" in prescribed.words
    task = people["ann"].labeling.open(prescribed.id, question="Would this person pay back?")
    item = people["ann"].labeling.next(task.id)
    assert item is not None
    assert set(item.values) == {f"x{i}" for i in range(8)}
    assert (task.by, task.items, task.state, task.dataset_version_id) == ("sex", 60, TaskState.OPEN, version.id)
    people["ann"].labeling.cancel(task.id)


def test_two_people_a_third_and_a_new_version(people: dict[str, Client], prescribed: Analysis, version: DatasetVersion,
                                              data: Planted) -> None:  # fmt: skip
    ann, bo, cy = people["ann"], people["bo"], people["cy"]
    task = ann.labeling.open(prescribed.id)
    truth = dict(zip(data.table.row_ids.tolist(), data.truth.tolist(), strict=True))
    wrong_for_bo = _answer_all(ann, bo, task, truth)
    progress = ann.labeling.progress(task.id)
    assert progress.disputed == len(wrong_for_bo) > 0
    assert progress.people == {"ann": 60, "bo": 60}
    assert 0.5 < progress.agreement["estimate"] < 1
    assert ann.labeling.next(task.id) is None, "who has answered is not asked to decide"
    while (item := cy.labeling.next(task.id)) is not None:
        assert item.row_id in wrong_for_bo
        cy.labeling.answer(task.id, item.position, "positive" if truth[item.row_id] else "negative")
    assert ann.labeling.progress(task.id).settled == 60
    closing = ann.labeling.close(task.id)
    assert closing.effect_id is not None
    effect = ann.analyses.wait(closing.effect_id)
    _check_published(ann, ann.labeling.get(task.id), effect, version, truth)


def _answer_all(ann: Client, bo: Client, task: LabelTask, truth: dict[int, bool]) -> set[int]:
    """Both answer every row; bo errs on three."""
    wrong: set[int] = set()
    while (item := ann.labeling.next(task.id)) is not None:
        ann.labeling.answer(task.id, item.position, "positive" if truth[item.row_id] else "negative")
    while (item := bo.labeling.next(task.id)) is not None:
        right = truth[item.row_id]
        if item.position % 20 == 7:
            wrong.add(item.row_id)
            right = not right
        bo.labeling.answer(task.id, item.position, "positive" if right else "negative")
    return wrong


def _check_published(client: Client, task: LabelTask, effect: Analysis, parent: DatasetVersion,
                     truth: dict[int, bool]) -> None:  # fmt: skip
    assert task.state is TaskState.CLOSED
    assert task.published_version_id is not None
    made = client.datasets.get(task.published_version_id)
    assert (made.version, made.parents, made.origin["labeling_task"]) == (parent.version + 1, [parent.id], task.id)
    before, after = load(client, parent), load(client, made)
    assert np.array_equal(before.row_ids, after.row_ids), "splits by id stay"
    changed = before.row_ids[before.y != after.y]
    assert len(changed) == effect.result["changed"] == made.origin["labels_changed"] > 10
    assert all(after.y[after.row_ids == row][0] == truth[row] for row in changed.tolist())
    assert effect.result["after"]["estimate"] < effect.result["before"]["estimate"]
    assert effect.result["inside"] is True, effect.words
    assert "inside the promised" in effect.words


def test_undo_skip_and_files(people: dict[str, Client], version: DatasetVersion) -> None:
    ann, bo, cy = people["ann"], people["bo"], people["cy"]
    items = [{"row_id": i, "values": {"x0": float(i)}} for i in range(3)]
    task = ann.labeling.open(dataset_version_id=version.id, items=items)
    first = ann.labeling.answer(task.id, 0, "negative")
    with pytest.raises(Conflict, match="undo"):
        ann.labeling.answer(task.id, 0, "positive")
    assert ann.labeling.undo(task.id, 0).state is ItemState.OPEN
    assert ann.labeling.answer(task.id, 0, "positive").row_id == first.row_id
    with pytest.raises(NotFound, match="no answer"):
        bo.labeling.undo(task.id, 0)
    ann.labeling.answer(task.id, 1, "skip")
    assert bo.labeling.answer(task.id, 1, "skip").state is ItemState.UNCLEAR
    with pytest.raises(InvalidInput, match="not in this task"):
        cy.labeling.bring(task.id, [{"row_id": 0, "answer": "positive"}, {"row_id": 99, "answer": "skip"}])
    assert cy.labeling.progress(task.id).people == {"ann": 2, "bo": 1}, "all answers of a file or none"
    both = [{"row_id": i, "answer": "positive"} for i in range(3)]
    assert cy.labeling.bring(task.id, both) == 2, "the unclear row is passed over"
    assert cy.labeling.bring(task.id, both) == 0
    labels = {label.row_id: label for label in ann.labeling.labels(task.id).items}
    assert labels[first.row_id].state is ItemState.SETTLED
    assert labels[first.row_id].answer == "positive"
    assert [len(ann.labeling.labels(task.id, limit=2).items)] == [2]
    ann.labeling.cancel(task.id)
    with pytest.raises(Conflict, match="cancelled"):
        bo.labeling.answer(task.id, 2, "positive")


def test_who_may_and_what_is_refused(people: dict[str, Client], version: DatasetVersion) -> None:
    ann, vi, bo = people["ann"], people["vi"], people["bo"]
    items: list[dict[str, Any]] = [{"row_id": 1, "values": {"x0": 1.0}}]
    task = ann.labeling.open(dataset_version_id=version.id, items=items)
    for refused in (lambda: vi.labeling.next(task.id), lambda: vi.labeling.answer(task.id, 0, "skip"),
                    lambda: vi.labeling.labels(task.id), lambda: bo.labeling.close(task.id),
                    lambda: bo.labeling.open(dataset_version_id=version.id, items=items),
                    lambda: ann.labeling.publish(task.id, version.id)):  # fmt: skip
        with pytest.raises(PermissionDenied):
            refused()
    assert vi.labeling.get(task.id).title == "good of applicants v1"
    with pytest.raises(InvalidInput, match="'sex'"):
        ann.labeling.open(dataset_version_id=version.id, items=[{"row_id": 1, "values": {"sex": "women"}}])
    with pytest.raises(InvalidInput, match="'good'"):
        ann.labeling.open(dataset_version_id=version.id, items=[{"row_id": 1, "values": {"good": 1}}])
    with pytest.raises(InvalidInput, match="twice"):
        ann.labeling.open(dataset_version_id=version.id, items=items * 2)
    with pytest.raises(InvalidInput, match="people=3"):
        ann.labeling.open(dataset_version_id=version.id, items=items, people=3)
    with pytest.raises(InvalidInput, match="perhaps"):
        ann.labeling.answer(task.id, 0, "perhaps")
    with pytest.raises(NotFound):
        ann.labeling.answer(task.id, 9, "skip")
    with pytest.raises(NotFound):
        ann.labeling.get("lab_none")
    with pytest.raises(Conflict, match="No row is settled"):
        ann.labeling.close(task.id)


@pytest.mark.parametrize(("params", "words"), [
    ({"by": "age"}, "not a sensitive attribute"), ({"metric": "roc_auc"}, "a prescription is made for"),
    ({"relabel": 0}, "relabel=0"), ({"colour": 1}, "no parameter"), ({"draws": 2}, "draws=2"),
])  # fmt: skip
def test_a_prescription_says_what_it_cannot_do(
    server: Any, version: DatasetVersion, params: dict[str, Any], words: str
) -> None:
    client = server.client()
    with pytest.raises(FairloopError, match=words):
        client.analyses.wait(client.analyses.start("prescription", version.id, params).id)


def test_data_without_groups_or_a_binary_target_is_refused(server: Any) -> None:
    client = server.client()
    plain = Table(pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [0, 1, 0, 1]}), Roles(target="y", positive=1))
    for table, words in ((plain, "sensitive attribute"), (plain.with_roles(target=None), "binary target")):
        made = publish(client, f"few_{table.roles.target}", table)
        with pytest.raises(StepFailed, match=words):
            client.analyses.wait(client.analyses.start("data_bias", made.id).id)
