"""What every database engine promises, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, insert, select, text

from fairloop.errors import Conflict, Unavailable
from fairloop.storage.engine import Connection, Database, open_database
from fairloop.storage.tables import server_keys


def put(name: str, value: str = "v") -> object:
    return lambda c: c.execute(insert(server_keys).values(name=name, value=value)) and None


def names(database: Database) -> list[str]:
    return database.read(lambda c: sorted(c.execute(select(server_keys.c.name)).scalars()))


def test_what_write_returns_is_there(database: Database) -> None:
    database.write(put("a"))
    assert names(database) == ["a"]


def test_a_unit_that_fails_leaves_nothing_and_hurts_nobody(database: Database) -> None:
    def half(connection: Connection) -> None:
        connection.execute(insert(server_keys).values(name="half", value="v"))
        raise Conflict("no")

    with ThreadPoolExecutor(16) as pool:
        good = [pool.submit(database.write, put(f"good{i}")) for i in range(40)]
        bad = [pool.submit(database.write, half) for _ in range(40)]
    assert all(g.exception() is None for g in good)
    assert all(isinstance(b.exception(), Conflict) for b in bad)
    assert names(database) == sorted(f"good{i}" for i in range(40))


def test_an_error_of_the_driver_stays_inside_its_unit(database: Database) -> None:
    database.write(put("twice"))
    with pytest.raises(Exception, match=r"(?i)unique"):
        database.write(put("twice"))
    database.write(put("after"))
    assert names(database) == ["after", "twice"]


def test_bugs_come_out_as_they_are(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        database.write(lambda c: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        database.read(lambda c: 1 / 0)
    database.write(put("still works"))


def test_a_unit_sees_what_it_wrote(database: Database) -> None:
    def work(connection: Connection) -> int:
        connection.execute(insert(server_keys).values(name="x", value="v"))
        return int(connection.execute(select(func.count()).select_from(server_keys)).scalar_one())

    assert database.write(work) == 1


def test_reading_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)read-?only|readonly"):
        database.read(put("sneaked"))
    assert names(database) == []


def test_a_read_sees_one_moment(database: Database) -> None:
    database.write(put("a"))
    between, done = threading.Event(), threading.Event()

    def read(connection: Connection) -> tuple[int, int]:
        count = select(func.count()).select_from(server_keys)
        first = connection.execute(count).scalar_one()
        between.set()
        assert done.wait(20)
        return first, connection.execute(count).scalar_one()

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(database.read, read)
        assert between.wait(20)
        database.write(put("b"))
        done.set()
        assert reading.result() == (1, 1)


def test_read_then_write_units_do_not_lose_updates(database: Database) -> None:
    database.write(put("counter", "0"))

    def add(connection: Connection) -> None:
        value = connection.execute(select(server_keys.c.value)).scalar_one()
        connection.execute(text("UPDATE server_keys SET value = :v"), {"v": str(int(value) + 1)})

    with ThreadPoolExecutor(6) as pool:
        for wait in [pool.submit(database.write, add) for _ in range(30)]:
            wait.result()
    assert database.read(lambda c: c.execute(select(server_keys.c.value)).scalar_one()) == "30"


def test_submitted_units_are_on_disk_when_their_future_resolves(database: Database) -> None:
    futures = [database.submit(put(f"n{i:03}")) for i in range(100)]
    for future in futures:
        future.result(30)
    assert len(names(database)) == 100


def test_a_closed_database_says_so(database: Database) -> None:
    database.close()
    with pytest.raises((Unavailable, RuntimeError)):
        database.write(put("late"))


def test_an_unknown_url_names_the_choices() -> None:
    with pytest.raises(Exception, match=r"'mysql'.*sqlite.*postgresql"):
        open_database("mysql://x")
