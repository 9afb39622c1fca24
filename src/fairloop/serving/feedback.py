"""Labels and sensitive values that come later, by prediction id: on disk before they are acknowledged."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from fairloop.core import codec
from fairloop.errors import InvalidInput
from fairloop.serving.counters import Counts
from fairloop.serving.layout import Folder, write_atomic
from fairloop.serving.prediction_ids import PredictionId
from fairloop.serving.spool import Segment, recover_kind

_REMEMBERED = 200_000
_SEGMENT_BYTES = 4 * 2**20
_SEGMENT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One line of feedback."""

    prediction_id: str
    label: Any = None
    sensitive: dict[str, str] | None = None
    source: str = ""
    """Who knew it, where that matters: ``appeal`` for the label of an upheld appeal."""


class Feedback:
    """One endpoint's feedback file and the group counts that came with it. Safe from several threads."""

    def __init__(self, folder: Folder) -> None:
        self._lock = threading.Lock()
        self._file = folder.path / "feedback.json"
        recover_kind(folder.spool, "feedback")
        self._segment = Segment(folder.spool, "feedback")
        self._counted: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._counts = self._read()

    def _read(self) -> dict[str, Counts]:
        try:
            plain = codec.loads(self._file.read_bytes())
        except (OSError, InvalidInput):
            return {}
        return {d: Counts(groups=groups) for d, groups in plain.items()}

    def add(self, told: list[tuple[Told, PredictionId]], at_ms: int) -> None:
        """Log the lines durably, then count the groups they name."""
        lines = []
        for line, _ in told:
            entry: dict[str, Any] = {"prediction_id": line.prediction_id, "at_ms": at_ms}
            if line.label is not None:
                entry["label"] = line.label
            if line.sensitive:
                entry["sensitive"] = line.sensitive
            if line.source:
                entry["source"] = line.source
            lines.append(codec.dumps(entry).encode())
        with self._lock:
            self._segment.write(b"\n".join(lines) + b"\n")
            self._segment.sync()
            counted = [self._count(line, prediction) for line, prediction in told]
            if any(counted):
                write_atomic(self._file, codec.dumps({d: c.groups for d, c in self._counts.items()}), sync=False)
            if self._segment.size >= _SEGMENT_BYTES:
                self._segment.seal()

    def _count(self, line: Told, prediction: PredictionId) -> bool:
        """Count a row's groups once; not again when the request itself carried them."""
        counted = False
        if prediction.told or prediction.positive is None:
            return counted
        for attribute, group in (line.sensitive or {}).items():
            key = (line.prediction_id, attribute)
            if key in self._counted:
                continue
            self._counted[key] = None
            if len(self._counted) > _REMEMBERED:
                self._counted.popitem(last=False)
            self._counts.setdefault(prediction.deployment_id, Counts()).told(attribute, group, prediction.positive)
            counted = True
        return counted

    def groups(self) -> dict[str, dict[str, dict[str, list[int]]]]:
        """Deployment to attribute to group to [rows, positives]."""
        with self._lock:
            return {d: {a: {g: list(cell) for g, cell in found.items()} for a, found in c.groups.items()}
                    for d, c in self._counts.items()}  # fmt: skip

    def seal(self, *, due_only: bool = False) -> None:
        with self._lock:
            old = time.monotonic() - self._segment.opened_s >= _SEGMENT_S
            if not due_only or old or self._segment.size >= _SEGMENT_BYTES:
                self._segment.seal()

    def close(self) -> None:
        self.seal()
