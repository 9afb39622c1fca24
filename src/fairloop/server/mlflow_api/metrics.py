"""Logging and reading metrics in MLflow's dialect: the hot path, from the body's bytes to columns without a detour."""

from __future__ import annotations

import asyncio
import struct
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from litestar import Request, Response

from fairloop.core.people import Project
from fairloop.errors import InvalidInput, TooLarge
from fairloop.server.mlflow_api import wire
from fairloop.server.mlflow_api.scope import limit_of
from fairloop.server.services import Services
from fairloop.storage.metrics import Points
from fairloop.tracking.limits import BATCH_METRICS, INT64, check_key
from fairloop.tracking.service import series_of

Ask = Request[Any, Any, Any]
Write = Callable[[Services, Project, bytes], Awaitable[None]]
NOTHING: Mapping[str, str] = {}
_INTERVAL_RUNS = 100


def _wholes(values: list[wire.Whole], what: str) -> list[int]:
    """The values as 64-bit integers, refused where they are none."""
    try:
        struct.pack(f"<{len(values)}q", *values)  # checks type and range of all at once
    except struct.error:
        return [wire.whole(v, what) for v in values]
    return values  # type: ignore[return-value]  # only integers pack


def series(points: list[wire.Point]) -> list[Points]:
    """Columns by key."""
    if len(points) > BATCH_METRICS:
        raise TooLarge(f"{len(points)} metrics at once; {BATCH_METRICS} are allowed. Send them in several batches.")
    by_key: dict[str, list[wire.Point]] = defaultdict(list)
    for point in points:
        by_key[point.key].append(point)
    return [
        series_of(
            key,
            _wholes([p.step for p in some], "step"),
            _wholes([p.timestamp for p in some], "timestamp"),
            [v if type(v := p.value) is float else wire.real(v) for p in some],
        )
        for key, some in by_key.items()
    ]


async def _log(
    services: Services,
    project: Project,
    run_id: str,
    points: list[wire.Point],
    params: Mapping[str, str] = NOTHING,
    tags: Mapping[str, str] = NOTHING,
) -> None:
    """Log it; done when it is on disk."""
    if params or tags:
        await asyncio.wrap_future(
            services.tracking.submit_batch(
                project.id, run_id, series(points), params, tags, name=tags.get(wire.RUN_NAME)
            )
        )
    else:
        await services.tracking.log_soon(project.id, run_id, series(points))
    named = [
        {
            "model_id": p.model_id,
            "key": p.key,
            "value": wire.real(p.value),
            "timestamp_ms": wire.whole(p.timestamp, ""),
            "step": wire.whole(p.step, ""),
            "run_id": run_id,
            "dataset_name": p.dataset_name,
            "dataset_digest": p.dataset_digest,
        }
        for p in points
        if p.model_id
    ]
    if named:
        await asyncio.to_thread(services.tracking.logged_models.log_metrics, project.id, named)


async def _write_batch(services: Services, project: Project, body: bytes) -> None:
    asked = wire.decode(wire.LogBatch, body)
    await _log(services, project, asked.run_id, asked.metrics, wire.pairs(asked.params), wire.pairs(asked.tags))


async def _write_metric(services: Services, project: Project, body: bytes) -> None:
    asked = wire.decode(wire.OneMetric, body)
    await _log(services, project, asked.run_id or asked.run_uuid, [asked])


async def _write_param(services: Services, project: Project, body: bytes) -> None:
    asked = wire.decode(wire.OnePair, body)
    await _log(services, project, asked.run_id or asked.run_uuid, [], params={asked.key: asked.value})


async def _write_tag(services: Services, project: Project, body: bytes) -> None:
    asked = wire.decode(wire.OnePair, body)
    await _log(services, project, asked.run_id or asked.run_uuid, [], tags={asked.key: asked.value})


async def _answered(request: Ask, write: Write) -> Response[bytes]:
    # services and project as parameters would make the framework start a task for each: a third of the time
    await write(request.app.state.services, request.scope["state"]["project"], await request.body())
    return Response(wire.EMPTY, media_type="application/json")


async def log_batch(request: Ask) -> Response[bytes]:
    """Log metrics, params and tags of a run: all or nothing, answered when they are on disk."""
    return await _answered(request, _write_batch)


async def log_metric(request: Ask) -> Response[bytes]:
    """Log one point of a metric."""
    return await _answered(request, _write_metric)


async def log_param(request: Ask) -> Response[bytes]:
    """Log one param."""
    return await _answered(request, _write_param)


async def set_tag(request: Ask) -> Response[bytes]:
    """Set one tag of a run."""
    return await _answered(request, _write_tag)


DIRECT: dict[Callable[..., Any], Write] = {
    log_batch: _write_batch, log_metric: _write_metric, log_param: _write_param, set_tag: _write_tag,
}  # fmt: skip
"""What the framework's handlers do, for the layer that goes round the framework: see server/shortcut.py."""


def history(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """The points of one series, all or page by page."""
    given = request.query_params
    key, asked = check_key(given.get("metric_key", ""), "metric"), given.get("max_results")
    limit = -1 if asked is None else limit_of(asked, 1_000_000)
    rows, following = services.tracking.history_rows(
        project.id,
        given.get("run_id", "") or given.get("run_uuid", ""),
        key,
        limit=limit,
        cursor=given.get("page_token"),
    )
    answer: dict[str, Any] = {"metrics": wire.points(key, rows)}
    if following:
        answer["next_page_token"] = following
    return wire.answer(answer)


def history_interval(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """The points of one metric of several runs between two steps, sampled evenly when there are many."""
    given = request.query_params
    run_ids = given.getall("run_ids", []) + given.getall("run_id", [])
    if not 1 <= len(run_ids) <= _INTERVAL_RUNS:
        raise InvalidInput(f"{len(run_ids)} run ids given; give 1 to {_INTERVAL_RUNS}.")
    key, most = check_key(given.get("metric_key", ""), "metric"), limit_of(given.get("max_results", "2500"), 2500)
    between = None
    if "start_step" in given or "end_step" in given:
        between = (
            wire.whole(given.get("start_step", INT64[0]), "start_step"),
            wire.whole(given.get("end_step", INT64[-1]), "end_step"),
        )
    points = []
    for run_id in run_ids:
        _, found = services.tracking.sampled(project.id, run_id, key, most=most, between=between)
        points += [{**wire.metric(m), "run_id": run_id} for m in found]
    return wire.answer({"metrics": points})
