"""Analyses: rows <-> dataclasses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from fairloop.core.analyses import Analysis, AnalysisState
from fairloop.core.records import to_plain
from fairloop.storage.tables import analyses


def add(connection: Connection, analysis: Analysis, key: str) -> None:
    connection.execute(insert(analyses).values(**to_plain(analysis), key=key))


def _analysis(row: Any) -> Analysis:
    values = {name: row[name] for name in Analysis.__slots__}
    return Analysis(**values | {"state": AnalysisState(row["state"])})


def by_id(connection: Connection, project_id: str, analysis_id: str) -> Analysis | None:
    query = select(analyses).where(analyses.c.project_id == project_id, analyses.c.id == analysis_id)
    row = connection.execute(query).mappings().first()
    return _analysis(row) if row else None


def newest_of(connection: Connection, project_id: str, key: str) -> Analysis | None:
    """The newest one that asked the very same question and has not failed."""
    query = select(analyses).where(analyses.c.project_id == project_id, analyses.c.key == key,
                                   analyses.c.state != str(AnalysisState.FAILED))  # fmt: skip
    row = connection.execute(query.order_by(analyses.c.id.desc()).limit(1)).mappings().first()
    return _analysis(row) if row else None


def listed(connection: Connection, project_id: str, *, kind: str | None, subject_ids: list[str] | None,
           before: str | None, limit: int,
           state: AnalysisState | None = None) -> list[Analysis]:  # fmt: skip
    """Newest first (ids sort by birth), below the id ``before``."""
    query = select(analyses).where(analyses.c.project_id == project_id)
    if kind is not None:
        query = query.where(analyses.c.kind == kind)
    if subject_ids is not None:
        query = query.where(analyses.c.subject_id.in_(subject_ids))
    if state is not None:
        query = query.where(analyses.c.state == str(state))
    if before is not None:
        query = query.where(analyses.c.id < before)
    found = connection.execute(query.order_by(analyses.c.id.desc()).limit(limit)).mappings()
    return [_analysis(row) for row in found]


def end(connection: Connection, analysis_id: str, **changes: Any) -> bool:
    """Note how it ended, once; whether it was open."""
    open_states = [str(s) for s in AnalysisState if not s.final]
    query = update(analyses).where(analyses.c.id == analysis_id, analyses.c.state.in_(open_states))
    return connection.execute(query.values(**to_plain(changes))).rowcount == 1
