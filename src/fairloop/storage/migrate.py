"""Bring a database to this version's schema: the whole upgrade in one transaction."""

from __future__ import annotations

from importlib import resources

from sqlalchemy import Connection, inspect, text

from fairloop.errors import Conflict
from fairloop.storage.engine import Database
from fairloop.storage.tables import metadata

HEAD = "0002"
"""The newest revision in storage/migrations/."""


def migrate(database: Database) -> None:
    """Upgrade ``database`` to :data:`HEAD`.

    An empty database gets the tables directly (a test proves that the chain gives the same). Raises Conflict when the
    database was written by a newer Fairloop; nothing is changed then.
    """
    database.write(_upgrade)


def revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    current = revision(connection)
    if current == HEAD:
        return
    if current is None:
        metadata.create_all(connection)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
        return
    run_chain(connection, "head", known=current)


def run_chain(connection: Connection, target: str, *, known: str | None = None) -> None:
    """Run the Alembic chain up to ``target`` on ``connection``, inside its open transaction."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(resources.files("fairloop.storage") / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    if known is not None and known not in {s.revision for s in scripts.walk_revisions()}:
        raise Conflict(
            f"This database was written by a newer Fairloop (schema {known}, this version knows {HEAD}); "
            "upgrade Fairloop. Nothing was changed."
        )
    with EnvironmentContext(
        config, scripts, fn=lambda rev, _: scripts._upgrade_revs(target, rev), destination_rev=target
    ) as environment:
        environment.configure(connection=connection, target_metadata=metadata, transactional_ddl=True,
                              render_as_batch=True)  # fmt: skip
        environment.get_context()._in_connection_transaction = lambda: True  # type: ignore[method-assign]
        environment.run_migrations()
