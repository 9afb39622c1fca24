"""What starts watch runs: one at a time per monitor, when its time has come or somebody asks."""

from __future__ import annotations

import logging

from fairloop.core.clock import Clock
from fairloop.core.monitors import Monitor
from fairloop.core.pipelines import Capture, Graph
from fairloop.errors import FairloopError, NotFound
from fairloop.monitoring.service import Monitoring
from fairloop.pipelines.graph import system_step
from fairloop.pipelines.service import Pipelines

log = logging.getLogger(__name__)

LONGEST_REST_MS = 86_400_000
"""Windows that wait for labels end their wait by age: look at least once a day, traffic or not."""


class Watcher:
    """Its state is the monitor's row: a run is noted there before it starts, and after a crash the same one starts."""

    interval_s = 1.0

    def __init__(self, clock: Clock, monitoring: Monitoring, pipelines: Pipelines) -> None:
        self._clock = clock
        self._monitoring = monitoring
        self._pipelines = pipelines

    def tick(self) -> None:
        now = self._clock.now_ms()
        for monitor in self._monitoring.monitors():
            try:
                self._look(monitor, now)
            except FairloopError as cause:
                log.warning("monitor %s cannot start its watch run: %s", monitor.id, cause.message)

    def _look(self, monitor: Monitor, now: int) -> None:
        if not monitor.enabled or self._running(monitor):
            return
        asked = monitor.cursor.get("asked") is not None
        if not asked:
            if int(monitor.cursor.get("next_ms", 0)) > now:
                return
            rested = now - int(monitor.cursor.get("ran_ms", 0)) >= LONGEST_REST_MS
            if not rested and not self._traffic(monitor):
                self._monitoring.postpone(monitor, now + round(monitor.every_s * 1000))
                return
        run_id = self._monitoring.note_run(monitor, due_ms=now)
        if run_id is not None:
            self._start(monitor, run_id)

    def _running(self, monitor: Monitor) -> bool:
        """Whether the run noted last is still under way; one that was noted but never started is started."""
        run_id = monitor.cursor.get("run_id")
        if run_id is None:
            return False
        try:
            return not self._pipelines.get(monitor.project_id, run_id).state.final
        except NotFound:
            self._start(monitor, run_id)
            return True

    def _traffic(self, monitor: Monitor) -> bool:
        spool = self._monitoring.endpoint_folder(monitor.endpoint_id) / "spool"
        return any(spool.glob("*-*.*"))

    def _start(self, monitor: Monitor, run_id: str) -> None:
        folder = self._monitoring.endpoint_folder(monitor.endpoint_id)
        inputs = {"monitor_id": {"value": monitor.id}, "folder": {"value": str(folder)}}
        graph = Graph(name="watch", steps=[system_step("watch", "fairloop.monitoring.steps", "watch", inputs)])
        self._pipelines.start(
            monitor.project_id,
            graph,
            Capture(),
            {},
            author=f"monitor of {monitor.loop or 'endpoint'}",
            purpose="monitor",
            id=run_id,
        )
