"""The pool's bound, order and fairness, with and without cancellation."""

import asyncio
import random

import pytest

from kaigate.transport.connection import HttpConnection
from kaigate.transport.errors import ConnectFailed, PoolTimeout
from kaigate.transport.pool import Pool
from kaigate.transport.target import ClientLimits, Deadlines, Origin, Target
from support.fake_transport import FakeTransport

D = Deadlines()


class Factory:
    """Dials connections on fake transports, slowly or not at all if told so."""

    def __init__(self) -> None:
        self.made: list[HttpConnection] = []
        self.failure: Exception | None = None
        self.delay = 0.0

    async def __call__(self, pool: Pool, deadlines: Deadlines) -> HttpConnection:
        await asyncio.sleep(self.delay)
        if self.failure is not None:
            raise self.failure
        connection = HttpConnection(pool.loop, ClientLimits(), pool)
        connection.connection_made(FakeTransport())
        self.made.append(connection)
        return connection


def make(maximum: int = 2, limits: ClientLimits | None = None) -> tuple[Pool, Factory]:
    factory = Factory()
    target = Target(Origin("http", "h", 80), "private", None, maximum)
    return Pool(asyncio.get_running_loop(), target, limits or ClientLimits(), factory), factory


def counts(pool: Pool) -> tuple[int, int, int]:
    stats = pool.stats()
    return stats.idle, stats.in_use, stats.waiting


async def test_the_most_recently_used_connection_is_taken_first() -> None:
    pool, _ = make(3)
    first, second, third = [await pool.acquire(D) for _ in range(3)]
    for connection in (first, second, third):
        pool.released(connection)
    assert counts(pool) == (3, 0, 0)
    assert [pool.take(), pool.take(), pool.take(), pool.take()] == [third, second, first, None]
    pool.close()


async def test_waiters_are_served_in_order_and_before_newcomers() -> None:
    pool, factory = make(1)
    connection = await pool.acquire(D)
    served: list[int] = []

    async def user(number: int) -> None:
        mine = await pool.acquire(D)
        served.append(number)
        await asyncio.sleep(0)
        pool.released(mine)

    tasks = [asyncio.get_running_loop().create_task(user(number)) for number in range(5)]
    await asyncio.sleep(0)
    assert counts(pool) == (0, 1, 5)
    pool.released(connection)
    assert pool.take() is None
    await asyncio.gather(*tasks)
    assert served == [0, 1, 2, 3, 4]
    assert len(factory.made) == 1
    pool.close()


async def test_a_closed_connection_gives_its_slot_to_a_waiter() -> None:
    pool, factory = make(1)
    connection = await pool.acquire(D)
    waiter = asyncio.get_running_loop().create_task(pool.acquire(D))
    await asyncio.sleep(0)
    connection.abort()
    assert await waiter is factory.made[1]
    assert counts(pool) == (0, 1, 0)
    pool.close()


