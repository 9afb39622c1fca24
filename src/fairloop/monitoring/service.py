"""Monitors: what is watched, when watch runs start, judged windows, and the alerts they open."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fairloop.access.audit import Audit
from fairloop.core.checks import Check
from fairloop.core.clock import Clock
from fairloop.core.endpoints import Deployment, DeploymentState
from fairloop.core.ids import new_id
from fairloop.core.models import ModelVersion
from fairloop.core.monitors import Alert, Monitor, Watched, Watching, Window
from fairloop.core.people import Identity
from fairloop.core.records import MAX_PAGE, Page, page_size, page_start
from fairloop.core.signals import Signals
from fairloop.errors import Conflict, InvalidInput, NotFound
from fairloop.evaluation.service import Evaluations
from fairloop.monitoring.persistence import persistence
from fairloop.monitoring.words import sentence
from fairloop.notices.outbox import Notices
from fairloop.registry.service import Registry
from fairloop.storage import datasets as dataset_rows
from fairloop.storage import endpoints as endpoint_rows
from fairloop.storage import loops as loop_rows
from fairloop.storage import monitors as rows
from fairloop.storage import projects as project_rows
from fairloop.storage.engine import Connection, Database

log = logging.getLogger(__name__)

SHORTEST_S = 1.0
SMALLEST_WINDOW = 50
_LOOKED_BACK = 50
_NO_MONITOR = "No such monitor, or you may not see it."
_NO_ALERT = "No such alert, or you may not see it."


class Monitoring:
    """``endpoint_folder`` says where an endpoint keeps its spool on this machine."""

    def __init__(self, database: Database, clock: Clock, signals: Signals, audit: Audit, registry: Registry,
                 evaluations: Evaluations, endpoint_folder: Callable[[str], Path]) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._signals = signals
        self._audit = audit
        self._registry = registry
        self._evaluations = evaluations
        self._notices = Notices(database, clock)
        self.endpoint_folder = endpoint_folder

    # ------------------------------------------------------------------ monitors
    def ensure(self, project_id: str, endpoint_id: str, loop: str, checks: list[Check], every_s: float,
               window: int) -> Monitor:  # fmt: skip
        """The endpoint's monitor, with these checks from now on; windows already judged stay as they are.

        Whoever watches the inputs for drift watches the scores too: that needs no labels and tells whether it matters.
        """
        if every_s < SHORTEST_S:
            raise InvalidInput(f"every_s={every_s:g} is too often; use {SHORTEST_S:g} second or more.")
        if window < SMALLEST_WINDOW:
            raise InvalidInput(f"window={window} is too small to judge; use {SMALLEST_WINDOW} predictions or more.")
        if twice := {c.name for c in checks if sum(o.name == c.name for o in checks) > 1}:
            raise InvalidInput(f"The check {min(twice)!r} stands twice; a monitor asks each question once.")
        metrics = [check.metric for check in checks]
        if "drift" in metrics and "prediction_drift" not in metrics:
            checks = [*checks, Check(metric="prediction_drift")]
        now = self._clock.now_ms()

        def work(connection: Connection) -> Monitor:
            endpoint = endpoint_rows.endpoint_by_id(connection, endpoint_id)
            if endpoint is None or endpoint.project_id != project_id:
                raise NotFound("No such endpoint, or you may not see it.")
            known = rows.monitor_of(connection, endpoint_id)
            monitor = Monitor(id=known.id if known else new_id("mon"), project_id=project_id, endpoint_id=endpoint_id,
                              loop=loop, checks=checks, every_s=every_s, window=window,
                              enabled=known.enabled if known else True,
                              cursor=known.cursor if known else {"next_ms": now + round(every_s * 1000)},
                              created_ms=known.created_ms if known else now)  # fmt: skip
            rows.save_monitor(connection, monitor)
            return monitor

        return self._database.write(work)

    def monitors(self, project_id: str | None = None) -> list[Monitor]:
        return self._database.read(lambda c: rows.listed_monitors(c, project_id))

    def monitor(self, project_id: str, monitor_id: str) -> Monitor:
        monitor = self._database.read(lambda c: rows.monitor_by_id(c, monitor_id))
        if monitor is None or monitor.project_id != project_id:
            raise NotFound(_NO_MONITOR)
        return monitor

    def monitor_of(self, project_id: str, endpoint_id: str) -> Monitor | None:
        """The monitor of an endpoint; None when nothing watches it."""
        monitor = self._database.read(lambda c: rows.monitor_of(c, endpoint_id))
        return monitor if monitor is not None and monitor.project_id == project_id else None

    def enable(self, project_id: str, monitor_id: str, identity: Identity, *, enabled: bool) -> Monitor:
        """Switch a monitor on or off."""
        monitor = replace(self.monitor(project_id, monitor_id), enabled=enabled)
        self._database.write(lambda c: rows.save_monitor(c, monitor))
        self._audit.record(identity, "monitor.enable" if enabled else "monitor.disable", project_id=project_id,
                           object=monitor_id)  # fmt: skip
        return monitor

    def start_now(self, project_id: str, monitor_id: str) -> str:
        """Ask for a watch run at once; it starts when the one under way is over. Returns its pipeline run id."""
        self.monitor(project_id, monitor_id)
        fresh = new_id("prn")

        def work(connection: Connection) -> str:
            monitor = rows.monitor_by_id(connection, monitor_id)
            if monitor is None:
                raise NotFound(_NO_MONITOR)
            run_id = str(monitor.cursor.get("asked") or fresh)
            rows.set_cursor(connection, monitor_id, {**monitor.cursor, "asked": run_id})
            return run_id

        run_id = self._database.write(work)
        self._signals.notify()
        return run_id

    def note_run(self, monitor: Monitor, *, due_ms: int) -> str | None:
        """Reserve the next watch run: the id to start it with, or None when it is not time or another server did.

        The id is remembered before the run starts; after a crash in between the same one is started.
        """
        fresh = new_id("prn")

        def work(connection: Connection) -> str | None:
            now = rows.monitor_by_id(connection, monitor.id)
            if now is None or not now.enabled or now.cursor.get("run_id") != monitor.cursor.get("run_id"):
                return None
            asked = now.cursor.get("asked")
            if asked is None and int(now.cursor.get("next_ms", 0)) > due_ms:
                return None
            cursor = {**now.cursor, "asked": None, "run_id": asked or fresh, "ran_ms": due_ms,
                      "next_ms": due_ms + round(now.every_s * 1000)}  # fmt: skip
            rows.set_cursor(connection, monitor.id, cursor)
            return str(cursor["run_id"])

        return self._database.write(work)

    def postpone(self, monitor: Monitor, next_ms: int) -> None:
        """Nothing to watch now: look again at ``next_ms``."""

        def work(connection: Connection) -> None:
            now = rows.monitor_by_id(connection, monitor.id)
            if now is not None and now.cursor == monitor.cursor:
                rows.set_cursor(connection, monitor.id, {**now.cursor, "next_ms": next_ms})

        self._database.write(work)

    # ------------------------------------------------------------------ what a watch run reads and writes
    def watching(self, project_id: str, monitor_id: str) -> Watching:
        """The monitor, each deployment's reference, and where its log was left."""
        monitor = self.monitor(project_id, monitor_id)
        endpoint = self._database.read(lambda c: endpoint_rows.endpoint_by_id(c, monitor.endpoint_id))
        if endpoint is None:
            raise NotFound("The monitor's endpoint is gone.")
        deployments = self._database.read(lambda c: endpoint_rows.deployments_of(c, monitor.endpoint_id))
        return Watching(monitor=monitor, endpoint=endpoint.name,
                        deployments=[self._watched(monitor, d) for d in deployments])  # fmt: skip

    def _watched(self, monitor: Monitor, deployment: Deployment) -> Watched:
        seen = self._database.read(
            lambda c: rows.listed_windows(c, monitor.id, deployment_id=deployment.id, limit=_LOOKED_BACK))  # fmt: skip
        last = max(seen, key=lambda w: int(w.detail["index"])) if seen else None
        version = self._registry.version_by_id(deployment.project_id, deployment.model_version_id)
        profile: dict[str, Any] = {}
        baseline: dict[str, Any] = {}
        part = ""
        if version.candidate_id is not None:
            profile = self._evaluations.candidate(deployment.project_id, version.candidate_id).profile
            judged = {e.part: e for e in self._evaluations.evaluations(deployment.project_id, version.candidate_id)}
            part = next((p for p in ("test", "validation") if p in judged), "")
            baseline = judged[part].metrics if part else {}
        return Watched(
            deployment_id=deployment.id, live=deployment.state is DeploymentState.LIVE,
            task=str(version.signature.get("task") or "binary"), positive=self.positive_of(version),
            profile=profile, baseline=baseline, baseline_part=part,
            after_seq=int(last.detail["to_seq"]) if last else -1, index=int(last.detail["index"]) + 1 if last else 0,
            counters=dict(last.detail.get("counters") or {}) if last else {},
            open=self._database.read(lambda c: rows.pending_windows(c, monitor.id, deployment.id)),
        )  # fmt: skip

    def positive_of(self, version: ModelVersion) -> Any:
        """Which label is the positive answer: as the model was told, or as the data of its cycle says."""
        found = version.signature.get("positive")
        if found is not None or version.cycle_id is None:
            return found
        cycle_id = version.cycle_id

        def look(connection: Connection) -> Any:
            cycle = loop_rows.cycle_by_id(connection, cycle_id)
            data = dataset_rows.by_id(connection, version.project_id, cycle.dataset_version_id) if cycle else None
            return data.roles.positive if data else None

        return self._database.read(look)

    def record_windows(self, project_id: str, monitor_id: str, windows: list[Window]) -> list[Window]:
        """Keep judged windows, new ones and those judged again with late values, and open or go on with alerts."""
        monitor = self.monitor(project_id, monitor_id)
        now = self._clock.now_ms()

        def work(connection: Connection) -> list[Window]:
            known = {d.id: d for d in endpoint_rows.deployments_of(connection, monitor.endpoint_id)}
            kept = []
            for window in windows:
                if window.deployment_id not in known:
                    raise NotFound("No such deployment, or you may not see it.")
                old = rows.window_by_id(connection, window.id)
                if old is not None and old.monitor_id != monitor_id:
                    raise Conflict("This window belongs to another monitor.")
                kept.append(replace(window, project_id=project_id, monitor_id=monitor_id, created_ms=now))
                rows.save_window(connection, kept[-1])
            for deployment_id in sorted({w.deployment_id for w in windows}):
                if known[deployment_id].state is DeploymentState.LIVE:
                    self._alarm(connection, monitor, deployment_id, now)
            return kept

        kept = self._database.write(work)
        self._signals.notify()
        return kept

    def _alarm(self, connection: Connection, monitor: Monitor, deployment_id: str, now: int) -> None:
        """One open alert per (endpoint, check); the rule is in persistence.py."""
        seen = rows.listed_windows(connection, monitor.id, deployment_id=deployment_id, limit=_LOOKED_BACK)
        seen.sort(key=lambda w: int(w.detail["index"]))
        for check in monitor.checks:
            last = rows.last_alert(connection, monitor.endpoint_id, check.name)
            closed_ms = last.updated_ms if last is not None and last.state == "resolved" else -1
            found = persistence([w for w in seen if w.created_ms > closed_ms], check.name)
            if found is None:
                continue
            words = sentence(found.verdict, in_a_row=found.in_a_row)
            if last is not None and last.state != "resolved":
                if (last.window_id, last.windows) != (found.window.id, found.in_a_row):
                    rows.save_alert(
                        connection,
                        replace(
                            last,
                            window_id=found.window.id,
                            deployment_id=deployment_id,
                            verdict=found.verdict,
                            words=words,
                            windows=found.in_a_row,
                            updated_ms=now,
                        ),
                    )
            elif found.alarming:
                alert = Alert(id=new_id("alr"), project_id=monitor.project_id, endpoint_id=monitor.endpoint_id,
                              monitor_id=monitor.id, deployment_id=deployment_id, window_id=found.window.id,
                              verdict=found.verdict, words=words, opened_ms=now, updated_ms=now,
                              windows=found.in_a_row)  # fmt: skip
                rows.save_alert(connection, alert)
                self._tell(connection, monitor, alert)

    def _tell(self, connection: Connection, monitor: Monitor, alert: Alert) -> None:
        """An alert reaches people in the unit of work that opens it."""
        project = project_rows.by_id(connection, alert.project_id)
        where = monitor.loop or "an endpoint"
        self._notices.add(connection, alert.project_id, "alert.opened", f"Alert on {where}: {alert.verdict.check.name}",
                          alert.words, about=alert.id,
                          href=f"/projects/{quote(project.name, safe='')}/alerts#{alert.id}" if project else "")  # fmt: skip

    def windows(self, project_id: str, monitor_id: str, *, deployment_id: str | None = None, limit: int = 100,
                cursor: str | None = None) -> Page[Window]:  # fmt: skip
        """Judged windows, newest traffic first."""
        self.monitor(project_id, monitor_id)
        found = self._database.read(lambda c: rows.listed_windows(
            c, monitor_id, deployment_id=deployment_id, limit=page_size(limit) + 1, before=page_start(cursor)))  # fmt: skip
        last = found[limit - 1] if len(found) > limit else None
        return Page(items=found[:limit], next=f"{last.end_ms}-{last.id}" if last else None)

    def window(self, project_id: str, window_id: str) -> Window:
        window = self._database.read(lambda c: rows.window_by_id(c, window_id))
        if window is None or window.project_id != project_id:
            raise NotFound("No such window, or you may not see it.")
        return window

    # ------------------------------------------------------------------ alerts
    def alerts(self, project_id: str, state: str | None = None, *, endpoint_id: str | None = None) -> list[Alert]:
        """Newest first, the last thousand."""
        return self.alert_page(project_id, state, endpoint_id=endpoint_id, limit=MAX_PAGE).items

    def alert_page(self, project_id: str, state: str | None = None, *, endpoint_id: str | None = None, limit: int = 100,
                   cursor: str | None = None) -> Page[Alert]:  # fmt: skip
        if state not in {None, "open", "acknowledged", "resolved"}:
            raise InvalidInput(f"state={state!r}; use open, acknowledged or resolved.")
        found = self._database.read(
            lambda c: rows.listed_alerts(
                c,
                project_id,
                state=state,
                endpoint_id=endpoint_id,
                limit=page_size(limit) + 1,
                before=page_start(cursor),
            )
        )
        last = found[limit - 1] if len(found) > limit else None
        return Page(items=found[:limit], next=f"{last.opened_ms}-{last.id}" if last else None)

    def alert(self, project_id: str, alert_id: str) -> Alert:
        alert = self._database.read(lambda c: rows.alert_by_id(c, alert_id))
        if alert is None or alert.project_id != project_id:
            raise NotFound(_NO_ALERT)
        return alert

    def loop_of(self, alert: Alert) -> str:
        """The loop that watches the alert's endpoint; empty when none does."""
        if alert.monitor_id:
            return self.monitor(alert.project_id, alert.monitor_id).loop
        endpoint = self._database.read(lambda c: endpoint_rows.endpoint_by_id(c, alert.endpoint_id))
        return endpoint.loop if endpoint else ""

    def link_cycle(self, alert_id: str, cycle_id: str) -> None:
        """Remember the cycle an alert started."""
        any_state = ("open", "acknowledged", "resolved")
        self._database.write(lambda c: rows.change_alert(c, alert_id, any_state, cycle_id=cycle_id))

    def acknowledge(self, project_id: str, alert_id: str, identity: Identity, reason: str = "") -> Alert:
        """Somebody looks after it: it stays visible, and goes on counting windows."""
        return self._decide(project_id, alert_id, identity, "acknowledged", ("open",), reason)

    def resolve(self, project_id: str, alert_id: str, identity: Identity, reason: str = "") -> Alert:
        """It is dealt with. Should the check go on failing, a new alert opens after as many windows as before."""
        return self._decide(project_id, alert_id, identity, "resolved", ("open", "acknowledged"), reason)

    def _decide(self, project_id: str, alert_id: str, identity: Identity, state: str, was: tuple[str, ...],
                reason: str) -> Alert:  # fmt: skip
        alert = self.alert(project_id, alert_id)
        if len(reason) > 2000:
            raise InvalidInput("The reason is longer than 2,000 characters; shorten it.")
        by = alert.acknowledged_by or identity.name
        entry = self._audit.entry(identity, f"alert.{state}", project_id=project_id, object=alert_id,
                                  detail={"reason": reason, "check": alert.verdict.check.name})  # fmt: skip

        def work(connection: Connection) -> bool:
            done = rows.change_alert(connection, alert_id, was, state=state, acknowledged_by=by,
                                     updated_ms=self._clock.now_ms())  # fmt: skip
            if done:
                self._audit.append(connection, entry)
            return done

        if not self._database.write(work):
            raise Conflict(f"This alert is already {self.alert(project_id, alert_id).state}; nothing was changed.")
        self._signals.notify()
        return self.alert(project_id, alert_id)

    def new_version_live(self, project_id: str, endpoint_id: str) -> int:
        """What failed on the version before is resolved by the new one; how many alerts were."""
        now = self._clock.now_ms()
        resolved = self._database.write(lambda c: rows.resolve_all(c, endpoint_id, now))
        if resolved:
            log.info("%d alerts of %s resolved by a new version", resolved, endpoint_id)
        return resolved
