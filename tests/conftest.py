"""Shared fixtures: both databases, and a real server process on a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fairloop.client.client import Client
from fairloop.storage.engine import Database, open_database
from fairloop.storage.migrate import migrate


@dataclass
class RunningServer:
    url: str
    data: Path
    process: subprocess.Popen[bytes]
    clients: list[Client] = field(default_factory=list)

    def client(self, **options: Any) -> Client:
        """A client of this server, closed with it."""
        self.clients.append(Client(self.url, **options))
        return self.clients[-1]


@contextmanager
def running(data: Path, **settings: str) -> Iterator[RunningServer]:
    """A started server on ``data``; ``settings`` are those of settings.py, in lower case."""
    environment = os.environ | {f"FAIRLOOP_{k.upper()}": v for k, v in settings.items()}
    environment |= {"FAIRLOOP_DATA": str(data), "FAIRLOOP_PORT": settings.get("port", "0")}
    process = subprocess.Popen([sys.executable, "-m", "fairloop.server"], env=environment, start_new_session=True,
                               stdout=subprocess.DEVNULL)  # fmt: skip
    record = data / "server.json"
    try:
        for _ in range(600):
            if record.exists() and json.loads(record.read_text())["pid"] == process.pid:
                break
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode}")
            time.sleep(0.05)
        found = RunningServer(json.loads(record.read_text())["url"], data, process)
        yield found
        for client in found.clients:
            client.close()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A local-mode server on an empty folder, shared by the tests of a module."""
    with running(tmp_path_factory.mktemp("data")) as found:
        yield found


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL started from the pgserver wheel, or the one FAIRLOOP_TEST_POSTGRES names."""
    if url := os.environ.get("FAIRLOOP_TEST_POSTGRES"):
        yield url
        return
    pgserver = pytest.importorskip("pgserver")
    with tempfile.TemporaryDirectory(prefix="flpg") as folder:
        started = pgserver.get_server(folder)
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # nothing here outlives the tests
            started.psql(f"ALTER SYSTEM SET {setting} = off;")
        started.psql("SELECT pg_reload_conf();")
        yield started.get_uri()
        started.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'fairloop.db'}"
    else:
        base = request.getfixturevalue("postgres_url")
        url = _fresh_postgres(base)
    opened = open_database(url)
    migrate(opened)
    yield opened
    opened.close()


def _fresh_postgres(base: str) -> str:
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    head, _, query = base.partition("?")
    return head.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")
