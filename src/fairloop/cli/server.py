"""``fairloop up``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def up(
    port: Annotated[int | None, typer.Option(help="Where to listen; 0 takes any free port. Default: 8700.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder for everything. Default: .fairloop")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; other than loopback only with --auth.")] = None,
    auth: Annotated[bool, typer.Option("--auth", help="Secured mode: passwords or tokens for everything.")] = False,
    idle_exit: Annotated[float | None, typer.Option(help="End after so many seconds without work; 0 never.")] = None,
) -> None:
    """Start the server, and the pages, here."""
    from fairloop.server.main import serve
    from fairloop.settings import load_settings

    settings = load_settings(port=port, data=data, host=host, auth=auth or None, idle_exit_s=idle_exit)
    where = f"http://{settings.host}:{settings.port}" if settings.port else "a free port (see server.json)"
    mode = "secured" if settings.auth else "local mode, nothing to log in to"
    print(f"Fairloop at {where} ({mode}), data in {settings.data.resolve()}. Ctrl-C ends it.", file=sys.stderr, flush=True)
    serve(settings)
