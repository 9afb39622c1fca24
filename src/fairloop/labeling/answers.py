"""What people say of the rows of a labelling task: one row at a time, or from a file; and what it comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from fairloop.access.audit import Audit
from fairloop.core.clock import Clock
from fairloop.core.labeling import (
    MOST_ITEMS,
    SKIP,
    FinalLabel,
    ItemState,
    LabelAnswer,
    LabelItem,
    LabelTask,
    NewItem,
    Progress,
    RowAnswer,
    TaskState,
    check_answer,
    settle,
)
from fairloop.core.people import Identity
from fairloop.core.records import Page
from fairloop.errors import Conflict, InvalidInput, NotFound
from fairloop.labeling.service import MAX_PAGE, MISSING
from fairloop.stats.agreement import krippendorff_alpha
from fairloop.storage import labeling as rows
from fairloop.storage.engine import Connection, Database


class Answers:
    """Nobody learns another's answer to a row before the task is closed: people answer by themselves."""

    def __init__(self, database: Database, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit

    # ------------------------------------------------------------------ one row at a time
    def next(self, project_id: str, task_id: str, identity: Identity) -> LabelItem | None:
        """The next row for this person; None when there is none, or the task is over."""

        def look(connection: Connection) -> LabelItem | None:
            task = _found(rows.task(connection, project_id, task_id))
            return rows.next_for(connection, task_id, identity.name) if task.state is TaskState.OPEN else None

        return self._database.read(look)

    def answer(self, project_id: str, task_id: str, position: int, answer: str, identity: Identity) -> LabelItem:
        """Say what one row is, or ``skip`` when it cannot be told.

        Raises
        ------
        Conflict
            The task is over, the row is settled, or this person has answered it; undo first.
        """
        check_answer(answer)

        def work(connection: Connection) -> LabelItem:
            task = _open(connection, project_id, task_id)
            return self._put(connection, task, position, answer, identity.name)

        return self._database.write(work)

    def undo(self, project_id: str, task_id: str, position: int, identity: Identity) -> LabelItem:
        """Take one's own answer to a row back while the task is open."""

        def work(connection: Connection) -> LabelItem:
            task = _open(connection, project_id, task_id)
            if not rows.remove_answer(connection, task_id, position, identity.name):
                raise NotFound(f"You have no answer to row {position} of this task.")
            return _settled(connection, task, position)

        return self._database.write(work)

    def last(self, project_id: str, task_id: str, identity: Identity) -> LabelAnswer | None:
        """What this person answered last, for undo."""

        def look(connection: Connection) -> LabelAnswer | None:
            _found(rows.task(connection, project_id, task_id))
            return rows.last_of(connection, task_id, identity.name)

        return self._database.read(look)

    def _put(self, connection: Connection, task: LabelTask, position: int, answer: str, person: str) -> LabelItem:
        item = rows.item(connection, task.id, position)
        if item is None:
            raise NotFound(f"The task has no row {position}.")
        given = rows.answers(connection, task.id, position)
        if any(a.person == person for a in given):
            raise Conflict(f"You answered row {position} already; undo that answer first.")
        if item.state in {ItemState.SETTLED, ItemState.UNCLEAR}:
            raise Conflict(f"Row {position} is {item.state} already; go on with the next one.")
        now = max([self._clock.now_ms(), *(a.at_ms + 1 for a in given)])
        rows.put_answer(
            connection, LabelAnswer(task_id=task.id, position=position, person=person, answer=answer, at_ms=now)
        )
        return _settled(connection, task, position)

    # ------------------------------------------------------------------ files
    def items(self, project_id: str, task_id: str, *, cursor: str | None = None, limit: int = 100) -> Page[NewItem]:
        """The rows as a labeller sees them, without anybody's answers."""
        found = self._listed(project_id, task_id, cursor, limit)
        listed = [NewItem(row_id=item.row_id, values=item.values) for item in found[:limit]]
        return Page(items=listed, next=str(found[limit - 1].position) if len(found) > limit else None)

    def bring(self, project_id: str, task_id: str, answers: Sequence[RowAnswer], identity: Identity) -> int:
        """Answers made elsewhere, as this person's; all or none. Returns how many were new.

        Rows that are settled are passed over; an answer this person gave before must be the same.
        """
        if not 1 <= len(answers) <= MOST_ITEMS:
            raise InvalidInput(f"{len(answers)} answers; give 1 to {MOST_ITEMS}.")
        for given in answers:
            check_answer(given.answer)
        entry = self._audit.entry(identity, "labels.import", project_id=project_id, object=task_id,
                                  detail={"answers": len(answers)})  # fmt: skip

        def work(connection: Connection) -> int:
            task = _open(connection, project_id, task_id)
            places, new = rows.positions(connection, task_id), 0
            mine = {a.position: a.answer for a in rows.answers(connection, task_id) if a.person == identity.name}
            for given in answers:
                place = places.get(given.row_id)
                if place is None:
                    raise InvalidInput(f"Row {given.row_id} is not in this task.")
                if mine.get(place, given.answer) != given.answer:
                    raise Conflict(f"You said {mine[place]} of row {given.row_id} before; undo that answer first.")
                item = rows.item(connection, task_id, place)
                if place in mine or item is None or item.state in {ItemState.SETTLED, ItemState.UNCLEAR}:
                    continue
                self._put(connection, task, place, given.answer, identity.name)
                mine[place], new = given.answer, new + 1
            self._audit.append(connection, entry)
            return new

        return self._database.write(work)

    def labels(self, project_id: str, task_id: str, *, cursor: str | None = None, limit: int = 100) -> Page[FinalLabel]:
        """What every row's answers came to, by position."""
        found = self._listed(project_id, task_id, cursor, limit)
        counts = Counter(a.position for a in self._database.read(lambda c: rows.answers(c, task_id)))
        listed = [
            FinalLabel(row_id=i.row_id, state=i.state, answer=i.answer, answers=counts[i.position])
            for i in found[:limit]
        ]
        return Page(items=listed, next=str(found[limit - 1].position) if len(found) > limit else None)

    def _listed(self, project_id: str, task_id: str, cursor: str | None, limit: int) -> list[LabelItem]:
        """One item more than the page holds."""
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"limit={limit}; ask for 1 to {MAX_PAGE}.")
        if cursor is not None and not cursor.isdecimal():
            raise InvalidInput(
                f"{cursor[:40]!r} is not a cursor this server gave out; leave it away for the first page."
            )

        def look(connection: Connection) -> list[LabelItem]:
            _found(rows.task(connection, project_id, task_id))
            return rows.items(connection, task_id, after=int(cursor) if cursor else -1, limit=limit + 1)

        return self._database.read(look)

    # ------------------------------------------------------------------ how far, how sure
    def progress(self, project_id: str, task_id: str) -> Progress:
        """Items by state, answers by person, and how well two people agree by themselves."""

        def look(connection: Connection) -> tuple[LabelTask, dict[str, int], list[LabelAnswer]]:
            task = _found(rows.task(connection, project_id, task_id))
            return task, rows.states(connection, task_id), rows.answers(connection, task_id)

        task, states, answers = self._database.read(look)
        pairs = []
        for _, given in groupby(answers, key=lambda a: a.position):
            told = [a.answer for a in given if a.answer != SKIP]
            if len(told) >= 2:
                pairs.append((told[0], told[1]))
        return Progress(
            items=task.items, settled=states.get(str(ItemState.SETTLED), 0), disputed=states.get(str(ItemState.DISPUTED), 0),
            unclear=states.get(str(ItemState.UNCLEAR), 0), answers=len(answers),
            people=dict(sorted(Counter(a.person for a in answers).items())), agreement=krippendorff_alpha(pairs).plain(),
        )  # fmt: skip


def _found(task: LabelTask | None) -> LabelTask:
    if task is None:
        raise NotFound(MISSING)
    return task


def _open(connection: Connection, project_id: str, task_id: str) -> LabelTask:
    task = _found(rows.task(connection, project_id, task_id))
    if task.state is not TaskState.OPEN:
        raise Conflict(f"The task is {task.state}; it takes no more answers.")
    return task


def _settled(connection: Connection, task: LabelTask, position: int) -> LabelItem:
    """The item after a change of its answers."""
    told = [a.answer for a in rows.answers(connection, task.id, position)]
    rows.set_item(connection, task.id, position, *settle(told, task.people))
    item = rows.item(connection, task.id, position)
    assert item is not None  # noqa: S101  # read in the same unit of work
    return item