async def test_a_failed_dial_gives_its_slot_to_a_waiter() -> None:
    pool, factory = make(1)
    factory.failure = ConnectFailed("x")
    results = await asyncio.gather(*(pool.acquire(D) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ConnectFailed] * 3
    assert pool.empty


async def test_the_queue_is_bounded_in_length_and_time() -> None:
    pool, _ = make(1, ClientLimits(queue_length=1, queue_s=0.02))
    await pool.acquire(D)
    waiting = asyncio.get_running_loop().create_task(pool.acquire(D))
    await asyncio.sleep(0)
    with pytest.raises(PoolTimeout, match="too many"):
        await pool.acquire(D)
    with pytest.raises(PoolTimeout, match="was free"):
        await waiting
    assert counts(pool) == (0, 1, 0)
    pool.close()


@pytest.mark.parametrize("kind", ["connection", "slot"])
async def test_what_was_handed_to_a_cancelled_waiter_goes_to_the_next(kind: str) -> None:
    pool, _ = make(1)
    connection = await pool.acquire(D)
    loop = asyncio.get_running_loop()
    first, second = loop.create_task(pool.acquire(D)), loop.create_task(pool.acquire(D))
    await asyncio.sleep(0)
    if kind == "connection":
        pool.released(connection)
    else:
        connection.abort()
    first.cancel()  # the hand-over has happened, but the waiter has not run yet
    assert isinstance(await second, HttpConnection)
    assert first.cancelled()
    assert counts(pool) == (0, 1, 0)
    pool.close()


async def test_a_connection_that_closes_on_its_way_to_a_waiter_is_replaced() -> None:
    pool, factory = make(1)
    connection = await pool.acquire(D)
    waiter = asyncio.get_running_loop().create_task(pool.acquire(D))
    await asyncio.sleep(0)
    pool.released(connection)
    connection.connection_lost(None)
    assert await waiter is factory.made[1]
    assert counts(pool) == (0, 1, 0)
    pool.close()


async def test_a_new_connection_takes_the_place_of_the_oldest_idle_one_in_a_full_pool() -> None:
    pool, factory = make(2)
    first, second = [await pool.acquire(D) for _ in range(2)]
    pool.released(first)
    pool.released(second)
    assert await pool.acquire(D) is factory.made[2]
    assert (first.usable, second.usable) == (False, True)
    assert counts(pool) == (1, 1, 0)
    pool.close()


async def test_a_higher_bound_lets_waiters_in_at_once() -> None:
    pool, factory = make(1)
    await pool.acquire(D)
    waiters = [asyncio.get_running_loop().create_task(pool.acquire(D)) for _ in range(3)]
    await asyncio.sleep(0)
    pool.resize(3)
    await asyncio.sleep(0.01)
    assert [waiter.done() for waiter in waiters] == [True, True, False]
    assert counts(pool) == (0, 3, 1)
    pool.released(factory.made[0])
    assert await waiters[2] is factory.made[0]
    pool.close()


async def test_an_old_connection_is_not_kept() -> None:
    pool, _ = make(2, ClientLimits(max_age_s=0.0))
    pool.released(await pool.acquire(D))
    assert pool.empty


async def test_idle_connections_expire() -> None:
    pool, _ = make(2, ClientLimits(keepalive_s=0.02))
    pool.released(await pool.acquire(D))
    assert counts(pool) == (1, 0, 0)
    await asyncio.sleep(0.05)
    assert pool.empty


async def test_a_lower_bound_holds_from_the_next_release_on() -> None:
    pool, _ = make(2)
    first, second = [await pool.acquire(D) for _ in range(2)]
    pool.resize(1)
    pool.released(first)
    pool.released(second)
    assert counts(pool) == (1, 0, 0)
    pool.close()


async def test_a_retired_pool_keeps_nothing() -> None:
    pool, _ = make(2)
    first, second = [await pool.acquire(D) for _ in range(2)]
    pool.released(first)
    pool.retire()
    assert counts(pool) == (0, 1, 0)
    pool.released(second)
    assert pool.empty


async def test_close_refuses_waiters_and_dials_under_way() -> None:
    pool, factory = make(1)
    await pool.acquire(D)
    waiter = asyncio.get_running_loop().create_task(pool.acquire(D))
    await asyncio.sleep(0)
    pool.close()
    with pytest.raises(PoolTimeout):
        await waiter
    other, factory = make(1)
    factory.delay = 0.02
    dialling = asyncio.get_running_loop().create_task(other.acquire(D))
    await asyncio.sleep(0)
    other.close()
    with pytest.raises(ConnectFailed):
        await dialling
    assert pool.empty
    assert other.empty


@pytest.mark.parametrize("seed", range(20))
async def test_no_slot_is_lost_or_invented_under_random_use(seed: int) -> None:
    chance = random.Random(seed)
    pool, factory = make(3, ClientLimits(queue_s=0.01))

    async def user() -> None:
        connection = pool.take() or await pool.acquire(D)
        assert counts(pool)[1] <= 3
        try:
            await asyncio.sleep(chance.choice([0, 0, 0.001]))
        except asyncio.CancelledError:
            connection.abort()
            raise
        if chance.random() < 0.3:
            connection.abort()
        elif connection.usable:
            pool.released(connection)

    tasks = []
    for _ in range(150):
        factory.delay = chance.choice([0, 0, 0.001])
        factory.failure = ConnectFailed("x") if chance.random() < 0.2 else None
        tasks.append(asyncio.get_running_loop().create_task(user()))
        if chance.random() < 0.3:
            await asyncio.sleep(0)
        if chance.random() < 0.3:
            chance.choice(tasks).cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [result for result in results if isinstance(result, AssertionError)]
    assert counts(pool)[1:] == (0, 0)
    pool.retire()
    assert pool.empty
