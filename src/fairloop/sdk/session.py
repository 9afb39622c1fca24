"""Which server and project the SDK speaks to."""

from __future__ import annotations

import os
from pathlib import Path

from fairloop.client.client import Client

_session: Client | None = None


def connect(url: str | None = None, *, project: str | None = None, token: str | None = None,
            person: str | None = None) -> Client:  # fmt: skip
    """The client that pipelines and loops of this process use from now on.

    Parameters
    ----------
    url : str, optional
        A server's address; by default ``FAIRLOOP_URL``, else the server of the working folder, started if need be.
    project : str, optional
        By default ``FAIRLOOP_PROJECT``, else ``default``.
    token : str, optional
        An API token; by default ``FAIRLOOP_TOKEN``.
    person : str, optional
        Whom to act as (local mode).
    """
    global _session  # one session a process, as people expect of connect()
    url = url or os.environ.get("FAIRLOOP_URL")
    token = token or os.environ.get("FAIRLOOP_TOKEN")
    if url is None:
        from fairloop.client.discover import find_or_start

        found = find_or_start(Path(os.environ.get("FAIRLOOP_DATA") or ".fairloop"))
        url, token = found.url, token or found.token or None
    project = project or os.environ.get("FAIRLOOP_PROJECT") or "default"
    _session = Client(url, project=project, token=token, person=person or os.environ.get("FAIRLOOP_PERSON"))
    return _session


def session() -> Client:
    """The client of :func:`connect`, called with its defaults when nobody did."""
    return _session or connect()
