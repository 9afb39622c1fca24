"""Write the migration of the version under way from what storage/tables.py has more than the revisions before it.

Run ``python tests/support/freeze_schema.py`` from the top folder after changing a table. ``--golden`` also writes the
golden database file of this version; those of earlier versions are never written again. New columns of old tables need
a ``server_default`` or must be nullable.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

TOP = Path(__file__).resolve().parents[2]
BEFORE = "0001"
REVISION = TOP / "src/fairloop/storage/migrations/versions/r0002_judge_and_decide.py"
GOLDEN = TOP / "tests/assets/golden/0.2.0.db"

HEAD = '''"""What version 0.2.0 stores beside the first schema. Written by tests/support/freeze_schema.py."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


# fmt: off
# ruff: noqa: E501
'''
FUNCTION_LINES = 50


def rendered() -> str:
    """The text of the revision that makes what storage/tables.py has and revision :data:`BEFORE` has not."""
    from fairloop.storage.migrate import run_chain
    from fairloop.storage.tables import Json, metadata

    def as_text(kind: str, value: Any, _: object) -> str | bool:
        return "sa.Text()" if kind == "type" and isinstance(value, Json) else False

    with create_engine("sqlite://").connect() as connection:
        run_chain(connection, BEFORE)
        context = MigrationContext.configure(connection, opts={"render_item": as_text, "target_metadata": metadata,
                                                               "compare_type": False})  # fmt: skip
        upgrade = produce_migrations(context, metadata).upgrade_ops
    assert upgrade is not None
    body = render_python_code(upgrade, render_item=as_text)
    statements = re.split(r"\n(?=\s*op\.)", "\n".join(x for x in body.splitlines() if not x.strip().startswith("#")))
    parts: list[list[str]] = [[]]
    for statement in statements:
        lines = _wrapped(" ".join(line.strip() for line in statement.splitlines()))
        if len(parts[-1]) + len(lines) > FUNCTION_LINES:
            parts.append([])
        parts[-1] += lines
    names = [f"_part_{number}" for number in range(1, len(parts) + 1)]
    functions = [
        f"def {name}() -> None:\n" + "\n".join(part or ["    pass"]) + "\n"
        for name, part in zip(names, parts, strict=True)
    ]
    upgrades = "def upgrade() -> None:\n" + "".join(f"    {name}()\n" for name in names)
    return HEAD + "\n\n".join([upgrades, *functions]) + "# fmt: on\n"


def _wrapped(statement: str) -> list[str]:
    """One statement on lines of at most 110 characters, broken between arguments."""
    pieces = re.split(
        r"(?<=,) (?=sa\.(?:Column|Primary|Foreign|Unique)|sqlite_|\[|unique=)", statement.strip().replace(", )", ")")
    )
    lines = ["    " + pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + len(piece) + 1 > 110:
            lines.append("        " + piece)
        else:
            lines[-1] += " " + piece
    return lines


def write_golden() -> None:
    from fairloop.core.people import Identity
    from fairloop.server.services import build_services
    from fairloop.settings import Settings
    from support.catalogue import seed

    folder = Path(tempfile.mkdtemp())
    services = build_services(Settings(data=folder))
    owner = services.people.ensure_owner("owner")
    services.audit.record(Identity(kind="person", person_id=owner.id, name=owner.name), "golden", detail={"n": 1.5})
    seed(services.database, services.projects.create("golden").id)
    services.close()
    with closing(sqlite3.connect(folder / "fairloop.db")) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        plain.execute("PRAGMA journal_mode=DELETE")
        plain.execute("VACUUM")
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "fairloop.db", GOLDEN)
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.path.insert(0, str(TOP / "tests"))
    REVISION.write_text(rendered(), "utf-8")
    if "--golden" in sys.argv:
        write_golden()
