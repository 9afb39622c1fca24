"""Experiments: rows <-> dataclasses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from fairloop.core.runs import Experiment
from fairloop.storage.tables import experiments as table


def add(connection: Connection, experiment: Experiment, *, number: int | None = None) -> Experiment:
    """Add the row; the database gives the id unless ``number`` does."""
    values = _values(experiment)
    if number is not None:
        values["id"] = number
    key = connection.execute(insert(table).values(**values).returning(table.c.id)).scalar_one()
    return Experiment(**{**values, "id": key})


def _values(experiment: Experiment) -> dict[str, Any]:
    return {
        "project_id": experiment.project_id,
        "name": experiment.name,
        "active": experiment.active,
        "created_ms": experiment.created_ms,
        "updated_ms": experiment.updated_ms,
        "tags": experiment.tags,
    }


def get(connection: Connection, project_id: str, experiment_id: int) -> Experiment | None:
    query = select(table).where(table.c.id == experiment_id, table.c.project_id == project_id)
    row = connection.execute(query).mappings().first()
    return Experiment(**row) if row else None


def by_name(connection: Connection, project_id: str, name: str) -> Experiment | None:
    query = select(table).where(table.c.project_id == project_id, table.c.name == name)
    row = connection.execute(query).mappings().first()
    return Experiment(**row) if row else None


def exists(connection: Connection, experiment_id: int) -> bool:
    return connection.execute(select(table.c.id).where(table.c.id == experiment_id)).first() is not None


def listed(connection: Connection, project_id: str) -> list[Experiment]:
    """Every experiment of the project, the newest first."""
    query = select(table).where(table.c.project_id == project_id).order_by(table.c.id.desc())
    return [Experiment(**row) for row in connection.execute(query).mappings()]


def save(connection: Connection, experiment: Experiment) -> None:
    connection.execute(update(table).where(table.c.id == experiment.id).values(**_values(experiment)))
