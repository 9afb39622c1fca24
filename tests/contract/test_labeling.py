"""Labelling tasks, on both databases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fairloop.access.audit import Audit
from fairloop.artifacts.local import LocalStore
from fairloop.core.clock import Clock
from fairloop.core.datasets import Roles
from fairloop.core.labeling import ItemState, LabelTask, NewItem, RowAnswer, TaskState
from fairloop.core.people import Identity
from fairloop.core.signals import Signals
from fairloop.datasets.service import Datasets, NewVersion
from fairloop.errors import Conflict, InvalidInput, NotFound
from fairloop.evaluation.analyses import Analyses
from fairloop.labeling.answers import Answers
from fairloop.labeling.service import Labeling, NewTask
from fairloop.pipelines.service import Pipelines
from fairloop.pipelines.waiting import Waiters
from fairloop.projects.files import Files
from fairloop.projects.service import Projects
from fairloop.storage.engine import Database

ANN, BO, CY = (Identity(kind="person", name=name) for name in ("ann", "bo", "cy"))


class World:
    def __init__(self, database: Database, folder: Path) -> None:
        clock = Clock()
        projects = Projects(database, clock)
        self.project, self.other = projects.create("one").id, projects.create("two").id
        files = Files(database, LocalStore(folder), clock)
        self.datasets, self.audit = Datasets(database, clock, files), Audit(database, clock)
        analyses = Analyses(database, clock, Pipelines(database, clock, Signals(), Waiters()))
        self.labeling = Labeling(database, clock, self.audit, files, self.datasets, analyses)
        self.answers = Answers(database, clock, self.audit)
        sha256, size = files.put_blob(self.project, [b"rows"])
        new = NewVersion(dataset="people", sha256=sha256, rows=9, size_bytes=size, schema={"a": "Int64", "y": "String", "s": "String"},
                         roles=Roles(target="y", positive="yes", sensitive=["s"]))  # fmt: skip
        self.version = self.datasets.create(self.project, new, owner="ann")
        self.made = self.datasets.create(self.project, replace(new, dataset="grown"), owner="ann")

    def task(self, rows: int = 4, people: int = 2) -> LabelTask:
        items = [NewItem(row_id=10 + i, values={"a": i}) for i in range(rows)]
        new = NewTask(dataset_version_id=self.version.id, items=items, people=people)
        return self.labeling.open(self.project, new, ANN)


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path / "artifacts")


def test_a_task_and_its_rows(world: World) -> None:
    task = world.task()
    assert world.labeling.get(world.project, task.id) == task
    assert (task.positive, task.negative, task.title) == ("yes", "not yes", "y of people v1")
    items = world.answers.items(world.project, task.id).items
    assert {i.row_id for i in items} == {10, 11, 12, 13}
    assert world.labeling.of_version(world.project, world.version.id) == [task]
    with pytest.raises(NotFound):
        world.labeling.get(world.other, task.id)
    with pytest.raises(NotFound):
        world.answers.next(world.other, task.id, ANN)


def test_the_order_of_rows_differs_between_tasks(world: World) -> None:
    orders = {tuple(i.row_id for i in world.answers.items(world.project, world.task(12).id).items) for _ in range(3)}
    assert len(orders) == 3


def test_everybody_gets_rows_that_still_want_them(world: World) -> None:
    task = world.task(2)
    world.answers.answer(world.project, task.id, 0, "positive", ANN)
    item = world.answers.next(world.project, task.id, ANN)
    assert item is not None
    assert item.position == 1
    assert world.answers.answer(world.project, task.id, 0, "negative", BO).state is ItemState.DISPUTED
    assert world.answers.next(world.project, task.id, CY).position == 0  # type: ignore[union-attr]
    assert world.answers.answer(world.project, task.id, 0, "negative", CY).answer == "negative"
    with pytest.raises(Conflict, match="settled"):
        world.answers.answer(world.project, task.id, 0, "negative", Identity(kind="person", name="di"))
    progress = world.answers.progress(world.project, task.id)
    assert (progress.settled, progress.disputed, progress.answers, progress.people) == (
        1,
        0,
        3,
        {"ann": 1, "bo": 1, "cy": 1},
    )
    assert world.answers.undo(world.project, task.id, 0, CY).state is ItemState.DISPUTED
    assert world.answers.last(world.project, task.id, CY) is None
    last = world.answers.last(world.project, task.id, BO)
    assert last is not None
    assert last.answer == "negative"


def test_a_file_is_taken_whole_or_not_at_all(world: World) -> None:
    task = world.task()
    with pytest.raises(InvalidInput, match="Row 99"):
        world.answers.bring(
            world.project, task.id, [RowAnswer(row_id=10, answer="skip"), RowAnswer(row_id=99, answer="skip")], ANN
        )
    assert world.answers.progress(world.project, task.id).answers == 0
    told = [RowAnswer(row_id=row, answer="positive") for row in (10, 11)]
    assert world.answers.bring(world.project, task.id, told, ANN) == 2
    with pytest.raises(Conflict, match="You said positive of row 10"):
        world.answers.bring(world.project, task.id, [RowAnswer(row_id=10, answer="negative")], ANN)
    first = world.answers.labels(world.project, task.id, limit=3)
    assert len(first.items) == 3
    rest = world.answers.labels(world.project, task.id, limit=3, cursor=first.next)
    assert len(rest.items) == 1
    assert rest.next is None
    with pytest.raises(InvalidInput, match="cursor"):
        world.answers.labels(world.project, task.id, cursor="x")


def test_closing_starts_one_measurement_and_publishing_ends_it(world: World) -> None:
    task = world.task(2, people=1)
    with pytest.raises(Conflict, match="No row is settled"):
        world.labeling.close(world.project, task.id, ANN)
    world.answers.answer(world.project, task.id, 0, "positive", ANN)
    closing = world.labeling.close(world.project, task.id, ANN)
    assert closing.state is TaskState.CLOSING
    assert closing.closed_by == "ann"
    assert world.labeling.close(world.project, task.id, BO).effect_id == closing.effect_id
    with pytest.raises(Conflict, match="takes no more answers"):
        world.answers.answer(world.project, task.id, 1, "positive", ANN)
    assert world.answers.next(world.project, task.id, ANN) is None
    done = world.labeling.publish(world.project, task.id, world.made.id)
    assert (done.state, done.published_version_id) == (TaskState.CLOSED, world.made.id)
    assert world.labeling.of_version(world.project, world.made.id) == [done]
    with pytest.raises(Conflict, match="closed already"):
        world.labeling.close(world.project, task.id, ANN)
    with pytest.raises(Conflict, match="only an open one"):
        world.labeling.cancel(world.project, task.id, ANN)


def test_decisions_are_in_the_audit_log(world: World) -> None:
    task = world.task()
    world.answers.bring(world.project, task.id, [RowAnswer(row_id=10, answer="skip")], BO)
    world.labeling.cancel(world.project, task.id, ANN)
    told = [(e.action, e.person) for e in world.audit.entries(world.project).items]
    assert told == [("labels.cancel", "ann"), ("labels.import", "bo"), ("labels.open", "ann")]


def test_pages_of_tasks(world: World) -> None:
    made = [world.task(1).id for _ in range(3)]
    first = world.labeling.page(world.project, limit=2)
    assert [t.id for t in first.items] == made[:0:-1]
    assert [t.id for t in world.labeling.page(world.project, limit=2, cursor=first.next).items] == made[:1]
    assert world.labeling.page(world.project, state="closed").items == []
    with pytest.raises(InvalidInput, match="state='odd'"):
        world.labeling.page(world.project, state="odd")
