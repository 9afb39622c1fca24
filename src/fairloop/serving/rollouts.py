"""Rollouts: traffic to a new version step by step, judged against the version before; all truth is in rows."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import Any

from fairloop.core.checks import Check
from fairloop.core.clock import Clock
from fairloop.core.endpoints import Deployment, DeploymentState, Rollout
from fairloop.core.ids import new_id
from fairloop.core.loops import Canary
from fairloop.core.records import from_plain, to_plain
from fairloop.core.signals import Signals
from fairloop.core.units import parse_seconds
from fairloop.errors import Conflict, FairloopError, NotFound
from fairloop.serving.canary import Judgement, judge_step
from fairloop.serving.counters import Traffic, since
from fairloop.serving.fleet import Fleet
from fairloop.storage import endpoints as rows
from fairloop.storage.engine import Connection, Database

log = logging.getLogger(__name__)


class Rollouts:
    def __init__(self, database: Database, clock: Clock, signals: Signals, fleet: Fleet) -> None:
        self._database = database
        self._clock = clock
        self._signals = signals
        self._fleet = fleet
        self._deciding = threading.RLock()  # traffic and row change together: a person and a tick never cross

    # ------------------------------------------------------------------ reading
    def get(self, project_id: str, rollout_id: str) -> Rollout:
        found = self._database.read(lambda c: rows.rollout_by_id(c, rollout_id))
        if found is None or found.project_id != project_id:
            raise NotFound("No such rollout, or you may not see it.")
        return found

    def of_cycle(self, cycle_id: str) -> Rollout | None:
        return self._database.read(lambda c: rows.rollout_of_cycle(c, cycle_id))

    def listed(self, project_id: str, endpoint_id: str) -> list[Rollout]:
        self._fleet.endpoint_by_id(project_id, endpoint_id)
        return self._database.read(lambda c: rows.rollouts_of(c, endpoint_id))

    # ------------------------------------------------------------------ starting and deciding by hand
    def start(self, project_id: str, endpoint_id: str, to_deployment_id: str, canary: Canary, gates: list[Check], *,
              cycle_id: str | None = None) -> Rollout:  # fmt: skip
        """A rollout to ``to_deployment_id``, or the one known for ``cycle_id``.

        Raises
        ------
        Conflict
            Another rollout is open on the endpoint.
        """
        deployments = self._fleet.deployments(project_id, endpoint_id)
        if to_deployment_id not in {d.id for d in deployments}:
            raise NotFound("No such deployment, or you may not see it.")
        incumbent = _incumbent(deployments, to_deployment_id)
        now = self._clock.now_ms()
        fresh = Rollout(id=new_id("rol"), project_id=project_id, endpoint_id=endpoint_id, cycle_id=cycle_id,
                        to_deployment_id=to_deployment_id, from_deployment_id=incumbent.id if incumbent else None,
                        steps=list(canary.steps), judge_by=list(canary.judge_by), gates=list(gates),
                        min_requests=canary.min_requests, started_ms=now, step_started_ms=now,
                        expires_ms=now + round(parse_seconds(canary.max_wait) * 1000))  # fmt: skip

        def work(connection: Connection) -> Rollout:
            for known in rows.rollouts_of(connection, endpoint_id):
                if cycle_id is not None and known.cycle_id == cycle_id and known.to_deployment_id == to_deployment_id:
                    return known
                if known.ended_ms is None:
                    raise Conflict(
                        f"The rollout {known.id} is open on this endpoint; promote it or roll it back first."
                    )
            rows.add_rollout(connection, fresh)
            return fresh

        found = self._database.write(work)
        self._signals.notify()
        return found

    def hold(self, project_id: str, rollout_id: str, *, reason: str) -> Rollout:
        """Keep the traffic as it is until a person decides."""
        with self._deciding:
            return self._change(self._open(project_id, rollout_id), state="held", reason=reason)

    def resume(self, project_id: str, rollout_id: str, *, reason: str) -> Rollout:
        """Let a held rollout be judged again, with its full time anew."""
        with self._deciding:
            rollout = self._open(project_id, rollout_id)
            if rollout.state != "held":
                raise Conflict(f"The rollout is {rollout.state}, not held.")
            longer = self._clock.now_ms() + rollout.expires_ms - rollout.started_ms
            state = "running" if rollout.base else "smoke"
            return self._change(rollout, state=state, reason=reason, expires_ms=longer)

    def promote(self, project_id: str, rollout_id: str, *, reason: str) -> Rollout:
        """All traffic to the new version now, by a person's decision."""
        with self._deciding:
            rollout = self._open(project_id, rollout_id)
            return self._finish(rollout, "promoted", reason, rollout.to_deployment_id)

    def roll_back(self, project_id: str, rollout_id: str, *, reason: str) -> Rollout:
        """All traffic back to the version before."""
        with self._deciding:
            rollout = self._open(project_id, rollout_id)
            if rollout.from_deployment_id is None and rollout.state != "smoke":
                raise Conflict("No version served before this one; stop the endpoint instead.")
            return self._finish(rollout, "rolled_back", reason, rollout.from_deployment_id)

    def _open(self, project_id: str, rollout_id: str) -> Rollout:
        rollout = self.get(project_id, rollout_id)
        if rollout.ended_ms is not None:
            raise Conflict(f"The rollout ended already: {rollout.state}.")
        return rollout

    # ------------------------------------------------------------------ the level-triggered look
    def tick(self) -> None:
        for rollout in self._database.read(rows.open_rollouts):
            try:
                with self._deciding:
                    self._advance(self._open(rollout.project_id, rollout.id))
            except FairloopError as cause:
                log.warning("rollout %s: %s", rollout.id, cause)

    def _advance(self, rollout: Rollout) -> None:
        if rollout.state == "held":
            return
        deployment = self._fleet.deployment(rollout.project_id, rollout.to_deployment_id)
        if deployment.state is DeploymentState.STARTING:
            return
        if deployment.state in {DeploymentState.FAILED, DeploymentState.RETIRED}:
            reason = (
                f"the smoke test failed: {deployment.reason}" if deployment.reason else "the deployment was retired"
            )
            self._finish(rollout, "rolled_back", reason, rollout.from_deployment_id)
        elif rollout.from_deployment_id is None or rollout.steps[rollout.step] == 100:
            reason = "All traffic at once, as the rollout asks." if rollout.from_deployment_id else (
                "No version served before, so there is nothing to compare with.")  # fmt: skip
            self._finish(rollout, "promoted", reason, rollout.to_deployment_id)
        elif rollout.state == "smoke":
            self._enter(rollout, 0, [])
        else:
            self._judge(rollout, rollout.from_deployment_id)

    def _enter(self, rollout: Rollout, step: int, history: list[dict[str, Any]]) -> None:
        """Take a step: the row says so first, then the traffic follows; a tick between the two repeats the second."""
        traffic = self._fleet.traffic(rollout.endpoint_id)
        here = {"to": to_plain(traffic.get(rollout.to_deployment_id, Traffic())),
                "from": to_plain(traffic.get(str(rollout.from_deployment_id), Traffic()))}  # fmt: skip
        base = {**(rollout.base or here), "step_rows": here["to"]["rows"]}
        now = self._clock.now_ms()
        entered = self._change(rollout, state="running", step=step, step_started_ms=now, base=base,
                               history=[*rollout.history, *history], reason="")  # fmt: skip
        self._apply(entered)

    def _apply(self, rollout: Rollout) -> None:
        """The split that the rollout's step asks for."""
        share = rollout.steps[rollout.step]
        wanted = {rollout.to_deployment_id: share}
        if share < 100:
            wanted[str(rollout.from_deployment_id)] = 100 - share
        known = {d.id: d.share for d in self._fleet.deployments(rollout.project_id, rollout.endpoint_id) if d.share}
        if known != wanted:
            self._fleet.set_shares(rollout.project_id, rollout.endpoint_id, wanted)

    def _judge(self, rollout: Rollout, incumbent_id: str) -> None:
        self._apply(rollout)
        share = rollout.steps[rollout.step]
        judgement = self._look(rollout, incumbent_id)
        now = self._clock.now_ms()
        line = {"share": share, "at_ms": now, "requests": judgement.answers, "decision": judgement.decision,
                "reason": judgement.reason, "verdicts": to_plain(judgement.verdicts)}  # fmt: skip
        if judgement.decision == "roll_back":
            self._finish(rollout, "rolled_back", judgement.reason, incumbent_id, line)
        elif judgement.decision == "go":
            if rollout.steps[rollout.step + 1] == 100:
                self._finish(rollout, "promoted", judgement.reason, rollout.to_deployment_id, line)
            else:
                self._enter(rollout, rollout.step + 1, [line])
        elif now >= rollout.expires_ms:
            reason = f"The time is up and a person must decide: {judgement.reason}"
            self._change(rollout, state="held", reason=reason, history=[*rollout.history, line])
        elif judgement.reason != rollout.reason:
            self._change(rollout, reason=judgement.reason)

    def _look(self, rollout: Rollout, incumbent_id: str) -> Judgement:
        """The judgement on everything both versions answered since the rollout began."""
        traffic = self._fleet.traffic(rollout.endpoint_id)
        to = traffic.get(rollout.to_deployment_id, Traffic())
        candidate = since(to, from_plain(Traffic, rollout.base["to"]))
        incumbent = since(traffic.get(incumbent_id, Traffic()), from_plain(Traffic, rollout.base["from"]))
        last = rollout.step + 1 < len(rollout.steps) and rollout.steps[rollout.step + 1] == 100
        return judge_step(candidate, incumbent, gates=rollout.gates, judge_by=rollout.judge_by, last=last,
                          answers=max(0, to.rows - int(rollout.base["step_rows"])),
                          min_answers=rollout.min_requests)  # fmt: skip

    # ------------------------------------------------------------------ writing
    def _finish(self, rollout: Rollout, state: str, reason: str, serving: str | None,
                line: dict[str, Any] | None = None) -> Rollout:  # fmt: skip
        """Traffic first, row last: a crash between the two is finished by the next look."""
        if serving is not None:
            self._fleet.set_shares(rollout.project_id, rollout.endpoint_id, {serving: 100})
        now = self._clock.now_ms()
        end = line or {"share": 100 if state == "promoted" else 0, "at_ms": now, "requests": 0, "decision": state,
                       "reason": reason, "verdicts": []}  # fmt: skip
        done = self._change(rollout, state=state, reason=reason, ended_ms=now, history=[*rollout.history, end],
                            step=len(rollout.steps) - 1 if state == "promoted" else rollout.step)  # fmt: skip
        self._retire_old(done)
        self._signals.notify()
        return done

    def _retire_old(self, rollout: Rollout) -> None:
        """Keep the version before loaded, so that going back takes effect at once; older ones are unloaded."""
        keep = {rollout.to_deployment_id, rollout.from_deployment_id}
        for d in self._fleet.deployments(rollout.project_id, rollout.endpoint_id):
            if d.state is DeploymentState.READY and d.id not in keep:
                self._fleet.retire(rollout.project_id, d.id)

    def _change(self, rollout: Rollout, **values: Any) -> Rollout:
        """Write, unless somebody else moved the rollout meanwhile."""
        changed = self._database.write(
            lambda c: rows.change_rollout(c, rollout.id, was=rollout.state, at_step=rollout.step, **values)
        )
        if not changed:
            raise Conflict("The rollout moved on meanwhile; look again.")
        return replace(rollout, **values)


def _incumbent(deployments: list[Deployment], candidate_id: str) -> Deployment | None:
    """The version with most of the traffic, the candidate aside."""
    live = [d for d in deployments if d.state is DeploymentState.LIVE and d.id != candidate_id]
    return max(live, key=lambda d: d.share, default=None)
