"""Notices, inboxes, channels and deliveries: rows <-> dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from fairloop.core.notices import Channel, Delivery, Notice
from fairloop.core.people import Person
from fairloop.core.records import to_plain
from fairloop.storage.tables import channels, deliveries, inbox, memberships, notices, people

_NOTICE = [notices.c[f.name] for f in dataclasses.fields(Notice) if f.name != "read_ms"]
_CHANNEL = [channels.c[f.name] for f in dataclasses.fields(Channel)]


# ------------------------------------------------------------------ notices
def add_notice(connection: Connection, notice: Notice, key: str | None) -> None:
    values = {k: v for k, v in to_plain(notice).items() if k != "read_ms"}
    connection.execute(insert(notices).values(**values, key=key))


def notice_by_key(connection: Connection, key: str) -> Notice | None:
    row = connection.execute(select(*_NOTICE).where(notices.c.key == key)).mappings().first()
    return Notice(**row) if row else None


def notice_by_id(connection: Connection, notice_id: str) -> Notice | None:
    row = connection.execute(select(*_NOTICE).where(notices.c.id == notice_id)).mappings().first()
    return Notice(**row) if row else None


# ------------------------------------------------------------------ whom
def people_named(connection: Connection, names: Collection[str]) -> list[Person]:
    """Those of ``names`` who may still come in."""
    shown = [people.c[f.name] for f in dataclasses.fields(Person)]
    query = select(*shown).where(people.c.name.in_(list(names)), people.c.disabled.is_(False))
    return [Person(**row) for row in connection.execute(query).mappings()]


def members_with(connection: Connection, project_id: str, roles: Collection[str]) -> list[Person]:
    """A project's members in one of ``roles``; the server's administrators where nobody is."""
    shown = [people.c[f.name] for f in dataclasses.fields(Person)]
    query = select(*shown).join(memberships, memberships.c.person_id == people.c.id)
    query = query.where(memberships.c.project_id == project_id, memberships.c.role.in_(list(roles)))
    found = [Person(**row) for row in connection.execute(query.where(people.c.disabled.is_(False))).mappings()]
    if found:
        return found
    every = select(*shown).where(people.c.administrator.is_(True), people.c.disabled.is_(False))
    return [Person(**row) for row in connection.execute(every).mappings()]


def addresses(connection: Connection, notice_id: str) -> list[str]:
    """The e-mail addresses of the people a notice addresses."""
    query = select(people.c.email).join(inbox, inbox.c.person_id == people.c.id)
    query = query.where(inbox.c.notice_id == notice_id, people.c.email != "", people.c.disabled.is_(False))
    return sorted({str(row) for row in connection.execute(query).scalars()})


def put_in_inbox(connection: Connection, notice_id: str, person_ids: Iterable[str]) -> None:
    rows = [{"person_id": p, "notice_id": notice_id, "read_ms": None} for p in sorted(set(person_ids))]
    if rows:
        connection.execute(insert(inbox), rows)


def inbox_of(connection: Connection, person_id: str, projects: Collection[str] | None, *, unread: bool, limit: int,
             before: str | None) -> list[Notice]:  # fmt: skip
    """What a person was told in ``projects`` (None: in all), newest first."""
    query = select(*_NOTICE, inbox.c.read_ms).join(inbox, inbox.c.notice_id == notices.c.id)
    query = query.where(inbox.c.person_id == person_id).order_by(notices.c.id.desc()).limit(limit)
    if projects is not None:
        query = query.where(notices.c.project_id.in_(list(projects)))
    if unread:
        query = query.where(inbox.c.read_ms.is_(None))
    if before is not None:
        query = query.where(notices.c.id < before)
    return [Notice(**row) for row in connection.execute(query).mappings()]


def count_unread(connection: Connection, person_id: str, projects: Collection[str] | None) -> int:
    query = select(func.count()).select_from(inbox).join(notices, notices.c.id == inbox.c.notice_id)
    query = query.where(inbox.c.person_id == person_id, inbox.c.read_ms.is_(None))
    if projects is not None:
        query = query.where(notices.c.project_id.in_(list(projects)))
    return int(connection.execute(query).scalar() or 0)


def mark_read(connection: Connection, person_id: str, notice_id: str | None, at_ms: int) -> int:
    """One notice, or all of them; how many were unread."""
    query = update(inbox).where(inbox.c.person_id == person_id, inbox.c.read_ms.is_(None)).values(read_ms=at_ms)
    if notice_id is not None:
        query = query.where(inbox.c.notice_id == notice_id)
    return connection.execute(query).rowcount


def in_inbox(connection: Connection, person_id: str, notice_id: str) -> bool:
    query = select(inbox.c.notice_id).where(inbox.c.person_id == person_id, inbox.c.notice_id == notice_id)
    return connection.execute(query).first() is not None


# ------------------------------------------------------------------ channels
def add_channel(connection: Connection, channel: Channel, sealed: str) -> None:
    connection.execute(insert(channels).values(**to_plain(channel), sealed=sealed))


def channels_of(connection: Connection, project_id: str) -> list[Channel]:
    query = select(*_CHANNEL).where(channels.c.project_id == project_id).order_by(channels.c.name)
    return [Channel(**row) for row in connection.execute(query).mappings()]


def channel_by_id(connection: Connection, channel_id: str) -> Channel | None:
    row = connection.execute(select(*_CHANNEL).where(channels.c.id == channel_id)).mappings().first()
    return Channel(**row) if row else None


def sealed_of(connection: Connection, channel_id: str) -> str | None:
    return connection.execute(select(channels.c.sealed).where(channels.c.id == channel_id)).scalar()


def change_channel(connection: Connection, channel_id: str, **values: Any) -> None:
    connection.execute(update(channels).where(channels.c.id == channel_id).values(**values))


def remove_channel(connection: Connection, channel_id: str) -> None:
    """The channel, with what was still on its way through it."""
    connection.execute(delete(deliveries).where(deliveries.c.channel_id == channel_id))
    connection.execute(delete(channels).where(channels.c.id == channel_id))


# ------------------------------------------------------------------ deliveries
def add_delivery(connection: Connection, delivery: Delivery) -> None:
    connection.execute(insert(deliveries).values(**to_plain(delivery)))


def due(connection: Connection, now_ms: int, limit: int) -> list[Delivery]:
    """What should be tried now, at most ``limit`` a channel, oldest first; one a channel and object, so that order is
    kept: what failed and waits holds up what came later about the same thing."""
    waiting = select(deliveries.c.channel_id).where(deliveries.c.state == "waiting").distinct()
    found: list[Delivery] = []
    for channel_id in connection.execute(waiting).scalars().all():
        query = select(deliveries).where(deliveries.c.state == "waiting", deliveries.c.channel_id == channel_id)
        ahead: set[str] = set()
        for row in connection.execute(query.order_by(deliveries.c.id).limit(limit)).mappings():
            delivery = Delivery(**row)
            place = delivery.about or delivery.id
            if place not in ahead and delivery.next_ms <= now_ms:
                found.append(delivery)
            ahead.add(place)
    return found


def delivery_by_id(connection: Connection, delivery_id: str) -> Delivery | None:
    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).mappings().first()
    return Delivery(**row) if row else None


def listed_deliveries(connection: Connection, project_id: str, state: str | None, limit: int,
                      before: str | None) -> list[Delivery]:  # fmt: skip
    """Newest first."""
    query = (
        select(deliveries).where(deliveries.c.project_id == project_id).order_by(deliveries.c.id.desc()).limit(limit)
    )
    if state is not None:
        query = query.where(deliveries.c.state == state)
    if before is not None:
        query = query.where(deliveries.c.id < before)
    return [Delivery(**row) for row in connection.execute(query).mappings()]


def change_delivery(connection: Connection, delivery: Delivery, **values: Any) -> bool:
    """Apply if the delivery still stands as the caller saw it; whether it did."""
    query = update(deliveries).where(deliveries.c.id == delivery.id, deliveries.c.state == delivery.state,
                                     deliveries.c.attempts == delivery.attempts)  # fmt: skip
    return connection.execute(query.values(**values)).rowcount == 1
