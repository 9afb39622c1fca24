"""Evidence packs: rows <-> dataclasses."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from fairloop.core.packs import EvidencePack
from fairloop.storage.tables import evidence_packs


def add(connection: Connection, pack: EvidencePack) -> None:
    connection.execute(insert(evidence_packs).values(**{name: getattr(pack, name) for name in EvidencePack.__slots__}))


def get(connection: Connection, project_id: str, pack_id: str) -> EvidencePack | None:
    mine = (evidence_packs.c.id == pack_id) & (evidence_packs.c.project_id == project_id)
    row = connection.execute(select(evidence_packs).where(mine)).mappings().first()
    return EvidencePack(**row) if row else None


def listed(connection: Connection, project_id: str, model_version_id: str | None, before: str | None,
           limit: int) -> list[EvidencePack]:  # fmt: skip
    """Newest first, older than the pack ``before``; those of one model version when it is named."""
    query = select(evidence_packs).where(evidence_packs.c.project_id == project_id)
    if model_version_id is not None:
        query = query.where(evidence_packs.c.model_version_id == model_version_id)
    if before is not None:
        query = query.where(evidence_packs.c.id < before)
    query = query.order_by(evidence_packs.c.id.desc()).limit(limit)
    return [EvidencePack(**row) for row in connection.execute(query).mappings()]
