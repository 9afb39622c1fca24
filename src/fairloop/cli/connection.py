"""Which server, project and person a command speaks to."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

    from fairloop.client.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What the command line and the environment say; empty means: find out."""

    url: str = ""
    project: str = ""
    person: str = ""


def data_folder() -> Path:
    return Path(os.environ.get("FAIRLOOP_DATA") or ".fairloop")


def login_file() -> Path:
    """Where ``fairloop login`` keeps tokens, readable by their owner only."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "fairloop" / "login.json"


def logins() -> dict[str, Any]:
    """``{"current": url, "servers": {url: {"token", "name", "project"}}}``."""
    try:
        found = json.loads(login_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {"current": "", "servers": {}}
    return found if isinstance(found, dict) and "servers" in found else {"current": "", "servers": {}}


def connect(context: typer.Context) -> Client:
    """A client of the server that is named, else of the one that runs in this folder, else of the one logged in to;
    without any, one is started in this folder."""
    from fairloop.client.client import Client

    asked: Connection = context.find_root().obj
    url, known = asked.url.rstrip("/"), logins()
    if not url:
        url = _found(known["current"])
    saved = known["servers"].get(url, {})
    client = Client(url, project=asked.project or saved.get("project") or "default", person=asked.person or None,
                    token=os.environ.get("FAIRLOOP_TOKEN") or saved.get("token"))  # fmt: skip
    context.call_on_close(client.close)
    return client


def _found(current: str) -> str:
    from fairloop.client.discover import find, find_or_start

    running = find(data_folder().resolve())
    if running is not None:
        return running.url
    return current or find_or_start(data_folder()).url
