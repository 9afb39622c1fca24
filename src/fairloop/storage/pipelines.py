"""Pipeline runs and step runs: rows <-> dataclasses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, case, func, insert, or_, select, update

from fairloop.core import codec
from fairloop.core.pipelines import Capture, Graph, LogLine, Needs, PipelineRun, State, StepRun
from fairloop.core.records import from_plain, to_plain
from fairloop.storage.tables import dataset_versions, pipeline_runs, step_logs, step_runs

FINAL = [str(state) for state in State if state.final]


def _run(row: RowMapping) -> PipelineRun:
    values = dict(row)
    values["state"] = State(row["state"])
    values["graph"] = from_plain(Graph, row["graph"])
    values["capture"] = from_plain(Capture, row["capture"])
    return PipelineRun(**values)


_STEP_FIELDS = [step_runs.c[name] for name in StepRun.__slots__]

# What every step goes through is built once: building a statement takes longer than running it.
_ONE_STEP = select(*_STEP_FIELDS).where(step_runs.c.id == bindparam("id"))
_STATES = select(step_runs.c.key, step_runs.c.state).where(step_runs.c.pipeline_run_id == bindparam("run"))
_OUTPUTS = select(step_runs.c.key, step_runs.c.outputs).where(
    step_runs.c.pipeline_run_id == bindparam("run"), step_runs.c.key.in_(bindparam("keys", expanding=True))
)
_NEXT = (
    select(*_STEP_FIELDS)
    .where(
        step_runs.c.worker_key == bindparam("worker_key"),
        (step_runs.c.state == str(State.READY))
        | ((step_runs.c.state == str(State.RUNNING)) & (step_runs.c.worker == bindparam("worker"))),
    )
    .order_by(
        case((step_runs.c.state == str(State.RUNNING), 0), else_=1),
        case((step_runs.c.pipeline_run_id == bindparam("run"), 0), else_=1),
        step_runs.c.ready_ms,
        step_runs.c.id,
    )
    .limit(1)
)
_CHANGE = update(step_runs).where(
    step_runs.c.pipeline_run_id == bindparam("its_run"), step_runs.c.key == bindparam("its_key")
)


def _step(row: RowMapping) -> StepRun:
    values = dict(row)
    values["state"] = State(row["state"])
    values["needs"] = Needs(**row["needs"])
    return StepRun(**values)


# ------------------------------------------------------------------ pipeline runs
def add_run(connection: Connection, run: PipelineRun) -> None:
    values = {name: getattr(run, name) for name in PipelineRun.__slots__}
    values |= {"state": str(run.state), "graph": to_plain(run.graph), "capture": to_plain(run.capture)}
    connection.execute(insert(pipeline_runs).values(**values))


def get_run(connection: Connection, project_id: str, run_id: str) -> PipelineRun | None:
    mine = (pipeline_runs.c.id == run_id) & (pipeline_runs.c.project_id == project_id)
    row = connection.execute(select(pipeline_runs).where(mine)).mappings().first()
    return _run(row) if row else None


def update_run(connection: Connection, run_id: str, **values: Any) -> None:
    connection.execute(update(pipeline_runs).where(pipeline_runs.c.id == run_id).values(**values))


def mark_started(connection: Connection, run_id: str, now_ms: int) -> None:
    waiting = (pipeline_runs.c.id == run_id) & (pipeline_runs.c.state == str(State.READY))
    connection.execute(update(pipeline_runs).where(waiting).values(state=str(State.RUNNING), started_ms=now_ms))


def list_runs(connection: Connection, project_id: str, *, purpose: str | None, before: tuple[int, str] | None,
              limit: int) -> list[PipelineRun]:  # fmt: skip
    """The project's runs, newest first, those created before ``before`` (created_ms, id)."""
    query = select(pipeline_runs).where(pipeline_runs.c.project_id == project_id)
    if purpose is not None:
        query = query.where(pipeline_runs.c.purpose == purpose)
    if before is not None:
        ms, run_id = before
        earlier = pipeline_runs.c.created_ms < ms
        query = query.where(or_(earlier, and_(pipeline_runs.c.created_ms == ms, pipeline_runs.c.id < run_id)))
    query = query.order_by(pipeline_runs.c.created_ms.desc(), pipeline_runs.c.id.desc()).limit(limit)
    return [_run(row) for row in connection.execute(query).mappings()]


