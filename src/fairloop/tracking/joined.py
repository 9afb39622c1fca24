"""Single metrics of many writers, joined: those that arrive while one group is written become the next group.

A request is checked before it joins, and a run that is missing or deleted fails its own request only. Everybody is
answered after the commit's fsync, all of a group at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from fairloop.core.clock import Clock
from fairloop.errors import InvalidInput, NotFound, StorageFull, Unavailable
from fairloop.storage import joined_metrics
from fairloop.storage.engine import Connection, Database
from fairloop.storage.joined_metrics import Entry
from fairloop.storage.metrics import Owner

MISSING = "No such run, or you may not see it."
_MOST = 256  # requests in a group: with 16 points each 4,096 rows, below what a statement may hold
POINTS = 16
"""Most points of a request that joins others; more are a unit of their own."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: Entry
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[None]


class Joined:
    """The requests that wait to be written together."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._asked = False  # a unit that will take what waits is under way to the database

    def log(self, entry: Entry) -> asyncio.Future[None]:
        """Done when the entry is on disk. To be called from an event loop."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(entry, loop, loop.create_future())
        with self._lock:
            self._waiting.append(waiting)
            asked, self._asked = self._asked, True
        if not asked:
            self._submit()
        return waiting.answer

    def _submit(self) -> None:
        taken: list[_Waiting] = []

        def work(connection: Connection) -> list[Exception | None]:
            if not taken:  # a unit that is run again writes the same group again
                taken.extend(self._take())
            return write(connection, [waiting.entry for waiting in taken], self._clock.now_ms())

        def done(future: Future[list[Exception | None]]) -> None:
            if not taken:  # it failed before it could begin
                taken.extend(self._take())
            error = future.exception()
            self._answer(taken, [error] * len(taken) if error is not None else future.result())

        try:
            self._database.submit(work).add_done_callback(done)
        except Unavailable as cause:  # the server is stopping
            taken.extend(self._take())
            self._answer(taken, [cause] * len(taken))

    def _take(self) -> list[_Waiting]:
        with self._lock:
            taken, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            self._asked = more = bool(self._waiting)
        if more:
            taken[0].loop.call_soon_threadsafe(self._submit)  # the writer itself may not submit
        return taken

    def _answer(self, taken: list[_Waiting], results: Sequence[BaseException | None]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, BaseException | None]]] = defaultdict(list)
        for waiting, result in zip(taken, results, strict=True):
            by_loop[waiting.loop].append((waiting, result))
        for loop, some in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._tell, some)

    def _tell(self, some: list[tuple[_Waiting, BaseException | None]]) -> None:
        for waiting, error in some:
            if waiting.answer.done():  # the client has gone
                continue
            if error is None:
                waiting.answer.set_result(None)
            elif len(some) == 1 or isinstance(error, (NotFound, InvalidInput, StorageFull, Unavailable)):
                waiting.answer.set_exception(error)
            else:
                self._alone(waiting)

    def _alone(self, waiting: _Waiting) -> None:
        """What the database refused in a group is tried by itself, so that one entry cannot fail its neighbours."""
        entry, now_ms = waiting.entry, self._clock.now_ms()
        future = self._database.submit(lambda connection: write(connection, [entry], now_ms))
        future.add_done_callback(
            lambda f: self._answer([waiting], [e] if (e := f.exception()) is not None else f.result())
        )


def write(connection: Connection, entries: list[Entry], now_ms: int) -> list[Exception | None]:
    """Write what can be written; for each entry why it was not, or None."""
    found = joined_metrics.owners(connection, entries)
    results = [_refusal(found.get((entry.project_id, entry.run_id)), entry.run_id) for entry in entries]
    accepted = [
        (found[entry.project_id, entry.run_id], entry.series)
        for entry, refused in zip(entries, results, strict=True)
        if refused is None
    ]
    if accepted:
        joined_metrics.append(connection, accepted, now_ms)
    return results


def _refusal(run: Owner | None, run_id: str) -> Exception | None:
    if run is None:
        return NotFound(MISSING)
    if not run.active:
        return InvalidInput(f"The run {run_id} is deleted; restore it before you log to it.")
    return None
