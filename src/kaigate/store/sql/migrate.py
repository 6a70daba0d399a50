"""Brings a database to this release's schema, under a lock, at start."""

import asyncio
from pathlib import Path
from typing import Any, Final

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from kaigate.store.sql.base import metadata
from kaigate.store.sql.engine import Database

LOCK_TIMEOUT_S: Final = 60.0
# Any number that is nobody else's: the same in every release.
_ADVISORY_LOCK: Final = 0x6B61_6967_6174_65
_FOLDER: Final = Path(__file__).parent / "migrations"


class Scripts:
    """This release's migrations, all of them read. Blocking to make."""

    def __init__(self) -> None:
        self._config = Config()
        self._config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
        self._config.set_main_option("path_separator", "os")
        self._directory = ScriptDirectory.from_config(self._config)
        self.revisions = frozenset(script.revision for script in self._directory.walk_revisions())

    def run(self, connection: Connection, target: str) -> None:
        """Upgrade within the connection's transaction; a database of a newer release is left alone."""
        # Migrations only add what older releases can ignore; what those use is removed a release later.
        if not self.revisions.issuperset(MigrationContext.configure(connection).get_current_heads()):
            return

        def steps(revision: Any, _context: MigrationContext) -> Any:
            return self._directory._upgrade_revs(target, revision)  # noqa: SLF001 (what alembic's own command calls)

        with EnvironmentContext(self._config, self._directory, fn=steps) as environment:
            # SQLite can roll back DDL when transactions are begun explicitly, as ours are; alembic assumes otherwise.
            environment.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
            environment.run_migrations()


async def migrate(db: Database, *, target: str = "head") -> None:
    """Upgrade to `target`, one transaction for all of it; replicas that start together wait for the first.

    Raises `StoreError`. The scripts are read, and run over a connection of their own, in a thread of their own.
    """
    await asyncio.to_thread(_migrate, db.url.render_as_string(hide_password=False), target)


def _migrate(url: str, target: str) -> None:
    scripts = Scripts()
    asyncio.run(_run(Database(url, statement_timeout_s=LOCK_TIMEOUT_S), scripts, target))


async def _run(db: Database, scripts: Scripts, target: str) -> None:
    try:
        async with db.begin(timeout_s=2 * LOCK_TIMEOUT_S) as connection:
            # BEGIN IMMEDIATE is SQLite's lock; it was taken when the transaction began.
            if db.dialect == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
            await connection.run_sync(scripts.run, target)
    finally:
        await db.aclose()
