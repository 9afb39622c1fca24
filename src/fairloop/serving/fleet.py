"""Endpoints and their deployments: what should serve stands in rows, and every look brings the processes in line."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from fairloop.access.keys import Key
from fairloop.core import codec
from fairloop.core.clock import Clock
from fairloop.core.endpoints import Deployment, DeploymentState, Endpoint
from fairloop.core.ids import new_id
from fairloop.core.models import ModelVersion
from fairloop.core.names import check_name
from fairloop.errors import Conflict, FairloopError, InvalidInput, NotFound, Unavailable
from fairloop.projects.files import Files
from fairloop.serving import prediction_ids
from fairloop.serving.counters import Counts, Stats, Traffic, stats_from, traffic_of
from fairloop.serving.feedback import Feedback
from fairloop.serving.layout import Config, Folder, Served
from fairloop.serving.materialise import materialise, try_version
from fairloop.serving.process import EndpointProcess
from fairloop.storage import endpoints as rows
from fairloop.storage import models as versions
from fairloop.storage.engine import Connection, Database

log = logging.getLogger(__name__)
LOG_MODES = ("best_effort", "durable")
_SERVING = (DeploymentState.READY, DeploymentState.LIVE)
_GONE = "No such endpoint, or you may not see it."
_SICK_LOOKS = 3
_ASK_EVERY_S = 5.0


class Unit:
    """What this server holds of one endpoint: its folder, process and feedback, under one lock."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self.bringing = threading.Lock()
        self.folder = Folder(path)
        self.folder.make()
        self.process = EndpointProcess(self.folder)
        self.feedback = Feedback(self.folder)
        self.sick = 0
        self.asked_s = float("-inf")


