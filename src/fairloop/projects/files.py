"""A project's files: blobs by hash, artifacts by owner and path. The row comes last, after the bytes are on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fairloop.artifacts.store import ObjectStore
from fairloop.core.clock import Clock
from fairloop.core.names import check_artifact_path
from fairloop.errors import NotFound
from fairloop.storage import files as rows
from fairloop.storage.engine import Connection, Database
from fairloop.storage.files import File


class Files:
    def __init__(self, database: Database, store: ObjectStore, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.store = store

    def put_blob(self, project_id: str, chunks: Iterable[bytes], *, expected: str | None = None) -> tuple[str, int]:
        """Store bytes for ``project_id``; returns (sha256, size)."""
        sha256, size = self.store.put(chunks, expected=expected)
        now = self._clock.now_ms()
        self._database.write(lambda c: rows.add_blob(c, project_id, sha256, size, now))
        return sha256, size

    def has_blob(self, project_id: str, sha256: str) -> bool:
        return self._database.read(lambda c: rows.has_blob(c, project_id, sha256))

    def size(self, project_id: str, sha256: str) -> int:
        """Bytes of the blob; NotFound when this project never stored it."""
        if not self.has_blob(project_id, sha256):
            raise NotFound("No such file in this project.")
        return self.store.size(sha256)

    def stream_blob(self, project_id: str, sha256: str) -> Iterator[bytes]:
        """The blob's bytes, verified; NotFound when this project never stored it."""
        if not self.has_blob(project_id, sha256):
            raise NotFound("No such file in this project.")
        return self.store.stream(sha256)

    def read_blob(self, project_id: str, sha256: str) -> bytes:
        return b"".join(self.stream_blob(project_id, sha256))

    def put(self, project_id: str, owner: tuple[str, str], path: str, chunks: Iterable[bytes], *,
            expected: str | None = None) -> File:  # fmt: skip
        """Store an artifact of ``owner`` (kind, id) at ``path``, replacing what stood there."""
        check_artifact_path(path)
        sha256, size = self.store.put(chunks, expected=expected)
        return self.link(project_id, owner, path, sha256, size)

    def link(self, project_id: str, owner: tuple[str, str], path: str, sha256: str, size_bytes: int) -> File:
        """Name an object that is already stored as an artifact of ``owner``."""
        check_artifact_path(path)
        file = File(project_id=project_id, owner_kind=owner[0], owner_id=owner[1], path=path, sha256=sha256,
                    size_bytes=size_bytes, created_ms=self._clock.now_ms())  # fmt: skip

        def work(connection: Connection) -> None:
            rows.add_blob(connection, project_id, sha256, size_bytes, file.created_ms)
            rows.put(connection, file)

        self._database.write(work)
        return file

    def get(self, owner: tuple[str, str], path: str) -> File:
        check_artifact_path(path)
        file = self._database.read(lambda c: rows.get(c, *owner, path))
        if file is None:
            raise NotFound(f"No artifact {path!r} here.")
        return file

    def stream(self, owner: tuple[str, str], path: str) -> tuple[File, Iterator[bytes]]:
        file = self.get(owner, path)
        return file, self.store.stream(file.sha256)

    def list(self, owner: tuple[str, str], under: str = "") -> list[File]:
        if under:
            check_artifact_path(under)
        return self._database.read(lambda c: rows.listed(c, *owner, under))

    def delete(self, owner: tuple[str, str], path: str) -> int:
        check_artifact_path(path)
        return self._database.write(lambda c: rows.remove(c, *owner, path))
