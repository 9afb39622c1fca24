"""Kept answers on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from fairloop.core.clock import Clock
from fairloop.server.idempotency import Idempotency
from fairloop.storage import idempotency as rows
from fairloop.storage.engine import Database

DAY_MS = 24 * 3_600_000


def test_one_of_many_claims_a_key(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: database.write(lambda c: rows.claim(c, "k", "body", 10, 0)), range(16)))
    assert sum(f is None for f in found) == 1
    assert {f.status for f in found if f is not None} == {None}


def test_an_answer_is_kept_and_grows_old(database: Database) -> None:
    database.write(lambda c: rows.claim(c, "k", "body", 10, 0))
    database.write(lambda c: rows.keep(c, "k", 201, "{}"))
    kept = database.write(lambda c: rows.claim(c, "k", "other", 11, 0))
    assert kept == rows.Kept(request_hash="body", status=201, body="{}")
    database.write(lambda c: rows.free(c, "k"))  # only a request under way can be freed
    assert database.read(lambda c: rows.find(c, "k")) == kept
    assert database.write(lambda c: rows.claim(c, "k", "other", 50, 11)) is None


def test_a_freed_key_is_free(database: Database) -> None:
    database.write(lambda c: rows.claim(c, "k", "body", 10, 0))
    database.write(lambda c: rows.free(c, "k"))
    assert database.read(lambda c: rows.find(c, "k")) is None


def test_a_start_frees_what_a_killed_server_left_and_ticks_remove_the_old(database: Database) -> None:
    clock = Clock()
    now = clock.now_ms()
    for key, at in (("left", now), ("old", now - DAY_MS - 1000), ("fresh", now)):
        database.write(lambda c, key=key, at=at: rows.claim(c, key, "body", at, 0))
        if key != "left":
            database.write(lambda c, key=key: rows.keep(c, key, 200, "{}"))
    idempotency = Idempotency(database, clock)
    assert database.read(lambda c: rows.find(c, "left")) is None
    assert database.read(lambda c: rows.find(c, "old")) is not None
    idempotency.tick()
    assert database.read(lambda c: rows.find(c, "old")) is None
    assert database.read(lambda c: rows.find(c, "fresh")) is not None
