"""Schedules and their slots: rows <-> dataclasses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from fairloop.core.schedules import Schedule
from fairloop.storage.tables import schedule_slots, schedules


def add(connection: Connection, schedule: Schedule) -> None:
    connection.execute(insert(schedules).values(**{name: getattr(schedule, name) for name in Schedule.__slots__}))


def get(connection: Connection, project_id: str, schedule_id: str) -> Schedule | None:
    mine = (schedules.c.id == schedule_id) & (schedules.c.project_id == project_id)
    row = connection.execute(select(schedules).where(mine)).mappings().first()
    return Schedule(**row) if row else None


def of_subject(connection: Connection, project_id: str, kind: str, subject_id: str) -> Schedule | None:
    mine = (schedules.c.kind == kind) & (schedules.c.subject_id == subject_id)
    query = select(schedules).where(mine & (schedules.c.project_id == project_id))
    row = connection.execute(query).mappings().first()
    return Schedule(**row) if row else None


def listed(connection: Connection, project_id: str) -> list[Schedule]:
    query = (
        select(schedules).where(schedules.c.project_id == project_id).order_by(schedules.c.created_ms, schedules.c.id)
    )
    return [Schedule(**row) for row in connection.execute(query).mappings()]


def change(connection: Connection, schedule_id: str, **values: Any) -> None:
    connection.execute(update(schedules).where(schedules.c.id == schedule_id).values(**values))


def remove(connection: Connection, schedule_id: str) -> None:
    connection.execute(delete(schedule_slots).where(schedule_slots.c.schedule_id == schedule_id))
    connection.execute(delete(schedules).where(schedules.c.id == schedule_id))


def due(connection: Connection, now_ms: int, kinds: list[str]) -> list[Schedule]:
    query = select(schedules).where(
        schedules.c.enabled.is_(True), schedules.c.next_ms <= now_ms, schedules.c.kind.in_(kinds)
    )
    return [Schedule(**row) for row in connection.execute(query.order_by(schedules.c.next_ms)).mappings()]


def take_slot(connection: Connection, schedule_id: str, slot_ms: int, next_ms: int, now_ms: int) -> bool:
    """Make a slot this unit of work's own and move the schedule on; False when another server has it."""
    mine = (schedule_slots.c.schedule_id == schedule_id) & (schedule_slots.c.slot_ms == slot_ms)
    if connection.execute(select(schedule_slots.c.slot_ms).where(mine)).first() is not None:
        return False
    connection.execute(insert(schedule_slots).values(schedule_id=schedule_id, slot_ms=slot_ms, at_ms=now_ms))
    ahead = (schedules.c.id == schedule_id) & (schedules.c.next_ms <= slot_ms)
    connection.execute(update(schedules).where(ahead).values(next_ms=next_ms))
    return True


def forget_slots(connection: Connection, schedule_id: str, before_ms: int) -> None:
    old = (schedule_slots.c.schedule_id == schedule_id) & (schedule_slots.c.slot_ms < before_ms)
    connection.execute(delete(schedule_slots).where(old))
