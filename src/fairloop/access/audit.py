"""The audit log: who decided what, chained by hashes so that a changed or removed row shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from fairloop.core.audit import GENESIS, AuditEntry, Verification, hash_of
from fairloop.core.clock import Clock
from fairloop.core.people import Identity
from fairloop.core.records import Page
from fairloop.errors import InvalidInput
from fairloop.storage import audit as rows
from fairloop.storage.engine import Connection, Database

REQUEST: ContextVar[tuple[str, str]] = ContextVar("request", default=("", ""))
"""(ip, request id) of the request being served; the server sets it, entries made meanwhile carry it."""

_WALK = 2000


class Audit:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def entry(self, identity: Identity, action: str, *, project_id: str | None = None, object: str = "",
              detail: dict[str, Any] | None = None, ip: str = "", request_id: str = "") -> AuditEntry:  # fmt: skip
        """An entry not yet in the chain, for :meth:`append`."""
        known_ip, known_request = REQUEST.get()
        return AuditEntry(at_ms=self._clock.now_ms(), person=identity.name or identity.kind, verified=identity.verified,
                          project_id=project_id, action=action, object=object, detail=detail or {},
                          ip=ip or known_ip, request_id=request_id or known_request)  # fmt: skip

    @staticmethod
    def append(connection: Connection, entry: AuditEntry) -> AuditEntry:
        """Add ``entry`` inside the caller's own unit of work, so decision and record stand or fall together."""
        return rows.append(connection, entry)

    def record(self, identity: Identity, action: str, *, project_id: str | None = None, object: str = "",
               detail: dict[str, Any] | None = None, ip: str = "", request_id: str = "") -> AuditEntry:  # fmt: skip
        """Write one entry; returns when it is on disk.

        ``action`` reads like ``approval.approve``, ``object`` is the id or name it was done to. IP and request id
        come from the request being served unless given.
        """
        entry = self.entry(identity, action, project_id=project_id, object=object, detail=detail, ip=ip,
                           request_id=request_id)  # fmt: skip
        return self._database.write(lambda c: rows.append(c, entry))

    def note(self, identity: Identity, action: str, **given: Any) -> None:
        """Like :meth:`record` without waiting for the disk: for refusals, where nothing was decided."""
        entry = self.entry(identity, action, **given)
        self._database.submit(lambda c: rows.append(c, entry))

    def entries(self, project_id: str | None = None, *, cursor: str | None = None, limit: int = 100, action: str = "",
                person: str = "") -> Page[AuditEntry]:  # fmt: skip
        """Newest first; the whole server's log when no project is named."""
        if cursor is not None and not cursor.isdecimal():
            raise InvalidInput(f"{cursor[:40]!r} is not a cursor; use the 'next' of the page before.")
        if not 1 <= limit <= 1000:
            raise InvalidInput(f"limit={limit} is out of range; use 1 to 1000.")
        before = int(cursor) if cursor else None
        found = self._database.read(lambda c: rows.listed(c, project_id=project_id, before=before, limit=limit + 1,
                                                          action=action, person=person))  # fmt: skip
        more = len(found) > limit
        return Page(items=found[:limit], next=str(found[limit - 1].seq) if more else None)

    def walk(self) -> Iterator[AuditEntry]:
        """Every entry of the server's log, the oldest first."""
        seq = 0
        while batch := self._database.read(lambda c, seq=seq: rows.after(c, seq, _WALK)):  # type: ignore[misc]
            yield from batch
            seq = batch[-1].seq

    def verify(self) -> Verification:
        """Walk the whole chain and recompute every hash."""
        previous, entries = GENESIS, 0
        for entry in self.walk():
            if entry.previous != previous or entry.hash != hash_of(entry, previous):
                return Verification(ok=False, entries=entries, head=previous, broken_seq=entry.seq)
            previous, entries = entry.hash, entries + 1
        return Verification(ok=True, entries=entries, head=previous)
