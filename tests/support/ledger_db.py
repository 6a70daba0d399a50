"""Databases for tests of the ledger: migrated once, emptied for each test."""

import asyncio
import functools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import delete, select

from kaigate.ledger.record import UsageRecord
from kaigate.ledger.rollup import Place, Sums, differences
from kaigate.store.sql.engine import Database
from kaigate.store.sql.migrate import migrate
from kaigate.store.sql.usage_tables import usage_daily, usage_dead_letters, usage_records
from support.postgres import PostgresServer, postgres

DIALECTS = ("sqlite", "postgresql")


@functools.cache
def migrated(dialect: str) -> str:
    """The URL of a database with this release's tables. Blocking, so for fixtures that are not async."""
    if dialect == "postgresql":
        return migrate_here(postgres())
    url = f"sqlite:///{tempfile.mkdtemp(prefix='kg-ledger-')}/usage.db"
    asyncio.run(_migrate(url))
    return url


def migrate_here(server: PostgresServer) -> str:
    """The URL of a new database of a server, with this release's tables. Blocking."""
    # The server asks for none, but without a password the driver looks for a file of them when it connects.
    url = asyncio.run(server.create_database()).replace("postgres:@", "postgres:none@")
    asyncio.run(_migrate(url))
    return url


async def _migrate(url: str) -> None:
    db = Database(url)
    await migrate(db)
    await db.aclose()


@asynccontextmanager
async def usage_database(url: str) -> AsyncIterator[Database]:
    """The database with empty tables of usage."""
    # Looking for the file blocks; the gateway makes its database before the event loop turns.
    db = await asyncio.to_thread(Database, url)
    try:
        await clear(db)
        yield db
    finally:
        await db.aclose()


async def clear(db: Database) -> None:
    """Empty the tables of usage."""
    async with db.begin() as connection:
        for table in (usage_records, usage_daily, usage_dead_letters):
            await connection.execute(delete(table))


async def stored(db: Database) -> dict[str, UsageRecord]:
    """Every single record by its id."""
    async with db.connect() as connection:
        rows = (await connection.execute(select(usage_records))).mappings().all()
    return {
        row["id"]: UsageRecord(
            **{name: value for name, value in row.items() if name != "end_user"}, user=row["end_user"]
        )
        for row in rows
    }


async def daily(db: Database) -> dict[Place, Sums]:
    """The daily sums that are not zero."""
    async with db.connect() as connection:
        rows = (await connection.execute(select(usage_daily))).all()
    found = {Place(*row[:6]): Sums(*row[6:]) for row in rows}
    return {place: sums for place, sums in found.items() if sums != Sums()}


def recounted(records: list[UsageRecord]) -> dict[Place, Sums]:
    """What the daily sums have to be."""
    return dict(differences(records, []))
