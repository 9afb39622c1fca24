"""Points of many runs in one unit of work: what many writers log at the same moment costs a handful of statements.

Each statement gives up the interpreter's lock and waits to get it back, so that beside a busy event loop their number
is what counts: 5 for a group, where one unit for each writer takes 7.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from fairloop.core.codec import float_of
from fairloop.storage.metrics import Owner, Points, driver_of, is_later

_TOUCH_MS = 1000
Latest = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """What one request logs."""

    project_id: str
    run_id: str
    series: Sequence[Points]


@dataclass(slots=True)
class _Series:
    number: int
    latest: Latest | None


class _Statements:
    """SQL with a number of marks that varies; SQLite takes padded numbers, so that few statements are prepared."""

    def __init__(self, connection: Connection) -> None:
        self.driver = driver_of(connection)
        self._sqlite = connection.dialect.name == "sqlite"
        self._mark = "?" if self._sqlite else "%s"

    def run(self, sql: str, rows: Sequence[Sequence[Any]], first: Sequence[Any] = (), *, pad: Any = None) -> Any:
        """Execute with ``rows`` in place of ``@``; ``pad`` is a row that may be repeated without an effect."""
        if pad is not None and self._sqlite:
            rows = [*rows, *[pad] * ((1 << (len(rows) - 1).bit_length()) - len(rows))]
        group = ",".join([self._mark] * len(rows[0]))
        text = sql.replace("?", self._mark).replace("@", ",".join([f"({group})"] * len(rows)))
        return self.driver.execute(text, [*first, *(value for row in rows for value in row)])


_RUNS = "SELECT id, project_id, seq, status, active, touched_ms FROM runs WHERE id IN (VALUES @)"
_FIND = (
    "SELECT s.run_seq, s.key, s.id, s.step, s.timestamp_ms, s.bits FROM (VALUES @) AS w"
    " JOIN series s ON s.run_seq = w.column1 AND s.key = w.column2"
)
_START = "INSERT INTO series (run_seq, key, count) VALUES @ RETURNING run_seq, key, id"
_POINTS = "INSERT INTO points (series_id, step, timestamp_ms, bits) VALUES @ ON CONFLICT DO NOTHING RETURNING series_id"
_LATEST = (
    "INSERT INTO series (id, run_seq, key, count, step, timestamp_ms, bits, value) VALUES @ ON CONFLICT (id)"
    " DO UPDATE SET count = series.count + excluded.count, step = excluded.step,"
    " timestamp_ms = excluded.timestamp_ms, bits = excluded.bits, value = excluded.value"
)
_TOUCH = "UPDATE runs SET touched_ms = ? WHERE seq IN (VALUES @)"


def owners(connection: Connection, entries: Sequence[Entry]) -> dict[tuple[str, str], Owner]:
    """The runs of ``entries`` by (project, id); one of another project is missing."""
    ids = list(dict.fromkeys((entry.run_id,) for entry in entries))
    rows = _Statements(connection).run(_RUNS, ids, pad=ids[-1]).fetchall()
    return {(row[1], row[0]): Owner(row[2], row[3], bool(row[4]), row[5]) for row in rows}


def append(connection: Connection, entries: Sequence[tuple[Owner, Sequence[Points]]], now_ms: int) -> None:
    """Add the points of all entries; repeated ones change nothing. Keeps latest points, counts and signs of life."""
    sql = _Statements(connection)
    known = _series(sql, list(dict.fromkeys((run.seq, part.key) for run, some in entries for part in some)))
    rows: list[tuple[int, int, int, int]] = []
    for run, some in entries:
        for part in some:
            found = known[run.seq, part.key]
            if found.latest is None or is_later(part.latest, found.latest):
                found.latest = part.latest
            numbers = [found.number] * len(part.bits)
            rows += zip(numbers, part.steps, part.timestamps_ms, part.bits, strict=True)
    new = Counter(row[0] for row in sql.run(_POINTS, rows, pad=rows[-1]).fetchall())
    updates = [
        (found.number, seq, key, new[found.number], *found.latest, _shown(found.latest[2]))
        for (seq, key), found in known.items()
        if found.latest is not None
    ]
    last = updates[-1]
    sql.run(_LATEST, updates, pad=(*last[:3], 0, *last[4:]))
    quiet = list(dict.fromkeys((run.seq,) for run, _ in entries if abs(now_ms - run.touched_ms) >= _TOUCH_MS))
    if quiet:
        sql.run(_TOUCH, quiet, (now_ms,), pad=quiet[-1])


def _shown(bits: int) -> float | None:
    value = float_of(bits)
    return value if value == value else None


def _series(sql: _Statements, wanted: list[tuple[int, str]]) -> dict[tuple[int, str], _Series]:
    """Every wanted series with its latest point; missing ones are started."""
    known = {
        (row[0], row[1]): _Series(row[2], None if row[5] is None else (row[3], row[4], row[5]))
        for row in sql.run(_FIND, wanted, pad=wanted[-1]).fetchall()
    }
    if missing := [(*pair, 0) for pair in wanted if pair not in known]:
        for seq, key, number in sql.run(_START, missing).fetchall():
            known[seq, key] = _Series(number, None)
    return known
