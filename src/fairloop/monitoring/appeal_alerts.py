"""What decided appeals start: labels in the prediction log, a comparison by group, and an alert when it fails.

Only decisions of people get here. A thousand undecided appeals start nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fairloop.core.appeals import METRIC, Judged, Judging, UpheldAppeal
from fairloop.core.checks import Status, Verdict
from fairloop.core.clock import Clock
from fairloop.core.endpoints import DeploymentState, Endpoint
from fairloop.core.ids import new_id
from fairloop.core.monitors import Alert
from fairloop.core.pipelines import Capture, Graph
from fairloop.core.signals import Signals
from fairloop.errors import FairloopError, NotFound
from fairloop.monitoring.appeals import Appeals
from fairloop.notices.outbox import Notices
from fairloop.pipelines.graph import system_step
from fairloop.pipelines.service import Pipelines
from fairloop.storage import appeals as rows
from fairloop.storage import endpoints as endpoint_rows
from fairloop.storage import monitors as monitor_rows
from fairloop.storage.engine import Connection, Database

log = logging.getLogger(__name__)


class AppealAlerts:
    """Its state is the desk's row: a comparison is noted there before it starts, and after a crash the same one starts."""

    interval_s = 5.0

    def __init__(self, database: Database, clock: Clock, signals: Signals, appeals: Appeals, pipelines: Pipelines,
                 notices: Notices, endpoint_folder: Callable[[str], Path]) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._signals = signals
        self._appeals = appeals
        self._pipelines = pipelines
        self._notices = notices
        self._endpoint_folder = endpoint_folder

    def tick(self) -> None:
        try:
            self._appeals.send_labels()
        except (FairloopError, OSError) as cause:  # a full disk must not keep the comparison from starting
            log.warning("labels of upheld appeals wait: %s", cause)
        for desk in self._database.read(rows.asked):
            try:
                self._look(desk["project_id"], desk["scope_id"], desk["run_id"])
            except FairloopError as cause:
                log.warning("appeals of %s cannot be compared: %s", desk["scope_id"], cause.message)

    def _look(self, project_id: str, endpoint_id: str, run_id: str | None) -> None:
        """Start the comparison unless one is under way; one that was noted but never started is started."""
        if run_id is not None:
            try:
                if not self._pipelines.get(project_id, run_id).state.final:
                    return
            except NotFound:
                self._start(project_id, endpoint_id, run_id)
                return
        fresh = new_id("prn")
        self._database.write(lambda c: rows.set_desk(c, project_id, endpoint_id, run_id=fresh))
        self._start(project_id, endpoint_id, fresh)

    def _start(self, project_id: str, endpoint_id: str, run_id: str) -> None:
        endpoint = self._database.read(lambda c: endpoint_rows.endpoint_by_id(c, endpoint_id))
        if endpoint is None:
            return
        inputs = {"endpoint": {"value": endpoint.name}, "folder": {"value": str(self._endpoint_folder(endpoint_id))}}
        step = system_step("judge_appeals", "fairloop.monitoring.appeal_steps", "judge_appeals", inputs)
        self._pipelines.start(project_id, Graph(name="appeals", steps=[step]), Capture(), {},
                              author=f"appeals of {endpoint.name}", purpose="monitor", id=run_id)  # fmt: skip

    # ------------------------------------------------------------------ what the step reads and writes
    def judging(self, project_id: str, endpoint_name: str) -> Judging:
        """Upheld appeals against what serves now, since the last alert about appeals was resolved."""

        def work(connection: Connection) -> Judging:
            endpoint = _endpoint(connection, project_id, endpoint_name)
            live = [d.id for d in endpoint_rows.deployments_of(connection, endpoint.id)
                    if d.state is DeploymentState.LIVE]  # fmt: skip
            past = monitor_rows.listed_alerts(connection, project_id, endpoint_id=endpoint.id, state="resolved")
            since = max((a.updated_ms for a in past if a.verdict.check.metric == METRIC), default=-1)
            upheld = [a for a in rows.upheld(connection, endpoint.id) if (a.decided_ms or 0) > since]
            once = {a.prediction_id: a for a in upheld if a.deployment_id in live}
            asked = max((d["asked_ms"] for d in rows.asked(connection) if d["scope_id"] == endpoint.id), default=0)
            return Judging(endpoint=endpoint.name, deployments=live, asked=asked,
                           upheld=[UpheldAppeal(prediction_id=a.prediction_id, deployment_id=a.deployment_id,
                                                person=self._appeals.filer_of(a)) for a in once.values()])  # fmt: skip

        return self._database.read(work)

    def record(self, project_id: str, endpoint_name: str, judged: Judged) -> list[Alert]:
        """Keep what a comparison found: open or renew an alert for each attribute that fails."""
        now = self._clock.now_ms()

        def work(connection: Connection) -> list[Alert]:
            endpoint = _endpoint(connection, project_id, endpoint_name)
            live = {d.id for d in endpoint_rows.deployments_of(connection, endpoint.id)
                    if d.state is DeploymentState.LIVE}  # fmt: skip
            alerts = [self._alarm(connection, endpoint, deployment_id, verdict, now)
                      for deployment_id, verdicts in sorted(judged.verdicts.items()) if deployment_id in live
                      for verdict in verdicts if verdict.status is Status.FAIL]  # fmt: skip
            rows.set_desk(connection, project_id, endpoint.id, judged_ms=judged.asked)
            return alerts

        alerts = self._database.write(work)
        self._signals.notify()
        return alerts

    def _alarm(self, connection: Connection, endpoint: Endpoint, deployment_id: str, verdict: Verdict, now: int) -> Alert:  # fmt: skip
        last = monitor_rows.last_alert(connection, endpoint.id, verdict.check.name)
        words = str(verdict.detail.get("words") or verdict.check.question)
        if last is not None and last.state != "resolved":
            alert = replace(last, deployment_id=deployment_id, verdict=verdict, words=words, updated_ms=now)
        else:
            alert = Alert(id=new_id("alr"), project_id=endpoint.project_id, endpoint_id=endpoint.id, monitor_id="",
                          deployment_id=deployment_id, window_id="", verdict=verdict, words=words, opened_ms=now,
                          updated_ms=now)  # fmt: skip
            self._notices.add(connection, endpoint.project_id, "appeal.flood", f"Appeals against {endpoint.name}", words,
                              about=alert.id, key=f"appeals {alert.id}")  # fmt: skip
        monitor_rows.save_alert(connection, alert)
        return alert


def _endpoint(connection: Connection, project_id: str, name: str) -> Endpoint:
    endpoint = endpoint_rows.endpoint_by_name(connection, project_id, name)
    if endpoint is None:
        raise NotFound("No such endpoint, or you may not see it.")
    return endpoint
