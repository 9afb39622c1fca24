"""Serving: endpoints, deployments, rollouts and predictions, as the rest of Fairloop asks for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fairloop.core.checks import Check
from fairloop.core.clock import Clock
from fairloop.core.endpoints import Deployment, Rollout
from fairloop.core.loops import Canary
from fairloop.core.signals import Signals
from fairloop.projects.files import Files
from fairloop.serving.fleet import Fleet
from fairloop.serving.predictions import Predictions
from fairloop.serving.rollouts import Rollouts
from fairloop.storage.engine import Database

_SHORTEST_S = 0.1


class Serving(Fleet):
    """The fleet, with the rollouts that move its traffic and the predictions that pass through the server."""

    interval_s = 0.5

    def __init__(self, database: Database, clock: Clock, files: Files, signals: Signals, *, folder: Path,
                 hashes: Callable[[str], list[str] | None], smoke_s: float = 60.0,
                 start_s: float = 60.0) -> None:  # fmt: skip
        super().__init__(database, clock, files, folder=folder, hashes=hashes, smoke_s=smoke_s, start_s=start_s)
        self.predictions = Predictions(self, clock)
        self._rollouts = Rollouts(database, clock, signals, self)
        self._looked_s = float("-inf")

    def start_rollout(self, project_id: str, endpoint_id: str, to_deployment_id: str, canary: Canary,
                      gates: list[Check], *, cycle_id: str | None = None) -> Rollout:  # fmt: skip
        """Move the traffic to a deployment step by step; the rollout known for ``cycle_id`` when there is one."""
        return self._rollouts.start(project_id, endpoint_id, to_deployment_id, canary, gates, cycle_id=cycle_id)

    def rollout(self, project_id: str, rollout_id: str) -> Rollout:
        return self._rollouts.get(project_id, rollout_id)

    def rollout_of_cycle(self, cycle_id: str) -> Rollout | None:
        return self._rollouts.of_cycle(cycle_id)

    def rollouts(self, project_id: str, endpoint_id: str) -> list[Rollout]:
        """The endpoint's rollouts, the newest first."""
        return self._rollouts.listed(project_id, endpoint_id)

    def hold(self, project_id: str, rollout_id: str, *, reason: str) -> Rollout:
        return self._rollouts.hold(project_id, rollout_id, reason=reason)

    def resume(self, project_id: str, rollout_id: str, *, reason: str) -> Rollout:
        return self._rollouts.resume(project_id, rollout_id, reason=reason)

    def promote(self, project_id: str, rollout_id: str, *, reason: str) -> Rollout:
        return self._rollouts.promote(project_id, rollout_id, reason=reason)

    def roll_back(self, project_id: str, rollout_id: str, *, reason: str) -> Rollout:
        return self._rollouts.roll_back(project_id, rollout_id, reason=reason)

    def go_back(self, project_id: str, endpoint_id: str, *, reason: str) -> Deployment:
        """All traffic to the version before: an open rollout is taken back, else the split is turned round."""
        opened = next((r for r in self.rollouts(project_id, endpoint_id) if r.ended_ms is None), None)
        if opened is None or opened.from_deployment_id is None:
            return self.roll_back_endpoint(project_id, endpoint_id)
        self.roll_back(project_id, opened.id, reason=reason)
        return self.deployment(project_id, opened.from_deployment_id)

    def tick(self) -> None:
        """Supervise the processes, then look at every open rollout; not again at once when signals come in bursts."""
        now = self._clock.monotonic_s()
        if now - self._looked_s < _SHORTEST_S:
            return
        self._looked_s = now
        self.supervise()
        self._rollouts.tick()
