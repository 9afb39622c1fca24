"""Bytes by hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fairloop.client.http import Http
from fairloop.errors import IntegrityError


class Blobs:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def put(self, data: bytes) -> str:
        """Store ``data``; returns its sha256."""
        sha256 = hashlib.sha256(data).hexdigest()
        self._http.json("PUT", f"{self._path}/blobs/{sha256}", content=data,
                        headers={"Content-Type": "application/octet-stream"})  # fmt: skip
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes; IntegrityError when what arrived is not what was asked for."""
        data = b"".join(self._http.stream(f"{self._path}/blobs/{sha256}"))
        if hashlib.sha256(data).hexdigest() != sha256:
            raise IntegrityError(f"The file {sha256[:12]} arrived damaged; try again.")
        return data

    def save(self, sha256: str, file: Path) -> None:
        file.write_bytes(self.get(sha256))
