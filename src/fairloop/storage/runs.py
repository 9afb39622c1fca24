"""Runs with their params, tags and latest metrics: rows <-> dataclasses."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from fairloop.core.codec import float_of
from fairloop.core.runs import Metric, Run, RunStatus
from fairloop.storage.tables import params, run_tags, runs, series, step_runs

_CHUNK = 500


def add(connection: Connection, run: Run, *, lease_s: float, now_ms: int) -> int:
    """Add the run and its tags; returns its row number."""
    values = {
        "id": run.id,
        "project_id": run.project_id,
        "experiment_id": run.experiment_id,
        "name": run.name,
        "status": run.status.value,
        "user": run.user,
        "active": run.active,
        "start_ms": run.start_ms,
        "end_ms": run.end_ms,
        "step_run_id": run.step_run_id,
        "status_reason": run.status_reason,
        "lease_s": lease_s,
        "touched_ms": now_ms,
        "inputs": run.inputs,
        "outputs": run.outputs,
    }
    seq: int = connection.execute(insert(runs).values(**values).returning(runs.c.seq)).scalar_one()
    put_tags(connection, seq, run.tags)
    return seq


def seq_of(connection: Connection, project_id: str, run_id: str) -> int | None:
    query = select(runs.c.seq).where(runs.c.id == run_id, runs.c.project_id == project_id)
    found: int | None = connection.execute(query).scalar()
    return found


def get(connection: Connection, project_id: str, run_id: str) -> Run | None:
    seq = seq_of(connection, project_id, run_id)
    return None if seq is None else many(connection, [seq])[0]


def many(connection: Connection, seqs: list[int]) -> list[Run]:
    """The runs with these row numbers, in this order."""
    found: dict[int, Run] = {}
    for start in range(0, len(seqs), _CHUNK):
        found.update(_some(connection, seqs[start : start + _CHUNK]))
    return [found[seq] for seq in seqs]


def _some(connection: Connection, seqs: list[int]) -> dict[int, Run]:
    tags: dict[int, dict[str, str]] = defaultdict(dict)
    values: dict[int, dict[str, str]] = defaultdict(dict)
    latest: dict[int, list[Metric]] = defaultdict(list)
    for table, into in ((run_tags, tags), (params, values)):
        for seq, key, value in connection.execute(select(table).where(table.c.run_seq.in_(seqs))):
            into[seq][key] = value
    query = (
        select(series.c.run_seq, series.c.key, series.c.bits, series.c.timestamp_ms, series.c.step)
        .where(series.c.run_seq.in_(seqs), series.c.bits.is_not(None))
        .order_by(series.c.key)
    )
    for seq, key, bits, timestamp_ms, step in connection.execute(query):
        latest[seq].append(Metric(key=key, value=float_of(bits), timestamp_ms=timestamp_ms, step=step))
    rows = connection.execute(select(runs).where(runs.c.seq.in_(seqs))).mappings()
    return {
        row["seq"]: Run(
            id=row["id"],
            project_id=row["project_id"],
            experiment_id=row["experiment_id"],
            name=row["name"],
            status=RunStatus(row["status"]),
            user=row["user"],
            active=row["active"],
            start_ms=row["start_ms"],
            end_ms=row["end_ms"],
            step_run_id=row["step_run_id"],
            status_reason=row["status_reason"],
            params=values[row["seq"]],
            metrics=latest[row["seq"]],
            tags=tags[row["seq"]],
            inputs=row["inputs"],
            outputs=row["outputs"],
        )
        for row in rows
    }


def save(connection: Connection, run_id: str, **changes: Any) -> None:
    """Change columns of the run's row."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(**changes))


def put_tags(connection: Connection, seq: int, tags: dict[str, str]) -> None:
    """Add or replace tags."""
    if not tags:
        return
    connection.execute(delete(run_tags).where(run_tags.c.run_seq == seq, run_tags.c.key.in_(list(tags))))
    connection.execute(insert(run_tags), [{"run_seq": seq, "key": k, "value": v} for k, v in tags.items()])


def delete_tag(connection: Connection, seq: int, key: str) -> bool:
    """Whether there was such a tag."""
    gone = connection.execute(delete(run_tags).where(run_tags.c.run_seq == seq, run_tags.c.key == key))
    return gone.rowcount > 0


def put_params(connection: Connection, seq: int, values: dict[str, str]) -> tuple[str, str, str] | None:
    """Add params; the first (key, old, new) that would change a logged value is returned instead, nothing is added."""
    if not values:
        return None
    query = select(params.c.key, params.c.value).where(params.c.run_seq == seq, params.c.key.in_(list(values)))
    known = {key: value for key, value in connection.execute(query)}  # noqa: C416  # rows are not pairs
    for key, old in known.items():
        if values[key] != old:
            return key, old, values[key]
    fresh = [{"run_seq": seq, "key": k, "value": v} for k, v in values.items() if k not in known]
    if fresh:
        connection.execute(insert(params), fresh)
    return None


def open_runs(connection: Connection) -> list[tuple[str, int, float]]:
    """(id, touched, lease) of every run that claims to be running and follows no step."""
    query = select(runs.c.id, runs.c.touched_ms, runs.c.lease_s).where(
        runs.c.status.in_([RunStatus.RUNNING.value, RunStatus.SCHEDULED.value]), runs.c.step_run_id.is_(None)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def fail_lost(connection: Connection, run_id: str, touched_ms: int, now_ms: int) -> bool:
    """End the run as lost, unless it was written to or ended since ``touched_ms`` was read."""
    gone = connection.execute(
        update(runs)
        .where(
            runs.c.id == run_id,
            runs.c.status.in_([RunStatus.RUNNING.value, RunStatus.SCHEDULED.value]),
            runs.c.touched_ms == touched_ms,
        )
        .values(status=RunStatus.FAILED.value, status_reason="lost", end_ms=now_ms)
    )
    return gone.rowcount > 0


def orphans_of_steps(connection: Connection) -> list[tuple[str, str]]:
    """(run id, state of its step) of runs still open though their step has ended."""
    query = (
        select(runs.c.id, step_runs.c.state)
        .join(step_runs, step_runs.c.id == runs.c.step_run_id)
        .where(
            runs.c.status == RunStatus.RUNNING.value, step_runs.c.state.in_(["done", "failed", "cancelled", "skipped"])
        )
    )
    return [(row[0], row[1]) for row in connection.execute(query)]
