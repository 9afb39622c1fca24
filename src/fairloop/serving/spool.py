"""The spool: predictions wait on the local disk, in order, until the monitor collects them into the prediction log.

One thread writes. ``best_effort`` has a bounded queue and counts what does not fit; ``durable`` acknowledges after
fsync, many records in one (group commit). Files being written end in ``.open``; a sealed segment ends in ``.jsonl``,
never changes again, and belongs to its reader.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

log = logging.getLogger(__name__)

KINDS = ("predictions", "sensitive")
_PAUSE_S = 0.01  # best effort only: how long records gather before one write


class Tally(Protocol):
    """Where the spool counts: sent = logged + dropped."""

    logged: int
    dropped: int


@dataclass(slots=True)
class _Item:
    predictions: list[bytes]
    sensitive: list[bytes]
    done: Callable[[BaseException | None], None] | None = None
    seal: threading.Event | None = None


@dataclass(slots=True)
class Segment:
    """One kind of record: its open file, created at the first record."""

    folder: Path
    kind: str
    file: int = -1
    size: int = 0
    opened_s: float = 0.0
    path: Path = field(default_factory=Path)

    def write(self, data: bytes) -> None:
        """Append; after a failed write (full disk) the file ends where it did before."""
        if self.file < 0:
            self.path = self.folder / f"{self.kind}-{next_number(self.folder, self.kind):010d}.open"
            self.file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            self.size, self.opened_s = 0, time.monotonic()
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self.file, left) :]
        except OSError:
            os.ftruncate(self.file, self.size)
            raise
        self.size += len(data)

    def cut(self, size: int) -> None:
        """Forget what stands behind ``size``."""
        if self.file >= 0 and size < self.size:
            os.ftruncate(self.file, size)
            self.size = size

    def sync(self) -> None:
        if self.file >= 0:
            os.fdatasync(self.file)

    def seal(self) -> None:
        if self.file < 0:
            return
        os.fsync(self.file)
        os.close(self.file)
        self.file = -1
        self.path.rename(self.path.with_suffix(".jsonl"))


def next_number(folder: Path, kind: str) -> int:
    """One above the highest number used and still here; a mark file keeps it rising when readers delete segments."""
    mark = folder / f".{kind}.next"
    known = int(mark.read_text("ascii")) if mark.exists() else 1
    names = [p.stem.rpartition("-")[2] for p in folder.glob(f"{kind}-*")]
    number = max([known, *(int(n) + 1 for n in names if n.isdigit())])
    mark.write_text(str(number + 1), "ascii")
    return number


def recover_kind(folder: Path, kind: str) -> None:
    """Seal what a killed process left open, without a half-written last line."""
    for path in sorted(folder.glob(f"{kind}-*.open")):
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole == 0:
            path.unlink()
            continue
        if whole < len(data):
            os.truncate(path, whole)
        path.rename(path.with_suffix(".jsonl"))


class Spool:
    """Owned by one event loop: ``offer``, ``append`` and ``seal`` are called from one thread."""

    def __init__(self, folder: Path, tally: Tally, *, durable: bool, capacity: int = 50_000,
                 segment_bytes: int = 4 * 2**20, segment_s: float = 30.0) -> None:  # fmt: skip
        for kind in KINDS:
            recover_kind(folder, kind)
        self.durable = durable
        self._tally = tally
        self._capacity = capacity
        self._segment_bytes = segment_bytes
        self._segment_s = segment_s
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._queued = 0
        self._taken = 0
        self._tallying = threading.Lock()
        self._segments = [Segment(folder, kind) for kind in KINDS]
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    def offer(self, predictions: list[bytes], sensitive: list[bytes]) -> None:
        """Log without waiting; dropped and counted when the queue is full."""
        if self._queued - self._taken + len(predictions) > self._capacity:
            self._count(dropped=len(predictions))
            return
        self._queued += len(predictions)
        self._queue.put(_Item(predictions, sensitive))

    def append(
        self, predictions: list[bytes], sensitive: list[bytes], done: Callable[[BaseException | None], None]
    ) -> None:
        """Log; ``done`` is called in the spool's thread once the records are on disk, or with what went wrong."""
        self._queued += len(predictions)
        self._queue.put(_Item(predictions, sensitive, done))

    def seal(self) -> threading.Event:
        """Seal the open segments; the event is set when everything offered before is in a sealed one."""
        event = threading.Event()
        self._queue.put(_Item([], [], None, event))
        return event

    def close(self) -> None:
        """Write everything offered, seal, and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch: list[_Item] = []
            try:
                first = self._queue.get(timeout=min(1.0, self._segment_s))
            except queue.Empty:
                self._seal_if_due()
                continue
            if not self.durable and first is not None and first.seal is None:
                time.sleep(_PAUSE_S)
            item: _Item | None = first
            while item is not None:
                batch.append(item)
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            else:
                stopping = True
            self._write(batch)
            self._seal_if_due()
        self._seal_all()

    def _count(self, *, logged: int = 0, dropped: int = 0) -> None:
        with self._tallying:
            self._tally.logged += logged
            self._tally.dropped += dropped

    def _write(self, batch: list[_Item]) -> None:
        count = sum(len(i.predictions) for i in batch)
        failure: OSError | None = None
        predictions, sensitive = self._segments
        before = (predictions.file, predictions.size)
        try:
            for segment, lines in ((predictions, [line for i in batch for line in i.predictions]),
                                   (sensitive, [line for i in batch for line in i.sensitive])):  # fmt: skip
                if lines:
                    segment.write(b"\n".join(lines) + b"\n")
                    if self.durable:
                        segment.sync()
            self._count(logged=count)
        except OSError as cause:
            log.warning("the spool cannot be written: %s", cause)
            predictions.cut(before[1] if before[0] == predictions.file else 0)
            self._count(dropped=count)
            failure = cause
        self._taken += count
        for item in batch:
            if item.done is not None:
                item.done(failure)
        if any(item.seal for item in batch):
            self._seal_all()
            for item in batch:
                if item.seal is not None:
                    item.seal.set()

    def _seal_if_due(self) -> None:
        now = time.monotonic()
        if any(s.file >= 0 and (s.size >= self._segment_bytes or now - s.opened_s >= self._segment_s)
               for s in self._segments):  # fmt: skip
            self._seal_all()

    def _seal_all(self) -> None:
        for segment in self._segments:
            try:
                segment.seal()
            except OSError as cause:
                log.warning("a spool segment cannot be sealed: %s", cause)
