"""From an approved candidate to production: register, roll out by canary, go live, watch."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from fairloop.core import codec
from fairloop.core.cycles import Cycle, Stage
from fairloop.core.endpoints import Endpoint, Rollout
from fairloop.core.loops import LoopDefinition
from fairloop.core.models import Candidate, ModelVersion
from fairloop.core.units import parse_seconds
from fairloop.errors import Conflict, NotFound
from fairloop.loops.service import Loops
from fairloop.monitoring.service import Monitoring
from fairloop.projects.files import Files
from fairloop.registry.service import Registry
from fairloop.serving.service import Serving

log = logging.getLogger(__name__)

IN_PRODUCTION = "production"
"""The alias that follows what serves."""


@dataclass(slots=True)
class Release:
    loops: Loops
    registry: Registry
    serving: Serving
    monitoring: Monitoring
    files: Files
    on_live: Callable[[Cycle], None] | None = None
    """Told of each cycle that went live; it may fail without harm to the release."""

    def endpoint_of(self, cycle: Cycle) -> Endpoint | None:
        """The loop's endpoint: it bears the loop's name."""
        try:
            return self.serving.endpoint(cycle.project_id, cycle.loop)
        except NotFound:
            return None

    def register(self, cycle: Cycle, definition: LoopDefinition, candidate: Candidate) -> ModelVersion:
        """The candidate as a model version; the registry makes it once however often this is asked."""
        manifest = codec.loads(self.files.read_blob(cycle.project_id, candidate.model_sha256))
        files = {path: (entry["sha256"], entry["size_bytes"]) for path, entry in manifest["files"].items()}
        return self.registry.create_version(cycle.project_id, definition.name, run_id=candidate.run_id,
                                            candidate_id=candidate.id, cycle_id=cycle.id, files=files,
                                            signature=candidate.signature, decision="candidate", user=cycle.author)  # fmt: skip

    def decided(self, cycle: Cycle, *, approved: bool) -> None:
        if cycle.model_version_id is not None:
            self.registry.set_decision(cycle.project_id, cycle.model_version_id, "approved" if approved else "refused")

    def advance(self, cycle: Cycle, definition: LoopDefinition) -> None:
        """One look at the rollout: start it, wait, go live, or refuse."""
        rollout = self._rollout(cycle)
        if rollout is None:
            self._start(cycle, definition)
        elif cycle.rollout_id is None:
            self.loops.move(cycle, "rollout", self._starting_words(rollout), rollout_id=rollout.id)
        elif rollout.state == "promoted":
            self._go_live(cycle, definition, rollout)
        elif rollout.state == "rolled_back":
            words = f"The rollout was taken back: {rollout.reason}"
            self.loops.move(
                cycle, "rolled_back", words, stage=Stage.REFUSED, words=words, data={"rollout_id": rollout.id}
            )

    def _rollout(self, cycle: Cycle) -> Rollout | None:
        if cycle.rollout_id is not None:
            return self.serving.rollout(cycle.project_id, cycle.rollout_id)
        return self.serving.rollout_of_cycle(cycle.id)

    @staticmethod
    def _starting_words(rollout: Rollout) -> str:
        if rollout.from_deployment_id is None:
            return "No version serves yet, so there is nothing to compare with: all traffic after the smoke test."
        steps = ", ".join(f"{step} %" for step in rollout.steps)
        return f"The canary begins: {steps} of the traffic, judged at each step."

    def _start(self, cycle: Cycle, definition: LoopDefinition) -> None:
        assert cycle.model_version_id is not None  # noqa: S101  # the stage is entered with a version only
        endpoint = self.serving.ensure_endpoint(cycle.project_id, cycle.loop, loop=cycle.loop)
        deployment = self.serving.deploy(
            cycle.project_id, endpoint.name, cycle.model_version_id, share=0, by=cycle.author
        )
        if deployment.state == "failed":
            words = f"The new version failed its smoke test and never saw traffic: {deployment.reason}"
            self.loops.move(cycle, "rolled_back", words, stage=Stage.REFUSED, words=words,
                            data={"deployment_id": deployment.id})  # fmt: skip
            return
        if self.loops.cycle(cycle.project_id, cycle.id).stage.final:
            return  # cancelled while the smoke test ran
        rollout = self.serving.start_rollout(cycle.project_id, endpoint.id, deployment.id, definition.rollout,
                                             cycle.gates, cycle_id=cycle.id)  # fmt: skip
        if not self.loops.move(cycle, "rollout", self._starting_words(rollout), rollout_id=rollout.id):
            self.withdraw(cycle, "it ended before its rollout began")

    def _go_live(self, cycle: Cycle, definition: LoopDefinition, rollout: Rollout) -> None:
        assert cycle.model_version_id is not None  # noqa: S101  # see _start
        version = self.registry.version_by_id(cycle.project_id, cycle.model_version_id)
        self.registry.set_alias(cycle.project_id, version.model, IN_PRODUCTION, version.version)
        if definition.watch:
            self.monitoring.ensure(cycle.project_id, rollout.endpoint_id, cycle.loop, definition.watch,
                                   parse_seconds(definition.watch_every), definition.window)  # fmt: skip
        self.monitoring.new_version_live(cycle.project_id, rollout.endpoint_id)
        words = f"{version.model} v{version.version} is live with all traffic."
        moved = self.loops.move(cycle, "live", words, stage=Stage.LIVE, data={"rollout_id": rollout.id})
        if moved and self.on_live is not None:
            self.on_live(self.loops.cycle(cycle.project_id, cycle.id))

    def withdraw(self, cycle: Cycle, reason: str) -> None:
        """Take back a rollout of a cancelled cycle."""
        rollout = self._rollout(cycle)
        if rollout is None or rollout.ended_ms is not None:
            return
        try:
            self.serving.roll_back(cycle.project_id, rollout.id, reason=f"the cycle was cancelled: {reason}")
        except (
            Conflict
        ) as cause:  # it moved on in this moment; what serves is settled, and the cycle is over either way
            log.warning("cycle %s: its rollout was not taken back: %s", cycle.id, cause.message)
