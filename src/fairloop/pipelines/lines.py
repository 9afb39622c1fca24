"""What a step writes, cut into lines; safe between the thread that reads and the one that sends."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

_LONGEST = 16_384
_MOST_BYTES = 16 * 2**20
_READ = 65_536


class Lines:
    """Lines as ``[at_ms, stream, text]``, kept until they are taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = {"out": b"", "err": b""}
        self._lines: list[Any] = []
        self._seen = 0

    def read(self, fd: int, stream: str) -> bool:
        """Everything a pipe holds now; False once it is closed."""
        while True:
            try:
                data = os.read(fd, _READ)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._add(stream, data)
            if len(data) < _READ:
                return True

    def _add(self, stream: str, data: bytes) -> None:
        *whole, rest = (self._open[stream] + data).split(b"\n")
        while len(rest) > _LONGEST:
            whole.append(rest[:_LONGEST])
            rest = rest[_LONGEST:]
        self._open[stream] = rest
        now = time.time_ns() // 1_000_000
        with self._lock:
            for line in whole:
                self._keep(now, stream, line)

    def _keep(self, now: int, stream: str, line: bytes) -> None:
        if self._seen > _MOST_BYTES:
            return
        self._seen += len(line) + 1
        self._lines.append([now, stream, line[:_LONGEST].decode("utf-8", "replace").rstrip("\r")])
        if self._seen > _MOST_BYTES:
            self._lines.append([now, "system", "The step wrote more than 16 MiB; the rest is not kept."])

    def close(self) -> None:
        """Count what stands unfinished as lines."""
        now = time.time_ns() // 1_000_000
        with self._lock:
            for stream, rest in self._open.items():
                if rest:
                    self._keep(now, stream, rest)
                    self._open[stream] = b""

    def waiting(self) -> bool:
        return bool(self._lines)

    def take(self) -> list[Any]:
        with self._lock:
            taken, self._lines = self._lines, []
        return taken

    def give_back(self, taken: list[Any]) -> None:
        """Lines that could not be sent, before those that came since."""
        with self._lock:
            self._lines = taken + self._lines
