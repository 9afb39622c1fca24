"""Labelling tasks, their items and answers: rows <-> dataclasses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, delete, exists, func, insert, select, update

from fairloop.core.labeling import ItemState, LabelAnswer, LabelItem, LabelTask, TaskState
from fairloop.core.records import to_plain
from fairloop.storage.tables import label_answers, label_items, label_tasks


def _task(row: RowMapping) -> LabelTask:
    return LabelTask(**{**row, "state": TaskState(row["state"])})


def _item(row: RowMapping) -> LabelItem:
    return LabelItem(**{**row, "state": ItemState(row["state"])})


# ------------------------------------------------------------------ tasks
def add(connection: Connection, task: LabelTask, items: Sequence[LabelItem]) -> None:
    connection.execute(insert(label_tasks).values(**to_plain(task)))
    connection.execute(insert(label_items), [to_plain(item) for item in items])


def task(connection: Connection, project_id: str, task_id: str) -> LabelTask | None:
    query = select(label_tasks).where(label_tasks.c.project_id == project_id, label_tasks.c.id == task_id)
    row = connection.execute(query).mappings().first()
    return _task(row) if row else None


def listed(
    connection: Connection, project_id: str, *, state: str | None, before: str | None, limit: int
) -> list[LabelTask]:
    """Newest first (ids sort by birth), below the id ``before``."""
    query = select(label_tasks).where(label_tasks.c.project_id == project_id)
    if state is not None:
        query = query.where(label_tasks.c.state == state)
    if before is not None:
        query = query.where(label_tasks.c.id < before)
    return [_task(row) for row in connection.execute(query.order_by(label_tasks.c.id.desc()).limit(limit)).mappings()]


def of_version(connection: Connection, project_id: str, version_id: str) -> list[LabelTask]:
    """Tasks over a dataset version and the one that made it, newest first."""
    about = (label_tasks.c.dataset_version_id == version_id) | (label_tasks.c.published_version_id == version_id)
    query = select(label_tasks).where(label_tasks.c.project_id == project_id, about)
    return [_task(row) for row in connection.execute(query.order_by(label_tasks.c.id.desc()).limit(100)).mappings()]


def change(connection: Connection, task_id: str, states: Sequence[TaskState], **changes: Any) -> bool:
    """Change a task that is in one of ``states``; whether it was."""
    query = update(label_tasks).where(label_tasks.c.id == task_id, label_tasks.c.state.in_([str(s) for s in states]))
    return connection.execute(query.values(**to_plain(changes))).rowcount == 1


# ------------------------------------------------------------------ items
def items(connection: Connection, task_id: str, *, after: int, limit: int) -> list[LabelItem]:
    """By position, above ``after``."""
    query = select(label_items).where(label_items.c.task_id == task_id, label_items.c.position > after)
    return [_item(row) for row in connection.execute(query.order_by(label_items.c.position).limit(limit)).mappings()]


def item(connection: Connection, task_id: str, position: int) -> LabelItem | None:
    query = select(label_items).where(label_items.c.task_id == task_id, label_items.c.position == position)
    row = connection.execute(query).mappings().first()
    return _item(row) if row else None


def positions(connection: Connection, task_id: str) -> dict[int, int]:
    """Row id to position."""
    query = select(label_items.c.row_id, label_items.c.position).where(label_items.c.task_id == task_id)
    return {row.row_id: row.position for row in connection.execute(query)}


def next_for(connection: Connection, task_id: str, person: str) -> LabelItem | None:
    """The first item that still wants an answer and has none of this person."""
    mine = exists().where(and_(label_answers.c.task_id == label_items.c.task_id,
                               label_answers.c.position == label_items.c.position, label_answers.c.person == person))  # fmt: skip
    wanting = label_items.c.state.in_([str(ItemState.OPEN), str(ItemState.DISPUTED)])
    query = select(label_items).where(label_items.c.task_id == task_id, wanting, ~mine)
    row = connection.execute(query.order_by(label_items.c.position).limit(1)).mappings().first()
    return _item(row) if row else None


def set_item(connection: Connection, task_id: str, position: int, state: ItemState, answer: str) -> None:
    query = update(label_items).where(label_items.c.task_id == task_id, label_items.c.position == position)
    connection.execute(query.values(state=str(state), answer=answer))


def states(connection: Connection, task_id: str) -> dict[str, int]:
    """How many items are in each state."""
    query = (
        select(label_items.c.state, func.count()).where(label_items.c.task_id == task_id).group_by(label_items.c.state)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


# ------------------------------------------------------------------ answers
def put_answer(connection: Connection, answer: LabelAnswer) -> None:
    connection.execute(insert(label_answers).values(**to_plain(answer)))


def remove_answer(connection: Connection, task_id: str, position: int, person: str) -> bool:
    query = delete(label_answers).where(label_answers.c.task_id == task_id, label_answers.c.position == position,
                                        label_answers.c.person == person)  # fmt: skip
    return connection.execute(query).rowcount == 1


def answers(connection: Connection, task_id: str, position: int | None = None) -> list[LabelAnswer]:
    """Those of one item, or of the whole task; by position, the earliest first."""
    query = select(label_answers).where(label_answers.c.task_id == task_id)
    if position is not None:
        query = query.where(label_answers.c.position == position)
    ordered = query.order_by(label_answers.c.position, label_answers.c.at_ms, label_answers.c.person)
    return [LabelAnswer(**row) for row in connection.execute(ordered).mappings()]


def last_of(connection: Connection, task_id: str, person: str) -> LabelAnswer | None:
    """What this person answered last."""
    query = select(label_answers).where(label_answers.c.task_id == task_id, label_answers.c.person == person)
    row = (
        connection.execute(query.order_by(label_answers.c.at_ms.desc(), label_answers.c.position.desc()).limit(1))
        .mappings()
        .first()
    )
    return LabelAnswer(**row) if row else None
