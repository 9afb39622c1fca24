"""The chain of migrations makes what storage/tables.py says, in one transaction, on both databases; old files open."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from fairloop.access.audit import Audit
from fairloop.core.clock import Clock
from fairloop.errors import Conflict
from fairloop.storage import migrate as migrations
from fairloop.storage.engine import Database, SQLite, open_database
from fairloop.storage.migrate import HEAD, migrate, revision, run_chain
from fairloop.storage.tables import Json, metadata
from support.freeze_schema import GOLDEN, REVISION, rendered


@pytest.fixture
def empty(database: Database) -> Database:
    """The fixture's database without its tables."""

    def work(connection: Connection) -> None:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))

    database.write(work)
    return database


def shape(connection: Connection) -> dict[str, Any]:
    """Everything about the schema that the database can tell, in an order of its own."""
    found: dict[str, Any] = {}
    look = inspect(connection)
    for table in sorted(look.get_table_names()):
        found[table] = {
            "columns": sorted((c["name"], str(c["type"]), c["nullable"]) for c in look.get_columns(table)),
            "key": look.get_pk_constraint(table)["constrained_columns"],
            "foreign": sorted(
                (str(f["constrained_columns"]), f["referred_table"]) for f in look.get_foreign_keys(table)
            ),
            "unique": sorted(str(u["column_names"]) for u in look.get_unique_constraints(table)),
            "indexes": sorted((str(i["name"]), str(i["column_names"])) for i in look.get_indexes(table)),
        }
    if connection.dialect.name == "sqlite":
        found["sql"] = sorted(
            "".join(str(row[0]).split())
            for row in connection.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
            if "WITHOUT ROWID" in str(row[0])
        )
    return found


def test_the_chain_makes_what_the_tables_say(database: Database, empty: Database) -> None:
    empty.write(lambda c: run_chain(c, "head"))
    by_chain = empty.read(shape)
    assert empty.read(revision) == HEAD

    def again(connection: Connection) -> None:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))

    empty.write(again)
    migrate(empty)
    directly = empty.read(shape)
    by_chain.pop("alembic_version"), directly.pop("alembic_version")
    assert by_chain.keys() == directly.keys()
    for table in by_chain:
        assert by_chain[table] == directly[table], table


def test_alembic_sees_no_difference(empty: Database) -> None:
    empty.write(lambda c: run_chain(c, "head"))

    def same_type(*types: Any) -> bool | None:
        return False if isinstance(types[-1], Json) or isinstance(types[3], Json) else None

    def compare(connection: Connection) -> list[Any]:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": same_type}), metadata)

    assert empty.read(compare) == []


def test_the_frozen_revision_is_what_the_tables_would_give() -> None:
    """Run tests/support/freeze_schema.py after changing a table."""
    assert REVISION.read_text("utf-8") == rendered()


def test_an_upgrade_is_one_transaction(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(connection: Connection) -> None:
        run_chain(connection, "head")
        raise Conflict("power cut")

    with pytest.raises(Conflict, match="power cut"):
        empty.write(breaks)
    assert empty.read(lambda c: inspect(c).get_table_names()) == []
    migrate(empty)
    assert empty.read(revision) == HEAD


def test_migrating_twice_changes_nothing(database: Database) -> None:
    before = database.read(shape)
    migrate(database)
    assert database.read(shape) == before


def test_a_newer_database_is_left_alone(database: Database) -> None:
    database.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")) and None)
    before = database.read(shape)
    with pytest.raises(Conflict, match=r"newer Fairloop \(schema 9999.*Nothing was changed"):
        migrate(database)
    assert database.read(shape) == before


def test_the_start_does_not_load_alembic() -> None:
    code = (
        "import sys, fairloop.server.main; "
        "print([m for m in sys.modules if m.split('.')[0] in {'alembic', 'numpy', 'mlflow'}])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
    assert "alembic" not in vars(migrations)


@pytest.mark.parametrize("golden", sorted(GOLDEN.parent.glob("*.db")), ids=lambda p: p.stem)
def test_the_golden_file_of_every_version_opens(golden: Path, tmp_path: Path) -> None:
    file = tmp_path / "fairloop.db"
    shutil.copyfile(golden, file)
    database = SQLite(file)
    migrate(database)
    assert database.read(revision) == HEAD
    assert Audit(database, Clock()).verify().ok
    counts = database.read(lambda c: {t.name: c.execute(t.select()).fetchall() for t in metadata.sorted_tables})
    assert all(
        counts[name] for name in ("projects", "people", "runs", "cycles", "alerts", "endpoints", "model_versions")
    )
    database.close()
    fresh = open_database(f"sqlite:///{tmp_path / 'fresh.db'}")
    migrate(fresh)
    again = SQLite(file)
    assert again.read(shape) == fresh.read(shape)
    for opened in (fresh, again):
        opened.close()
