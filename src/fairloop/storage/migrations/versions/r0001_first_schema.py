"""The first schema: every table of storage/tables.py at version 0.1.0."""

from __future__ import annotations

from alembic import op

from fairloop.storage.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
