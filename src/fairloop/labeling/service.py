"""Labelling tasks: opened, closed, and what came of them. Answering is in answers.py."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fairloop.access.audit import Audit
from fairloop.core import codec
from fairloop.core.analyses import Analysis, AnalysisState
from fairloop.core.clock import Clock
from fairloop.core.datasets import DatasetVersion
from fairloop.core.ids import new_id
from fairloop.core.labeling import MOST_ITEMS, ItemState, LabelItem, LabelTask, NewItem, TaskState
from fairloop.core.people import Identity
from fairloop.core.records import Page, from_plain
from fairloop.datasets.service import Datasets
from fairloop.errors import Conflict, InvalidInput, NotFound, Refused
from fairloop.evaluation.analyses import Analyses
from fairloop.projects.files import Files
from fairloop.storage import labeling as rows
from fairloop.storage.engine import Connection, Database

MAX_PAGE = 1000
MAX_PEOPLE = 2
MISSING = "No such labelling task, or you may not see it."
_LONG = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """Rows to look at again: those of a finished prescription, or the ones listed with the version they are from."""

    prescription_id: str | None = None
    dataset_version_id: str | None = None
    items: list[NewItem] = field(default_factory=list)
    title: str = ""
    question: str = ""
    positive: str = ""
    negative: str = ""
    people: int = 2


class Labeling:
    def __init__(self, database: Database, clock: Clock, audit: Audit, files: Files, datasets: Datasets,
                 analyses: Analyses) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._audit = audit
        self._files = files
        self._datasets = datasets
        self._analyses = analyses

    # ------------------------------------------------------------------ open
    def open(self, project_id: str, new: NewTask, identity: Identity) -> LabelTask:
        """Open a task. Its rows are shuffled, so that their order tells nothing.

        Raises
        ------
        InvalidInput
            No rows, a row twice, or a row that shows a sensitive value or the label.
        Conflict
            The prescription is not finished.
        Refused
            The prescription asks for no rows.
        """
        if not 1 <= new.people <= MAX_PEOPLE:
            raise InvalidInput(f"people={new.people}; ask 1 or {MAX_PEOPLE} people about each row.")
        told = self._prescribed(project_id, new.prescription_id) if new.prescription_id else None
        version = self._datasets.get(project_id, told.subject_id if told else new.dataset_version_id or "")
        items = self._items_of(project_id, told) if told else new.items
        check_items(items, version)
        task = self._task(project_id, new, told, version, len(items), identity)
        listed = [LabelItem(task_id=task.id, position=place, row_id=item.row_id, values=item.values)
                  for place, item in enumerate(shuffled(items, task.id))]  # fmt: skip
        entry = self._audit.entry(identity, "labels.open", project_id=project_id, object=task.id,
                                  detail={"dataset_version_id": version.id, "rows": len(items), "people": new.people})  # fmt: skip

        def work(connection: Connection) -> None:
            rows.add(connection, task, listed)
            self._audit.append(connection, entry)

        self._database.write(work)
        return task

    def _prescribed(self, project_id: str, analysis_id: str) -> Analysis:
        found = self._analyses.get(project_id, analysis_id)
        if found.kind != "prescription":
            raise InvalidInput(f"{analysis_id} answers {found.kind!r}; name a prescription.")
        if found.state is not AnalysisState.DONE:
            raise Conflict(f"The prescription is {found.state}; open the task when it is done.")
        return found

    def _items_of(self, project_id: str, told: Analysis) -> list[NewItem]:
        result = self.result(project_id, told)
        listed = codec.loads(self._files.read_blob(project_id, result["items"]["sha256"]))
        if not listed:
            raise Refused(f"The prescription asks for no rows: {told.words}")
        return from_plain(list[NewItem], listed)

    def result(self, project_id: str, analysis: Analysis) -> dict[str, Any]:
        """The result of an analysis, also when it was kept as a file."""
        if set(analysis.result) != {"blob"}:
            return analysis.result
        found: dict[str, Any] = codec.loads(self._files.read_blob(project_id, analysis.result["blob"]))
        return found

    def _task(self, project_id: str, new: NewTask, told: Analysis | None, version: DatasetVersion, count: int,
              identity: Identity) -> LabelTask:  # fmt: skip
        roles = version.roles
        if roles.target is None:
            raise InvalidInput(f"Dataset {version.dataset!r} names no target, so there is no label to look at again.")
        promised = self.result(project_id, told) if told else {}
        answer = "yes" if roles.positive is None else str(roles.positive)
        title = new.title or f"{roles.target} of {version.dataset} v{version.version}"
        question = new.question or f"What is the right answer for {roles.target}?"
        positive, negative = new.positive or answer, new.negative or f"not {answer}"
        texts = {"title": title, "question": question, "positive": positive, "negative": negative}
        for name, text in texts.items():
            if len(text) > _LONG:
                raise InvalidInput(f"The {name} has {len(text)} characters; use {_LONG} or fewer.")
        return LabelTask(
            id=new_id("lab"), project_id=project_id, dataset_version_id=version.id, people=new.people, items=count,
            by=str(promised.get("by", "")), metric=str(promised.get("metric", "")),
            promise=promised.get("promise") or {}, prescription_id=told.id if told else None, author=identity.name,
            created_ms=self._clock.now_ms(), title=title, question=question, positive=positive, negative=negative,
        )  # fmt: skip

    # ------------------------------------------------------------------ read
    def get(self, project_id: str, task_id: str) -> LabelTask:
        found = self._database.read(lambda c: rows.task(c, project_id, task_id))
        if found is None:
            raise NotFound(MISSING)
        return found

    def page(
        self, project_id: str, *, state: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> Page[LabelTask]:
        """Newest first."""
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"limit={limit}; ask for 1 to {MAX_PAGE}.")
        if state is not None and state not in list(TaskState):
            raise InvalidInput(f"state={state[:40]!r}; it is one of {', '.join(TaskState)}.")
        found = self._database.read(lambda c: rows.listed(c, project_id, state=state, before=cursor, limit=limit + 1))
        return Page(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)

    def of_version(self, project_id: str, version_id: str) -> list[LabelTask]:
        """Tasks over a dataset version, and the one that made it."""
        return self._database.read(lambda c: rows.of_version(c, project_id, version_id))

    # ------------------------------------------------------------------ end
    def close(self, project_id: str, task_id: str, identity: Identity) -> LabelTask:
        """End answering; a worker makes the new dataset version and measures it. Asked again, it tries again.

        Raises
        ------
        Conflict
            Nothing is settled yet, or the task is over.
        """
        task = self.get(project_id, task_id)
        if task.state in {TaskState.CLOSED, TaskState.CANCELLED}:
            raise Conflict(f"The task is {task.state} already.")
        entry = self._audit.entry(identity, "labels.close", project_id=project_id, object=task.id)

        def work(connection: Connection) -> None:
            if not rows.states(connection, task_id).get(str(ItemState.SETTLED)):
                raise Conflict(
                    "No row is settled yet, so there is nothing to publish; answer some rows or cancel the task."
                )
            now = self._clock.now_ms()
            if rows.change(
                connection, task_id, [TaskState.OPEN], state=TaskState.CLOSING, closed_by=identity.name, closed_ms=now
            ):
                self._audit.append(connection, entry)

        self._database.write(work)
        effect = self._analyses.start(project_id, "label_effect", "dataset_version", task.dataset_version_id,
                                      {"task_id": task_id}, identity)  # fmt: skip
        self._database.write(lambda c: rows.change(c, task_id, [TaskState.CLOSING], effect_id=effect.id))
        return self.get(project_id, task_id)

    def cancel(self, project_id: str, task_id: str, identity: Identity) -> LabelTask:
        """End a task without using its answers; they are kept."""
        self.get(project_id, task_id)
        entry = self._audit.entry(identity, "labels.cancel", project_id=project_id, object=task_id)

        def work(connection: Connection) -> bool:
            done = rows.change(connection, task_id, [TaskState.OPEN], state=TaskState.CANCELLED, closed_by=identity.name,
                               closed_ms=self._clock.now_ms())  # fmt: skip
            if done:
                self._audit.append(connection, entry)
            return done

        if not self._database.write(work):
            raise Conflict(f"The task is {self.get(project_id, task_id).state}; only an open one can be cancelled.")
        return self.get(project_id, task_id)

    def publish(self, project_id: str, task_id: str, version_id: str) -> LabelTask:
        """Note the dataset version that a worker made of the answers."""
        self.get(project_id, task_id)
        self._datasets.get(project_id, version_id)
        self._database.write(lambda c: rows.change(c, task_id, [TaskState.CLOSING], state=TaskState.CLOSED,
                                                   published_version_id=version_id))  # fmt: skip
        return self.get(project_id, task_id)


def check_items(items: Sequence[NewItem], version: DatasetVersion) -> None:
    """Rows that may be shown to a labeller: each once, with neither a sensitive value nor the recorded label."""
    if not 1 <= len(items) <= MOST_ITEMS:
        raise InvalidInput(f"{len(items)} rows; give 1 to {MOST_ITEMS}.")
    if len({item.row_id for item in items}) < len(items):
        raise InvalidInput("A row is listed twice; list each once.")
    hidden = {version.roles.target, version.roles.weight, *version.roles.sensitive} - {None}
    for item in items:
        if shown := hidden & set(item.values):
            raise InvalidInput(
                f"The rows show {min(str(s) for s in shown)!r}, which a labeller must not see; leave it out."
            )


def shuffled(items: Sequence[NewItem], task_id: str) -> list[NewItem]:
    """In an order that depends on nothing but the task and the row ids."""
    return sorted(items, key=lambda item: hashlib.sha256(f"{task_id}:{item.row_id}".encode()).digest())
