"""Dataset versions over REST. Reading a user's file into one is in datasets/publish.py."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fairloop.client.http import Http
from fairloop.core.datasets import DatasetVersion, Roles
from fairloop.core.records import Page, from_wire, to_plain


class Datasets:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def create(self, *, dataset: str, sha256: str, rows: int, size_bytes: int, schema: dict[str, str], roles: Roles,
               profile: dict[str, Any] | None = None, parents: list[str] | None = None,
               origin: dict[str, Any] | None = None, licence: str = "") -> DatasetVersion:  # fmt: skip
        """A version whose Parquet file was stored with ``client.blobs``."""
        body = {"dataset": dataset, "sha256": sha256, "rows": rows, "size_bytes": size_bytes, "schema": schema,
                "roles": to_plain(roles), "profile": profile or {}, "parents": parents or [], "origin": origin or {},
                "licence": licence}  # fmt: skip
        return from_wire(DatasetVersion, self._http.json("POST", f"{self._path}/datasets", json=body))

    def get(self, version_id: str) -> DatasetVersion:
        return from_wire(
            DatasetVersion, self._http.json("GET", f"{self._path}/dataset-versions/{quote(version_id, safe='')}")
        )

    def find(self, dataset: str, version: int | None = None) -> DatasetVersion:
        """A version by name and number; without a number the newest."""
        which = "latest" if version is None else str(version)
        path = f"{self._path}/datasets/{quote(dataset, safe='')}/versions/{which}"
        return from_wire(DatasetVersion, self._http.json("GET", path))

    def list(self, *, cursor: str | None = None, limit: int = 100) -> Page[DatasetVersion]:
        """The newest version of every dataset, by name."""
        return _page(self._http.json("GET", f"{self._path}/datasets", params={"cursor": cursor, "limit": limit}))

    def versions(self, dataset: str, *, cursor: str | None = None, limit: int = 100) -> Page[DatasetVersion]:
        """All versions of one dataset, newest first."""
        path = f"{self._path}/datasets/{quote(dataset, safe='')}/versions"
        return _page(self._http.json("GET", path, params={"cursor": cursor, "limit": limit}))


def _page(answer: Any) -> Page[DatasetVersion]:
    return Page(items=[from_wire(DatasetVersion, item) for item in answer["items"]], next=answer["next"])
