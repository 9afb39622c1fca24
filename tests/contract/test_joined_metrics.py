"""Metrics of many writers, written as one unit, end as if each had been written alone; on both databases."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest

from fairloop.artifacts.local import LocalStore
from fairloop.core.clock import Clock
from fairloop.core.codec import bits_of
from fairloop.core.runs import Metric
from fairloop.errors import InvalidInput, NotFound
from fairloop.projects.files import Files
from fairloop.projects.service import Projects
from fairloop.storage.engine import Database
from fairloop.tracking.service import Tracking, series_of

KEYS = ("loss", "accuracy", "naïve ✓")
VALUES = (0.1, -0.0, 5e-324, math.nan, math.inf, -math.inf, 1.7976931348623157e308)


@pytest.fixture
def tracking(database: Database, tmp_path: Path) -> Tracking:
    return Tracking(database, Clock(), Files(database, LocalStore(tmp_path / "artifacts"), Clock()))


@pytest.fixture
def project(database: Database) -> str:
    return Projects(database, Clock()).ensure_default().id


def test_joined_points_equal_points_logged_alone(tracking: Tracking, project: str) -> None:
    joined = [tracking.create_run(project).id for _ in range(9)]
    alone = [tracking.create_run(project).id for _ in range(9)]
    points = [
        (place, KEYS[(place + step) % 3], step // 2, 1000 + step, VALUES[step % 7])
        for step in range(8)
        for place in range(9)
    ]
    points += points[:20]  # sent twice: changes nothing

    async def all_at_once() -> None:
        await asyncio.gather(
            *(tracking.log_soon(project, joined[place], [series_of(key, [step], [at], [value])])
              for place, key, step, at, value in points)
        )  # fmt: skip

    asyncio.run(all_at_once())
    for place, key, step, at, value in points:
        tracking.log_batch(project, alone[place], metrics=[Metric(key=key, value=value, timestamp_ms=at, step=step)])
    for one, other in zip(joined, alone, strict=True):
        assert tracking.series(project, one) == tracking.series(project, other)
        for key, _ in tracking.series(project, one):
            assert tracking.history_rows(project, one, key) == tracking.history_rows(project, other, key)
        left, right = tracking.get(project, one), tracking.get(project, other)
        assert {m.key: (bits_of(m.value), m.timestamp_ms, m.step) for m in left.metrics} == {
            m.key: (bits_of(m.value), m.timestamp_ms, m.step) for m in right.metrics
        }


def test_who_may_not_log_fails_alone(tracking: Tracking, project: str, database: Database) -> None:
    good, deleted = tracking.create_run(project).id, tracking.create_run(project).id
    tracking.set_active(project, deleted, False)
    elsewhere = tracking.create_run(Projects(database, Clock()).create("other").id).id

    async def all_at_once() -> list[BaseException | None]:
        return await asyncio.gather(
            *(tracking.log_soon(project, run, [series_of("m", [step], [0], [1.0])])
              for step in range(5) for run in (good, deleted, elsewhere, "0" * 32)),
            return_exceptions=True,
        )  # fmt: skip

    found = asyncio.run(all_at_once())
    kinds = [type(error) for error in found]
    assert kinds == [type(None), InvalidInput, NotFound, NotFound] * 5
    assert tracking.series(project, good) == [("m", 5)]
    assert tracking.series(project, deleted) == []


def test_more_than_a_group(tracking: Tracking, project: str) -> None:
    run = tracking.create_run(project).id

    async def all_at_once() -> None:
        await asyncio.gather(
            *(tracking.log_soon(project, run, [series_of(f"m{i % 300}", [i], [i], [i / 7])]) for i in range(900))
        )

    asyncio.run(all_at_once())
    assert [count for _, count in tracking.series(project, run)] == [3] * 300
    assert tracking.history(project, run, "m299").items[-1].value == 899 / 7
