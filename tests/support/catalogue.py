"""One row of everything in a project, written straight into the tables: what another project's members must not see."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Float, Integer, LargeBinary, Table, insert
from sqlalchemy.types import BigInteger

from fairloop.core.checks import Verdict
from fairloop.storage.engine import Connection, Database
from fairloop.storage.tables import Json, metadata
from support.bodies import example_of

NAME = "catalogued"
LISTS = {
    "kinds",
    "people",
    "parents",
    "verdicts",
    "drivers",
    "pipeline_run_ids",
    "steps",
    "judge_by",
    "history",
    "checks",
    "gates",
    "mentions",
    "missing",
}
STATES = {
    ("step_runs", "state"): "done", ("pipeline_runs", "state"): "done", ("cycles", "stage"): "live",
    ("deployments", "state"): "live", ("analyses", "state"): "done", ("comments", "subject_kind"): "cycle", ("invitations", "role"): "viewer",
    ("appeals", "state"): "open",
}  # fmt: skip
BY_PARAMETER = {
    "channel_id": "channels", "delivery_id": "deliveries", "delegation_id": "delegations",
    "version_id": "dataset_versions", "dataset_version_id": "dataset_versions", "pipeline_run_id": "pipeline_runs",
    "step_run_id": "step_runs", "candidate_id": "candidates", "cycle_id": "cycles", "approval_id": "approvals",
    "alert_id": "alerts", "monitor_id": "monitors", "window_id": "windows", "deployment_id": "deployments",
    "rollout_id": "rollouts", "schedule_id": "schedules", "model_version_id": "model_versions", "run_id": "runs",
    "run_uuid": "runs", "model_id": "logged_models", "experiment_id": "experiments", "endpoint_id": "endpoints",
    "pack_id": "evidence_packs", "comment_id": "comments", "invitation_id": "invitations", "appeal_id": "appeals", "loop_id": "loops", "evaluation_id": "evaluations", "source_run_id": "runs",
}  # fmt: skip
"""Path, query and body names to the table whose id they mean."""


def seed(database: Database, project_id: str) -> dict[str, str]:
    """Add the rows; returns parameter name to id for every object of the project."""
    ids: dict[str, str] = {}
    mine = [
        t for t in metadata.sorted_tables if "project_id" in t.c and t.name not in {"tokens", "audit", "memberships"}
    ]

    def work(connection: Connection) -> dict[str, str]:
        made: dict[str, Any] = {}
        for table in mine:
            key = connection.execute(insert(table).values(**_row(table, project_id, made))).inserted_primary_key
            made[table.name] = key[0] if key else None
            if table.name == "runs":
                made["runs"] = _id(table, project_id)
        return {parameter: str(made[table]) for parameter, table in BY_PARAMETER.items() if table in made}

    ids |= database.write(work)
    names = {
        "name": NAME,
        "dataset": NAME,
        "loop": NAME,
        "endpoint": NAME,
        "model": NAME,
        "sha256": "ab" * 32,
        "path": NAME,
    }
    return ids | {k: v for k, v in names.items() if k not in ids}


def _id(table: Table, project_id: str) -> str:
    return f"{table.name[:3]}{project_id[-18:]}".ljust(24, "0")


def _row(table: Table, project_id: str, made: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.autoincrement is True:
            continue
        row[column.name] = _value(table, column, project_id, made)
    return row


def _value(table: Table, column: Any, project_id: str, made: dict[str, Any]) -> Any:
    if column.name == "project_id":
        return project_id
    if column.name == "id":
        return _id(table, project_id)
    if column.foreign_keys:
        target = next(iter(column.foreign_keys)).column
        return made.get(target.table.name, 1)
    if column.nullable:
        return None
    kind = column.type
    if isinstance(kind, Json):
        if column.name == "verdict":
            return example_of(Verdict) | {"check": {"metric": "accuracy", "at_least": 0.5}}
        return [] if column.name in LISTS else {}
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, (Integer, BigInteger)):
        return 1
    if isinstance(kind, Float):
        return 1.0
    if isinstance(kind, LargeBinary):
        return b"x"
    if (table.name, column.name) in STATES:
        return STATES[table.name, column.name]
    return {"name": NAME, "dataset": NAME, "loop": NAME, "sha256": "ab" * 32, "path": NAME}.get(column.name, "x")
