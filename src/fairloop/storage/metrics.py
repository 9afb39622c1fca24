"""Metric points: the one place where rows go through the driver itself, because there are so many of them.

A statement that inserts many rows leaves the interpreter's lock once, where ``executemany`` leaves it once a row: with
the event loop busy beside it that is 75,000 rows a second against 2,500 (both cores shared, measured).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from fairloop.core.codec import float_of
from fairloop.core.runs import Metric
from fairloop.storage.tables import points, series

_SIZES = (1000, 250, 50, 10, 1)  # rows a statement; few sizes, so that each is prepared once
_TOUCH_MS = 1000  # a run's sign of life is not written more often than this


@dataclass(frozen=True, slots=True)
class Points:
    """Points of one key in columns, and the latest of them as (step, timestamp_ms, bits)."""

    key: str
    steps: Sequence[int]
    timestamps_ms: Sequence[int]
    bits: Sequence[int]
    latest: tuple[int, int, int]


def columns(key: str, steps: Sequence[int], timestamps_ms: Sequence[int], values: Sequence[float]) -> Points:
    """Points with the bits of ``values``."""
    count = len(values)
    bits = struct.unpack(f"<{count}q", struct.pack(f"<{count}d", *values))
    top = max(zip(steps, timestamps_ms, strict=True))
    ties = [row for row in zip(steps, timestamps_ms, bits, strict=True) if row[0] == top[0] and row[1] == top[1]]
    return Points(key, steps, timestamps_ms, bits, ties[0] if len(ties) == 1 else max(ties, key=_order))


def _order(row: tuple[int, int, int]) -> tuple[int, int, float, int]:
    """What makes a point the latest: step, then time, then value; NaN is lowest, and bits settle the rest."""
    value = float_of(row[2])
    return (row[0], row[1], value if value == value else float("-inf"), row[2])


def is_later(row: tuple[int, int, int], known: tuple[int, int, int]) -> bool:
    """Whether ``row`` is the latest of the two points (step, timestamp_ms, bits)."""
    return row != known and _order(row) > _order(known)


class _Statements:
    """The same statements in the two drivers' spellings; ``@`` stands for a list of marks."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.run = self._spell("SELECT seq, status, active, touched_ms FROM runs WHERE id = ? AND project_id = ?")
        self.touch = self._spell("UPDATE runs SET touched_ms = ? WHERE seq = ?")
        self.find = self._spell("SELECT key, id, step, timestamp_ms, bits FROM series WHERE run_seq = ? AND key IN (@)")
        self.start = "INSERT INTO series (run_seq, key, count) VALUES @ RETURNING key, id"
        self.latest = (
            "INSERT INTO series (id, run_seq, key, count, step, timestamp_ms, bits, value) VALUES @ ON CONFLICT (id)"
            " DO UPDATE SET count = series.count + excluded.count, step = excluded.step,"
            " timestamp_ms = excluded.timestamp_ms, bits = excluded.bits, value = excluded.value"
        )
        self.count = self._spell(
            "UPDATE series SET count = (SELECT count(*) FROM points WHERE series_id = ?) WHERE id = ?"
        )

        self.page = self._spell(
            "SELECT step, timestamp_ms, bits FROM points WHERE series_id = ? AND (step, timestamp_ms, bits) > (?, ?, ?)"
            " ORDER BY step, timestamp_ms, bits LIMIT ?"
        )

    def _spell(self, sql: str) -> str:
        return sql.replace("?", self.mark)


_SQLITE, _POSTGRES = _Statements("?"), _Statements("%s")
_INSERT = "INSERT OR IGNORE INTO points (series_id, step, timestamp_ms, bits) VALUES @"
_UNNEST = (
    "INSERT INTO points (series_id, step, timestamp_ms, bits) SELECT * FROM "
    "unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING"
)


def _many(sql: str, mark: str, rows: int, width: int) -> str:
    """``sql`` with ``rows`` groups of ``width`` marks in place of ``@``."""
    group = ",".join([mark] * width)
    return sql.replace("@", ",".join([f"({group})" if width > 1 else mark] * rows))


_INSERTS = {size: _many(_INSERT, "?", size, 4) for size in _SIZES}


@dataclass(frozen=True, slots=True)
class Owner:
    """The run written to, as far as a writer needs it."""

    seq: int
    status: str
    active: bool
    touched_ms: int


def driver_of(connection: Connection) -> Any:
    """What executes plain statements: the SQLite connection, or a psycopg cursor."""
    raw: Any = connection.connection.dbapi_connection
    return raw if connection.dialect.name == "sqlite" else raw.cursor()


def owner(connection: Connection, driver: Any, project_id: str, run_id: str) -> Owner | None:
    row = driver.execute(_sql(connection).run, (run_id, project_id)).fetchone()
    return Owner(row[0], row[1], bool(row[2]), row[3]) if row else None


def touch(connection: Connection, driver: Any, found: Owner, now_ms: int) -> None:
    """Note a sign of life."""
    if abs(now_ms - found.touched_ms) >= _TOUCH_MS:
        driver.execute(_sql(connection).touch, (now_ms, found.seq))


def _sql(connection: Connection) -> _Statements:
    return _SQLITE if connection.dialect.name == "sqlite" else _POSTGRES