class Fleet:
    """All endpoints of this server. Methods may be called from any thread."""

    def __init__(self, database: Database, clock: Clock, files: Files, *, folder: Path,
                 hashes: Callable[[str], list[str] | None], smoke_s: float = 60.0,
                 start_s: float = 60.0) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._files = files
        self._folder = folder.resolve()
        self._hashes = hashes
        self._smoke_s = smoke_s
        self._start_s = start_s
        self._key = Key(database, "prediction_ids")
        self._units: dict[str, Unit] = {}
        self._making = threading.Lock()
        self.permit: Callable[[str, str], None] = lambda project_id, model_version_id: None
        """Raises Refused for a version that may not go live; the server puts the project's policy here."""

    def unit(self, endpoint_id: str) -> Unit:
        with self._making:
            if endpoint_id not in self._units:
                self._units[endpoint_id] = Unit(self._folder / endpoint_id)
            return self._units[endpoint_id]

    # ------------------------------------------------------------------ endpoints
    def ensure_endpoint(self, project_id: str, name: str, *, loop: str = "", log_mode: str = "") -> Endpoint:
        """The endpoint of this name, made when there is none; ``log_mode`` is best_effort unless given."""
        check_name(name, "endpoint")
        if log_mode not in {"", *LOG_MODES}:
            raise InvalidInput(f"log_mode={log_mode[:40]!r}; choose one of {', '.join(LOG_MODES)}.")
        fresh = Endpoint(id=new_id("end"), project_id=project_id, name=name, state="down", loop=loop,
                         log_mode=log_mode or LOG_MODES[0], created_ms=self._clock.now_ms())  # fmt: skip

        def work(connection: Connection) -> Endpoint:
            known = rows.endpoint_by_name(connection, project_id, name)
            if known is None:
                rows.add_endpoint(connection, fresh)
            return known or fresh

        return self._database.write(work)

    def endpoint(self, project_id: str, name: str) -> Endpoint:
        found = self._database.read(lambda c: rows.endpoint_by_name(c, project_id, name))
        if found is None:
            raise NotFound(_GONE)
        return found

    def endpoint_by_id(self, project_id: str, endpoint_id: str) -> Endpoint:
        found = self._database.read(lambda c: rows.endpoint_by_id(c, endpoint_id))
        if found is None or found.project_id != project_id:
            raise NotFound(_GONE)
        return found

    def endpoints(self, project_id: str) -> list[Endpoint]:
        return self._database.read(lambda c: rows.listed_endpoints(c, project_id))

    def deployments(self, project_id: str, endpoint_id: str) -> list[Deployment]:
        """The endpoint's deployments, the newest first."""
        self.endpoint_by_id(project_id, endpoint_id)
        return self._database.read(lambda c: rows.deployments_of(c, endpoint_id))

    def deployment(self, project_id: str, deployment_id: str) -> Deployment:
        found = self._database.read(lambda c: rows.deployment_by_id(c, deployment_id))
        if found is None or found.project_id != project_id:
            raise NotFound("No such deployment, or you may not see it.")
        return found

    def deployment_of_prediction(self, project_id: str, prediction_id: str) -> Deployment:
        """Which deployment gave this prediction; NotFound unless the id carries our signature and is this project's."""
        told = self.prediction(prediction_id)
        found = self._database.read(lambda c: rows.deployment_by_id(c, told.deployment_id))
        if found is None or found.project_id != project_id:
            raise NotFound(f"No such prediction: {prediction_id[:80]!r}. Use a prediction id as an endpoint gave it.")
        return found

    def prediction(self, text: str) -> prediction_ids.PredictionId:
        """What a prediction id says; NotFound when no endpoint of this server made it."""
        return prediction_ids.read(self._key.value(), text)

    # ------------------------------------------------------------------ deploying
    def deploy(self, project_id: str, endpoint_name: str, model_version_id: str, *, share: int = 100,
               by: str = "") -> Deployment:  # fmt: skip
        """Serve a model version: its files verified, tried on its own sample rows, then given ``share`` percent.

        Never raises for a bad model: the deployment then is FAILED, with the reason, and no request reaches it. A
        version that is starting or serving on this endpoint already is taken as it is, so asking twice is harmless.
        """
        if isinstance(share, bool) or not isinstance(share, int) or not 0 <= share <= 100:
            raise InvalidInput(f"share={share!r}; give a whole percentage from 0 to 100.")
        self._version(project_id, model_version_id)
        self.permit(project_id, model_version_id)
        endpoint = self.ensure_endpoint(project_id, endpoint_name)
        fresh = Deployment(id=new_id("dep"), project_id=project_id, endpoint_id=endpoint.id, share=share,
                           model_version_id=model_version_id, state=DeploymentState.STARTING,
                           created_ms=self._clock.now_ms())  # fmt: skip
        usable = {*_SERVING, DeploymentState.STARTING}

        def work(connection: Connection) -> Deployment:
            for known in rows.deployments_of(connection, endpoint.id):
                if known.model_version_id == model_version_id and known.state in usable:
                    return known
            rows.add_deployment(connection, fresh)
            return fresh

        deployment = self._database.write(work)
        log.info("deploying %s to %s for %s", model_version_id, endpoint.id, by)
        if deployment.state is DeploymentState.STARTING:
            return self._bring_up(deployment)
        if endpoint.state == "stopped":
            self.start(project_id, endpoint.id)
        return self._give(deployment, share) if share else deployment

    def _version(self, project_id: str, version_id: str) -> ModelVersion:
        found = self._database.read(lambda c: versions.version_by_id(c, project_id, version_id))
        if found is None:
            raise NotFound("No such model version, or you may not see it.")
        return found

    def _bring_up(self, deployment: Deployment) -> Deployment:
        """From STARTING to READY, LIVE or FAILED; one at a time on an endpoint, safe to repeat after a crash."""
        unit = self.unit(deployment.endpoint_id)
        with unit.bringing:
            if (current := self._again(deployment)).state is not DeploymentState.STARTING:
                return current
            reason = try_version(self._files, deployment.model_version_id, unit.folder.models / deployment.id,
                                 within_s=self._smoke_s)  # fmt: skip
            if reason:
                return self._fail(deployment, reason)
            self._change(deployment.id, state="ready", share=0)
            self._database.write(lambda c: rows.change_endpoint(c, deployment.endpoint_id, state="starting"))
            try:
                failed = self._sync(deployment.endpoint_id, wait=True)
            except Unavailable as cause:
                return self._fail(deployment, cause.message)
            if deployment.id in failed:
                return self._fail(deployment, failed[deployment.id])
            return self._give(deployment, deployment.share) if deployment.share else self._again(deployment)

    def _fail(self, deployment: Deployment, reason: str) -> Deployment:
        self._change(deployment.id, state="failed", share=0, reason=reason)
        shutil.rmtree(self.unit(deployment.endpoint_id).folder.models / deployment.id, ignore_errors=True)
        with suppress(Unavailable):
            self._sync(deployment.endpoint_id)
        if not any(d.state in _SERVING for d in self.deployments(deployment.project_id, deployment.endpoint_id)):
            self._database.write(lambda c: rows.change_endpoint(c, deployment.endpoint_id, state="down"))
        return self._again(deployment)

    def _again(self, deployment: Deployment) -> Deployment:
        return self.deployment(deployment.project_id, deployment.id)

    def _change(self, deployment_id: str, **values: object) -> None:
        self._database.write(lambda c: rows.change_deployment(c, deployment_id, **values))

    # ------------------------------------------------------------------ traffic
    def _give(self, deployment: Deployment, share: int) -> Deployment:
        """Give one deployment its share; the others keep their proportions of the rest."""
        others = [d for d in self.deployments(deployment.project_id, deployment.endpoint_id)
                  if d.id != deployment.id and d.state in _SERVING and d.share > 0]  # fmt: skip
        total = sum(d.share for d in others)
        if total == 0:
            share = 100
        shares, left = {deployment.id: share}, 100 - share
        for index, other in enumerate(others):
            last = index == len(others) - 1
            shares[other.id] = left if last else min(left, round((100 - share) * other.share / total))
            left -= shares[other.id]
        self.set_shares(deployment.project_id, deployment.endpoint_id, shares)
        return self._again(deployment)

    def set_shares(self, project_id: str, endpoint_id: str, shares: dict[str, int]) -> None:
        """Split the traffic: percent per deployment, 100 together; deployments not named get none but stay ready."""
        if any(isinstance(s, bool) or not isinstance(s, int) or not 0 <= s <= 100 for s in shares.values()) or (
                sum(shares.values()) != 100):  # fmt: skip
            raise InvalidInput(f"The shares {list(shares.values())} must be whole percentages that make 100 together.")
        endpoint = self.endpoint_by_id(project_id, endpoint_id)
        for d in self.deployments(project_id, endpoint_id):
            if shares.get(d.id) and d.live_ms is None:  # what served before may serve again: going back is always open
                self.permit(project_id, d.model_version_id)
        now = self._clock.now_ms()

        def work(connection: Connection) -> None:
            known = {d.id: d for d in rows.deployments_of(connection, endpoint_id)}
            for wanted in shares:
                if wanted not in known:
                    raise NotFound("No such deployment, or you may not see it.")
                if known[wanted].state not in _SERVING:
                    raise Conflict(f"The deployment {wanted} is {known[wanted].state}; only a ready one can serve.")
            for d in known.values():
                if d.state in _SERVING:
                    share = shares.get(d.id, 0)
                    rows.change_deployment(connection, d.id, share=share, state="live" if share else "ready",
                                           live_ms=d.live_ms or (now if share else None))  # fmt: skip

        self._database.write(work)
        if endpoint.state != "stopped":
            self._sync(endpoint_id, wait=True)

    def roll_back_endpoint(self, project_id: str, endpoint_id: str) -> Deployment:
        """All traffic to the version that served before; it is still loaded, so this takes effect at once."""
        found = self.deployments(project_id, endpoint_id)
        now = max((d for d in found if d.state is DeploymentState.LIVE), key=lambda d: d.live_ms or 0, default=None)
        before = [d for d in found if d.state in _SERVING and d.live_ms is not None and d is not now]
        if now is None or not before:
            raise Conflict("There is no earlier version to go back to on this endpoint; deploy one.")
        chosen = max(before, key=lambda d: d.live_ms or 0)
        self.set_shares(project_id, endpoint_id, {chosen.id: 100})
        return self._again(chosen)

    def retire(self, project_id: str, deployment_id: str) -> Deployment:
        """Unload a deployment that serves no traffic; its files go too."""
        deployment = self.deployment(project_id, deployment_id)
        if deployment.state is DeploymentState.LIVE:
            raise Conflict(
                f"The deployment {deployment_id} serves {deployment.share} % of the traffic; move that first."
            )
        if deployment.state is not DeploymentState.RETIRED:
            self._change(deployment_id, state="retired", share=0, retired_ms=self._clock.now_ms())
            with suppress(Unavailable):
                self._sync(deployment.endpoint_id)
            shutil.rmtree(self.unit(deployment.endpoint_id).folder.models / deployment_id, ignore_errors=True)
        return self._again(deployment)

    def traffic(self, endpoint_id: str) -> dict[str, Traffic]:
        """What each deployment answered so far, up to a second ago."""
        unit = self.unit(endpoint_id)
        stats = self.stats(endpoint_id)
        later = unit.feedback.groups()
        return {d: traffic_of(stats.deployments.get(d, Counts()), later.get(d))
                for d in {*stats.deployments, *later}}  # fmt: skip

    def stats(self, endpoint_id: str) -> Stats:
        """All counters of an endpoint, with those of its log (sent = logged + dropped)."""
        try:
            return stats_from(codec.loads(self.unit(endpoint_id).folder.stats.read_bytes()))
        except (OSError, InvalidInput):
            return Stats()

    # ------------------------------------------------------------------ processes
    def start(self, project_id: str, endpoint_id: str) -> Endpoint:
        """Start a stopped endpoint."""
        self.endpoint_by_id(project_id, endpoint_id)
        self._database.write(lambda c: rows.change_endpoint(c, endpoint_id, state="starting"))
        self._sync(endpoint_id, wait=True)
        return self.endpoint_by_id(project_id, endpoint_id)

    def stop(self, project_id: str, endpoint_id: str) -> Endpoint:
        """Finish what is in flight, then end the process; the endpoint stays, stopped, until it is started again."""
        self.endpoint_by_id(project_id, endpoint_id)
        self._database.write(lambda c: rows.change_endpoint(c, endpoint_id, state="stopped", pid=0))
        unit = self.unit(endpoint_id)
        with unit.lock:
            unit.process.stop()
        return self.endpoint_by_id(project_id, endpoint_id)

    def _wanted(self, endpoint: Endpoint) -> Config:
        """The config that the rows ask for."""
        unit = self.unit(endpoint.id)
        served = []
        for d in sorted(self._database.read(lambda c: rows.deployments_of(c, endpoint.id)), key=lambda d: d.id):
            if d.state in _SERVING:
                version = self._version(endpoint.project_id, d.model_version_id)
                served.append(Served(deployment_id=d.id, model_version_id=version.id, model=version.model,
                                     version=version.version, share=d.share, folder=f"models/{d.id}"))  # fmt: skip
        wanted = Config(endpoint_id=endpoint.id, endpoint=endpoint.name, id_key=self._key.value().hex(),
                        host=endpoint.host, port=endpoint.port, log_mode=endpoint.log_mode, deployments=served,
                        token_hashes=self._hashes(endpoint.project_id))  # fmt: skip
        try:
            known = unit.folder.read_config()
        except (NotFound, InvalidInput):
            return wanted
        return replace(wanted, max_body_bytes=known.max_body_bytes, segment_bytes=known.segment_bytes,
                       segment_s=known.segment_s)  # fmt: skip

    def _sync(self, endpoint_id: str, *, wait: bool = False) -> dict[str, str]:
        """Bring config and process in line with the rows; returns deployments that failed to load, with reasons.

        With ``wait`` it returns when the process has taken the config, else it leaves a starting process alone.
        """
        unit = self.unit(endpoint_id)
        with unit.lock:
            endpoint = self._database.read(lambda c: rows.endpoint_by_id(c, endpoint_id))
            if endpoint is None or endpoint.state == "stopped":
                return {}
            wanted = self._wanted(endpoint)
            try:
                changed = unit.folder.read_config() != wanted
            except (NotFound, InvalidInput):
                changed = True
            if changed:
                unit.folder.write_config(wanted)
            state = unit.process.state()
            if state is None:
                self._restore_files(unit, wanted)
                if not unit.process.starting and (wait or unit.process.may_start):
                    unit.process.start()
                if not wait:
                    self._note(endpoint, state="starting" if unit.process.starting else "down")
                    return {}
                state = unit.process.wait(self._start_s)
                changed = True
            self._note(endpoint, state="up", pid=state.pid, port=state.port)
            if not changed:
                return {}
            told = unit.process.ask("POST", "/control/reload")
            return {str(k): str(v) for k, v in told["failed"].items()}

    def _restore_files(self, unit: Unit, wanted: Config) -> None:
        """Before a start: model folders that are gone come from the artifact store again."""
        for served in wanted.deployments:
            try:
                materialise(self._files, served.model_version_id, unit.folder.path / served.folder)
            except FairloopError as cause:
                log.warning("the files of deployment %s are gone: %s", served.deployment_id, cause)

    def _note(self, endpoint: Endpoint, **values: object) -> None:
        if any(getattr(endpoint, k) != v for k, v in values.items()):
            self._database.write(lambda c: rows.change_endpoint(c, endpoint.id, **values))

    # ------------------------------------------------------------------ supervision
    def supervise(self) -> None:
        """Adopt living processes, restart dead ones on their port, finish deployments a killed server left, pass on
        changed tokens. Level-triggered: everything is read from rows and folders."""
        for endpoint in self._database.read(rows.listed_endpoints):
            unit = self.unit(endpoint.id)
            if endpoint.state == "stopped" or not unit.lock.acquire(blocking=False):
                continue
            try:
                unit.feedback.seal(due_only=True)
                self._look(endpoint, unit)
            except (FairloopError, OSError) as cause:
                log.warning("endpoint %s: %s", endpoint.id, cause)
            finally:
                unit.lock.release()
        for deployment in self._database.read(lambda c: rows.deployments_in(c, DeploymentState.STARTING)):
            if not self.unit(deployment.endpoint_id).bringing.locked():
                threading.Thread(target=self._bring_up, args=(deployment,), daemon=True, name="deploy").start()

    def _look(self, endpoint: Endpoint, unit: Unit) -> None:
        has_models = any(
            d.state in _SERVING for d in self._database.read(lambda c: rows.deployments_of(c, endpoint.id))
        )
        if not has_models and unit.process.state() is None:
            return
        self._sync(endpoint.id)
        now = self._clock.monotonic_s()
        if unit.process.state() is None or now - unit.asked_s < _ASK_EVERY_S:
            return
        unit.asked_s = now
        try:
            self._mark_failed(endpoint, unit.process.ask("GET", "/control/stats", timeout_s=10.0)["failed"])
            unit.sick = 0
        except Unavailable:
            unit.sick += 1
            if unit.sick >= _SICK_LOOKS:
                log.warning("endpoint %s does not answer; it is restarted", endpoint.id)
                unit.sick = 0
                unit.process.kill()

    def _mark_failed(self, endpoint: Endpoint, failed: dict[str, str]) -> None:
        """Say so when a restarted process could not load what served before; its traffic went to the others."""
        for d in self._database.read(lambda c: rows.deployments_of(c, endpoint.id)):
            if d.id in failed and d.state in _SERVING:
                log.warning("deployment %s failed after a restart: %s", d.id, failed[d.id])
                self._change(d.id, state="failed", share=0, reason=str(failed[d.id]))

    def close(self) -> None:
        """Let go of the processes; they go on serving."""
        for unit in self._units.values():
            unit.process.forget()
            unit.feedback.close()
