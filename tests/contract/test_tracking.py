"""Runs, metrics and searches behave the same on both databases."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from fairloop.artifacts.local import LocalStore
from fairloop.core.clock import Clock
from fairloop.core.codec import bits_of
from fairloop.core.runs import Metric, RunStatus
from fairloop.core.search import parse_filter, parse_order
from fairloop.errors import AlreadyExists, InvalidInput, NotFound, TooLarge
from fairloop.projects.files import Files
from fairloop.projects.service import Projects
from fairloop.storage.engine import Database
from fairloop.tracking.service import Tracking


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tracking(database: Database, clock: Clock, tmp_path: Path) -> Tracking:
    return Tracking(database, clock, Files(database, LocalStore(tmp_path / "artifacts"), clock), lease_s=30)


@pytest.fixture
def project(database: Database, clock: Clock) -> str:
    return Projects(database, clock).ensure_default().id


@pytest.fixture
def other(database: Database, clock: Clock, project: str) -> str:
    return Projects(database, clock).create("other").id


def point(key: str, value: float, step: int = 0, at: int = 0) -> Metric:
    return Metric(key=key, value=value, timestamp_ms=at, step=step)


def test_every_project_has_a_default_experiment(tracking: Tracking, project: str, other: str) -> None:
    assert tracking.experiments.default(project).id == 0
    theirs = tracking.experiments.default(other)
    assert theirs.name == "Default"
    assert theirs.id != 0
    with pytest.raises(NotFound):
        tracking.experiments.get(project, theirs.id)


def test_experiments_are_renamed_deleted_restored(tracking: Tracking, project: str) -> None:
    made = tracking.experiments.create(project, "first", tags={"a": "b"})
    with pytest.raises(AlreadyExists):
        tracking.experiments.create(project, "first")
    tracking.experiments.rename(project, made.id, "second")
    tracking.experiments.set_active(project, made.id, False)
    assert [e.name for e in tracking.experiments.list(project)] == ["Default"]
    with pytest.raises(InvalidInput, match="deleted"):
        tracking.create_run(project, made.id)
    tracking.experiments.set_active(project, made.id, True)
    found = tracking.experiments.list(project, tree=parse_filter("name like 'sec%' and tags.a = 'b'"))
    assert [e.id for e in found] == [made.id]
    with pytest.raises(InvalidInput, match="Default"):
        tracking.experiments.set_active(project, 0, False)


def test_a_run_comes_back_as_it_was_logged(tracking: Tracking, project: str) -> None:
    run = tracking.create_run(project, "exp", "first", user="ann", tags={"team": "x"}, start_ms=5)
    tracking.log_batch(project, run.id, metrics=[point("a", 1.5, 2, 9)], params={"p": "1"}, tags={"team": "y", "z": ""})
    found = tracking.get(project, run.id)
    assert (found.name, found.user, found.start_ms, found.status) == ("first", "ann", 5, RunStatus.RUNNING)
    assert found.params == {"p": "1"}
    assert found.tags == {"team": "y", "z": ""}
    assert found.metrics == [point("a", 1.5, 2, 9)]
    ended = tracking.set_status(project, run.id, RunStatus.FINISHED, end_ms=77)
    assert (ended.status, ended.end_ms) == (RunStatus.FINISHED, 77)
    assert tracking.set_status(project, run.id, RunStatus.RUNNING).end_ms is None


BITS = [bits_of(v) for v in (0.0, -0.0, math.inf, -math.inf, 5e-324, -5e-324, 1.7976931348623157e308, 0.1, math.nan)]
BITS += [struct.unpack("<q", struct.pack("<Q", 0x7FF8_0000_0000_BEEF))[0]]


def test_values_keep_their_bits(tracking: Tracking, project: str) -> None:
    run = tracking.create_run(project)
    values = [struct.unpack("<d", struct.pack("<q", bits))[0] for bits in BITS]
    tracking.log_batch(project, run.id, metrics=[point("m", v, step) for step, v in enumerate(values)])
    assert [row[2] for row in tracking.history_rows(project, run.id, "m")[0]] == BITS
    for step in (2**53 + 1, 2**63 - 1, -(2**63)):
        tracking.log_batch(project, run.id, metrics=[point("s", 1.0, step)])
    assert [row[0] for row in tracking.history_rows(project, run.id, "s")[0]] == [-(2**63), 2**53 + 1, 2**63 - 1]
    with pytest.raises(InvalidInput, match="64 bits"):
        tracking.log_batch(project, run.id, metrics=[point("s", 1.0, 2**63)])


def test_text_comes_back_unchanged(tracking: Tracking, project: str) -> None:
    texts = ["", "\u00e9", "e\u0301", "emoji \U0001f40d", "\u202ertl", "line\nbreak", "x" * 8192]
    run = tracking.create_run(project)
    given = {f"k{i}": text for i, text in enumerate(texts)}
    tracking.log_batch(project, run.id, params=given, tags=given)
    found = tracking.get(project, run.id)
    assert (found.params, found.tags) == (given, given)


def test_text_that_cannot_be_kept_is_refused(tracking: Tracking, project: str) -> None:
    run = tracking.create_run(project)
    for text in ("a\0b", "lone \ud800 surrogate"):
        with pytest.raises(InvalidInput):
            tracking.log_batch(project, run.id, params={"p": text})
        with pytest.raises(InvalidInput):
            tracking.log_batch(project, run.id, tags={"t": text})
    with pytest.raises(TooLarge):
        tracking.log_batch(project, run.id, params={"p": "x" * 8193})
    assert tracking.get(project, run.id).params == {}


def test_a_repeated_batch_changes_nothing(tracking: Tracking, project: str) -> None:
    run = tracking.create_run(project)
    batch = [point("m", i / 7, i, i) for i in range(1000)]
    for _ in range(3):
        tracking.log_batch(project, run.id, metrics=batch, params={"p": "1"})
    assert tracking.series(project, run.id) == [("m", 1000)]
    assert len(tracking.history(project, run.id, "m").items) == 1000
    with pytest.raises(InvalidInput, match="logged once"):
        tracking.log_batch(project, run.id, metrics=[point("m", 9.0, 9999)], params={"p": "2"})
    assert tracking.series(project, run.id) == [("m", 1000)], "a refused batch must leave nothing behind"


LATEST: list[tuple[list[list[Metric]], float]] = [
    ([[point("m", 1.0, 5, 1)], [point("m", 2.0, 4, 9)]], 1.0),  # the step decides
    ([[point("m", 1.0, 5, 1)], [point("m", 2.0, 5, 2)]], 2.0),  # then the time
    ([[point("m", 2.0, 5, 1)], [point("m", 1.0, 5, 1)]], 2.0),  # then the value
    ([[point("m", math.nan, 5, 1)], [point("m", -1.0, 5, 1)]], -1.0),  # NaN is lowest
    ([[point("m", 3.0, 1), point("m", 4.0, 7), point("m", 5.0, 2)]], 4.0),
]


def test_the_latest_point_is_kept(tracking: Tracking, project: str) -> None:
    for batches, latest in LATEST:
        run = tracking.create_run(project)
        for batch in batches:
            tracking.log_batch(project, run.id, metrics=batch)
        assert [m.value for m in tracking.get(project, run.id).metrics] == [latest]


def test_many_series_in_one_batch(tracking: Tracking, project: str) -> None:
    run = tracking.create_run(project)
    for round_number in range(2):
        tracking.log_batch(project, run.id, metrics=[point(f"k{i}", float(i), round_number) for i in range(1000)])
    assert tracking.series(project, run.id)[:2] == [("k0", 2), ("k1", 2)]
    assert len(tracking.get(project, run.id).metrics) == 1000
    with pytest.raises(TooLarge, match="1000 are allowed"):
        tracking.log_batch(project, run.id, metrics=[point("m", 1.0, i) for i in range(1001)])


def test_history_in_pages_and_sampled(tracking: Tracking, project: str) -> None:
    run = tracking.create_run(project)
    for start in range(0, 6000, 1000):
        tracking.log_batch(project, run.id, metrics=[point("m", float(i), i) for i in range(start, start + 1000)])
    seen, cursor = [], None
    while True:
        page = tracking.history(project, run.id, "m", limit=2500, cursor=cursor)
        seen += [m.step for m in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == list(range(6000))
    count, points = tracking.sampled(project, run.id, "m", most=100)
    assert count == 6000
    assert 50 <= len(points) <= 100
    assert (points[0].step, points[-1].step) == (0, 5999)
    count, points = tracking.sampled(project, run.id, "m", most=100, between=(1000, 1050))
    assert (count, len(points)) == (51, 51)
    tracking.log_batch(project, run.id, metrics=[point("m", 1.0, 10**12)])  # far off: steps no longer tell anything
    assert len(tracking.sampled(project, run.id, "m", most=100)[1]) > 50
    with pytest.raises(InvalidInput, match="cursor"):
        tracking.history(project, run.id, "m", cursor="nonsense")


def test_deleted_runs_are_hidden_and_closed(tracking: Tracking, project: str) -> None:
    run = tracking.create_run(project)
    tracking.set_active(project, run.id, False)
    assert tracking.search(project).items == []
    assert [r.id for r in tracking.search(project, active=False).items] == [run.id]
    with pytest.raises(InvalidInput, match="deleted"):
        tracking.log_batch(project, run.id, params={"a": "b"})
    tracking.set_active(project, run.id, True)
    tracking.log_batch(project, run.id, params={"a": "b"})


def test_another_projects_run_is_not_there(tracking: Tracking, project: str, other: str) -> None:
    run = tracking.create_run(other)
    calls: list[Callable[[], object]] = [
        lambda: tracking.get(project, run.id),
        lambda: tracking.log_batch(project, run.id, params={"a": "b"}),
        lambda: tracking.set_status(project, run.id, RunStatus.FAILED),
        lambda: tracking.history(project, run.id, "m"),
        lambda: tracking.set_active(project, run.id, False),
        lambda: tracking.owner_of(project, run.id),
        lambda: tracking.delete_tag(project, run.id, "a"),
        lambda: tracking.log_inputs(project, run.id, models=["m-1"]),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    home = tracking.experiments.default(other).id
    assert tracking.search(project, experiment_ids=[home]).items == []


def test_inputs_and_outputs_add_up(tracking: Tracking, project: str) -> None:
    run = tracking.create_run(project)
    data = {
        "name": "d",
        "digest": "1",
        "source": "",
        "source_type": "local",
        "schema": "{}",
        "profile": "",
        "tags": {},
        "context": "train",
    }
    tracking.log_inputs(project, run.id, datasets=[data], models=["m-1"])
    tracking.log_inputs(project, run.id, datasets=[data, {**data, "digest": "2"}], models=["m-1", "m-2"])
    tracking.log_outputs(project, run.id, [("m-3", 4)])
    found = tracking.get(project, run.id)
    assert [d["digest"] for d in found.inputs["datasets"]] == ["1", "2"]
    assert found.inputs["models"] == ["m-1", "m-2"]
    assert found.outputs == [{"model_id": "m-3", "step": 4}]
    assert [r.id for r in tracking.search(project, parse_filter("datasets.digest = '2'")).items] == [run.id]
    assert [r.id for r in tracking.search(project, parse_filter("datasets.context in ('train', 'x')")).items] == [
        run.id
    ]
    assert tracking.search(project, parse_filter("datasets.name = 'e'")).items == []


@pytest.fixture
def corpus(tracking: Tracking, project: str) -> dict[str, str]:
    """Five runs: name to id."""
    rows = [
        ("a", 0.1, "x", {"t": "one"}),
        ("b", 0.5, "y", {"t": "Two"}),
        ("c", 0.9, "x", {}),
        ("d", None, "z", {"u": "1"}),
        ("e", math.nan, None, {}),
    ]
    ids = {}
    for number, (name, value, param, tags) in enumerate(rows):
        run = tracking.create_run(project, "search", name, tags=tags, start_ms=1000 + number)
        tracking.log_batch(
            project,
            run.id,
            metrics=[] if value is None else [point("m", value)],
            params={} if param is None else {"p": param},
        )
        ids[name] = run.id
    return ids


FILTERS = [
    ("", "edcba"),
    ("metrics.m > 0.1", "cb"),
    ("metrics.m >= 0.1 and params.p = 'x'", "ca"),
    ("metrics.m != 0.5", "ca"),
    ("params.p != 'x'", "db"),
    ("params.p like 'X'", ""),
    ("params.p ilike 'X'", "ca"),
    ("params.p in ('x', 'z')", "dca"),
    ("params.p not in ('x', 'z')", "b"),
    ("tags.t like '%o%'", "ba"),
    ("tags.t like 'T%'", "b"),
    ("tags.t is null", "edc"),
    ("tags.t is not null", "ba"),
    ("attributes.run_name = 'd'", "d"),
    ("run_name in ('a','b')", "ba"),
    ("attributes.start_time >= 1003", "ed"),
    ("status = 'RUNNING' and start_time < 1001", "a"),
    ("(params.p = 'x' or params.p = 'y') and metrics.m > 0.2", "cb"),
    ("params.p = 'x' or tags.u = '1'", "dca"),
    ("end_time is null and params.p = 'y'", "b"),
    ("metrics.m > 0.1 and metrics.m < 0.9", "b"),
]
ORDERS = [
    (["metrics.m desc"], "cbaed"),
    (["metrics.m"], "abced"),
    (["params.p", "metrics.m desc"], "cabde"),
    (["params.p desc", "run_name"], "dbace"),
    (["attributes.start_time"], "abcde"),
    (["end_time", "run_name desc"], "edcba"),
]


def test_search_finds(tracking: Tracking, project: str, corpus: dict[str, str]) -> None:
    for text, names in FILTERS:
        found = tracking.search(project, parse_filter(text))
        assert "".join(r.name for r in found.items) == names, text


def test_search_orders_and_pages(tracking: Tracking, project: str, corpus: dict[str, str]) -> None:
    for orders, names in ORDERS:
        for limit in (1, 2, 100):
            seen, cursor = "", None
            while True:
                page = tracking.search(project, orders=[parse_order(o) for o in orders], limit=limit, cursor=cursor)
                seen += "".join(r.name for r in page.items)
                cursor = page.next
                if cursor is None:
                    break
            assert seen == names, (orders, limit)


def test_search_refuses_what_makes_no_sense(tracking: Tracking, project: str) -> None:
    for text in (
        "metrics.m > 'x'",
        "metrics.m like 'x'",
        "attributes.nope = 1",
        "datasets.x = '1'",
        "start_time = 'soon'",
        "datasets.name > '1'",
    ):
        with pytest.raises(InvalidInput):
            tracking.search(project, parse_filter(text))


def test_search_values_are_never_sql(tracking: Tracking, project: str, corpus: dict[str, str]) -> None:
    for text in (
        "params.p = 'x'' or 1=1 --'",
        "tags.`t'; drop table runs; --` = 'x'",
        "datasets.name = 'x'') or 1=1 --'",
    ):
        assert tracking.search(project, parse_filter(text)).items == []
    assert len(tracking.search(project).items) == 5


def test_a_silent_run_is_lost_after_its_lease(tracking: Tracking, project: str, clock: Clock) -> None:
    silent, slow, done = (tracking.create_run(project, None, name) for name in ("silent", "slow", "done"))
    tracking.set_status(project, done.id, RunStatus.FINISHED)
    tracking.tick()
    clock.offset_s += 25
    tracking.log_batch(project, slow.id)  # an empty batch is a sign of life
    tracking.tick()
    assert tracking.get(project, silent.id).status is RunStatus.RUNNING
    clock.offset_s += 10
    tracking.tick()
    found = tracking.get(project, silent.id)
    assert (found.status, found.status_reason) == (RunStatus.FAILED, "lost")
    assert found.end_ms is not None
    assert tracking.get(project, slow.id).status is RunStatus.RUNNING
    assert tracking.get(project, done.id).status is RunStatus.FINISHED
    clock.offset_s += 60
    tracking.tick()
    assert tracking.get(project, slow.id).status is RunStatus.FAILED
    assert tracking.get(project, done.id).status_reason == ""


def test_a_late_check_never_overwrites_an_end(tracking: Tracking, project: str, database: Database) -> None:
    from fairloop.storage import runs as rows

    run = tracking.create_run(project)
    (run_id, touched_ms, _), *_ = database.read(rows.open_runs)
    tracking.set_status(project, run.id, RunStatus.FINISHED)
    assert not database.write(lambda c: rows.fail_lost(c, run_id, touched_ms, 1))
    assert tracking.get(project, run.id).status is RunStatus.FINISHED


class JumpingClock(Clock):
    """The wall clock alone jumps."""

    __slots__ = ("jump_ms",)

    def now_ms(self) -> int:
        return Clock.now_ms(self) + getattr(self, "jump_ms", 0)


def test_a_clock_that_jumps_loses_no_run(database: Database, project: str, tmp_path: Path) -> None:
    clock = JumpingClock()
    tracking = Tracking(database, clock, Files(database, LocalStore(tmp_path / "artifacts"), clock), lease_s=30)
    run = tracking.create_run(project)
    tracking.tick()
    for days in (2, -2):
        clock.jump_ms = days * 86_400_000
        tracking.tick()
    assert tracking.get(project, run.id).status is RunStatus.RUNNING


def test_logged_models(tracking: Tracking, project: str, other: str) -> None:
    run = tracking.create_run(project)
    models = tracking.logged_models
    made = models.create(project, 0, name="net", run_id=run.id, params={"a": "1"}, tags={"k": "v"})
    assert made.status == "PENDING"
    assert models.finalize(project, made.id, "READY").status == "READY"
    models.log_params(project, made.id, {"b": "2"})
    with pytest.raises(InvalidInput):
        models.log_params(project, made.id, {"b": "3"})
    for value, step in ((0.5, 2), (0.4, 1), (math.nan, 3)):
        models.log_metrics(
            project,
            [
                {
                    "model_id": made.id,
                    "key": "auc",
                    "value": value,
                    "timestamp_ms": 1,
                    "step": step,
                    "run_id": run.id,
                    "dataset_name": None,
                    "dataset_digest": None,
                }
            ],
        )
    (latest,) = models.get(project, made.id).metrics
    assert math.isnan(latest["value"])
    assert [m.id for m in models.search(project, [0], tree=parse_filter("name = 'net' and params.b = '2'"))] == [
        made.id
    ]
    with pytest.raises(NotFound):
        models.get(other, made.id)
    models.delete(project, made.id)
    with pytest.raises(NotFound):
        models.get(project, made.id)
    assert models.get(project, made.id, deleted=True).status == "DELETED"
