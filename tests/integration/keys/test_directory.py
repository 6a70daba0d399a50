"""The hot-path look-up over the real databases: fresh, bounded, and alive without SQL."""

import asyncio
import contextlib
import inspect

import pytest
from sqlalchemy import event

from kaigate.errors import UnavailableError
from kaigate.keys.directory import KeyDirectory
from kaigate.keys.hashing import generate_key
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.record import KeyChange, LimitsChange, TeamChange
from kaigate.pipeline.principal import Limits
from kaigate.store.errors import StoreUnavailable

PEPPER = b"p" * 32


async def found(directory, token, address=""):
    answer = directory.lookup(token.encode(), address)
    return await answer if inspect.isawaitable(answer) else answer


@contextlib.asynccontextmanager
async def running(db, clock, **options):
    directory = KeyDirectory(db, PEPPER, clock, **options)
    await directory.start()
    try:
        yield directory
    finally:
        await directory.aclose()


@pytest.fixture
def statements(db):
    seen = []
    event.listen(db._engine.sync_engine, "before_cursor_execute", lambda *arguments: seen.append(arguments[2]))
    return seen


async def test_a_known_key_is_found_without_waiting(db, service, clock, master):
    issued = await service.create(master, "app", KeyChange(models=("llama*",), limits=LimitsChange(rpm=7)))
    async with running(db, clock) as directory:
        caller = directory.lookup(issued.token.encode())
        assert (caller.key_id, caller.name, caller.models) == (issued.record.key_id, "app", ("llama*",))
        assert caller.limits == Limits(rpm=7)


async def test_a_key_that_another_replica_made_is_found_at_once(db, service, clock, master):
    async with running(db, clock, poll_s=60) as directory:
        issued = await service.create(master, "app", KeyChange())
        assert (await found(directory, issued.token)).name == "app"
        assert not inspect.isawaitable(directory.lookup(issued.token.encode()))


async def test_a_revocation_reaches_every_replica_within_two_seconds(db, service, clock, master):
    issued = await service.create(master, "app", KeyChange())
    async with running(db, clock) as one, running(db, clock) as other:
        assert one.lookup(issued.token.encode())
        assert other.lookup(issued.token.encode())
        await service.revoke(master, issued.record.key_id)
        async with asyncio.timeout(2):
            while one.lookup(issued.token.encode()) or other.lookup(issued.token.encode()):
                await asyncio.sleep(0.02)
        assert await found(one, issued.token) is None


async def test_changes_rotations_and_teams_reach_it(db, service, clock, master):
    await service.teams.create(master, "ml", TeamChange(limits=LimitsChange(rpm=5)))
    issued = await service.create(master, "app", KeyChange(team="ml"))
    policy = KeyPolicy(teams={"ml": Limits(tpm=9)})
    async with running(db, clock, poll_s=0.02, policy=policy) as directory:
        caller = directory.lookup(issued.token.encode())
        assert caller.team_limits == Limits(rpm=5, tpm=9)
        await service.update(master, caller.key_id, KeyChange(private_only=True))
        second = await service.rotate(master, caller.key_id, overlap_s=60)
        await service.teams.update(master, "ml", TeamChange(limits=LimitsChange(rpm=1)))
        await asyncio.sleep(0.2)
        for token in (issued.token, second.token):
            caller = directory.lookup(token.encode())
            assert (caller.private_only, caller.team_limits.rpm) == (True, 1)
        clock.time += 61
        assert directory.lookup(issued.token.encode()) is None
        assert directory.lookup(second.token.encode()) is not None
        await service.teams.update(master, "ml", TeamChange(blocked=True))
        await asyncio.sleep(0.2)
        assert directory.lookup(second.token.encode()) is None


async def test_expiry_and_networks_hold_at_every_request(db, service, clock, master):
    ends = int(clock.time * 1000) + 10_000
    issued = await service.create(master, "app", KeyChange(expires_at=ends, networks=("10.0.0.0/8", "fd00::/8")))
    async with running(db, clock) as directory:
        token = issued.token.encode()
        for address, fine in (
            ("10.1.2.3", True),
            ("::ffff:10.1.2.3", True),
            ("fd00::1", True),
            ("11.0.0.1", False),
            ("", False),
            ("nonsense", False),
        ):
            assert (directory.lookup(token, address) is not None) is fine, address
        clock.time += 10
        assert directory.lookup(token, "10.1.2.3") is None


async def test_malformed_and_hostile_keys_never_reach_a_query(db, clock, statements):
    async with running(db, clock, poll_s=60) as directory:
        statements.clear()
        good = generate_key()
        for token in (
            b"",
            b"kg-",
            b"' OR 1=1 --",
            good[:-1].encode(),
            good.encode() + b"a",
            good[:-1].encode() + b"'",
            good[:-1].encode() + b"\0",
            good[:-1].encode() + "é".encode(),
            b"KG-" + good[3:].encode(),
            b"x" * 1_000_000,
        ):
            assert directory.lookup(token) is None
        assert statements == []


