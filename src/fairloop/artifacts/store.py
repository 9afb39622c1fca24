"""Object stores: bytes by their sha256, visible whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path


class ObjectStore(ABC):
    """Content-addressed bytes. Any method may be called from any thread; writing the same bytes twice is harmless.

    An object is visible under its hash only after all its bytes are on disk. ``read`` and ``stream`` verify the hash
    and raise IntegrityError when it does not match; NotFound when there is no such object; StorageFull without space.
    """

    @abstractmethod
    def put(self, chunks: Iterable[bytes], *, expected: str | None = None) -> tuple[str, int]:
        """Store the bytes; returns (sha256, size). InvalidInput when ``expected`` is another hash: nothing is kept."""

    @abstractmethod
    def stream(self, sha256: str) -> Iterator[bytes]: ...

    @abstractmethod
    def size(self, sha256: str) -> int: ...

    @abstractmethod
    def delete(self, sha256: str) -> None: ...

    @abstractmethod
    def local_path(self, sha256: str) -> Path | None:
        """Where the object lies on this machine, for processes that read it directly; None for remote stores."""

    def read(self, sha256: str) -> bytes:
        return b"".join(self.stream(sha256))
