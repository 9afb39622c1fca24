"""Schedules of pipelines over REST."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request

from fairloop.core import codec
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page, from_plain
from fairloop.core.schedules import Schedule
from fairloop.pipelines.schedules import NewSchedule
from fairloop.server.services import Services


async def create(request: Request[Any, Any, Any], services: Services, identity: Identity, project: Project) -> Schedule:
    """Run a pipeline by cron line or interval."""
    data = from_plain(NewSchedule, codec.loads(await request.body()))
    made = await asyncio.to_thread(services.schedules.every, project.id, data.graph, data.capture, data.params,
                                   author=identity.name, cron=data.cron, every_s=data.every_s)  # fmt: skip
    services.signals.notify()
    return made


def list_schedules(services: Services, project: Project) -> Page[Schedule]:
    """The project's schedules."""
    return Page(items=services.schedules.list(project.id))


def remove(services: Services, project: Project, schedule_id: str) -> dict[str, str]:
    """End a schedule; runs it started go on."""
    services.schedules.remove(project.id, schedule_id)
    return {"id": schedule_id}
