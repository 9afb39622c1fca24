"""Projects: rows <-> dataclasses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from fairloop.core.people import Project
from fairloop.storage.tables import projects


def add(connection: Connection, project: Project) -> None:
    connection.execute(
        insert(projects).values(
            id=project.id,
            name=project.name,
            goal=project.goal,
            budget_usd=project.budget_usd,
            created_ms=project.created_ms,
        )
    )


def by_name(connection: Connection, name: str) -> Project | None:
    row = connection.execute(select(projects).where(projects.c.name == name)).mappings().first()
    return Project(**row) if row else None


def by_id(connection: Connection, project_id: str) -> Project | None:
    row = connection.execute(select(projects).where(projects.c.id == project_id)).mappings().first()
    return Project(**row) if row else None


def listed(connection: Connection) -> list[Project]:
    return [Project(**row) for row in connection.execute(select(projects).order_by(projects.c.name)).mappings()]


def change(connection: Connection, project_id: str, values: dict[str, Any]) -> None:
    connection.execute(update(projects).where(projects.c.id == project_id).values(**values))
