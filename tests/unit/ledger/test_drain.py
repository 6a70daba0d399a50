"""The drain: everything reaches the ledger once SQL takes it, and nothing else waits for that."""

import asyncio
import contextlib

import pytest

from kaigate.ledger.drain import Drain, Watch
from kaigate.store.errors import StoreRefused, StoreUnavailable
from support.usage_records import NOON_MS, usage_bytes, usage_record


class Clock:
    """Time that is set by hand."""

    def __init__(self):
        self.seconds = NOON_MS / 1000 + 5

    def now(self):
        return self.seconds

    monotonic = now


class Waiting:
    """An outbox in memory."""

    def __init__(self, *records):
        self.records = {str(number): data for number, data in enumerate(records)}

    async def outbox(self, batch):
        return list(self.records.items())[:batch]

    async def delivered(self, ids):
        for identifier in ids:
            self.records.pop(identifier, None)


class Kept:
    """A ledger in memory that can be made to fail."""

    def __init__(self):
        self.records, self.buried, self.failures, self.refuses = [], [], 0, lambda record: False
        self.old, self.pruned = 0, 0

    async def store(self, records):
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("down")
        if any(self.refuses(record) for record in records):
            raise StoreRefused("no")
        self.records += records

    async def bury(self, data, reason, at_ms):
        self.buried.append((data, reason))

    async def prune(self, now_ms):
        done, self.old = min(self.old, 2), max(0, self.old - 2)
        self.pruned += done
        return done


class Seen:
    """What the callbacks were told."""

    def __init__(self):
        self.stored, self.lags, self.failures, self.buried = 0, [], 0, 0
        self.watch = Watch(self.on_stored, self.lags.append, self.on_failure, self.on_buried)

    def on_stored(self, count):
        self.stored += count

    def on_failure(self):
        self.failures += 1

    def on_buried(self, count):
        self.buried += count


@pytest.fixture
def parts():
    return Waiting(*(usage_bytes(id=f"r{number}") for number in range(10))), Kept(), Seen()


def drain_of(parts, clock=None, **options):
    waiting, kept, seen = parts
    options = {"batch": 4, "idle_s": 0.001, "backoff_s": (0.001, 0.004), **options}
    return Drain(waiting, kept, clock or Clock(), watch=seen.watch, **options)


@contextlib.asynccontextmanager
async def running(drain):
    task = asyncio.create_task(drain.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until(holds):
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.001)


async def test_a_batch_is_acknowledged_after_it_is_stored(parts):
    waiting, kept, seen = parts
    drain = drain_of(parts)
    assert [await drain.step() for _ in range(4)] == [4, 4, 2, 0]
    assert [record.id for record in kept.records] == [f"r{number}" for number in range(10)]
    assert (waiting.records, seen.stored) == ({}, 10)


async def test_a_failure_leaves_everything_where_it_is(parts):
    waiting, kept, _ = parts
    kept.failures = 1
    with pytest.raises(StoreUnavailable):
        await drain_of(parts).step()
    assert len(waiting.records) == 10


async def test_the_lag_is_the_age_of_the_oldest(parts):
    waiting, _, seen = parts
    waiting.records["9"] = usage_bytes(id="old", at_ms=NOON_MS - 60_000)
    await drain_of(parts, batch=100).step()
    assert await drain_of(parts).step() == 0
    assert seen.lags == [pytest.approx(65), 0.0]


async def test_a_clock_behind_the_records_is_no_negative_lag(parts):
    clock = Clock()
    clock.seconds -= 100
    await drain_of(parts, clock).step()
    assert parts[2].lags == [0.0]


async def test_an_outage_is_sat_out(parts, caplog):
    waiting, kept, seen = parts
    kept.failures = 6
    async with running(drain_of(parts)):
        await until(lambda: not waiting.records)
    assert (seen.failures, len(kept.records)) == (6, 10)
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "usage waits in the outbox"
    ]


async def test_what_is_no_record_is_put_aside_and_stops_nobody(parts):
    waiting, kept, seen = parts
    waiting.records.update({"1": b"junk", "3": usage_bytes(outcome="?"), "4": b""})
    assert await drain_of(parts).flush(5)
    assert [data for data, _ in kept.buried] == [b"junk", usage_bytes(outcome="?")]
    assert (len(kept.records), seen.buried, waiting.records) == (7, 2, {})


async def test_only_junk_is_put_aside_too(parts):
    waiting, kept, _ = parts
    waiting.records = {"1": b"junk"}
    assert await drain_of(parts).step() == 1
    assert (len(kept.buried), waiting.records) == (1, {})


async def test_a_record_that_the_database_refuses_is_put_aside_when_others_pass(parts):
    _, kept, _ = parts
    kept.refuses = lambda record: record.id == "r2"
    assert await drain_of(parts).flush(5)
    assert [data for data, _ in kept.buried] == [usage_bytes(id="r2")]
    assert len(kept.records) == 9


async def test_a_database_that_refuses_everything_is_an_outage(parts):
    waiting, kept, _ = parts
    kept.refuses = lambda record: True
    assert not await drain_of(parts).flush(5)
    assert (len(waiting.records), kept.buried) == (10, [])


async def test_a_shutdown_does_not_wait_for_ever(parts):
    class Hangs(Kept):
        async def store(self, records):
            await asyncio.Event().wait()

    assert not await drain_of((parts[0], Hangs(), parts[2])).flush(0.01)
    assert len(parts[0].records) == 10


async def test_old_records_are_pruned_in_pieces_when_it_is_time(parts):
    waiting, kept, _ = parts
    clock = Clock()
    kept.old = 5
    async with running(drain_of(parts, clock)):
        await until(lambda: not waiting.records)
        assert kept.pruned == 0
        clock.seconds += 3_601
        await until(lambda: kept.pruned == 5)


def test_the_pause_grows_to_a_bound(parts):
    drain = drain_of(parts, backoff_s=(1.0, 8.0))
    pauses = []
    for failures in (1, 2, 3, 4, 5, 1_000_000):
        drain._failures = failures
        pauses.append(drain._backoff())
    for pause, most in zip(pauses, (1, 2, 4, 8, 8, 8), strict=True):
        assert most / 2 <= pause <= most


async def test_two_gateways_share_an_outbox(parts):
    waiting, kept, _ = parts
    async with running(drain_of(parts)), running(drain_of(parts)):
        await until(lambda: not waiting.records)
    assert {record.id for record in kept.records} == {usage_record(id=f"r{number}").id for number in range(10)}
