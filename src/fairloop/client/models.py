"""Registered models, their versions and files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fairloop.client.blobs import Blobs
from fairloop.client.http import Http
from fairloop.core.models import Model, ModelVersion
from fairloop.core.names import check_artifact_path
from fairloop.core.records import from_wire
from fairloop.errors import IntegrityError


class Models:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path
        self._blobs = Blobs(http, path)

    def _of(self, name: str, rest: str = "") -> str:
        return f"{self._path}/models/{quote(name, safe='')}{rest}"

    def list(self) -> list[Model]:
        """The project's models by name."""
        return [from_wire(Model, item) for item in self._http.json("GET", f"{self._path}/models")["items"]]

    def get(self, name: str) -> Model:
        return from_wire(Model, self._http.json("GET", self._of(name)))

    def versions(self, name: str) -> list[ModelVersion]:  # type: ignore[valid-type]  # ``list`` is also a method here
        """The newest first."""
        found = self._http.json("GET", self._of(name, "/versions"))
        return [from_wire(ModelVersion, item) for item in found["items"]]

    def version(self, name: str, version: int | str) -> ModelVersion:
        """By number, or by alias."""
        rest = f"/versions/{version}" if isinstance(version, int) else f"/aliases/{quote(version, safe='')}"
        return from_wire(ModelVersion, self._http.json("GET", self._of(name, rest)))

    def version_by_id(self, version_id: str) -> ModelVersion:
        return from_wire(
            ModelVersion, self._http.json("GET", f"{self._path}/model-versions/{quote(version_id, safe='')}")
        )

    def create_version(
        self,
        name: str,
        files: Mapping[str, bytes],
        *,
        run_id: str | None = None,
        description: str = "",
        signature: dict[str, Any] | None = None,
    ) -> ModelVersion:
        """Store ``files`` (path to bytes) and register them as the next version; the model is made when it is new."""
        body = {
            "files": {path: self._blobs.put(data) for path, data in files.items()},
            "run_id": run_id,
            "description": description,
            "signature": signature or {},
        }
        return from_wire(ModelVersion, self._http.json("POST", self._of(name, "/versions"), json=body))

    def set_alias(self, name: str, alias: str, version: int) -> Model:
        rest = f"/aliases/{quote(alias, safe='')}"
        return from_wire(Model, self._http.json("PUT", self._of(name, rest), json={"version": version}))

    def files(self, version_id: str) -> list[dict[str, Any]]:  # type: ignore[valid-type]  # ``list`` is also a method here
        """The version's files: path, sha256, size_bytes."""
        found = self._http.json("GET", f"{self._path}/model-versions/{quote(version_id, safe='')}/files")
        return [dict(item) for item in found["items"]]

    def download(self, version_id: str, folder: Path) -> Path:
        """Save the version's files below ``folder``, each checked against its hash."""
        for file in self.files(version_id):  # type: ignore[attr-defined]  # ``list`` is also a method here
            path = check_artifact_path(file["path"])
            source = f"{self._path}/model-versions/{quote(version_id, safe='')}/files/{quote(path)}"
            data = b"".join(self._http.stream(source))
            if hashlib.sha256(data).hexdigest() != file["sha256"]:
                raise IntegrityError(f"The file {path} arrived damaged; try again.")
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return folder
