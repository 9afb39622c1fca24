"""Connections to an address that was vetted, whatever its name resolves to by now."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from contextlib import suppress

BROKEN = (OSError, http.client.HTTPException, ValueError)
"""What a connection that does not work raises."""


class Pinned(http.client.HTTPConnection):
    """HTTP to ``address``, spoken to as ``host``; connecting ends within ``timeout_s``."""

    def __init__(self, host: str, port: int, address: str, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._address = address
        self._end = time.monotonic() + timeout_s

    def connect(self) -> None:
        left = max(0.1, self._end - time.monotonic())
        self.sock = socket.create_connection((self._address, self.port), timeout=left)


class PinnedTLS(Pinned):
    """The same with TLS: the certificate is checked against the name."""

    def connect(self) -> None:
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def pinned(scheme: str, host: str, port: int, address: str, timeout_s: float) -> Pinned:
    return (PinnedTLS if scheme == "https" else Pinned)(host, port, address, timeout_s)


def cut(connection: http.client.HTTPConnection) -> None:
    """End a connection that takes too long, from another thread."""
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
