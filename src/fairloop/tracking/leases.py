"""Nothing stays RUNNING without a live owner: runs nobody writes to any more end as FAILED, reason lost."""

from __future__ import annotations

from dataclasses import dataclass

from fairloop.core.clock import Clock
from fairloop.core.runs import RunStatus
from fairloop.storage import runs as rows
from fairloop.storage.engine import Connection, Database

_AFTER_STEP = {
    "done": RunStatus.FINISHED,
    "failed": RunStatus.FAILED,
    "cancelled": RunStatus.KILLED,
    "skipped": RunStatus.KILLED,
}


@dataclass(frozen=True, slots=True)
class _Seen:
    touched_ms: int
    since_s: float


class Leases:
    """A lease expires when no write was *seen* for its length on this process's own monotonic clock.

    Wall clocks may jump and servers may sleep: after a start nothing expires for one full lease.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def tick(self) -> None:
        now = self._clock.monotonic_s()
        known, self._seen = self._seen, {}
        for run_id, touched_ms, lease_s in self._database.read(rows.open_runs):
            last = known.get(run_id)
            if last is None or last.touched_ms != touched_ms:
                last = _Seen(touched_ms, now)
            if now - last.since_s < lease_s:
                self._seen[run_id] = last
                continue
            ended_ms = self._clock.now_ms()
            self._database.write(lambda c, i=run_id, t=touched_ms, e=ended_ms: rows.fail_lost(c, i, t, e))  # type: ignore[misc]
        if orphans := self._database.read(rows.orphans_of_steps):
            self._database.write(lambda c: self._follow(c, orphans))

    def _follow(self, connection: Connection, orphans: list[tuple[str, str]]) -> None:
        for run_id, state in orphans:
            rows.save(
                connection,
                run_id,
                status=_AFTER_STEP[state].value,
                end_ms=self._clock.now_ms(),
                status_reason="" if state == "done" else f"its step ended as {state}",
            )
