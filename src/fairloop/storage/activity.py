"""Is anything under way that a server must stay for?"""

from __future__ import annotations

from sqlalchemy import Connection, literal, select

from fairloop.core.endpoints import DeploymentState
from fairloop.core.pipelines import State
from fairloop.storage.tables import deployments, step_runs


def busy(connection: Connection) -> bool:
    """Whether a step waits or runs, or a deployment serves."""
    steps = select(literal(1)).where(step_runs.c.state.in_([State.READY, State.RUNNING])).limit(1)
    serving = select(literal(1)).where(deployments.c.state.in_([DeploymentState.STARTING, DeploymentState.READY,
                                                                DeploymentState.LIVE])).limit(1)  # fmt: skip
    return connection.execute(steps).first() is not None or connection.execute(serving).first() is not None
