"""Tell people: a notice, its place in inboxes and its deliveries are written in the unit of work of what happened.

So nothing is told that did not happen, and nothing that happened goes untold. What sends them is delivery.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.notices import KINDS, Delivery, Notice
from fairloop.core.people import Identity, Role
from fairloop.core.records import Page
from fairloop.errors import InvalidInput, NotFound
from fairloop.storage import notices as rows
from fairloop.storage.engine import Connection, Database

AUDIENCE = {
    "alert.opened": (Role.MANAGER, Role.ML_ENGINEER, Role.ADMINISTRATOR),
    "appeal.flood": (Role.MANAGER, Role.ML_ENGINEER, Role.ADMINISTRATOR),
}
"""Who is told when neither names nor roles are given; else managers and administrators of the project."""
_DECIDING = (Role.MANAGER, Role.ADMINISTRATOR)
_SUBJECT, _TEXT = 200, 4000


class Notices:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, connection: Connection, project_id: str, kind: str, subject: str, text: str,
            people: Sequence[str] = (), *, roles: Collection[str] = (), href: str = "", about: str = "",
            key: str = "") -> Notice:  # fmt: skip
        """Tell ``people`` (names), members in ``roles``, and every channel of the project that takes ``kind``.

        Runs inside the caller's unit of work, on its ``connection``. ``href`` is a path on this server, ``about`` the
        id of what it tells of: notices about one thing arrive in order. With a ``key`` it is told once, however often
        this is asked. Call ``signals.notify()`` after the unit, so that it goes out at once.
        """
        if kind not in KINDS:
            raise InvalidInput(f"{kind!r} is no kind of notice; use one of {', '.join(KINDS)}.")
        if key and (known := rows.notice_by_key(connection, key)):
            return known
        told = list(rows.people_named(connection, people)) if people else []
        if roles or not people:
            wanted = [str(r) for r in roles or AUDIENCE.get(kind, _DECIDING)]
            told += rows.members_with(connection, project_id, wanted)
        now = self._clock.now_ms()
        notice = Notice(id=new_id("not"), project_id=project_id, kind=kind, subject=one_line(subject)[:_SUBJECT],
                        text=text[:_TEXT], href=href, about=about, people=sorted({p.name for p in told}),
                        created_ms=now)  # fmt: skip
        rows.add_notice(connection, notice, key or None)
        rows.put_in_inbox(connection, notice.id, [p.id for p in told])
        for channel in rows.channels_of(connection, project_id):
            if channel.enabled and (not channel.kinds or kind in channel.kinds):
                rows.add_delivery(connection, Delivery(
                    id=new_id("dlv"), project_id=project_id, notice_id=notice.id, channel_id=channel.id, next_ms=now,
                    created_ms=now, about=about))  # fmt: skip
        return notice

    # ------------------------------------------------------------------ inboxes
    def inbox(self, identity: Identity, *, unread: bool = False, limit: int = 50,
              cursor: str | None = None) -> Page[Notice]:  # fmt: skip
        """What this person was told, newest first."""
        if not 1 <= limit <= 1000:
            raise InvalidInput(f"limit={limit} is out of range; use 1 to 1000.")
        if not identity.person_id:
            return Page(items=[])
        found = self._database.read(
            lambda c: rows.inbox_of(c, identity.person_id, _reach(identity), unread=unread, limit=limit + 1, before=cursor))  # fmt: skip
        return Page(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)

    def unread(self, identity: Identity) -> int:
        if not identity.person_id:
            return 0
        return self._database.read(lambda c: rows.count_unread(c, identity.person_id, _reach(identity)))

    def read(self, identity: Identity, notice_id: str | None = None) -> int:
        """Mark one notice as read, or all; how many were not."""
        now = self._clock.now_ms()

        def work(connection: Connection) -> int:
            if notice_id is not None and not rows.in_inbox(connection, identity.person_id, notice_id):
                raise NotFound("No such notice, or it was not for you.")
            return rows.mark_read(connection, identity.person_id, notice_id, now)

        return self._database.write(work)


def _reach(identity: Identity) -> list[str] | None:
    """The projects whose notices this identity may see; None for all: who left a project is told nothing of it."""
    if identity.token_project_id is not None:
        return [identity.token_project_id]
    return None if identity.administrator else list(identity.roles)


def one_line(text: str) -> str:
    """Text without line breaks and control characters: a headline, and safe as a mail header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
