"""What is special about SQLite: one server per file, group commit, a full disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from fairloop.errors import Conflict, StorageFull
from fairloop.storage.engine import Connection, SQLite, open_database
from fairloop.storage.migrate import migrate
from fairloop.storage.tables import server_keys


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SQLite]:
    opened = SQLite(tmp_path / "fairloop.db")
    migrate(opened)
    yield opened
    opened.close()


def put(name: str, value: str = "v") -> object:
    return lambda c: c.execute(insert(server_keys).values(name=name, value=value)) and None


def count(database: SQLite) -> int:
    return database.read(lambda c: int(c.execute(select(func.count()).select_from(server_keys)).scalar_one()))


def test_a_second_server_on_the_same_file_is_refused(sqlite: SQLite, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=r"Another Fairloop server uses .*fairloop.db; stop it"):
        open_database(f"sqlite:///{tmp_path / 'fairloop.db'}")
    sqlite.write(put("the first goes on"))


def test_the_file_can_be_opened_again_after_closing(sqlite: SQLite, tmp_path: Path) -> None:
    sqlite.write(put("kept"))
    sqlite.close()
    again = SQLite(tmp_path / "fairloop.db")
    assert count(again) == 1
    again.close()


def test_it_is_durable_and_in_wal_mode(sqlite: SQLite) -> None:
    def pragmas(connection: Connection) -> tuple[object, object, object]:
        return tuple(
            connection.execute(text(f"PRAGMA {p}")).scalar() for p in ("journal_mode", "synchronous", "foreign_keys")
        )  # type: ignore[return-value]

    assert sqlite.write(pragmas) == ("wal", 2, 1)


def test_writes_waiting_together_share_commits(sqlite: SQLite) -> None:
    commits: list[str] = []
    sqlite.write(lambda c: c.connection.dbapi_connection.set_trace_callback(  # type: ignore[union-attr]
        lambda statement: commits.append(statement) if statement == "COMMIT" else None))  # fmt: skip
    gate: Future[None] = Future()
    first = sqlite.submit(lambda c: gate.result())
    rest = [sqlite.submit(put(f"n{i}")) for i in range(200)]
    gate.set_result(None)
    for future in [first, *rest]:
        future.result(30)
    assert count(sqlite) == 200
    assert len(commits) <= 3


def test_write_inside_write_is_a_bug_that_shows(sqlite: SQLite) -> None:
    with pytest.raises(RuntimeError, match="inside write"):
        sqlite.write(lambda c: sqlite.write(put("inner")))


def test_a_full_disk_is_one_clear_error_and_passes(sqlite: SQLite) -> None:
    """PRAGMA max_page_count makes SQLite answer as it does on a full disk; lifting it is freeing space."""
    sqlite.write(put("before"))

    def limit(connection: Connection, more: int) -> None:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        connection.execute(text(f"PRAGMA max_page_count = {pages + more}"))

    sqlite.write(lambda c: limit(c, 2))
    big = "x" * 100_000
    for i in range(3):
        with pytest.raises(StorageFull, match="disk is full: nothing was saved"):
            sqlite.write(put(f"big{i}", big))
    assert count(sqlite) == 1
    sqlite.write(lambda c: limit(c, 100_000))
    sqlite.write(put("after", big))
    assert count(sqlite) == 2


def test_units_that_share_a_commit_with_a_full_disk_all_fail_or_all_stay(sqlite: SQLite) -> None:
    def limit(connection: Connection, more: int) -> None:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        connection.execute(text(f"PRAGMA max_page_count = {pages + more}"))

    sqlite.write(lambda c: limit(c, 3))
    gate: Future[None] = Future()
    first = sqlite.submit(lambda c: gate.result())
    futures = [sqlite.submit(put(f"n{i:02}", "y" * (50_000 if i == 20 else 10))) for i in range(40)]
    gate.set_result(None)
    first.exception(30)
    outcomes = {f"n{i:02}": f.exception(30) for i, f in enumerate(futures)}
    sqlite.write(lambda c: limit(c, 100_000))
    kept = sqlite.read(lambda c: set(c.execute(select(server_keys.c.name)).scalars()))
    assert kept == {name for name, error in outcomes.items() if error is None}
    assert isinstance(outcomes["n20"], StorageFull)
    assert all(error is None or isinstance(error, StorageFull) for error in outcomes.values())
    sqlite.write(put("goes on"))


def test_many_writers_and_readers_at_once(sqlite: SQLite) -> None:
    with ThreadPoolExecutor(16) as pool:
        writes = [pool.submit(sqlite.write, put(f"n{i}")) for i in range(300)]
        reads = [pool.submit(count, sqlite) for _ in range(100)]
    assert [w.exception() for w in writes] == [None] * 300
    assert all(0 <= r.result() <= 300 for r in reads)


def test_the_file_is_whole_by_sqlites_own_word(sqlite: SQLite, tmp_path: Path) -> None:
    for i in range(50):
        sqlite.write(put(f"n{i}", "z" * 1000))
    sqlite.close()
    with sqlite3.connect(tmp_path / "fairloop.db") as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    plain.close()
