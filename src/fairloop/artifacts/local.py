"""The object store in a folder: temporary name, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from fairloop.artifacts.store import ObjectStore
from fairloop.errors import IntegrityError, InvalidInput, NotFound, StorageFull

_CHUNK = 1 << 20
_SHA = re.compile(r"[0-9a-f]{64}")
_STALE_S = 600


class LocalStore(ObjectStore):
    def __init__(self, root: Path) -> None:
        self._objects = root / "sha256"
        self._temporary = root / "tmp"
        for folder in (self._objects, self._temporary):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.remove_stale()

    def remove_stale(self) -> int:
        """Delete what interrupted uploads left behind; returns how many files."""
        stale = [p for p in self._temporary.iterdir() if time.time() - p.stat().st_mtime > _STALE_S]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def put(self, chunks: Iterable[bytes], *, expected: str | None = None) -> tuple[str, int]:
        temporary = self._temporary / secrets.token_hex(16)
        digest, size = hashlib.sha256(), 0
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(fd, "wb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
                sha256 = digest.hexdigest()
                if expected is not None and expected != sha256:
                    raise InvalidInput(
                        f"The bytes hash to {sha256}, not {expected}: the upload was damaged; send it again."
                    )
                final = self._path(sha256)
                if final.exists():
                    return sha256, size
                file.flush()
                os.fsync(file.fileno())
            final.parent.mkdir(exist_ok=True, mode=0o700)
            temporary.rename(final)
            self._sync_folder(final.parent)
        except OSError as cause:
            if cause.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                raise StorageFull(
                    "The disk is full: the file was not stored. Free some space and send it again."
                ) from cause
            raise
        finally:
            temporary.unlink(missing_ok=True)
        return sha256, size

    @staticmethod
    def _sync_folder(folder: Path) -> None:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _path(self, sha256: str) -> Path:
        if not _SHA.fullmatch(sha256):
            raise InvalidInput(f"{sha256[:80]!r} is not a sha256 in lower-case hexadecimal.")
        return self._objects / sha256[:2] / sha256[2:]

    def stream(self, sha256: str) -> Iterator[bytes]:
        path = self._path(sha256)
        if not path.is_file():
            raise NotFound("No such file in the artifact store.")
        return self._verified(path, sha256)

    @staticmethod
    def _verified(path: Path, sha256: str) -> Iterator[bytes]:
        """The chunks, the last one held back until the hash is known to be right."""
        digest, held = hashlib.sha256(), b""
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                if held:
                    yield held
                held = chunk
        if digest.hexdigest() != sha256:
            raise IntegrityError(
                f"The stored file {sha256[:12]} does not match its hash: the disk damaged it. Restore it."
            )
        if held:
            yield held

    def size(self, sha256: str) -> int:
        path = self._path(sha256)
        if not path.is_file():
            raise NotFound("No such file in the artifact store.")
        return path.stat().st_size

    def delete(self, sha256: str) -> None:
        self._path(sha256).unlink(missing_ok=True)

    def local_path(self, sha256: str) -> Path | None:
        return self._path(sha256)
