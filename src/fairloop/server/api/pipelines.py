"""Pipeline runs over REST."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from litestar import Request
from litestar.response import ServerSentEvent

from fairloop.core import codec
from fairloop.core.people import Identity, Project
from fairloop.core.pipelines import Capture, Graph, LogLine, PipelineRun, StepRun
from fairloop.core.records import Page, from_plain, to_wire
from fairloop.server.services import Services

_LOOK_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPipelineRun:
    graph: Graph
    capture: Capture = field(default_factory=Capture)
    params: dict[str, Any] = field(default_factory=dict)


async def start(
    request: Request[Any, Any, Any], services: Services, identity: Identity, project: Project
) -> PipelineRun:
    """Start a pipeline run."""
    data = from_plain(NewPipelineRun, codec.loads(await request.body()))  # our codec keeps NaN and -0.0 in parameters
    return await asyncio.to_thread(services.pipelines.start, project.id, data.graph, data.capture, data.params,
                                   author=identity.name)  # fmt: skip


def list_runs(
    services: Services, project: Project, purpose: str | None = None, cursor: str | None = None
) -> Page[PipelineRun]:
    """The project's pipeline runs, newest first."""
    return services.pipelines.list(project.id, purpose, cursor)


def get(services: Services, project: Project, pipeline_run_id: str) -> PipelineRun:
    """One pipeline run with its graph and what was captured around it."""
    return services.pipelines.get(project.id, pipeline_run_id)


def steps(services: Services, project: Project, pipeline_run_id: str) -> Page[StepRun]:
    """The run's steps in the order of its graph."""
    return Page(items=services.pipelines.steps(project.id, pipeline_run_id))


def cancel(services: Services, project: Project, pipeline_run_id: str) -> PipelineRun:
    """Stop a run and every process it started."""
    return services.pipelines.cancel(project.id, pipeline_run_id)


def step(services: Services, project: Project, step_run_id: str) -> StepRun:
    """One step run."""
    return services.pipelines.step(project.id, step_run_id)


def log(services: Services, project: Project, step_run_id: str, after: int = 0) -> Page[LogLine]:
    """What a step wrote, after the chunk ``after``."""
    return Page(items=services.pipelines.log(project.id, step_run_id, after))


async def events(services: Services, project: Project, pipeline_run_id: str) -> ServerSentEvent:
    """Changes of the run and its steps as they happen."""
    await asyncio.to_thread(services.pipelines.get, project.id, pipeline_run_id)
    return ServerSentEvent(_changes(services, project.id, pipeline_run_id))


async def _changes(services: Services, project_id: str, run_id: str) -> AsyncIterator[dict[str, str]]:
    seen: dict[str, Any] = {}
    while not services.waiters.closed:
        run = await asyncio.to_thread(services.pipelines.get, project_id, run_id)
        for found in await asyncio.to_thread(services.pipelines.steps, project_id, run_id):
            told = (found.state, found.attempt)
            if seen.get(found.id) != told:
                seen[found.id] = told
                yield {"event": "step", "data": codec.dumps(to_wire(found))}
        if seen.get(run.id) != run.state:
            seen[run.id] = run.state
            brief = {"id": run.id, "state": run.state, "error": run.error, "cost_usd": run.cost_usd}
            yield {"event": "run", "data": codec.dumps(brief)}
        if run.state.final:
            return
        await asyncio.sleep(_LOOK_S)


async def log_events(services: Services, project: Project, step_run_id: str, after: int = 0) -> ServerSentEvent:
    """What a step writes, line by line, until it ends."""
    await asyncio.to_thread(services.pipelines.step, project.id, step_run_id)
    return ServerSentEvent(_lines(services, project.id, step_run_id, after))


async def _lines(services: Services, project_id: str, step_run_id: str, after: int) -> AsyncIterator[dict[str, str]]:
    while not services.waiters.closed:
        state = (await asyncio.to_thread(services.pipelines.step, project_id, step_run_id)).state
        lines = await asyncio.to_thread(services.pipelines.log, project_id, step_run_id, after)
        for line in lines:
            yield {"event": "line", "id": str(line.seq), "data": codec.dumps(to_wire(line))}
        after = lines[-1].seq if lines else after
        if state.final and not lines:
            return
        await asyncio.sleep(_LOOK_S)
