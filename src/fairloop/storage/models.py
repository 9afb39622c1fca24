"""Registered models and their versions: rows <-> dataclasses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from fairloop.core.models import Model, ModelVersion
from fairloop.storage.tables import model_versions as versions
from fairloop.storage.tables import models

_COLUMNS = [*versions.c, models.c.name.label("model")]


def add(connection: Connection, model: Model) -> None:
    connection.execute(insert(models).values(**{name: getattr(model, name) for name in Model.__slots__}))


def save(connection: Connection, model: Model) -> None:
    values = {name: getattr(model, name) for name in Model.__slots__}
    connection.execute(update(models).where(models.c.id == model.id).values(**values))


def remove(connection: Connection, model: Model) -> None:
    connection.execute(delete(versions).where(versions.c.model_id == model.id))
    connection.execute(delete(models).where(models.c.id == model.id))


def by_name(connection: Connection, project_id: str, name: str) -> Model | None:
    query = select(models).where(models.c.project_id == project_id, models.c.name == name)
    row = connection.execute(query).mappings().first()
    return Model(**row) if row else None


def listed(connection: Connection, project_id: str) -> list[Model]:
    """Every model of the project by name."""
    query = select(models).where(models.c.project_id == project_id).order_by(models.c.name)
    return [Model(**row) for row in connection.execute(query).mappings()]


def next_version(connection: Connection, model: Model) -> int:
    newest = connection.execute(select(func.max(versions.c.version)).where(versions.c.model_id == model.id)).scalar()
    return (newest or 0) + 1


def _version(row: Any) -> ModelVersion:
    return ModelVersion(**{name: row[name] for name in ModelVersion.__slots__})


def _values(version: ModelVersion) -> dict[str, Any]:
    return {name: getattr(version, name) for name in ModelVersion.__slots__ if name != "model"}


def add_version(connection: Connection, model: Model, version: ModelVersion) -> None:
    connection.execute(insert(versions).values(**_values(version), model_id=model.id))


def save_version(connection: Connection, version: ModelVersion) -> None:
    connection.execute(update(versions).where(versions.c.id == version.id).values(**_values(version)))


def remove_version(connection: Connection, version: ModelVersion) -> None:
    connection.execute(delete(versions).where(versions.c.id == version.id))


def _joined() -> Any:
    return select(*_COLUMNS).join(models, models.c.id == versions.c.model_id)


def version(connection: Connection, project_id: str, name: str, number: int) -> ModelVersion | None:
    query = _joined().where(models.c.project_id == project_id, models.c.name == name, versions.c.version == number)
    row = connection.execute(query).mappings().first()
    return _version(row) if row else None


def version_by_id(connection: Connection, project_id: str, version_id: str) -> ModelVersion | None:
    query = _joined().where(versions.c.project_id == project_id, versions.c.id == version_id)
    row = connection.execute(query).mappings().first()
    return _version(row) if row else None


def version_of_candidate(connection: Connection, project_id: str, candidate_id: str) -> ModelVersion | None:
    """The version already registered for this candidate, so that registering again is harmless."""
    query = _joined().where(versions.c.project_id == project_id, versions.c.candidate_id == candidate_id)
    row = connection.execute(query.order_by(versions.c.version)).mappings().first()
    return _version(row) if row else None


def listed_versions(connection: Connection, project_id: str, name: str | None = None) -> list[ModelVersion]:
    """The versions of one model or of all, the newest first."""
    query = _joined().where(versions.c.project_id == project_id)
    if name is not None:
        query = query.where(models.c.name == name)
    query = query.order_by(models.c.name, versions.c.version.desc())
    return [_version(row) for row in connection.execute(query).mappings()]
