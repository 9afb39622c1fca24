"""A connection that outlives its server: it tries again, also where the next server says it is."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from fairloop import errors
from fairloop.client.http import Http
from fairloop.core import codec

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 0.5
_SAFE_TO_REPEAT = ("/claim", "/heartbeat", "/result", "/log", "/windows", "/seal")
"""What these are sent is known by a token or an order of its own; they are also too frequent to be kept."""


class PatientHttp(Http):
    """Requests are repeated until they are answered, for ``patience_s`` at most.

    For step processes only: what they send is idempotent, guarded by their step's token, or carries an
    ``Idempotency-Key`` so that a repeated create makes one thing. ``server_file`` is where a server on this machine
    notes its address.
    """

    def __init__(self, url: str, *, token: str, server_file: Path, patience_s: float, timeout_s: float = 60.0) -> None:
        super().__init__(url, token=token, timeout_s=timeout_s)
        self._server_file = server_file
        self.patience_s = patience_s

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        began, pause = time.monotonic(), _FIRST_PAUSE_S
        if method == "POST" and not path.endswith(_SAFE_TO_REPEAT):
            options["headers"] = {"Idempotency-Key": uuid.uuid4().hex, **(options.get("headers") or {})}
        while True:
            try:
                return super().request(method, path, **options)
            except errors.StorageFull:
                raise
            except (errors.Unavailable, errors.UnderWay):
                if time.monotonic() - began + pause > self.patience_s:
                    raise
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
            self.look_for_server()

    def stream(self, path: str, *, params: dict[str, Any] | None = None) -> Iterator[bytes]:
        """The answer's bytes; repeated only while nothing of it was given out."""
        began, pause = time.monotonic(), _FIRST_PAUSE_S
        while True:
            given = False
            try:
                for chunk in super().stream(path, params=params):
                    given = True
                    yield chunk
                return
            except errors.Unavailable:
                if given or time.monotonic() - began + pause > self.patience_s:
                    raise
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
            self.look_for_server()

    def look_for_server(self) -> None:
        """Take the address a server noted, if it is another one on this machine."""
        try:
            told = codec.loads(self._server_file.read_text("utf-8"))
            port = int(told["port"])
        except (OSError, errors.InvalidInput, KeyError, TypeError, ValueError):
            return
        host = httpx.URL(self.url).host
        url = str(httpx.URL(self.url).copy_with(port=port, host=host)).rstrip("/")
        if url != self.url:
            self.url = url
            self._client.base_url = httpx.URL(url)
