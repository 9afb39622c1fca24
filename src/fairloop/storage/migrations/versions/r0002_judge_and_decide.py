"""What version 0.2.0 stores beside the first schema. Written by tests/support/freeze_schema.py."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


# fmt: off
# ruff: noqa: E501
def upgrade() -> None:
    _part_1()


def _part_1() -> None:
    pass
# fmt: on
