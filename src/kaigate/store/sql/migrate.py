"""Brings a database to this release's schema, under a lock, at start."""

import asyncio
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from kaigate.store.errors import StoreRefused
from kaigate.store.sql.engine import Database

LOCK_TIMEOUT_S: Final = 60.0
# Any number that is nobody else's: the same in every release.
_ADVISORY_LOCK: Final = 0x6B61_6967_6174_65
_SCRIPTS: Final = Path(__file__).parent / "migrations"


async def migrate(db: Database, *, target: str = "head") -> None:
    """Upgrade to `target`, one transaction for all of it; replicas that start together wait for the first.

    A database that a newer release has migrated is left alone: migrations only add what older releases can ignore.
    Raises `StoreError`. The scripts are read in a thread of their own, with a connection of their own.
    """
    await asyncio.to_thread(lambda: asyncio.run(_migrate(db.url.render_as_string(hide_password=False), target)))


async def _migrate(url: str, target: str) -> None:
    db = Database(url, statement_timeout_s=LOCK_TIMEOUT_S)
    try:
        async with db.begin(timeout_s=2 * LOCK_TIMEOUT_S) as connection:
            # BEGIN IMMEDIATE is SQLite's lock; it was taken when the transaction began.
            if db.dialect == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
            await connection.run_sync(_upgrade, target)
    finally:
        await db.aclose()


def _upgrade(connection: Connection, target: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if _is_newer(connection, ScriptDirectory.from_config(config)):
        return
    try:
        command.upgrade(config, target)
    except CommandError as error:
        raise StoreRefused(f"the database cannot be migrated: {error}") from None


def _is_newer(connection: Connection, scripts: ScriptDirectory) -> bool:
    known = {script.revision for script in scripts.walk_revisions()}
    return not known.issuperset(MigrationContext.configure(connection).get_current_heads())
