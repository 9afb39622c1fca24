"""The database behind everything: one interface, SQLite with a single writer and group commit, or PostgreSQL.

``write`` runs a function of a connection as one atomic unit and returns when it is on disk. The function may run more
than once (PostgreSQL retries a serialisation failure), so it must have no effect outside the connection. ``read`` runs
a function on one consistent snapshot and must not write. Both may be called from any thread, never inside each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import queue
import random
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, TypeVar

from sqlalchemy import Connection as Connection  # services name it without importing SQLAlchemy
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from fairloop.errors import Conflict, FairloopError, InvalidInput, MissingExtra, StorageFull, Unavailable

T = TypeVar("T")
Work = Callable[[Connection], T]
_GROUP = 256  # most units of work in one commit: bounds how long the first waits for the last
_PG_RETRIES = 20


class Database(ABC):
    dialect: str

    @abstractmethod
    def submit(self, work: Work[T]) -> Future[T]:
        """``write`` without waiting: the future resolves once the unit is on disk, or fails with its error."""

    @abstractmethod
    def read(self, work: Work[T]) -> T: ...

    @abstractmethod
    def close(self) -> None: ...

    def write(self, work: Work[T]) -> T:
        return self.submit(work).result()


def sqlite_version() -> tuple[int, ...]:
    """The version of the SQLite library in use."""
    return sqlite3.sqlite_version_info


def open_database(url: str) -> Database:
    """The database at ``url`` (``sqlite:///file`` or ``postgresql://...``), without touching its schema."""
    if url.startswith("sqlite:///"):
        return SQLite(Path(url.removeprefix("sqlite:///")))
    if url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        return PostgreSQL("postgresql+psycopg://" + url.split("://", 1)[1])
    raise InvalidInput(f"The database URL {url.split('://')[0]!r} is not known; use sqlite:///file or postgresql://...")


def _storage_error(cause: BaseException) -> BaseException:
    """Driver errors as ours; anything else unchanged."""
    if isinstance(cause, FairloopError):
        return cause
    text = str(getattr(cause, "orig", cause)).splitlines()[0] if str(cause) else type(cause).__name__
    if "disk is full" in text or "No space left" in text or "disk I/O error" in text:
        return StorageFull("The disk is full: nothing was saved. Free some space; the server goes on by itself.")
    if isinstance(cause, (OperationalError, sqlite3.OperationalError)):
        return Unavailable(f"The database does not answer: {text}.")
    return cause


class SQLite(Database):
    """One writing and checkpointing connection, owned by one thread; readers are separate and cannot write.

    Holding a lock file beside the database makes a second server on the same folder fail clearly (SQLite before
    3.51.3 can corrupt a WAL file that two connections write or checkpoint at once).
    """

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = self._take_lock(path)
        self._path = path
        self._queue: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._writer = create_engine(f"sqlite:///{path}", isolation_level="AUTOCOMMIT", poolclass=NullPool,
                                     connect_args={"check_same_thread": False})  # fmt: skip
        event.listen(self._writer, "connect", self._prepare_writer)
        self._readers = create_engine(f"sqlite:///{path}", isolation_level="AUTOCOMMIT", poolclass=QueuePool,
                                      pool_size=4, max_overflow=28, pool_timeout=30,
                                      connect_args={"check_same_thread": False})  # fmt: skip
        event.listen(self._readers, "connect", self._prepare_reader)
        self._closed = False
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="fairloop-writer", daemon=True)
        self._thread.start()
        self._ready.wait()
        failure: BaseException | None = self._failure  # set by the thread
        if failure is not None:
            self._lock.close()
            raise _storage_error(failure)

    @staticmethod
    def _take_lock(path: Path) -> IO[str]:
        lock = path.with_name(path.name + ".lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            lock.close()
            raise Conflict(
                f"Another Fairloop server uses {path}; stop it, or choose another folder with --data."
            ) from cause
        return lock

    @staticmethod
    def _prepare_writer(connection: Any, _record: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY",
                       "cache_size=-16000", "journal_size_limit=67108864"):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")

    @staticmethod
    def _prepare_reader(connection: Any, _record: object) -> None:
        for pragma in ("query_only=ON", "wal_autocheckpoint=0", "cache_size=-4000", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}")

    def submit(self, work: Work[T]) -> Future[T]:
        if threading.current_thread() is self._thread:
            raise RuntimeError("write() inside write(): use the connection you were given")
        future: Future[T] = Future()
        if self._closed:
            future.set_exception(Unavailable("The server is stopping; try again in a moment."))
        else:
            self._queue.put((work, future))
        return future

    def _run(self) -> None:
        try:
            connection = self._writer.connect()
        except BaseException as cause:  # noqa: BLE001  # handed to the constructor's thread
            self._failure = cause
            self._ready.set()
            return
        self._ready.set()
        driver = connection.connection.dbapi_connection
        assert driver is not None  # noqa: S101  # a fresh connection has a driver
        while (first := self._queue.get()) is not None:
            self._group(connection, driver, first)
        connection.close()

    def _group(self, connection: Connection, driver: Any, first: tuple[Work[Any], Future[Any]]) -> None:
        """One commit: each unit in its own savepoint; all are acknowledged after the commit's fsync."""
        done: list[tuple[Future[Any], Any]] = []
        item: tuple[Work[Any], Future[Any]] | None = first
        stop = False
        try:
            driver.execute("BEGIN IMMEDIATE")
            while item is not None:
                self._one(connection, driver, item, done)
                if len(done) >= _GROUP:
                    break
                try:
                    item = self._queue.get_nowait()
                    stop = item is None
                except queue.Empty:
                    item = None
            driver.execute("COMMIT")
        except BaseException as cause:  # noqa: BLE001  # every waiting caller must hear of it
            with contextlib.suppress(sqlite3.Error):
                driver.execute("ROLLBACK")
            pending = [future for future, _ in done]
            if item is not None and item[1] not in pending:
                pending.append(item[1])
            for future in pending:
                if not future.done():
                    future.set_exception(_storage_error(cause))
        else:
            for future, value in done:
                future.set_result(value)
        if stop:
            self._queue.put(None)

    @staticmethod
    def _one(connection: Connection, driver: Any, item: tuple[Work[Any], Future[Any]],
             done: list[tuple[Future[Any], Any]]) -> None:  # fmt: skip
        work, future = item
        if not future.set_running_or_notify_cancel():
            return
        driver.execute("SAVEPOINT unit")
        try:
            value = work(connection)
        except BaseException as cause:  # belongs to the caller who waits on the future
            if not driver.in_transaction:  # SQLite rolled everything back itself (disk full): all units fail
                raise
            driver.execute("ROLLBACK TO unit")
            driver.execute("RELEASE unit")
            future.set_exception(_storage_error(cause))
        else:
            driver.execute("RELEASE unit")
            done.append((future, value))

    def read(self, work: Work[T]) -> T:
        try:
            with self._readers.connect() as connection:
                driver: Any = connection.connection.dbapi_connection
                driver.execute("BEGIN")
                try:
                    return work(connection)
                finally:
                    if driver.in_transaction:
                        driver.execute("ROLLBACK")
        except DBAPIError as cause:
            raise _storage_error(cause) from cause

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._readers.dispose()
        self._queue.put(None)
        self._thread.join()
        self._writer.dispose()
        self._lock.close()


class PostgreSQL(Database):
    """Serialisable transactions, retried on conflict, so code written for one writer means the same here."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        try:
            self._engine: Engine = create_engine(url, isolation_level="SERIALIZABLE", pool_size=10, max_overflow=20)
        except ModuleNotFoundError as cause:
            raise MissingExtra("PostgreSQL needs a driver: pip install 'fairloop[postgres]'.") from cause
        self._driver: Any = self._engine.dialect.dbapi
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="fairloop-writer")
        self._closed = False

    def _told(self, cause: BaseException) -> BaseException:
        if isinstance(cause, self._driver.OperationalError):
            return Unavailable(f"The database does not answer: {str(cause).splitlines()[0]}.")
        return _storage_error(cause)

    def submit(self, work: Work[T]) -> Future[T]:
        if self._closed:
            raise Unavailable("The server is stopping; try again in a moment.")
        return self._pool.submit(self._write, work)

    def _write(self, work: Work[T]) -> T:
        for attempt in range(_PG_RETRIES):
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except (DBAPIError, self._driver.Error) as cause:  # the second from statements sent past SQLAlchemy
                state = getattr(getattr(cause, "orig", cause), "sqlstate", "") or ""
                if state not in {"40001", "40P01"} or attempt == _PG_RETRIES - 1:
                    raise self._told(cause) from cause
                time.sleep(random.uniform(0.001, 0.004) * (attempt + 1))  # noqa: S311  # so that rivals part
        raise AssertionError("unreachable")

    def write(self, work: Work[T]) -> T:
        if self._closed:
            raise Unavailable("The server is stopping; try again in a moment.")
        return self._write(work)

    def read(self, work: Work[T]) -> T:
        try:
            with self._connect() as connection:
                return work(connection)
        except DBAPIError as cause:
            raise _storage_error(cause) from cause

    @contextlib.contextmanager
    def _connect(self) -> Iterator[Connection]:
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._engine.connect().execution_options(**options) as connection:
            yield connection

    def close(self) -> None:
        self._closed = True
        self._pool.shutdown(wait=True)
        self._engine.dispose()
