"""Evidence packs and the keys they are signed with."""

from __future__ import annotations

import builtins
import hashlib
from pathlib import Path

from fairloop.client.http import Http
from fairloop.core.packs import EvidencePack, SigningKey
from fairloop.core.records import Page, from_wire
from fairloop.errors import IntegrityError


class Evidence:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def make(self, version_id: str, *, because: str = "") -> EvidencePack:
        """A pack of what is known about a model version now."""
        found = self._http.json("POST", f"{self._path}/model-versions/{version_id}/evidence", json={"because": because})
        return from_wire(EvidencePack, found)

    def list(
        self, *, model_version_id: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[EvidencePack]:
        """Newest first."""
        params = {"model_version_id": model_version_id, "limit": limit, "cursor": cursor}
        page = self._http.json("GET", f"{self._path}/evidence", params=params)
        return Page(items=[from_wire(EvidencePack, item) for item in page["items"]], next=page["next"])

    def get(self, pack_id: str) -> EvidencePack:
        return from_wire(EvidencePack, self._http.json("GET", f"{self._path}/evidence/{pack_id}"))

    def save(self, pack: EvidencePack, file: Path) -> Path:
        """The archive as ``file``; IntegrityError when what arrived is not what the server kept."""
        data = b"".join(self._http.stream(f"{self._path}/evidence/{pack.id}/file"))
        if hashlib.sha256(data).hexdigest() != pack.sha256:
            raise IntegrityError("The evidence pack arrived damaged; try again.")
        file.write_bytes(data)
        return file

    def keys(self) -> builtins.list[SigningKey]:
        """The key in use, then the retired ones."""
        return [from_wire(SigningKey, item) for item in self._http.json("GET", "/api/v1/signing-keys")["items"]]

    def rotate_key(self) -> SigningKey:
        return from_wire(SigningKey, self._http.json("POST", "/api/v1/signing-keys"))
