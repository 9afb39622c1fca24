"""Time as one small object, so tests can move it. Wall time is for people, the monotonic one for leases."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(slots=True)
class Clock:
    offset_s: float = 0.0

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return int((time.time() + self.offset_s) * 1000)

    def monotonic_s(self) -> float:
        return time.monotonic() + self.offset_s


def rfc3339(ms: int | None) -> str | None:
    """``2026-11-22T14:02:03.004Z``; ``None`` stays ``None``."""
    if ms is None:
        return None
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
