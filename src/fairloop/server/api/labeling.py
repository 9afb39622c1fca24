"""Labelling tasks over REST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from litestar.params import QueryParameter

from fairloop.core.labeling import FinalLabel, LabelItem, LabelTask, NewItem, Progress, RowAnswer
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.labeling.service import NewTask
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """``answer`` is positive, negative or skip."""

    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    answers: list[RowAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """How many answers were new."""

    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NextItem:
    """``item`` is null when there is no row left for you."""

    item: LabelItem | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    dataset_version_id: str


def open_task(services: Services, project: Project, identity: Identity, data: NewTask) -> LabelTask:
    """Open a labelling task: rows of a prescription, or rows you list."""
    return services.labeling.open(project.id, data, identity)


def list_tasks(services: Services, project: Project,
               in_state: Annotated[str | None, QueryParameter(name="state")] = None, cursor: str | None = None,
               limit: int = 100) -> Page[LabelTask]:  # fmt: skip
    """Labelling tasks, newest first."""
    return services.labeling.page(project.id, state=in_state, cursor=cursor, limit=limit)


def get_task(services: Services, project: Project, task_id: str) -> LabelTask:
    """One labelling task."""
    return services.labeling.get(project.id, task_id)


def get_progress(services: Services, project: Project, task_id: str) -> Progress:
    """How far a task is, and how well two people agree by themselves."""
    return services.answers.progress(project.id, task_id)


def next_item(services: Services, project: Project, identity: Identity, task_id: str) -> NextItem:
    """The next row for you."""
    return NextItem(item=services.answers.next(project.id, task_id, identity))


def list_items(services: Services, project: Project, task_id: str, cursor: str | None = None,
               limit: int = 100) -> Page[NewItem]:  # fmt: skip
    """The rows to label, as a labeller sees them."""
    return services.answers.items(project.id, task_id, cursor=cursor, limit=limit)


def put_answer(
    services: Services, project: Project, identity: Identity, task_id: str, position: int, data: Answered
) -> LabelItem:
    """Say what one row is: positive, negative or skip."""
    return services.answers.answer(project.id, task_id, position, data.answer, identity)


def undo_answer(services: Services, project: Project, identity: Identity, task_id: str, position: int) -> LabelItem:
    """Take your own answer back."""
    return services.answers.undo(project.id, task_id, position, identity)


def bring_answers(services: Services, project: Project, identity: Identity, task_id: str, data: Brought) -> New:
    """Answers made elsewhere, as yours: all or none."""
    return New(new=services.answers.bring(project.id, task_id, data.answers, identity))


def list_labels(services: Services, project: Project, task_id: str, cursor: str | None = None,
                limit: int = 100) -> Page[FinalLabel]:  # fmt: skip
    """What every row's answers came to."""
    return services.answers.labels(project.id, task_id, cursor=cursor, limit=limit)


def close_task(services: Services, project: Project, identity: Identity, task_id: str) -> LabelTask:
    """End answering: the answers become a new dataset version, and its effect is measured."""
    return services.labeling.close(project.id, task_id, identity)


def cancel_task(services: Services, project: Project, identity: Identity, task_id: str) -> LabelTask:
    """End a task without using its answers."""
    return services.labeling.cancel(project.id, task_id, identity)


def publish_version(services: Services, project: Project, task_id: str, data: Published) -> LabelTask:
    """Note the dataset version made of the answers."""
    return services.labeling.publish(project.id, task_id, data.dataset_version_id)
