"""Appeals and the desks that take them: rows <-> dataclasses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from fairloop.core.appeals import Appeal
from fairloop.storage.tables import appeal_desks, appeals

_SHOWN = [appeals.c[name] for name in Appeal.__slots__]


def add(connection: Connection, appeal: Appeal, receipt: str) -> None:
    values = {name: getattr(appeal, name) for name in Appeal.__slots__}
    connection.execute(insert(appeals).values(**values, receipt=receipt))


def by_id(connection: Connection, appeal_id: str) -> Appeal | None:
    row = connection.execute(select(*_SHOWN).where(appeals.c.id == appeal_id)).mappings().first()
    return Appeal(**row) if row else None


def by_receipt(connection: Connection, receipt: str) -> Appeal | None:
    row = connection.execute(select(*_SHOWN).where(appeals.c.receipt == receipt)).mappings().first()
    return Appeal(**row) if row else None


def of_prediction(connection: Connection, prediction_id: str) -> list[Appeal]:
    """Every appeal against one prediction, oldest first."""
    query = select(*_SHOWN).where(appeals.c.prediction_id == prediction_id)
    return [Appeal(**row) for row in connection.execute(query.order_by(appeals.c.filed_ms, appeals.c.id)).mappings()]


def of_version(connection: Connection, model_version_id: str) -> list[Appeal]:
    """Every appeal against a model version's predictions, newest first."""
    query = select(*_SHOWN).where(appeals.c.model_version_id == model_version_id)
    ordered = query.order_by(appeals.c.filed_ms.desc(), appeals.c.id.desc())
    return [Appeal(**row) for row in connection.execute(ordered).mappings()]


def upheld(connection: Connection, endpoint_id: str) -> list[Appeal]:
    """Upheld appeals of an endpoint in the order they were decided."""
    query = select(*_SHOWN).where(appeals.c.endpoint_id == endpoint_id, appeals.c.state == "upheld")
    ordered = query.order_by(appeals.c.decided_ms, appeals.c.id)
    return [Appeal(**row) for row in connection.execute(ordered).mappings()]


def listed(connection: Connection, project_id: str, *, state: str | None = None, endpoint_id: str | None = None,
           limit: int = 100, before: tuple[int, str] | None = None) -> list[Appeal]:  # fmt: skip
    """Newest first; ``before`` is the time and id of the appeal the page goes on behind."""
    query = select(*_SHOWN).where(appeals.c.project_id == project_id)
    query = query.order_by(appeals.c.filed_ms.desc(), appeals.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(appeals.c.state == state)
    if endpoint_id is not None:
        query = query.where(appeals.c.endpoint_id == endpoint_id)
    if before is not None:
        at, id_ = before
        query = query.where((appeals.c.filed_ms < at) | ((appeals.c.filed_ms == at) & (appeals.c.id < id_)))
    return [Appeal(**row) for row in connection.execute(query).mappings()]


def from_one_place(connection: Connection, project_id: str) -> dict[str, int]:
    """Where open appeals came from (a keyed hash) to how many came from there."""
    query = select(appeals.c.filer, func.count()).where(appeals.c.project_id == project_id, appeals.c.state == "open")
    return {filer: count for filer, count in connection.execute(query.group_by(appeals.c.filer)) if filer}


def undecided(connection: Connection, project_id: str) -> tuple[int, int]:
    """(how many predictions somebody contests and nobody has decided, when the newest was filed)."""
    query = select(func.count(appeals.c.prediction_id.distinct()), func.max(appeals.c.filed_ms))
    found = connection.execute(query.where(appeals.c.project_id == project_id, appeals.c.state == "open")).one()
    return int(found[0]), int(found[1] or 0)


def decide(connection: Connection, prediction_id: str, **values: Any) -> int:
    """Decide every open appeal against one prediction; how many there were."""
    query = update(appeals).where(appeals.c.prediction_id == prediction_id, appeals.c.state == "open")
    return connection.execute(query.values(**values)).rowcount


def unlabelled(connection: Connection) -> list[Appeal]:
    """Upheld appeals whose label is not in the prediction log yet."""
    c = appeals.c
    query = select(*_SHOWN).where(c.state == "upheld", c.label.is_not(None), c.labelled_ms.is_(None))
    return [Appeal(**row) for row in connection.execute(query.order_by(c.decided_ms, c.id)).mappings()]


def note_label(connection: Connection, appeal_id: str, now_ms: int) -> None:
    connection.execute(update(appeals).where(appeals.c.id == appeal_id).values(labelled_ms=now_ms))


# ------------------------------------------------------------------ desks
def is_open(connection: Connection, scope_id: str) -> bool:
    """Whether a project or endpoint takes appeals: yes until somebody switched it off."""
    found = connection.execute(select(appeal_desks.c.open).where(appeal_desks.c.scope_id == scope_id)).scalar()
    return found is not False


def set_desk(connection: Connection, project_id: str, scope_id: str, **values: Any) -> None:
    mine = appeal_desks.c.scope_id == scope_id
    if connection.execute(update(appeal_desks).where(mine).values(**values)).rowcount == 0:
        connection.execute(insert(appeal_desks).values(scope_id=scope_id, project_id=project_id, **values))


def asked(connection: Connection) -> list[dict[str, Any]]:
    """Endpoints whose decided appeals are to be compared by group: scope_id, project_id, run_id, asked_ms."""
    c = appeal_desks.c
    waiting = (c.asked_ms.is_not(None)) & ((c.judged_ms.is_(None)) | (c.judged_ms < c.asked_ms))
    return [dict(row) for row in connection.execute(select(appeal_desks).where(waiting)).mappings()]
