"""Transactions, deadlines and migrations on the real databases."""

import asyncio
import os
import signal
import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from kaigate.store.errors import StoreError, StoreTimeout, StoreUnavailable
from kaigate.store.sql import key_tables, usage_tables
from kaigate.store.sql.engine import Database
from kaigate.store.sql.failures import StoreConflict
from kaigate.store.sql.migrate import Scripts, migrate
from support.postgres import postgres, start_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
async def db(request, tmp_path):
    url = f"sqlite:///{tmp_path}/kaigate.db"
    if request.param == "postgresql":
        url = await (await asyncio.to_thread(postgres)).create_database()
    database = await Database.open(url)
    yield database
    await database.aclose()


async def names(db) -> list[str]:
    async with db.connect() as connection:
        return [row[0] for row in await connection.execute(text("SELECT name FROM key_settings"))]


INSERT = text("INSERT INTO key_settings (name, value) VALUES (:name, '')")


async def test_the_migrated_schema_is_the_one_of_the_tables(db):
    await migrate(db)

    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, key_tables.metadata)

    assert usage_tables is not None
    async with db.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_replicas_that_start_together_migrate_once(db):
    await asyncio.gather(*(migrate(db) for _ in range(4)))
    assert await names(db) == []


async def test_a_database_of_a_newer_release_is_left_alone(db):
    await migrate(db)
    async with db.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999_later'"))
    await migrate(db)
    async with db.connect() as connection:
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one() == "9999_later"


async def test_a_migration_that_fails_leaves_nothing(db, monkeypatch):
    run = Scripts.run

    def fail(self, connection, target):
        run(self, connection, target)
        connection.execute(text("SELECT nonsense"))

    monkeypatch.setattr(Scripts, "run", fail)
    with pytest.raises(StoreError):
        await migrate(db)
    monkeypatch.undo()
    with pytest.raises(StoreError):
        await names(db)
    await migrate(db)
    assert await names(db) == []


async def write(db, *written, timeout_s=5.0, then=None):
    async with db.begin(timeout_s=timeout_s) as connection:
        for name in written:
            await connection.execute(INSERT, {"name": name})
        if then is not None:
            await then()


async def fail():
    raise KeyError


async def test_a_block_that_raises_is_rolled_back(db):
    await migrate(db)
    with pytest.raises(KeyError):
        await write(db, "a", then=fail)
    with pytest.raises(StoreConflict):
        await write(db, "b", "b")
    assert await names(db) == []
    await write(db, "c")
    assert await names(db) == ["c"]


async def test_a_transaction_has_a_deadline_and_the_next_one_works(db):
    await migrate(db)
    with pytest.raises(StoreTimeout):
        await write(db, "a", timeout_s=0.1, then=lambda: asyncio.sleep(1))
    assert await names(db) == []


async def test_more_transactions_than_connections_wait_for_their_turn(db):
    await migrate(db)
    await asyncio.gather(*(write(db, str(n)) for n in range(40)))
    assert len(await names(db)) == 40


async def test_a_database_that_is_not_there_is_unavailable_in_bounded_time(tmp_path):
    for url in (f"sqlite:///{tmp_path}/gone/kaigate.db", "postgresql://u:secret-canary@127.0.0.1:1/d?sslmode=disable"):
        db = await Database.open(url)
        with pytest.raises(StoreUnavailable) as refused:
            async with db.connect():
                pass
        assert "secret-canary" not in str(refused.value) + repr(db)
        await db.aclose()


async def test_a_frozen_server_costs_the_deadline_and_no_more():
    server = await asyncio.to_thread(start_postgres)
    db = await Database.open(await server.create_database())
    await migrate(db)
    async with db.connect() as connection:
        backend = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    for pid in (server.pid, backend):
        os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(StoreError):
            async with db.connect(timeout_s=0.5) as connection:
                await connection.execute(text("SELECT 1"))
        assert time.monotonic() - began < 4
    finally:
        for pid in (server.pid, backend):
            os.kill(pid, signal.SIGCONT)
    async with db.connect() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    await db.aclose()
