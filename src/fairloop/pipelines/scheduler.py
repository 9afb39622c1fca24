"""The one who looks after steps: expires leases nobody renews, and asks the runner for workers.

A lease is judged by this scheduler's own monotonic clock: it is over when the row's heartbeat counter has not changed
for the lease's length *while this scheduler watched*. So after a start nothing expires for one full lease, and no
other machine's clock matters. A worker of this machine whose process is gone is noticed at once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from fairloop.core.clock import Clock
from fairloop.core.pipelines import StepRun
from fairloop.pipelines.runners.runner import Demand, Runner
from fairloop.pipelines.service import Pipelines
from fairloop.pipelines.work import Work
from fairloop.projects.service import Projects
from fairloop.storage import pipelines as rows
from fairloop.storage.engine import Database

log = logging.getLogger(__name__)

_CALM_S, _HASTE_S = 1.0, 0.2


@dataclass(slots=True)
class _Seen:
    token: int
    heartbeat: int
    since_s: float


class Scheduler:
    def __init__(self, database: Database, clock: Clock, projects: Projects, pipelines: Pipelines, work: Work,
                 runner: Runner, lease_s: float) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._projects = projects
        self._pipelines = pipelines
        self._work = work
        self._runner = runner
        self._lease_s = lease_s
        self._seen: dict[str, _Seen] = {}
        self.interval_s = _CALM_S

    def tick(self) -> None:
        running = self._database.read(rows.running)
        busy = set()
        for step, heartbeat, cancel in running:
            busy.add(step.worker)
            if cancel:
                self._runner.poke(step.worker)
            reason = self._over(step, heartbeat)
            if reason and self._work.lose(step, reason):
                log.warning("step %s (%s): %s", step.id, step.key, reason)
        self._seen = {step.id: self._seen[step.id] for step, _, _ in running if step.id in self._seen}
        demand = self._demand()
        for key, reason in self._runner.ensure(demand, busy).items():
            self._work.fail_ready(key, reason)
        self.interval_s = _HASTE_S if running or demand else _CALM_S

    def _over(self, step: StepRun, heartbeat: int) -> str:
        """Why the step's holder has lost it; empty while it holds."""
        if self._runner.gone(step.worker):
            self._runner.bury(step.worker)
            return "The step's process ended without a word (killed, or out of memory)."
        now = self._clock.monotonic_s()
        seen = self._seen.get(step.id)
        if seen is None or (seen.token, seen.heartbeat) != (step.token, heartbeat):
            self._seen[step.id] = _Seen(step.token, heartbeat, now)
            return ""
        if now - seen.since_s < self._lease_s:
            return ""
        return f"The step's process gave no sign of life for {self._lease_s:g} s."

    def _demand(self) -> list[Demand]:
        found = []
        for key, (project_id, run_id, ready) in self._database.read(rows.ready_keys).items():
            run, _ = self._pipelines.planned(project_id, run_id)
            project = self._projects.get(project_id)
            found.append(Demand(key=key, project_id=project_id, project=project.name, capture=run.capture, ready=ready))
        return found
