"""Schedules on both databases: each slot once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fairloop.core.clock import Clock
from fairloop.core.pipelines import Capture, Graph, StepSpec
from fairloop.core.schedules import Schedule
from fairloop.core.signals import Signals
from fairloop.errors import InvalidInput, NotFound
from fairloop.pipelines.schedules import Schedules, next_slot
from fairloop.pipelines.service import Pipelines
from fairloop.pipelines.waiting import Waiters
from fairloop.projects.service import Projects
from fairloop.storage.engine import Database

GRAPH = Graph(name="p", steps=[StepSpec(key="a", name="a", function={"module": "m", "qualname": "a"})])


class World:
    def __init__(self, database: Database) -> None:
        self.clock = Clock()
        projects = Projects(database, self.clock)
        self.project = projects.create("one").id
        self.other = projects.create("two").id
        self.pipelines = Pipelines(database, self.clock, Signals(), Waiters())
        self.servers = [Schedules(database, self.clock, self.pipelines) for _ in range(3)]


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_a_pipeline_starts_once_a_slot_with_three_servers(world: World) -> None:
    world.servers[0].every(world.project, GRAPH, Capture(), {}, author="ada", every_s=10)
    for slot in range(1, 4):
        world.clock.offset_s += 10
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda s: s.tick(), world.servers))
        runs = world.pipelines.list(world.project).items
        assert len(runs) == slot
        assert runs[0].author == "ada"


def test_slots_missed_are_made_up_for_once(world: World) -> None:
    world.servers[0].every(world.project, GRAPH, Capture(), {}, author="ada", every_s=10)
    world.clock.offset_s += 1000
    for server in world.servers:
        server.tick()
    assert len(world.pipelines.list(world.project).items) == 1


def test_other_kinds_act_in_the_slots_own_unit(world: World) -> None:
    server, seen = world.servers[0], []

    def act(connection: Any, schedule: Schedule, slot_ms: int) -> Any:
        if not seen:
            seen.append("broke")
            raise RuntimeError("the act failed, so the slot was not taken")
        return lambda: seen.append(schedule.subject_id)

    server.acts["watch"] = act
    first = server.ensure(world.project, "watch", "mon_1", every_s=60)
    assert server.ensure(world.project, "watch", "mon_1", every_s=60) == first
    assert server.ensure(world.project, "watch", "mon_1", every_s=30).id == first.id
    world.clock.offset_s += 31
    with pytest.raises(RuntimeError):
        server.tick()
    server.tick()
    server.tick()
    assert seen == ["broke", "mon_1"]
    assert 0 < server.interval_s <= 30
    server.remove(world.project, first.id)
    world.clock.offset_s += 31
    server.tick()
    assert len(seen) == 2


def test_other_projects_see_nothing(world: World) -> None:
    made = world.servers[0].every(world.project, GRAPH, Capture(), {}, author="ada", cron="0 6 * * 1-5")
    assert world.servers[0].list(world.other) == []
    with pytest.raises(NotFound):
        world.servers[0].remove(world.other, made.id)
    assert [s.id for s in world.servers[0].list(world.project)] == [made.id]


@pytest.mark.parametrize(("cron", "every_s", "words"), [
    ("", None, "either a cron line or an interval"), ("* * * * *", 5.0, "either a cron line or an interval"),
    ("* * * * * *", None, "five fields"), ("61 * * * *", None, "five fields"), ("", 0.2, "too short"),
    ("", float("nan"), "too short"),
])  # fmt: skip
def test_what_is_no_schedule_is_refused(cron: str, every_s: float | None, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        next_slot(Schedule(id="s", project_id="p", kind="k", cron=cron, every_s=every_s), 0)


def test_cron_lines_are_utc() -> None:
    daily = Schedule(id="s", project_id="p", kind="k", cron="30 6 * * *")
    assert next_slot(daily, 0) == (6 * 60 + 30) * 60_000
    assert next_slot(daily, (6 * 60 + 30) * 60_000) == ((24 + 6) * 60 + 30) * 60_000