def append(connection: Connection, driver: Any, run_seq: int, batches: list[Points]) -> None:
    """Add points; repeated ones change nothing. Keeps each series' latest point and count."""
    sql = _sql(connection)
    known = _find_series(driver, sql, run_seq, [batch.key for batch in batches])
    flat: list[Any] = []
    updates: list[Any] = []
    total = 0
    for batch in batches:
        number, latest = known[batch.key]
        best = batch.latest if latest is None or _order(batch.latest) > _order(latest) else latest
        value = float_of(best[2])
        updates += (number, run_seq, batch.key, len(batch.bits), *best, value if value == value else None)
        part: list[Any] = [number] * (4 * len(batch.bits))
        part[1::4], part[2::4], part[3::4] = batch.steps, batch.timestamps_ms, batch.bits
        flat = flat + part if flat else part
        total += len(batch.bits)
    added = _insert(connection, driver, flat)
    driver.execute(_many(sql.latest, sql.mark, len(batches), 8), updates)
    if added != total:  # some points were known: count again what is there
        for number, _ in known.values():
            driver.execute(sql.count, (number, number))


def _find_series(
    driver: Any, sql: _Statements, run_seq: int, keys: list[str]
) -> dict[str, tuple[int, tuple[int, int, int] | None]]:
    """Key to (series id, latest point), for every key; missing series are started."""
    rows = driver.execute(_many(sql.find, sql.mark, len(keys), 1), (run_seq, *keys)).fetchall()
    known: dict[str, tuple[int, tuple[int, int, int] | None]] = {
        row[0]: (row[1], None if row[4] is None else (row[2], row[3], row[4])) for row in rows
    }
    if missing := [key for key in keys if key not in known]:
        given = [value for key in missing for value in (run_seq, key, 0)]
        for key, number in driver.execute(_many(sql.start, sql.mark, len(missing), 3), given).fetchall():
            known[key] = (number, None)
    return known


def _insert(connection: Connection, driver: Any, flat: list[Any]) -> int:
    """How many rows were new."""
    if connection.dialect.name != "sqlite":
        return int(driver.execute(_UNNEST, (flat[0::4], flat[1::4], flat[2::4], flat[3::4])).rowcount)
    added, at = 0, 0
    for size in _SIZES:
        while len(flat) - at >= size * 4:
            added += driver.execute(_INSERTS[size], flat[at : at + size * 4]).rowcount
            at += size * 4
    return added


def _series(connection: Connection, run_seq: int, key: str) -> Any:
    query = select(series).where(series.c.run_seq == run_seq, series.c.key == key)
    return connection.execute(query).mappings().first()


def keys(connection: Connection, run_seq: int) -> list[tuple[str, int]]:
    """(key, number of points) of each series of the run."""
    query = select(series.c.key, series.c.count).where(series.c.run_seq == run_seq).order_by(series.c.key)
    return [(row[0], row[1]) for row in connection.execute(query)]


def history(
    connection: Connection, run_seq: int, key: str, *, after: tuple[int, int, int] | None = None, limit: int = -1
) -> list[tuple[int, int, int]]:
    """Points (step, timestamp_ms, bits) of the series in order, those beyond ``after``, at most ``limit`` (-1: all)."""
    found = _series(connection, run_seq, key)
    if found is None:
        return []
    sql = _sql(connection)
    begin = after or (-(2**63), -(2**63), -(2**63))
    rows = driver_of(connection).execute(sql.page, (found["id"], *begin, limit if limit >= 0 else 2**62))
    return rows.fetchall()  # type: ignore[no-any-return]  # the driver knows no types


def sampled(
    connection: Connection, run_seq: int, key: str, most: int, between: tuple[int, int] | None = None
) -> tuple[int, list[Metric]]:
    """(number of points, at most ``most`` of them spread evenly, first and last included).

    Evenly along the steps, by one look into the index for each, so that a million points cost as little as ten
    thousand; by rank where steps lie so unevenly that few would be found.
    """
    found = _series(connection, run_seq, key)
    if found is None:
        return 0, []
    mine = points.c.series_id == found["id"]
    if between is not None:
        mine = mine & points.c.step.between(*between)
        count = int(connection.execute(select(func.count()).select_from(points).where(mine)).scalar_one())
    else:
        count = found["count"]
    shown = (points.c.step, points.c.timestamp_ms, points.c.bits)
    query = select(*shown).where(mine).order_by(*shown)
    if count <= most:
        rows = [tuple(row) for row in connection.execute(query)]
    else:
        backwards = [column.desc() for column in shown]
        ends = [
            tuple(connection.execute(query.order_by(None).order_by(*by).limit(1)).one()) for by in (shown, backwards)
        ]
        rows = _along_steps(connection, found["id"], ends[0], ends[1], most)
        if len(rows) < most // 4:
            rows = _by_rank(connection, mine, count, most)
    return count, [Metric(key=key, value=float_of(row[2]), timestamp_ms=row[1], step=row[0]) for row in rows]


def _along_steps(connection: Connection, series_id: int, first: Any, last: Any, most: int) -> list[Any]:
    driver, sql = driver_of(connection), _sql(connection)
    rows, span = {first: None, last: None}, last[0] - first[0]
    for i in range(1, most - 1):
        target = first[0] + span * i // (most - 1)
        row = driver.execute(sql.page, (series_id, target, -(2**63), -(2**63), 1)).fetchone()
        if row is not None and row[0] <= last[0]:
            rows[tuple(row)] = None
    return sorted(rows)


def _by_rank(connection: Connection, mine: Any, count: int, most: int) -> list[Any]:
    shown = (points.c.step, points.c.timestamp_ms, points.c.bits)
    ranked = select(*shown, func.row_number().over(order_by=shown).label("rank")).where(mine).subquery()
    stride = -(-(count - 1) // max(most - 1, 1))
    query = (
        select(ranked.c.step, ranked.c.timestamp_ms, ranked.c.bits)
        .where(((ranked.c.rank - 1) % stride == 0) | (ranked.c.rank == count))
        .order_by(ranked.c.rank)
    )
    return list(connection.execute(query))
