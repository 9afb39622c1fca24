"""Endpoints, deployments and rollouts: rows <-> dataclasses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from fairloop.core.checks import Check
from fairloop.core.endpoints import Deployment, DeploymentState, Endpoint, Rollout
from fairloop.core.records import from_plain, to_plain
from fairloop.storage.tables import deployments, endpoints, rollouts

OPEN_ROLLOUT = ("smoke", "running", "held")


def _deployment(row: Any) -> Deployment:
    return Deployment(**{**row, "state": DeploymentState(row["state"])})


def _rollout(row: Any) -> Rollout:
    return Rollout(**{**row, "gates": from_plain(list[Check], row["gates"])})


def _values(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in type(record).__slots__}


# ------------------------------------------------------------------ endpoints
def add_endpoint(connection: Connection, endpoint: Endpoint) -> None:
    connection.execute(insert(endpoints).values(**_values(endpoint)))


def endpoint_by_name(connection: Connection, project_id: str, name: str) -> Endpoint | None:
    query = select(endpoints).where(endpoints.c.project_id == project_id, endpoints.c.name == name)
    row = connection.execute(query).mappings().first()
    return Endpoint(**row) if row else None


def endpoint_by_id(connection: Connection, endpoint_id: str) -> Endpoint | None:
    row = connection.execute(select(endpoints).where(endpoints.c.id == endpoint_id)).mappings().first()
    return Endpoint(**row) if row else None


def listed_endpoints(connection: Connection, project_id: str | None = None) -> list[Endpoint]:
    """The endpoints of one project, or of all."""
    query = select(endpoints).order_by(endpoints.c.name)
    if project_id is not None:
        query = query.where(endpoints.c.project_id == project_id)
    return [Endpoint(**row) for row in connection.execute(query).mappings()]


def change_endpoint(connection: Connection, endpoint_id: str, **values: Any) -> None:
    connection.execute(update(endpoints).where(endpoints.c.id == endpoint_id).values(**values))


# ------------------------------------------------------------------ deployments
def add_deployment(connection: Connection, deployment: Deployment) -> None:
    connection.execute(insert(deployments).values(**_values(deployment)))


def deployment_by_id(connection: Connection, deployment_id: str) -> Deployment | None:
    row = connection.execute(select(deployments).where(deployments.c.id == deployment_id)).mappings().first()
    return _deployment(row) if row else None


def deployments_of(connection: Connection, endpoint_id: str) -> list[Deployment]:
    """An endpoint's deployments, the newest first."""
    query = select(deployments).where(deployments.c.endpoint_id == endpoint_id)
    query = query.order_by(deployments.c.created_ms.desc(), deployments.c.id.desc())
    return [_deployment(row) for row in connection.execute(query).mappings()]


def deployments_in(connection: Connection, state: DeploymentState) -> list[Deployment]:
    query = select(deployments).where(deployments.c.state == state.value).order_by(deployments.c.id)
    return [_deployment(row) for row in connection.execute(query).mappings()]


def change_deployment(connection: Connection, deployment_id: str, **values: Any) -> None:
    connection.execute(update(deployments).where(deployments.c.id == deployment_id).values(**values))


# ------------------------------------------------------------------ rollouts
def add_rollout(connection: Connection, rollout: Rollout) -> None:
    connection.execute(insert(rollouts).values(**{**_values(rollout), "gates": to_plain(rollout.gates)}))


def rollout_by_id(connection: Connection, rollout_id: str) -> Rollout | None:
    row = connection.execute(select(rollouts).where(rollouts.c.id == rollout_id)).mappings().first()
    return _rollout(row) if row else None


def rollouts_of(connection: Connection, endpoint_id: str) -> list[Rollout]:
    """An endpoint's rollouts, the newest first."""
    query = select(rollouts).where(rollouts.c.endpoint_id == endpoint_id)
    query = query.order_by(rollouts.c.started_ms.desc(), rollouts.c.id.desc())
    return [_rollout(row) for row in connection.execute(query).mappings()]


def open_rollouts(connection: Connection) -> list[Rollout]:
    query = select(rollouts).where(rollouts.c.state.in_(OPEN_ROLLOUT)).order_by(rollouts.c.id)
    return [_rollout(row) for row in connection.execute(query).mappings()]


def change_rollout(connection: Connection, rollout_id: str, *, was: str, at_step: int, **values: Any) -> bool:
    """Change a rollout that still is in state ``was`` at ``at_step``; false when somebody was faster."""
    query = update(rollouts).where(rollouts.c.id == rollout_id, rollouts.c.state == was, rollouts.c.step == at_step)
    return connection.execute(query.values(**values)).rowcount == 1


def rollout_of_cycle(connection: Connection, cycle_id: str) -> Rollout | None:
    query = select(rollouts).where(rollouts.c.cycle_id == cycle_id).order_by(rollouts.c.started_ms.desc())
    row = connection.execute(query).mappings().first()
    return _rollout(row) if row else None
