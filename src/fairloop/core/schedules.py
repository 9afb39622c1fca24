"""Schedules: when something is to be done again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """``cron`` (five fields, UTC) or ``every_s``; ``kind`` says who acts, ``subject_id`` and ``payload`` on what."""

    id: str
    project_id: str
    kind: str
    cron: str = ""
    every_s: float | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    next_ms: int = 0
    enabled: bool = True
    subject_id: str | None = None
    created_ms: int = 0
