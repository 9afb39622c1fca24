"""A seeded server in this process, and one Chromium for the session."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

import fairloop.server.app as application
from fairloop.server.services import build_services
from fairloop.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))
from seed import seed  # pytest imports this folder by file, not as a package

CHROMIUM = "/usr/bin/chromium"
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


class Site:
    """The address of the server, and a page that remembers what went wrong on it."""

    def __init__(self, url: str, context: Any) -> None:
        self.url = url
        self.context = context
        self.wrong: list[str] = []

    def open(self, path: str, *, status: int = 200) -> Any:
        page = self.context.new_page()
        page.on("console", lambda m: self._note(m, status))
        page.on("pageerror", lambda e: self.wrong.append(f"page error: {e}"))
        answer = page.goto(self.url + path, wait_until="domcontentloaded")
        assert answer.status == status, f"{path}: {answer.status}"
        return page

    def _note(self, message: Any, status: int) -> None:
        expected = status >= 400 and "Failed to load resource" in message.text
        if message.type in {"error", "warning"} and not expected:
            self.wrong.append(f"{message.type}: {message.text}")


def serve(settings: Settings, monkeypatch: pytest.MonkeyPatch, *, seeded: bool) -> Iterator[str]:
    """Nothing moves on by itself here: the background workers stay out, so that every state stands still."""
    monkeypatch.setattr(application, "workers_of", lambda services: [])
    services = build_services(settings)
    if seeded:
        seed(services)
    app = application.create_app(services)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=settings.port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
        assert thread.is_alive(), "the server did not start"
    yield f"http://127.0.0.1:{settings.port}"
    server.should_exit = True
    thread.join(15)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        missing = f"{CHROMIUM} is not installed; apt-get install chromium"
        if os.environ.get("FAIRLOOP_REQUIRE_SERVICES"):
            pytest.fail(missing)
        pytest.skip(missing)
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def seeded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        yield from serve(Settings(data=tmp_path_factory.mktemp("seeded"), port=free_port()), patch, seeded=True)


@pytest.fixture
def site(chromium: Any, seeded_url: str) -> Iterator[Site]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    found = Site(seeded_url, context)
    yield found
    context.close()
    assert not found.wrong, found.wrong
