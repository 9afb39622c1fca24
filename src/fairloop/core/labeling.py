"""Labelling tasks: rows that people look at again, and what their answers come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fairloop.errors import InvalidInput

POSITIVE, NEGATIVE, SKIP = "positive", "negative", "skip"
ANSWERS = (POSITIVE, NEGATIVE, SKIP)
MOST_ITEMS = 5000


class TaskState(StrEnum):
    OPEN = "open"
    CLOSING = "closing"
    """Closed to answers; the new dataset version is being made and measured."""
    CLOSED = "closed"
    CANCELLED = "cancelled"


class ItemState(StrEnum):
    OPEN = "open"
    DISPUTED = "disputed"
    """Two people differ; a third decides."""
    SETTLED = "settled"
    UNCLEAR = "unclear"
    """Two people could not tell: the recorded label stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTask:
    """Rows of a dataset version to look at again.

    ``promise`` is what the prescription said about the gap (see evaluation/data_bias_prescription.py); ``by`` and
    ``metric`` name that gap. ``positive`` and ``negative`` are the answers in words.
    """

    id: str
    project_id: str
    dataset_version_id: str
    title: str
    question: str
    positive: str
    negative: str
    people: int
    items: int
    by: str = ""
    metric: str = ""
    promise: dict[str, Any] = field(default_factory=dict)
    prescription_id: str | None = None
    state: TaskState = TaskState.OPEN
    author: str = ""
    created_ms: int = 0
    closed_by: str = ""
    closed_ms: int | None = None
    effect_id: str | None = None
    """The analysis that makes the new version and measures it."""
    published_version_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """A row to label: its stable id and what is shown of it."""

    row_id: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelItem:
    """``answer`` is what the people's answers come to; empty until the item is settled."""

    task_id: str
    position: int
    row_id: int
    values: dict[str, Any]
    state: ItemState = ItemState.OPEN
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAnswer:
    """What one person said of one item."""

    task_id: str
    position: int
    person: str
    answer: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowAnswer:
    """An answer by row id, as files carry it."""

    row_id: int
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalLabel:
    """What a row's answers came to."""

    row_id: int
    state: ItemState
    answer: str
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a task is: items by state, answers by person, agreement as estimate, low, high, n and method."""

    items: int
    settled: int
    disputed: int
    unclear: int
    answers: int
    people: dict[str, int]
    agreement: dict[str, Any]

    @property
    def done(self) -> bool:
        return self.settled + self.unclear == self.items


def check_answer(answer: str) -> str:
    if answer not in ANSWERS:
        raise InvalidInput(f"answer={answer[:40]!r}; it is one of {', '.join(ANSWERS)}.")
    return answer


def settle(answers: Sequence[str], people: int) -> tuple[ItemState, str]:
    """What the answers to one item come to, with ``people`` wanted on each: 1 takes the first, 2 wants two equal ones.

    When two people differ, a third decides; when two cannot tell, nobody does.
    """
    positive, negative, skipped = (answers.count(a) for a in ANSWERS)
    wanted = min(people, 2)
    if max(positive, negative) >= wanted:
        return ItemState.SETTLED, POSITIVE if positive >= negative else NEGATIVE
    if skipped >= 2:
        return ItemState.UNCLEAR, ""
    return (ItemState.DISPUTED if positive and negative else ItemState.OPEN), ""
