"""Every test here runs on SQLite and on a real PostgreSQL."""

import asyncio

import pytest

from kaigate.keys.service import KeyService
from kaigate.pipeline.principal import Principal
from kaigate.store.sql.engine import Database
from kaigate.store.sql.migrate import migrate
from support.held_clock import HeldClock
from support.postgres import postgres

PEPPER = b"p" * 32


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/kaigate.db"
    return await (await asyncio.to_thread(postgres)).create_database()


@pytest.fixture
async def db(url):
    database = await Database.open(url)
    await migrate(database)
    yield database
    await database.aclose()


@pytest.fixture
def clock():
    return HeldClock()


@pytest.fixture
def service(db, clock):
    return KeyService(db, PEPPER, clock)


@pytest.fixture
def master():
    return Principal(key_id="master", name="master", master=True, role="master")
