"""Loops and their cycles: register, start, read, decide. What moves a cycle on is driver.py."""

from __future__ import annotations

from typing import Any

from fairloop.core.checks import GROUP_METRICS, Check
from fairloop.core.cycles import ApprovalRequest, Cycle, CycleEvent, Loop, Stage
from fairloop.core.ids import new_id
from fairloop.core.loops import LoopDefinition
from fairloop.core.names import check_name
from fairloop.core.people import Identity
from fairloop.core.pipelines import Capture, Graph
from fairloop.core.records import Page, from_plain, to_plain
from fairloop.errors import Conflict, InvalidInput, NotFound, Refused
from fairloop.loops.approvals import Approvals
from fairloop.loops.check import check_loop
from fairloop.loops.standing import reasoned
from fairloop.storage import loops as rows
from fairloop.storage.engine import Connection

NOTED, MOST_NOTE = ("search",), 4000
"""What steps may write into a cycle's timeline."""


def definition_of(loop: Loop) -> LoopDefinition:
    return from_plain(LoopDefinition, loop.definition)


def graph_of(loop: Loop) -> Graph:
    return from_plain(Graph, loop.graph)


class Loops(Approvals):
    """Loops and cycles, and the people they ask. Any server thread may call it; what it answers was true then."""

    # ------------------------------------------------------------------ loops
    def register(
        self, project_id: str, definition: LoopDefinition, graph: Graph, capture: Capture, author: str
    ) -> Loop:
        """The loop as now defined; a new version only when something changed.

        Raises
        ------
        InvalidInput
            The pipeline does not end in ``fl.candidate``, has no trainer although mitigations are asked for, takes not
            exactly one table, or the approval names a role that may not approve.
        """
        check_name(definition.name, "loop")
        check_loop(definition, graph)
        judged = self.policies.of_definition(project_id, definition, author)
        if not judged.verdict.allowed:
            raise Refused(f"The policy does not allow this loop: {' '.join(judged.verdict.reasons)}")

        def work(connection: Connection) -> Loop:
            newest = rows.newest_loop(connection, project_id, definition.name)
            plain = (to_plain(definition), to_plain(graph), to_plain(capture))
            if newest and (newest.definition, newest.graph, newest.capture) == plain:
                return newest
            loop = Loop(id=new_id("lop"), project_id=project_id, name=definition.name, definition=plain[0],
                        graph=plain[1], capture=plain[2], version=newest.version + 1 if newest else 1, author=author,
                        created_ms=self._clock.now_ms())  # fmt: skip
            rows.add_loop(connection, loop)
            return loop

        return self._database.write(work)

    def loop(self, project_id: str, name: str) -> Loop:
        """The newest version of a loop."""
        loop = self._database.read(lambda c: rows.newest_loop(c, project_id, name))
        if loop is None:
            raise NotFound("No such loop, or you may not see it.")
        return loop

    def loops(self, project_id: str | None = None) -> list[Loop]:
        return self._database.read(lambda c: rows.newest_loops(c, project_id))

    # ------------------------------------------------------------------ cycles
    def start_cycle(self, project_id: str, name: str, *, trigger: dict[str, Any], author: str, dataset_version_id: str,
                    extra_gates: list[Check] | None = None) -> Cycle:  # fmt: skip
        """Begin a turn of the loop. Conflict while another turn of the same loop is under way.

        ``extra_gates`` join the loop's own: the check an alert failed becomes a gate of the cycle it starts.
        """
        loop = self.loop(project_id, name)
        definition = definition_of(loop)
        gates = list(definition.gates)
        for check in extra_gates or []:
            if (check.metric, check.by) not in {(g.metric, g.by) for g in gates}:
                gates.append(check)
        now = self._clock.now_ms()

        def work(connection: Connection) -> Cycle:
            if running := rows.open_cycles(connection, project_id, name):
                raise Conflict(f"Cycle {running[0].number} of {name!r} is still under way ({running[0].stage}); wait for it "
                               "or cancel it.")  # fmt: skip
            stage = Stage.DATA if trigger["kind"] == "alert" else Stage.TRAIN
            cycle = Cycle(id=new_id("cyc"), project_id=project_id, loop=name, loop_id=loop.id, stage=stage,
                          number=rows.next_number(connection, project_id, name), trigger=trigger, gates=gates,
                          dataset_version_id=dataset_version_id, author=author, started_ms=now)  # fmt: skip
            rows.add_cycle(connection, cycle)
            rows.add_event(connection, cycle.id, now, "started", str(trigger.get("words") or "Started."), trigger)
            return cycle

        cycle = self._database.write(work)
        self._signals.notify()
        return cycle

    def cycle(self, project_id: str, cycle_id: str) -> Cycle:
        cycle = self._database.read(lambda c: rows.cycle_by_id(c, cycle_id))
        if cycle is None or cycle.project_id != project_id:
            raise NotFound("No such cycle, or you may not see it.")
        return cycle

    def cycles(
        self, project_id: str, loop: str | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Page[Cycle]:
        """Newest first."""
        if not 1 <= limit <= 1000:
            raise InvalidInput(f"limit={limit} must lie between 1 and 1000.")
        if cursor is not None and not cursor.isdecimal():
            raise InvalidInput(
                f"{cursor[:40]!r} is not a cursor this server gave out; leave it away for the first page."
            )
        before = int(cursor) if cursor else None
        found = self._database.read(lambda c: rows.listed_cycles(c, project_id, loop, limit + 1, before))
        more = len(found) > limit
        return Page(items=found[:limit], next=str(found[limit - 1].started_ms) if more else None)

    def live_cycle(self, project_id: str, loop: str) -> Cycle | None:
        """The cycle whose model is in production, if any."""
        return self._database.read(lambda c: rows.live_cycle(c, project_id, loop))

    def cycle_of_version(self, model_version_id: str) -> Cycle | None:
        return self._database.read(lambda c: rows.cycle_of_version(c, model_version_id))

    def events(self, project_id: str, cycle_id: str) -> list[CycleEvent]:
        self.cycle(project_id, cycle_id)
        return self._database.read(lambda c: rows.events_of(c, cycle_id))

    def definition(self, cycle: Cycle) -> tuple[LoopDefinition, Graph, Capture]:
        """The loop as it stood when this cycle began."""
        loop = self._database.read(lambda c: rows.loop_by_id(c, cycle.loop_id))
        if loop is None:
            raise NotFound("The cycle's loop definition is gone; restore the database.")
        return definition_of(loop), graph_of(loop), from_plain(Capture, loop.capture)

    def move(self, cycle: Cycle, kind: str, text: str, *, data: dict[str, Any] | None = None,
             approval: ApprovalRequest | None = None, **changes: Any) -> bool:  # fmt: skip
        """Apply ``changes`` and write a timeline line, if the cycle still stands where the caller saw it."""
        now = self._clock.now_ms()
        stage = changes.get("stage")
        if stage is not None and stage.final:
            changes["ended_ms"] = now
        if stage is Stage.LIVE:
            changes["live_ms"] = now

        def work(connection: Connection) -> bool:
            if not rows.change_cycle(connection, cycle, **changes):
                return False
            rows.add_event(connection, cycle.id, now, kind, text, data or {})
            if approval is not None:
                self.told_of(connection, approval, cycle)
            if stage is not None and stage.final:  # nobody is asked about a cycle that is over
                for request in rows.approvals_where(connection, cycle_id=cycle.id, decision="waiting"):
                    rows.decide(
                        connection, request.id, decision="expired", reason=f"The cycle ended {stage}.", decided_ms=now
                    )
            return True

        moved = self._database.write(work)
        self._signals.notify()
        return moved

    def note(self, project_id: str, cycle_id: str, kind: str, text: str) -> CycleEvent:
        """A line that a step adds to the timeline of a cycle that is under way: how its work goes on."""
        cycle = self.cycle(project_id, cycle_id)
        if cycle.stage.final:
            raise Conflict(f"Cycle {cycle.number} is over ({cycle.stage}); nothing is added to its timeline.")
        if kind not in NOTED or not 0 < len(text) <= MOST_NOTE:
            raise InvalidInput(f"A note is of the kind {' or '.join(NOTED)} and has 1 to {MOST_NOTE} characters.")
        now = self._clock.now_ms()
        self._database.write(lambda c: rows.add_event(c, cycle.id, now, kind, text, {}))
        self._signals.notify()
        return self.events(project_id, cycle_id)[-1]

    def note_run(self, cycle: Cycle, purpose: str, pipeline_run_id: str) -> bool:
        """Remember, before it starts, which pipeline run does ``purpose``: after a crash the same one is started again."""

        def work(connection: Connection) -> bool:
            now = rows.cycle_by_id(connection, cycle.id)
            if now is None or purpose in now.pipeline_run_ids:  # another server was faster
                return False
            return rows.change_cycle(
                connection, cycle, pipeline_run_ids={**now.pipeline_run_ids, purpose: pipeline_run_id}
            )

        return self._database.write(work)

    def open_cycles(self, project_id: str | None = None, loop: str | None = None) -> list[Cycle]:
        return self._database.read(lambda c: rows.open_cycles(c, project_id, loop))

    def cancel(self, project_id: str, cycle_id: str, identity: Identity, reason: str) -> Cycle:
        """End a cycle that is not over; its steps are stopped by the driver."""
        cycle = self.cycle(project_id, cycle_id)
        if cycle.stage.final or not self.move(cycle, "cancelled", f"{identity.name} cancelled it: {reasoned(reason)}",
                                              stage=Stage.CANCELLED, words=f"Cancelled by {identity.name}."):  # fmt: skip
            raise Conflict(f"Cycle {cycle.number} is over ({cycle.stage}); there is nothing to cancel.")
        self._audit.record(identity, "cycle.cancel", project_id=project_id, object=cycle_id, detail={"reason": reason})
        return self.cycle(project_id, cycle_id)


def watched_limits(definition: LoopDefinition) -> list[Check]:
    """The fairness limits a loop watches: a repair may not break another of them, so each gates what an alert starts."""
    return [check for check in definition.watch if check.metric in GROUP_METRICS]
