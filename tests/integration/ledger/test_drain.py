"""From a journal into a real database that dies and comes back: nothing is lost, nothing counted twice."""

import asyncio
import contextlib
import os
import signal
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaigate.clock import SystemClock
from kaigate.ledger.acceptance import UnacceptableError, accept
from kaigate.ledger.drain import Drain, Watch
from kaigate.ledger.journal import Journal
from kaigate.ledger.sql import Ledger
from kaigate.store.sql.engine import Database
from support.ledger_db import DIALECTS, clear, daily, migrate_here, migrated, recounted, stored, usage_database
from support.postgres import start_postgres
from support.usage_records import usage_bytes, usage_record


class JournalOutbox:
    """A journal as the in-process store shows it."""

    def __init__(self, journal):
        self.journal = journal

    async def outbox(self, batch):
        return self.journal.outbox(batch)

    async def delivered(self, ids):
        self.journal.delivered(ids)


@pytest.fixture(scope="module", params=DIALECTS)
def url(request):
    return migrated(request.param)


@pytest.fixture
async def db(url):
    async with usage_database(url) as made:
        yield made


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path / "journal")
    yield made
    made.close()


@pytest.fixture
def own_server():
    """A server that this test may stop, with the tables of this release."""
    server = start_postgres()
    return server, migrate_here(server)


async def test_a_backlog_reaches_the_ledger(db, journal):
    records = [usage_record(id=f"r{number}", nanodollars=number) for number in range(1_200)]
    for record in records:
        journal.reserved(record.id, 1, usage_bytes(id=record.id, estimated=True))
        journal.settled(record.id, usage_bytes(id=record.id, nanodollars=record.nanodollars))
    assert await Drain(JournalOutbox(journal), Ledger(db), SystemClock()).flush(20)
    assert await daily(db) == recounted(records)
    assert journal.outbox(1) == []


TEXT = st.text(st.one_of(st.characters(), st.sampled_from(string.printable + "\0\x1f\u2028")), max_size=12)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.lists(
        st.fixed_dictionaries(
            {
                "user": TEXT,
                "model": TEXT,
                "request_id": TEXT,
                "team": TEXT,
                "at_ms": st.integers(-1, 253_402_300_799_999),
                "nanodollars": st.integers(-1, 10**15 + 1),
                "cached_tokens": st.integers(0, 10**12 + 1),
            }
        ),
        max_size=5,
    )
)
async def test_what_is_accepted_can_be_stored(db, fields):
    await clear(db)
    accepted = []
    for number, changes in enumerate(fields):
        with contextlib.suppress(UnacceptableError):
            accepted.append(accept(usage_bytes(id=f"r{number}", **changes)))
    await Ledger(db).store(accepted)
    assert await stored(db) == {record.id: record for record in accepted}


async def test_a_frozen_database_slows_nobody_and_loses_nothing(own_server, journal):
    """The server is stopped under load and goes on later; settling never waits for it."""
    server, url = own_server
    db = await asyncio.to_thread(lambda: Database(url, statement_timeout_s=0.3))
    failures = []
    watch = Watch(on_failure=lambda: failures.append(1))
    drain = Drain(JournalOutbox(journal), Ledger(db), SystemClock(), idle_s=0.01, backoff_s=(0.01, 0.05), watch=watch)
    task = asyncio.create_task(drain.run())
    loop, slowest, records = asyncio.get_running_loop(), 0.0, []
    children = await asyncio.to_thread(processes_of, server.pid)
    for number in range(600):
        if number == 200:
            for pid in await asyncio.to_thread(processes_of, server.pid):
                os.kill(pid, signal.SIGSTOP)
        if number == 400:
            await until(lambda: failures, 20)
            for pid in await asyncio.to_thread(processes_of, server.pid):
                os.kill(pid, signal.SIGCONT)
        record = usage_record(id=f"r{number}", nanodollars=number)
        began = loop.time()
        journal.settled(record.id, usage_bytes(id=record.id, nanodollars=number))
        slowest = max(slowest, loop.time() - began)
        records.append(record)
        await asyncio.sleep(0.0005)
    await until(lambda: not journal.outbox(1), 20)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await daily(db) == recounted(records)
    assert failures
    assert children
    assert slowest < 0.05
    await db.aclose()


def processes_of(pid):
    """A process and its children."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:  # noqa: PTH123
        return [pid, *(int(child) for child in file.read().split())]


async def until(holds, within):
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.01)