async def test_an_unknown_key_is_asked_for_once_by_all_and_then_remembered(db, clock, statements):
    async with running(db, clock, poll_s=60) as directory:
        statements.clear()
        token = generate_key()
        assert await asyncio.gather(*(found(directory, token) for _ in range(100))) == [None] * 100
        assert sum("SELECT" in statement for statement in statements) == 1
        assert directory.lookup(token.encode()) is None
        clock.time += 60
        assert inspect.isawaitable(waiting := directory.lookup(token.encode()))
        assert await waiting is None


async def test_a_flood_of_invented_keys_neither_evicts_real_ones_nor_hammers_sql(
    db, service, clock, master, statements
):
    issued = await service.create(master, "app", KeyChange())
    async with running(db, clock, poll_s=60, capacity=50) as directory:
        statements.clear()
        answers = await asyncio.gather(*(found(directory, generate_key()) for _ in range(1500)), return_exceptions=True)
        assert sum(answer is None for answer in answers) == 1000
        assert sum(isinstance(answer, UnavailableError) for answer in answers) == 500
        assert sum("SELECT" in statement for statement in statements) <= 8
        assert directory.lookup(issued.token.encode()).name == "app"
        assert len(directory._entries._absent) <= 50


async def test_the_table_is_bounded_and_the_least_used_key_gives_way(db, service, clock, master):
    issued = [await service.create(master, f"k{n}", KeyChange()) for n in range(5)]
    async with running(db, clock, poll_s=60, capacity=3) as directory:
        assert len(directory._entries.known) == 3
        assert directory.lookup(issued[2].token.encode()).name == "k2"
        assert (await found(directory, issued[0].token)).name == "k0"
        assert {entry.record.name for entry in directory._entries.known.values()} == {"k2", "k4", "k0"}
        assert len(directory._entries._by_key) == 3


async def test_a_client_that_leaves_does_not_take_the_answer_from_others(db, service, clock, master):
    async with running(db, clock, poll_s=60) as directory:
        issued = await service.create(master, "app", KeyChange())
        first, second = (asyncio.ensure_future(found(directory, issued.token)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).name == "app"


async def test_when_keys_were_used_is_written_in_batches(db, service, clock, master):
    issued = await service.create(master, "app", KeyChange())
    async with running(db, clock) as directory:
        clock.time += 5
        directory.lookup(issued.token.encode())
    record = await service.get(master, issued.record.key_id)
    assert record.last_used_at == int(clock.time * 1000)
    assert record.revision == issued.record.revision


async def test_a_row_that_cannot_be_understood_admits_nobody_and_stops_nothing(db, service, clock, master):
    from kaigate.store.sql.key_tables import keys

    issued = await service.create(master, "app", KeyChange())
    async with running(db, clock, poll_s=0.02) as directory:
        assert directory.lookup(issued.token.encode())
        async with db.begin() as connection:
            await connection.execute(keys.update().values(role="emperor", revision=10))
        await asyncio.sleep(0.2)
        assert directory.lookup(issued.token.encode()) is None
        assert not directory.degraded


class Outage:
    """A database that can go away."""

    def __init__(self, db) -> None:
        self._db = db
        self.gone = False

    @contextlib.asynccontextmanager
    async def connect(self, **options):
        if self.gone:
            raise StoreUnavailable("gone")
        async with self._db.connect(**options) as connection:
            yield connection

    begin = connect


async def test_without_the_database_known_keys_work_and_unknown_ones_are_unavailable(db, service, clock, master):
    issued = await service.create(master, "app", KeyChange())
    outage, states = Outage(db), []
    async with running(outage, clock, poll_s=0.02, on_state=states.append) as directory:
        outage.gone = True
        late = await service.create(master, "late", KeyChange())
        await asyncio.sleep(0.1)
        assert directory.lookup(issued.token.encode()).name == "app"
        with pytest.raises(UnavailableError) as refused:
            await found(directory, late.token)
        assert refused.value.code == "store_unavailable"
        outage.gone = False
        await asyncio.sleep(0.2)
        assert (await found(directory, late.token)).name == "late"
        assert states == [True, False]


async def test_it_starts_without_a_database_and_loads_once_there_is_one(db, service, clock, master):
    issued = await service.create(master, "app", KeyChange())
    outage = Outage(db)
    outage.gone = True
    async with running(outage, clock, poll_s=0.02) as directory:
        assert directory.degraded
        with pytest.raises(UnavailableError):
            await found(directory, issued.token)
        outage.gone = False
        await asyncio.sleep(0.2)
        assert directory.lookup(issued.token.encode()).name == "app"
