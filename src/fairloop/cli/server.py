"""``fairloop up``."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fairloop.cli.output import notice

if TYPE_CHECKING:
    from fairloop.settings import Settings


def up(
    port: Annotated[int | None, typer.Option(help="Where to listen; 0 takes any free port. Default: 8700.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder for everything. Default: .fairloop")] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; other than loopback only with --auth.")
    ] = None,
    auth: Annotated[bool, typer.Option("--auth", help="Secured mode: passwords or tokens for everything.")] = False,
    idle_exit: Annotated[float | None, typer.Option(help="End after so many seconds without work; 0 never.")] = None,
) -> None:
    """Start the server, and the pages, here."""
    from fairloop.server.main import serve
    from fairloop.settings import load_settings

    settings = load_settings(port=port, data=data, host=host, auth=auth or None, idle_exit_s=idle_exit)
    threading.Thread(target=_announce, args=(settings,), daemon=True).start()
    serve(settings)


def _announce(settings: Settings) -> None:
    """Say where the server is once it listens: only then is it true, and only then is a free port known."""
    record = settings.data / "server.json"
    while True:
        try:
            told = json.loads(record.read_text("utf-8"))
        except (OSError, ValueError):
            told = {}
        if told.get("pid") == os.getpid():
            mode = "secured" if settings.auth else "local mode, nothing to log in to"
            notice(f"Fairloop is up at {told['url']} ({mode}), data in {settings.data.resolve()}. Ctrl-C ends it.")
            return
        time.sleep(0.05)
