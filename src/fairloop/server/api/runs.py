"""Experiments and runs over REST."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from litestar import Request, Response
from litestar.response import Stream

from fairloop.core import codec
from fairloop.core.names import check_artifact_path
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page, from_plain
from fairloop.core.runs import Experiment, Metric, Run, RunStatus
from fairloop.core.search import parse_filter, parse_order
from fairloop.errors import InvalidInput
from fairloop.server.api.blobs import chunks_of, spooled
from fairloop.server.sent_path import sent_path
from fairloop.server.services import Services
from fairloop.storage.files import File
from fairloop.tracking.service import SAMPLE, without_files

MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExperiment:
    name: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """``experiment`` is a name (made when new; empty: Default); ``lease_s`` is how long the run may be silent."""

    experiment: str = ""
    name: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    lease_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChange:
    status: RunStatus | None = None
    name: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What one log request holds. An empty one is a sign of life."""

    metrics: list[Metric] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A series for drawing: ``points`` are at most 2,500 of its ``count``, evenly picked, first and last included."""

    key: str
    count: int
    points: list[Metric] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    path: str
    sha256: str
    size_bytes: int
    created_ms: int


def _limit(limit: int) -> int:
    if not 1 <= limit <= MOST:
        raise InvalidInput(f"limit is {limit}; give 1 to {MOST}.")
    return limit


def list_experiments(services: Services, project: Project, deleted: bool = False) -> Page[Experiment]:
    """The project's experiments, the newest first."""
    return Page(items=services.tracking.experiments.list(project.id, active=not deleted))


def create_experiment(services: Services, project: Project, data: NewExperiment) -> Experiment:
    """Create an experiment."""
    return services.tracking.experiments.create(project.id, data.name, tags=data.tags)


def list_runs(
    services: Services,
    project: Project,
    filter: str = "",
    order_by: str = "",
    experiment_id: int | None = None,  # the query's name
    deleted: bool = False,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Run]:
    """Runs by filter and order (comma separated), a page at a time; by default the newest first."""
    orders = [parse_order(part) for part in order_by.split(",") if part.strip()]
    ids = [] if experiment_id is None else [experiment_id]
    page = services.tracking.search(
        project.id,
        parse_filter(filter),
        experiment_ids=ids,
        orders=orders,
        active=not deleted,
        limit=_limit(limit),
        cursor=cursor,
    )
    return Page(items=[without_files(run) for run in page.items], next=page.next)


def create_run(services: Services, project: Project, identity: Identity, data: NewRun) -> Run:
    """Start a run."""
    run = services.tracking.create_run(
        project.id, data.experiment or None, data.name, user=identity.name, tags=data.tags, lease_s=data.lease_s
    )
    if data.params:
        services.tracking.log_batch(project.id, run.id, params=data.params)
        return services.tracking.get(project.id, run.id)
    return run


def get_run(services: Services, project: Project, run_id: str) -> Run:
    """One run with its params, tags and latest metrics."""
    return services.tracking.get(project.id, run_id)


def change_run(services: Services, project: Project, run_id: str, data: RunChange) -> Run:
    """Change a run's status or name."""
    return services.tracking.update(project.id, run_id, status=data.status, name=data.name, reason=data.reason)


def delete_run(services: Services, project: Project, identity: Identity, run_id: str) -> dict[str, Any]:
    """Delete a run; it can be restored."""
    services.tracking.set_active(project.id, run_id, False)
    services.audit.record(identity, "run.delete", project_id=project.id, object=run_id)
    return {}


def restore_run(services: Services, project: Project, run_id: str) -> Run:
    """Restore a deleted run."""
    services.tracking.set_active(project.id, run_id, True)
    return services.tracking.get(project.id, run_id)


async def log(request: Request[Any, Any, Any], services: Services, project: Project, run_id: str) -> dict[str, Any]:
    """Log metrics, params and tags of a run: all or nothing, answered when they are on disk."""
    body = await request.body()
    await asyncio.to_thread(_log, services, project, run_id, body)
    return {}


def _log(services: Services, project: Project, run_id: str, body: bytes) -> None:
    asked = from_plain(Logged, codec.loads(body or b"{}"))
    services.tracking.log_batch(project.id, run_id, metrics=asked.metrics, params=asked.params, tags=asked.tags)


def list_series(services: Services, project: Project, run_id: str) -> Page[Series]:
    """The run's series with their number of points."""
    return Page(items=[Series(key=key, count=count) for key, count in services.tracking.series(project.id, run_id)])


def get_series(services: Services, project: Project, run_id: str, key: str, most: int = SAMPLE) -> Series:
    """One series, sampled for drawing."""
    if not 2 <= most <= SAMPLE:
        raise InvalidInput(f"most is {most}; give 2 to {SAMPLE}.")
    count, points = services.tracking.sampled(project.id, run_id, key, most=most)
    return Series(key=key, count=count, points=points)


def shown(files: list[File]) -> Page[Artifact]:
    return Page(
        items=[Artifact(path=f.path, sha256=f.sha256, size_bytes=f.size_bytes, created_ms=f.created_ms) for f in files]
    )


def streamed(services: Services, owner: tuple[str, str], path: str) -> Stream:
    """An artifact's bytes as an answer that no browser runs."""
    file, body = services.files.stream(owner, path)
    headers = {
        "Content-Length": str(file.size_bytes),
        "Content-Disposition": "attachment",
        "ETag": f'"{file.sha256}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Stream(body, media_type="application/octet-stream", headers=headers)


def list_artifacts(services: Services, project: Project, run_id: str, under: str = "") -> Page[Artifact]:
    """The run's files, those below the folder ``under`` when given."""
    return shown(services.files.list(services.tracking.owner_of(project.id, run_id), under))


def get_artifact(request: Request[Any, Any, Any], services: Services, project: Project, run_id: str) -> Stream:
    """A file of the run, verified while it is read."""
    path = sent_path(request, f"/runs/{run_id}/artifacts/")
    return streamed(services, services.tracking.owner_of(project.id, run_id), path)


async def put_artifact(
    request: Request[Any, Any, Any], services: Services, project: Project, run_id: str
) -> Response[bytes]:
    """Store a file of the run; visible when all its bytes are on disk."""
    path = check_artifact_path(sent_path(request, f"/runs/{run_id}/artifacts/"))
    owner = await asyncio.to_thread(services.tracking.owner_of, project.id, run_id)
    spool = await spooled(request)
    file = await asyncio.to_thread(services.files.put, project.id, owner, path, chunks_of(spool))
    body = codec.dumps({"path": file.path, "sha256": file.sha256, "size_bytes": file.size_bytes}).encode()
    return Response(body, media_type="application/json")
