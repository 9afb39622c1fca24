"""One row of the audit log, and its place in the hash chain."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from fairloop.core import codec

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to which object, when and from where; ``hash`` covers all of it and the entry before."""

    seq: int = 0
    at_ms: int
    person: str
    verified: bool
    project_id: str | None
    action: str
    object: str
    detail: dict[str, Any] = field(default_factory=dict)
    ip: str = ""
    request_id: str = ""
    previous: str = ""
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether the chain holds: ``broken_seq`` is the first entry that was changed, or follows a removed one.

    Keep ``head`` elsewhere: it also proves later that nothing was cut off the end.
    """

    ok: bool
    entries: int
    head: str
    broken_seq: int | None = None


def hash_of(entry: AuditEntry, previous: str) -> str:
    """The chain hash of ``entry`` after the one whose hash is ``previous``."""
    covered = [previous, entry.at_ms, entry.person, entry.verified, entry.project_id, entry.action, entry.object,
               entry.detail, entry.ip, entry.request_id]  # fmt: skip
    return hashlib.sha256(codec.dumps(covered).encode()).hexdigest()
