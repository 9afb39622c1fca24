"""From alert to cycle: a failing watch starts a turn of the loop, as the policy allows."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from fairloop.core.checks import GROUP_METRICS, Check
from fairloop.core.cycles import Cycle, Loop
from fairloop.core.loops import LoopDefinition
from fairloop.core.monitors import Alert
from fairloop.datasets.service import Datasets
from fairloop.errors import Conflict, FairloopError, InvalidInput
from fairloop.loops.service import Loops, definition_of, watched_limits
from fairloop.monitoring.service import Monitoring

log = logging.getLogger(__name__)
NOT_GATED = {"drift", "prediction_drift", "appeal_rate_ratio"}
"""Checks on traffic, not on a candidate."""


@dataclass(slots=True)
class Proposals:
    loops: Loops
    monitoring: Monitoring
    datasets: Datasets
    interval_s: float = 2.0

    def tick(self) -> None:
        for loop in self.loops.loops():
            definition = definition_of(loop)
            if definition.on_alert == "notify":
                continue
            try:
                alerts = self._waiting(loop)
                if alerts and not self.loops.open_cycles(loop.project_id, loop.name):
                    self._start(loop, definition, alerts[0], author=f"loop {loop.name}")
            except Conflict:
                log.info("loop %s: a cycle began meanwhile", loop.name)
            except FairloopError as cause:  # the other loops are not to wait for this one
                log.warning("loop %s: its alert starts no cycle: %s", loop.name, cause.message)

    def _waiting(self, loop: Loop) -> list[Alert]:
        """Open alerts that started no cycle yet. One whose cycle began just before a server died is linked to it now."""
        alerts = [a for a in self.monitoring.alerts(loop.project_id, state="open")
                  if a.cycle_id is None and self.monitoring.loop_of(a) == loop.name]  # fmt: skip
        if not alerts:
            return []
        begun = {c.trigger.get("alert_id"): c.id for c in self.loops.cycles(loop.project_id, loop.name).items}
        for alert in alerts:
            if alert.id in begun:
                self.monitoring.link_cycle(alert.id, begun[alert.id])
        return sorted((a for a in alerts if a.id not in begun), key=_urgency)

    def start(self, project_id: str, alert_id: str, author: str) -> Cycle:
        """A person starts the cycle an alert proposes."""
        alert = self.monitoring.alert(project_id, alert_id)
        name = self.monitoring.loop_of(alert)
        if not name:
            raise InvalidInput("This endpoint serves a model without a loop; write a loop.py to retrain it.")
        if alert.cycle_id is not None:
            raise Conflict("This alert has started a cycle already.")
        loop = self.loops.loop(project_id, name)
        return self._start(loop, definition_of(loop), alert, author=author)

    def _start(self, loop: Loop, definition: LoopDefinition, alert: Alert, *, author: str) -> Cycle:
        check: Check = alert.verdict.check
        gates = [] if check.metric in NOT_GATED or check.drop is not None else [check]
        live = self.loops.live_cycle(loop.project_id, loop.name)
        newest = live.dataset_version_id if live else self.datasets.find(loop.project_id, definition.data.name).id
        trigger = {"kind": "alert", "alert_id": alert.id, "by": author, "words": alert.words}
        cycle = self.loops.start_cycle(loop.project_id, loop.name, trigger=trigger, author=author,
                                       dataset_version_id=newest, extra_gates=[*gates, *watched_limits(definition)])  # fmt: skip
        self.monitoring.link_cycle(alert.id, cycle.id)
        return cycle


def _urgency(alert: Alert) -> tuple[int, int]:
    """People first, then quality, then the inputs that moved, then their effect on the scores; older before newer."""
    check = alert.verdict.check
    ranks = {"drift": 2, "prediction_drift": 3}
    return 0 if check.metric in GROUP_METRICS else ranks.get(check.metric, 1), alert.opened_ms
