"""The work protocol over HTTP: one round trip a step, because the next claim rides on the result."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from litestar import Request

from fairloop.core import codec
from fairloop.core.people import Project
from fairloop.core.pipelines import StepRun
from fairloop.core.records import from_plain
from fairloop.errors import FairloopError, InvalidInput
from fairloop.pipelines.transitions import Outcome
from fairloop.server.services import Services

log = logging.getLogger(__name__)

MAX_WAIT_S = 3.0
"""A worker asks again after this long: short, so that a stopping server is not held up."""


async def _body(request: Request[Any, Any, Any], *names: str) -> dict[str, Any]:
    told = codec.loads(await request.body(), trusted=True)
    if not isinstance(told, dict) or any(name not in told for name in names):
        raise InvalidInput(f"The body must be an object with {', '.join(names)}.")
    return told


async def claim(request: Request[Any, Any, Any], services: Services, project: Project) -> dict[str, Any]:
    """Take a ready step for a worker, waiting a moment for one."""
    told = await _body(request, "key", "worker")
    key, worker, work, waiters = str(told["key"]), str(told["worker"]), services.work, services.waiters
    deadline = asyncio.get_running_loop().time() + min(float(told.get("wait_s", 0)), MAX_WAIT_S)
    event = waiters.enter(key)
    try:
        while True:
            event.clear()
            if services.runner.leaving(worker):
                return {"next": None, "exit": True}
            if await asyncio.to_thread(work.waiting, project.id, key, worker):
                step = await asyncio.wrap_future(work.submit_claim(project.id, key, worker))
                if step is not None:
                    return {"next": await _assignment(services, step), "exit": False}
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or waiters.closed:
                return {"next": None, "exit": False}
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), left)
    finally:
        waiters.leave(key, event)


async def _assignment(services: Services, step: StepRun) -> dict[str, Any]:
    if services.work.is_tracked(step):
        try:
            step = await asyncio.to_thread(services.work.track, step)
        except FairloopError as cause:  # the claim is on disk: the step runs, without a run of its own
            log.warning("step %s gets no tracking run: %s", step.id, cause.message)
    return services.work.assignment(step)


def _note(services: Services, step: StepRun) -> None:
    """The result is on disk: a run that was deleted meanwhile must not undo that."""
    try:
        services.work.note(step)
    except FairloopError as cause:
        log.warning("the run of step %s does not take what it used: %s", step.id, cause.message)


async def heartbeat(
    request: Request[Any, Any, Any], services: Services, project: Project, step_run_id: str
) -> dict[str, Any]:
    """A sign of life from a running step, with what it wrote."""
    told = await _body(request, "token")
    work = services.work.submit_heartbeat(project.id, step_run_id, int(told["token"]), list(told.get("log", [])))
    return {"cancel": await asyncio.wrap_future(work)}


async def result(
    request: Request[Any, Any, Any], services: Services, project: Project, step_run_id: str
) -> dict[str, Any]:
    """How a step ended; answers with the worker's next step when there is one."""
    told = await _body(request, "token", "pipeline_run_id", "outcome")
    take = (str(told["key"]), str(told["worker"])) if told.get("take") else None
    if take and services.runner.leaving(take[1]):
        take = None
    outcome = from_plain(Outcome, told["outcome"])
    change = await asyncio.wrap_future(services.work.submit_result(
        project.id, str(told["pipeline_run_id"]), step_run_id, int(told["token"]), outcome, take))  # fmt: skip
    services.pipelines.announce(change)
    if change.finished is not None and change.finished.run_id is not None:
        await asyncio.to_thread(_note, services, change.finished)
    following = await _assignment(services, change.claimed) if change.claimed else None
    return {"next": following, "exit": False}