def cost_of(connection: Connection, project_id: str, run_ids: Iterable[str]) -> float:
    mine = (pipeline_runs.c.project_id == project_id) & pipeline_runs.c.id.in_(list(run_ids))
    return float(
        connection.execute(select(func.coalesce(func.sum(pipeline_runs.c.cost_usd), 0.0)).where(mine)).scalar_one()
    )


# ------------------------------------------------------------------ step runs
def add_steps(connection: Connection, steps: Iterable[StepRun], worker_key: str) -> None:
    rows = []
    for step in steps:
        values = {name: getattr(step, name) for name in StepRun.__slots__}
        values |= {"state": str(step.state), "needs": to_plain(step.needs), "worker_key": worker_key, "heartbeat": 0,
                   "cancel": False}  # fmt: skip
        rows.append(values)
    if rows:
        connection.execute(insert(step_runs), rows)


def get_step(connection: Connection, step_run_id: str) -> StepRun | None:
    row = connection.execute(_ONE_STEP, {"id": step_run_id}).mappings().first()
    return _step(row) if row else None


def steps_of(connection: Connection, run_id: str) -> list[StepRun]:
    query = select(*_STEP_FIELDS).where(step_runs.c.pipeline_run_id == run_id).order_by(step_runs.c.id)
    return [_step(row) for row in connection.execute(query).mappings()]


def states(connection: Connection, run_id: str) -> dict[str, State]:
    return {key: State(state) for key, state in connection.execute(_STATES, {"run": run_id})}


def outputs_of(connection: Connection, run_id: str, keys: Iterable[str]) -> dict[str, list[Any]]:
    return {row.key: row.outputs for row in connection.execute(_OUTPUTS, {"run": run_id, "keys": list(keys)})}


def update_step(connection: Connection, pipeline_run_id: str, key: str, **values: Any) -> None:
    connection.execute(_CHANGE, {"its_run": pipeline_run_id, "its_key": key, **values})


def update_held(connection: Connection, step_run_id: str, token: int, **values: Any) -> bool:
    """Change a running step if ``token`` still holds it; whether it did."""
    held = (step_runs.c.id == step_run_id) & (step_runs.c.token == token) & (step_runs.c.state == str(State.RUNNING))
    return connection.execute(update(step_runs).where(held).values(**values)).rowcount == 1


def beat(connection: Connection, step_run_id: str, token: int) -> bool | None:
    """Count one sign of life; whether the step is to be cancelled, or None when ``token`` holds it no more."""
    if not update_held(connection, step_run_id, token, heartbeat=step_runs.c.heartbeat + 1):
        return None
    return bool(connection.execute(select(step_runs.c.cancel).where(step_runs.c.id == step_run_id)).scalar_one())


def ask_cancel(connection: Connection, run_id: str) -> None:
    mine = (step_runs.c.pipeline_run_id == run_id) & step_runs.c.state.not_in(FINAL)
    connection.execute(update(step_runs).where(mine).values(cancel=True))


def to_cancel(connection: Connection, step_run_id: str) -> bool:
    return bool(connection.execute(select(step_runs.c.cancel).where(step_runs.c.id == step_run_id)).scalar_one())


def next_for(connection: Connection, worker_key: str, worker: str = "", run_id: str | None = None) -> StepRun | None:
    """The step ``worker`` should take next: the running one it already holds, else a ready one of the run it just
    served, else the one ready longest."""
    values = {"worker_key": worker_key, "worker": worker, "run": run_id or ""}
    row = connection.execute(_NEXT, values).mappings().first()
    return _step(row) if row else None


