"""Logged models: rows <-> dataclasses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from fairloop.core.runs import LoggedModel
from fairloop.storage.tables import logged_models as table


def add(connection: Connection, model: LoggedModel) -> None:
    connection.execute(insert(table).values(**_values(model)))


def _values(model: LoggedModel) -> dict[str, Any]:
    return {name: getattr(model, name) for name in LoggedModel.__slots__}


def get(connection: Connection, project_id: str, model_id: str) -> LoggedModel | None:
    query = select(table).where(table.c.id == model_id, table.c.project_id == project_id)
    row = connection.execute(query).mappings().first()
    return LoggedModel(**row) if row else None


def listed(connection: Connection, project_id: str, experiment_ids: list[int]) -> list[LoggedModel]:
    """Those of the experiments that are not deleted, the newest first."""
    query = (
        select(table)
        .where(table.c.project_id == project_id, table.c.experiment_id.in_(experiment_ids), table.c.status != "DELETED")
        .order_by(table.c.created_ms.desc(), table.c.id.desc())
    )
    return [LoggedModel(**row) for row in connection.execute(query).mappings()]


def save(connection: Connection, model: LoggedModel) -> None:
    connection.execute(update(table).where(table.c.id == model.id).values(**_values(model)))
