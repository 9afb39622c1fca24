"""Doing things again by cron or interval: each slot once, however many servers there are.

A slot is taken and acted on in one unit of work, so a crash either did both or neither. Slots missed while no server
ran are not made up for: the schedule goes on with the next one after now, having run once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.pipelines import Capture, Graph, PipelineRun, State
from fairloop.core.records import from_plain, to_plain
from fairloop.core.schedules import Schedule
from fairloop.errors import InvalidInput, NotFound
from fairloop.pipelines import transitions
from fairloop.pipelines.graph import bind, plan
from fairloop.pipelines.service import Pipelines
from fairloop.storage import schedules as rows
from fairloop.storage.engine import Database

Act = Callable[[Any, Schedule, int], Callable[[], None] | None]
"""Called inside the slot's unit of work with (connection, schedule, slot_ms); what it returns is called after its
commit, for waking others."""

PIPELINE = "pipeline"
_KEPT_MS = 7 * 86_400_000
_SHORTEST_S = 1.0


class Schedules:
    """``acts`` says what a kind of schedule does; services that own a kind add theirs."""

    def __init__(self, database: Database, clock: Clock, pipelines: Pipelines, *, interval_s: float = 60.0) -> None:
        self._database = database
        self._clock = clock
        self._pipelines = pipelines
        self._longest_s = interval_s
        self.interval_s = interval_s
        self.acts: dict[str, Act] = {PIPELINE: self._start}

    # ------------------------------------------------------------------ keeping them
    def add(self, project_id: str, kind: str, *, cron: str = "", every_s: float | None = None,
            payload: dict[str, Any] | None = None, subject_id: str | None = None) -> Schedule:  # fmt: skip
        """A new schedule; its first slot is the first one after now."""
        now = self._clock.now_ms()
        schedule = Schedule(id=new_id("sch"), project_id=project_id, kind=kind, cron=cron, every_s=every_s,
                            payload=payload or {}, subject_id=subject_id, created_ms=now)  # fmt: skip
        schedule = replace(schedule, next_ms=next_slot(schedule, now))
        self._database.write(lambda c: rows.add(c, schedule))
        return schedule

    def ensure(self, project_id: str, kind: str, subject_id: str, *, cron: str = "", every_s: float | None = None,
               payload: dict[str, Any] | None = None) -> Schedule:  # fmt: skip
        """The one schedule of a subject, made or changed to this."""
        found = self._database.read(lambda c: rows.of_subject(c, project_id, kind, subject_id))
        if found is None:
            return self.add(project_id, kind, cron=cron, every_s=every_s, payload=payload, subject_id=subject_id)
        wanted = replace(found, cron=cron, every_s=every_s, payload=payload or {}, enabled=True)
        if wanted == found:
            return found
        now = self._clock.now_ms()
        wanted = replace(wanted, next_ms=next_slot(wanted, now))
        self._database.write(lambda c: rows.change(c, found.id, cron=cron, every_s=every_s, payload=wanted.payload,
                                                   enabled=True, next_ms=wanted.next_ms))  # fmt: skip
        return wanted

    def every(self, project_id: str, graph: Graph, capture: Capture, params: dict[str, Any], *, author: str,
              cron: str = "", every_s: float | None = None) -> Schedule:  # fmt: skip
        """Run a pipeline again and again, as it is now."""
        plan(graph)
        bind(graph, params)
        payload = {"graph": to_plain(graph), "capture": to_plain(capture), "params": params, "author": author}
        return self.add(project_id, PIPELINE, cron=cron, every_s=every_s, payload=payload)

    def list(self, project_id: str) -> Many:
        return self._database.read(lambda c: rows.listed(c, project_id))

    def get(self, project_id: str, schedule_id: str) -> Schedule:
        found = self._database.read(lambda c: rows.get(c, project_id, schedule_id))
        if found is None:
            raise NotFound("No such schedule, or you may not see it.")
        return found

    def remove(self, project_id: str, schedule_id: str) -> None:
        self.get(project_id, schedule_id)
        self._database.write(lambda c: rows.remove(c, schedule_id))

    # ------------------------------------------------------------------ keeping to them
    def tick(self) -> None:
        """Act on every slot that has come."""
        now = self._clock.now_ms()
        for schedule in self._database.read(lambda c: rows.due(c, now, list(self.acts))):
            self._one(schedule, now)
        self.interval_s = self._pause(now)

    def _one(self, schedule: Schedule, now: int) -> None:
        act, slot, following = self.acts[schedule.kind], schedule.next_ms, next_slot(schedule, now)

        def work(connection: Any) -> Callable[[], None] | None:
            if not rows.take_slot(connection, schedule.id, slot, following, now):
                return None
            rows.forget_slots(connection, schedule.id, now - _KEPT_MS)
            return act(connection, schedule, slot)

        if (after := self._database.write(work)) is not None:
            after()

    def _pause(self, now: int) -> float:
        """Until the next slot of any schedule, within reason."""
        soon = self._database.read(lambda c: rows.due(c, now + round(self._longest_s * 1000), list(self.acts)))
        if not soon:
            return self._longest_s
        return min(self._longest_s, max(0.05, (soon[0].next_ms - now) / 1000))

    def _start(self, connection: Any, schedule: Schedule, slot_ms: int) -> Callable[[], None]:
        """Start the pipeline run of a slot, in the slot's own unit of work."""
        told = schedule.payload
        graph, capture = from_plain(Graph, told["graph"]), from_plain(Capture, told["capture"])
        run = PipelineRun(id=new_id("prn"), project_id=schedule.project_id, pipeline=graph.name, state=State.READY,
                          graph=graph, capture=capture, params=bind(graph, told["params"]), author=told["author"],
                          created_ms=self._clock.now_ms())  # fmt: skip
        settled = replace(run, params=self._pipelines.tables(connection, schedule.project_id, graph, run.params))
        change = transitions.begin(connection, settled, plan(graph), run.created_ms)
        return lambda: self._pipelines.announce(change)


def next_slot(schedule: Schedule, now_ms: int) -> int:
    """The first slot after ``now_ms``, milliseconds since 1970; InvalidInput says what is wrong with the schedule."""
    if bool(schedule.cron) == (schedule.every_s is not None):
        raise InvalidInput("A schedule has either a cron line or an interval; give one of cron= and every_s=.")
    if schedule.every_s is not None:
        if not schedule.every_s >= _SHORTEST_S:
            raise InvalidInput(f"every_s={schedule.every_s} is too short; a schedule repeats every second at most.")
        length = round(schedule.every_s * 1000)
        return now_ms - (now_ms - schedule.created_ms) % length + length
    from croniter import croniter  # imports dateutil: only servers with a cron schedule pay for it

    if len(schedule.cron.split()) != 5 or not croniter.is_valid(schedule.cron):
        raise InvalidInput(f"{schedule.cron[:80]!r} is not a cron line; write five fields, for example '0 6 * * 1-5'.")
    following: datetime = croniter(schedule.cron, datetime.fromtimestamp(now_ms / 1000, UTC)).get_next(datetime)
    return round(following.timestamp() * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSchedule:
    """A pipeline to run again: the body of ``POST /schedules``."""

    graph: Graph
    capture: Capture
    params: dict[str, Any]
    cron: str = ""
    every_s: float | None = None


Many = list[Schedule]