def cached(connection: Connection, project_id: str, cache_key: str) -> StepRun | None:
    """The newest finished step with this key that really ran."""
    mine = (step_runs.c.project_id == project_id) & (step_runs.c.cache_key == cache_key)
    done = (step_runs.c.state == str(State.DONE)) & step_runs.c.cached_from.is_(None)
    query = select(*_STEP_FIELDS).where(mine & done).order_by(step_runs.c.ended_ms.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return _step(row) if row else None


def running(connection: Connection) -> list[tuple[StepRun, int, bool]]:
    """Every running step with its heartbeat counter and whether it is to be cancelled."""
    query = select(*_STEP_FIELDS, step_runs.c.heartbeat, step_runs.c.cancel)
    found = []
    for row in connection.execute(query.where(step_runs.c.state == str(State.RUNNING))).mappings():
        values = {name: row[name] for name in StepRun.__slots__}
        found.append((_step(values), row["heartbeat"], row["cancel"]))  # type: ignore[arg-type]
    return found


def ready_keys(connection: Connection) -> dict[str, tuple[str, str, int]]:
    """Worker key to (project, one pipeline run of it, how many steps are ready), the longest waiting first."""
    query = select(step_runs.c.worker_key, func.min(step_runs.c.project_id), func.min(step_runs.c.pipeline_run_id),
                   func.count())  # fmt: skip
    query = query.where(step_runs.c.state == str(State.READY)).group_by(step_runs.c.worker_key)
    query = query.order_by(func.min(step_runs.c.ready_ms))
    return {key: (project_id, run_id, count) for key, project_id, run_id, count in connection.execute(query)}


def set_tracking_run(connection: Connection, step_run_id: str, run_id: str) -> None:
    connection.execute(update(step_runs).where(step_runs.c.id == step_run_id).values(run_id=run_id))


# ------------------------------------------------------------------ logs
def add_log(connection: Connection, step_run_id: str, attempt: int, now_ms: int, lines: list[Any]) -> None:
    """Append a chunk of ``[at_ms, stream, text]`` lines."""
    last = select(func.coalesce(func.max(step_logs.c.seq), 0)).where(step_logs.c.step_run_id == step_run_id)
    seq = connection.execute(last).scalar_one() + 1
    connection.execute(insert(step_logs).values(step_run_id=step_run_id, seq=seq, attempt=attempt, at_ms=now_ms,
                                                data=codec.dumps(lines).encode()))  # fmt: skip


def log_after(connection: Connection, step_run_id: str, after_seq: int, limit: int) -> list[LogLine]:
    """Lines of the chunks after ``after_seq``, at most ``limit`` chunks."""
    query = select(step_logs).where(step_logs.c.step_run_id == step_run_id, step_logs.c.seq > after_seq)
    return [
        LogLine(seq=row["seq"], attempt=row["attempt"], at_ms=at_ms, stream=stream, text=text)
        for row in connection.execute(query.order_by(step_logs.c.seq).limit(limit)).mappings()
        for at_ms, stream, text in codec.loads(row["data"], trusted=True)
    ]


# ------------------------------------------------------------------ tables that parameters name
def table_of(connection: Connection, project_id: str, dataset_version_id: str) -> dict[str, Any] | None:
    """The stored table of a dataset version, as a step's input."""
    columns = dataset_versions.c
    mine = (columns.id == dataset_version_id) & (columns.project_id == project_id)
    row = connection.execute(select(columns.sha256, columns.roles, columns.rows).where(mine)).first()
    if row is None:
        return None
    return {"kind": "table", "sha256": row.sha256, "roles": row.roles, "rows": row.rows,
            "dataset_version": dataset_version_id}  # fmt: skip
