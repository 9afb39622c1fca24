"""Runs: what MLflow calls a run, with its params, tags, metrics and files."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from fairloop.core import codec
from fairloop.core.clock import Clock
from fairloop.core.ids import new_run_id
from fairloop.core.records import Page
from fairloop.core.runs import Metric, Run, RunStatus
from fairloop.core.search import EVERYTHING, Filter, Order
from fairloop.errors import InvalidInput, NotFound, TooLarge
from fairloop.projects.files import Files
from fairloop.storage import metrics as points
from fairloop.storage import run_search
from fairloop.storage import runs as rows
from fairloop.storage.engine import Connection, Database
from fairloop.storage.joined_metrics import Entry
from fairloop.storage.metrics import Points
from fairloop.tracking.experiments import Experiments
from fairloop.tracking.joined import POINTS, Joined
from fairloop.tracking.leases import Leases
from fairloop.tracking.limits import (
    BATCH_METRICS,
    check_int64,
    check_key,
    check_params,
    check_tags,
    check_time,
)
from fairloop.tracking.logged_models import LoggedModels
from fairloop.tracking.run_names import new_run_name

MISSING = "No such run, or you may not see it."
SAMPLE = 2500
"""Most points of a series that one answer shows."""


class Tracking:
    """Runs of a project, its experiments (``experiments``) and the models its runs logged (``logged_models``).

    ``tick`` is background work: it ends runs that nobody owns any more.
    """

    interval_s = 5.0

    def __init__(self, database: Database, clock: Clock, files: Files, *, lease_s: float = 86_400.0) -> None:
        self._database = database
        self._clock = clock
        self._lease_s = lease_s
        self._leases = Leases(database, clock)
        self._joined = Joined(database, clock)
        self.files = files
        self.experiments = Experiments(database, clock)
        self.logged_models = LoggedModels(database, clock)

    def tick(self) -> None:
        self._leases.tick()

    def create_run(
        self,
        project_id: str,
        experiment: int | str | None = None,
        name: str = "",
        *,
        user: str = "",
        start_ms: int | None = None,
        tags: Mapping[str, str] | None = None,
        step_run_id: str | None = None,
        lease_s: float | None = None,
    ) -> Run:
        """Start a run in an experiment given by id or name (None: the project's Default; a new name makes one).

        ``lease_s`` is how long it may go without a write before it counts as lost; a run of a step follows its step.
        """
        home = self._experiment(project_id, experiment)
        if not home.active:
            raise InvalidInput(f"The experiment {home.name!r} is deleted; restore it before you log to it.")
        run = Run(
            id=new_run_id(),
            project_id=project_id,
            experiment_id=home.id,
            name=check_key(name, "run") if name else new_run_name(),
            status=RunStatus.RUNNING,
            user=user,
            start_ms=self._clock.now_ms() if start_ms is None else check_time(start_ms, "start time"),
            step_run_id=step_run_id,
            tags=check_tags(tags or {}),
        )
        lease, now = self._lease_s if lease_s is None else lease_s, self._clock.now_ms()
        self._database.write(lambda c: rows.add(c, run, lease_s=lease, now_ms=now))
        return run

    def _experiment(self, project_id: str, experiment: int | str | None) -> Any:
        if experiment is None:
            return self.experiments.default(project_id)
        if isinstance(experiment, int):
            return self.experiments.get(project_id, experiment)
        try:
            return self.experiments.by_name(project_id, experiment)
        except NotFound:
            return self.experiments.create(project_id, experiment)

    def get(self, project_id: str, run_id: str) -> Run:
        run = self._database.read(lambda c: rows.get(c, project_id, run_id))
        if run is None:
            raise NotFound(MISSING)
        return run

    def update(
        self,
        project_id: str,
        run_id: str,
        *,
        status: RunStatus | None = None,
        end_ms: int | None = None,
        name: str | None = None,
        reason: str = "",
    ) -> Run:
        """Change status, end and name; a run set back to running is open again."""
        now = self._clock.now_ms()
        changes: dict[str, Any] = {"touched_ms": now}
        if name is not None:
            changes["name"] = check_key(name, "run")
        if status is not None:
            ended = (now if end_ms is None else check_time(end_ms, "end time")) if status.final else None
            changes |= {"status": status.value, "status_reason": reason, "end_ms": ended}
        elif end_ms is not None:
            changes["end_ms"] = check_time(end_ms, "end time")

        def work(connection: Connection) -> Run:
            seq = self._open(connection, project_id, run_id)
            rows.save(connection, run_id, **changes)
            return rows.many(connection, [seq])[0]

        return self._database.write(work)

    def set_status(
        self, project_id: str, run_id: str, status: RunStatus, *, end_ms: int | None = None, reason: str = ""
    ) -> Run:
        return self.update(project_id, run_id, status=status, end_ms=end_ms, reason=reason)

    def set_active(self, project_id: str, run_id: str, active: bool) -> None:
        """Delete (False) or restore (True)."""

        def work(connection: Connection) -> None:
            if rows.seq_of(connection, project_id, run_id) is None:
                raise NotFound(MISSING)
            rows.save(connection, run_id, active=active, touched_ms=self._clock.now_ms())

        self._database.write(work)

    @staticmethod
    def _open(connection: Connection, project_id: str, run_id: str) -> int:
        """The row number of a run that may be written to."""
        found = points.owner(connection, points.driver_of(connection), project_id, run_id)
        if found is None:
            raise NotFound(MISSING)
        if not found.active:
            raise InvalidInput(f"The run {run_id} is deleted; restore it before you log to it.")
        return found.seq

    # ------------------------------------------------------------------ logging
    def log_batch(
        self,
        project_id: str,
        run_id: str,
        *,
        metrics: Iterable[Metric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log all of it, or nothing; done when it is on disk. Logging the same again changes nothing."""
        by_key: dict[str, list[Metric]] = {}
        for metric in metrics:
            by_key.setdefault(metric.key, []).append(metric)
        series = [
            series_of(
                key,
                [check_int64(m.step, "step") for m in some],
                [m.timestamp_ms for m in some],
                [float(m.value) for m in some],
            )
            for key, some in by_key.items()
        ]
        self.submit_batch(project_id, run_id, series, params or {}, tags or {}).result()

    def submit_batch(
        self,
        project_id: str,
        run_id: str,
        series: list[Points],
        params: Mapping[str, str],
        tags: Mapping[str, str],
        *,
        name: str | None = None,
    ) -> Future[None]:
        """``log_batch`` without waiting; ``name`` renames the run in the same unit."""
        if (count := sum(len(s.bits) for s in series)) > BATCH_METRICS:
            raise TooLarge(f"{count} metrics at once; {BATCH_METRICS} are allowed. Send them in several batches.")
        values, labels, now = check_params(params), check_tags(tags), self._clock.now_ms()
        if name is not None:
            check_key(name, "run")

        def work(connection: Connection) -> None:
            driver = points.driver_of(connection)
            found = points.owner(connection, driver, project_id, run_id)
            if found is None:
                raise NotFound(MISSING)
            if not found.active:
                raise InvalidInput(f"The run {run_id} is deleted; restore it before you log to it.")
            if clash := rows.put_params(connection, found.seq, values):
                raise InvalidInput(
                    f"Param {clash[0]!r} of run {run_id} is {clash[1][:200]!r} and cannot become "
                    f"{clash[2][:200]!r}: params are logged once. Start a new run."
                )
            if labels:
                rows.put_tags(connection, found.seq, labels)
            if name is not None:
                rows.save(connection, run_id, name=name)
            if series:
                points.append(connection, driver, found.seq, series)
            points.touch(connection, driver, found, now)

        return self._database.submit(work)

    def log_soon(self, project_id: str, run_id: str, series: list[Points]) -> asyncio.Future[None]:
        """Points without params and tags, from an event loop: a few are written together with what others log."""
        if not series or sum(len(s.bits) for s in series) > POINTS:
            return asyncio.wrap_future(self.submit_batch(project_id, run_id, series, {}, {}))
        return self._joined.log(Entry(project_id, run_id, series))

    def delete_tag(self, project_id: str, run_id: str, key: str) -> None:
        def work(connection: Connection) -> None:
            if not rows.delete_tag(connection, self._open(connection, project_id, run_id), key):
                raise NotFound(f"The run has no tag {key!r}.")

        self._database.write(work)

    def log_inputs(
        self,
        project_id: str,
        run_id: str,
        *,
        datasets: Sequence[dict[str, Any]] = (),
        models: Sequence[str] = (),
    ) -> None:
        """Add datasets (by name and digest) and logged models that the run read."""

        def work(connection: Connection) -> None:
            seq = self._open(connection, project_id, run_id)
            run = rows.many(connection, [seq])[0]
            known = {(d["name"], d["digest"]): d for d in run.inputs.get("datasets", [])}
            known |= {(d["name"], d["digest"]): d for d in datasets}
            ids = list(dict.fromkeys([*run.inputs.get("models", []), *models]))
            rows.save(
                connection,
                run_id,
                inputs={"datasets": list(known.values()), "models": ids},
                touched_ms=self._clock.now_ms(),
            )

        self._database.write(work)

    def log_outputs(self, project_id: str, run_id: str, models: list[tuple[str, int]]) -> None:
        """Add logged models (id, step) that the run wrote."""

        def work(connection: Connection) -> None:
            seq = self._open(connection, project_id, run_id)
            known = {o["model_id"]: o for o in rows.many(connection, [seq])[0].outputs}
            known |= {model_id: {"model_id": model_id, "step": step} for model_id, step in models}
            rows.save(connection, run_id, outputs=list(known.values()), touched_ms=self._clock.now_ms())

        self._database.write(work)

    # ------------------------------------------------------------------ reading
    def search(
        self,
        project_id: str,
        tree: Filter = EVERYTHING,
        *,
        experiment_ids: Iterable[int] = (),
        orders: Iterable[Order] = (),
        active: bool | None = True,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Run]:
        """One page of runs; by default the newest first."""
        search = run_search.Search(
            project_id=project_id, experiment_ids=tuple(experiment_ids), tree=tree, orders=tuple(orders), active=active
        )
        phase, offset = _read_cursor(cursor)

        def work(connection: Connection) -> tuple[list[Run], tuple[int, int] | None]:
            seqs, following = run_search.page(connection, search, phase=phase, offset=offset, limit=limit)
            return rows.many(connection, seqs), following

        found, following = self._database.read(work)
        return Page(items=found, next=_cursor(following) if following else None)

    def history(
        self, project_id: str, run_id: str, key: str, *, limit: int = -1, cursor: str | None = None
    ) -> Page[Metric]:
        """The points of a series in order of step and time: all, or pages of ``limit``."""
        rows_found, following = self.history_rows(project_id, run_id, key, limit=limit, cursor=cursor)
        return Page(
            items=[Metric(key=key, value=codec.float_of(b), timestamp_ms=t, step=s) for s, t, b in rows_found],
            next=following,
        )

    def history_rows(
        self, project_id: str, run_id: str, key: str, *, limit: int = -1, cursor: str | None = None
    ) -> tuple[list[tuple[int, int, int]], str | None]:
        """(plain (step, timestamp_ms, bits), cursor of the next page), for whoever has many to write out."""
        after, wanted = _read_point(cursor), limit + 1 if limit >= 0 else -1
        found = self._database.read(
            lambda c: points.history(c, _seq(c, project_id, run_id), key, after=after, limit=wanted)
        )
        if limit < 0 or len(found) <= limit:
            return found, None
        return found[:limit], _encode(list(found[limit - 1]))

    def sampled(
        self, project_id: str, run_id: str, key: str, *, most: int = SAMPLE, between: tuple[int, int] | None = None
    ) -> tuple[int, list[Metric]]:
        """(number of points, at most ``most`` of them): enough to draw the series, whatever its length."""
        return self._database.read(lambda c: points.sampled(c, _seq(c, project_id, run_id), key, most, between))

    def series(self, project_id: str, run_id: str) -> list[tuple[str, int]]:
        """(key, number of points) of every series."""
        return self._database.read(lambda c: points.keys(c, _seq(c, project_id, run_id)))

    # ------------------------------------------------------------------ files
    def owner_of(self, project_id: str, run_id: str) -> tuple[str, str]:
        """Under which owner the run's files stand; NotFound when the run is not in this project."""
        self._database.read(lambda c: _seq(c, project_id, run_id))
        return ("run", run_id)


def series_of(key: str, steps: list[int], timestamps_ms: list[int], values: list[float]) -> Points:
    """Points of one key, checked."""
    for edge in (min(timestamps_ms), max(timestamps_ms)):
        check_time(edge, "timestamp")
    return points.columns(check_key(key, "metric"), steps, timestamps_ms, values)


def _seq(connection: Connection, project_id: str, run_id: str) -> int:
    seq = rows.seq_of(connection, project_id, run_id)
    if seq is None:
        raise NotFound(MISSING)
    return seq


def _encode(value: Any) -> str:
    return base64.urlsafe_b64encode(codec.dumps(value).encode()).decode().rstrip("=")


def _cursor(following: tuple[int, int]) -> str:
    return _encode(list(following))


def _decode(cursor: str, length: int) -> list[int]:
    try:
        value = codec.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, InvalidInput):
        value = None
    if not isinstance(value, list) or len(value) != length or not all(type(v) is int for v in value):
        raise InvalidInput("The page cursor is not one this server gave; start again without it.")
    return value


def _read_cursor(cursor: str | None) -> tuple[int, int]:
    if not cursor:
        return 0, 0
    phase, offset = _decode(cursor, 2)
    if phase not in {0, 1} or not 0 <= offset < 2**62:
        raise InvalidInput("The page cursor is not one this server gave; start again without it.")
    return phase, offset


def _read_point(cursor: str | None) -> tuple[int, int, int] | None:
    if not cursor:
        return None
    step, timestamp_ms, bits = (check_int64(v, "cursor") for v in _decode(cursor, 3))
    return step, timestamp_ms, bits


def without_files(run: Run) -> Run:
    """The run as lists show it: without the schema and profile of its datasets."""
    short = [{k: v for k, v in d.items() if k not in {"schema", "profile"}} for d in run.inputs.get("datasets", [])]
    return replace(run, inputs={**run.inputs, "datasets": short} if short else run.inputs)
