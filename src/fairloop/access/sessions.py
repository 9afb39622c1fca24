"""Logins by password: random server-side sessions, ended by logout, time, or a changed password."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from fairloop.access.keys import hash_of
from fairloop.core.clock import Clock
from fairloop.core.people import Session
from fairloop.errors import TooManyRequests
from fairloop.storage import people as rows
from fairloop.storage.engine import Connection, Database

IDLE_MS = 12 * 3_600_000
LIFE_MS = 7 * 24 * 3_600_000
_NOTE_USE_MS = 60_000


class Sessions:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.changed: Callable[[], None] = lambda: None
        """Called after a session ended; the server clears its cache of identities here."""

    def start(self, person_id: str) -> str:
        """A fresh session; returns the cookie's value, which is stored only as its hash."""
        secret, now = secrets.token_urlsafe(32), self._clock.now_ms()
        session = Session(
            hash=hash_of(secret), person_id=person_id, created_ms=now, seen_ms=now, expires_ms=now + LIFE_MS
        )

        def work(connection: Connection) -> None:
            rows.end_sessions(connection, expired_ms=now)
            rows.add_session(connection, session)

        self._database.write(work)
        return secret

    def check(self, secret: str) -> Session | None:
        session = self._database.read(lambda c: rows.session(c, hash_of(secret)))
        now = self._clock.now_ms()
        if session is None or session.expires_ms <= now or session.seen_ms + IDLE_MS <= now:
            return None
        if now - session.seen_ms > _NOTE_USE_MS:
            self._database.submit(lambda c: rows.seen(c, session.hash, now))
        return session

    def end(self, secret: str) -> None:
        self._database.write(lambda c: rows.end_sessions(c, hash_=hash_of(secret)))
        self.changed()


class Backoff:
    """Slows guessing: after ``free`` failures under one key, waits double from one second to a quarter of an hour."""

    def __init__(self, clock: Clock, *, free: int = 5, longest_s: float = 900.0, most_keys: int = 10_000) -> None:
        self._clock = clock
        self._free = free
        self._longest_s = longest_s
        self._most_keys = most_keys
        self._failures: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def check(self, *keys: str) -> None:
        """TooManyRequests while any of ``keys`` has to wait."""
        now = self._clock.monotonic_s()
        with self._lock:
            wait = max((self._failures[k][1] - now for k in keys if k in self._failures), default=0.0)
        if wait > 0:
            raise TooManyRequests(f"Too many failed logins; try again in {max(1, round(wait))} s.")

    def failed(self, *keys: str) -> None:
        now = self._clock.monotonic_s()
        with self._lock:
            for key in keys:
                count = self._failures.pop(key, (0, 0.0))[0] + 1
                over = count - self._free
                until = now + min(self._longest_s, 2.0 ** min(over, 20)) if over >= 0 else 0.0
                self._failures[key] = (count, until)
            while len(self._failures) > self._most_keys:  # oldest first: a dict keeps the order of insertion
                del self._failures[next(iter(self._failures))]

    def succeeded(self, *keys: str) -> None:
        with self._lock:
            for key in keys:
                self._failures.pop(key, None)
