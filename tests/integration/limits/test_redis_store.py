"""What only the shared store has: the server's clock, keys that expire, clusters, a full server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from kaigate.limits.model import Ask, Bound, Settlement, StoreError
from kaigate.limits.redis_store import RedisStore
from kaigate.limits.scripts import CHUNK_ENTRIES
from kaigate.store.redis.client import Redis
from kaigate.store.redis.url import RedisUrl
from support.limit_oracle import ENDS_MS, HeldClock
from support.valkey import running_cluster

DAY_MS = 86_400_000
BOUNDS = (
    Bound("key:a", "requests", 100),
    Bound("key:a", "tokens", 1000),
    Bound("key:a", "parallel", 50),
    Bound("key:a", "budget", 10**10, window="30d-2023-11-14", ends_at_ms=ENDS_MS),
)


def ask(name: str, *bounds: Bound, tokens: int = 1, money: int = 1, lease_ms: int = 30_000) -> Ask:
    return Ask(name, bounds, tokens, money, lease_ms, b"all of " + name.encode())


def truth(asked: Ask, tokens: int = 1, money: int = 1) -> Settlement:
    return Settlement(asked.id, asked.bounds, tokens, money, b"truth of " + asked.id.encode())


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[Redis]:
    client = Redis(RedisUrl.parse(url), timeout_s=5, hash_tag="kaigate")
    await client.start()
    try:
        yield client
    finally:
        await client.aclose()


async def test_time_is_the_servers(shared):
    store, bound = shared(None), Bound("key:a", "requests", 2, window_ms=150)
    first, second, third = [await store.admit(ask(name, bound)) for name in "abc"]
    assert [first.refused, second.refused, third.refused] == [-1, -1, 0]
    assert 0 < third.retry_after_ms <= 150
    await asyncio.sleep(third.retry_after_ms / 1000 + 0.005)
    assert (await store.admit(ask("d", bound))).refused == -1
    await store.admit(ask("e", lease_ms=1))
    await asyncio.sleep(0.01)
    assert await store.expire(10) == 1
    assert await store.ping() < 1


async def test_four_gateways_share_a_budget_exactly(valkey, shared):
    budget = Bound("key:a", "budget", 37 * 7 + 6, window="30d", ends_at_ms=ENDS_MS)
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(valkey.url)) for _ in range(4)]
        stores = [RedisStore(client, "kaigate-four") for client in clients]
        asks = [ask(f"r{number}", budget, money=7) for number in range(500)]
        verdicts = await asyncio.gather(*(stores[number % 4].admit(each) for number, each in enumerate(asks)))
    assert sum(verdict.refused < 0 for verdict in verdicts) == 37


async def test_every_key_has_the_tag_and_all_but_two_expire(shared, redis):
    store = shared(HeldClock(), "kaigate-keys")
    asks = [ask(f"r{number}", *BOUNDS, lease_ms=1000 * number + 1) for number in range(5)]
    for each in asks:
        await store.admit(each)
    store._now_ms = lambda: ENDS_MS - 1000
    await store.settle(truth(asks[0]))
    await store.expire(1)
    await store.renew(["r3"], 5000)
    await store.restore([(BOUNDS[3], 10**9)])
    keys = await redis.command("KEYS", "*kaigate-keys*")
    lasting = {key for key in keys if await redis.command("PTTL", key) == -1}
    assert lasting == {b"{kaigate-keys}:expiries", b"{kaigate-keys}:outbox"}
    assert all(key.startswith(b"{kaigate-keys}:") for key in keys)
    # The window of tokens went when it was found empty.
    assert len(keys) == 2 + 3 + 5


async def test_what_settles_under_a_lost_counter_makes_one_that_expires(shared, redis):
    store = shared(HeldClock(), "kaigate-lost")
    asked = ask("a", *BOUNDS, money=500)
    await store.admit(asked)
    key = f"{{kaigate-lost}}:b:{BOUNDS[3].window}:key:a"
    await redis.command("DEL", key)
    await store.settle(truth(asked, money=300))
    assert (await store.admit(ask("b", BOUNDS[3], money=0))).standings[0].remaining == 10**10 - 300
    assert await redis.command("PTTL", key) > 0


async def test_a_clock_that_is_set_back_a_little_stands_still(shared):
    clock = HeldClock()
    store, bound = shared(clock), Bound("key:a", "requests", 3)
    for name in "abc":
        await store.admit(ask(name, bound))
        clock.now_ms += 100
    clock.now_ms -= 50_000
    verdict = await store.admit(ask("d", bound))
    assert (verdict.refused, verdict.retry_after_ms) == (0, 60_000 + 50_000 - 300)
    clock.now_ms += verdict.retry_after_ms
    assert (await store.admit(ask("e", bound))).refused == -1


async def test_a_clock_that_is_set_back_by_more_than_the_window_begins_anew(shared):
    clock = HeldClock()
    store, bound = shared(clock), Bound("key:a", "requests", 1)
    await store.admit(ask("a", bound))
    clock.now_ms -= DAY_MS
    assert (await store.admit(ask("b", bound))).refused == -1
    assert (await store.admit(ask("c", bound))).retry_after_ms == 60_000


async def test_a_request_given_back_before_it_came_takes_nothing(shared):
    store, asked = shared(HeldClock()), ask("a", *BOUNDS, money=500)
    await store.settle(Settlement("a", BOUNDS, 0, 0, b""))
    await store.admit(asked)
    verdict = await store.admit(ask("b", *BOUNDS))
    assert [standing.remaining for standing in verdict.standings] == [99, 999, 49, 10**10 - 1]
    assert await store.outbox(10) == []


async def test_a_full_server_refuses_requests_and_takes_settlements(shared, redis):
    store = shared(HeldClock())
    asked, lapsing = ask("a", *BOUNDS, money=500), ask("b", *BOUNDS, money=500, lease_ms=0)
    await store.admit(asked)
    await store.admit(lapsing)
    await redis.command("CONFIG", "SET", "maxmemory", 1)
    try:
        with pytest.raises(StoreError):
            await store.admit(ask("c", *BOUNDS))
        await store.settle(truth(asked, money=100))
        assert await store.expire(10) == 1
    finally:
        await redis.command("CONFIG", "SET", "maxmemory", 0)
    verdict = await store.admit(ask("d", *BOUNDS, money=0))
    assert [standing.remaining for standing in verdict.standings] == [97, 997, 49, 10**10 - 600]
    assert [record for _, record in await store.outbox(10)] == [b"truth of a", b"all of b"]


async def test_a_window_of_many_milliseconds_is_exact_and_forgets_in_lumps(shared, redis):
    clock, entries = HeldClock(), 6000
    store = shared(clock, "kaigate-many", chunk_entries=CHUNK_ENTRIES)
    tokens = Bound("key:a", "tokens", 3 * entries)
    for first in range(0, entries, 500):
        asks = []
        for number in range(first, first + 500):
            clock.now_ms += 1
            asks.append(await store.admit(ask(f"r{number}", tokens, tokens=3)))
        assert all(verdict.refused < 0 for verdict in asks)
    assert await redis.command("HLEN", "{kaigate-many}:w:t:60000:key:a") == entries // CHUNK_ENTRIES + 1
    verdict = await store.admit(ask("x", tokens, tokens=3000))
    assert (verdict.refused, verdict.retry_after_ms) == (0, 60_000 - entries + 1000)
    await store.settle(truth(ask("r0", tokens), tokens=1))
    await store.settle(truth(ask("r3000", tokens), tokens=5000))
    clock.now_ms += 60_000 - 2000
    verdict = await store.admit(ask("y", tokens, tokens=0))
    assert verdict.standings[0].remaining == 3 * 4000
    assert verdict.standings[0].reset_ms == 60_000
    assert await redis.command("HLEN", "{kaigate-many}:w:t:60000:key:a") <= 2000 // CHUNK_ENTRIES + 2


async def test_a_cluster_runs_every_step(tmp_path, make):
    with running_cluster(tmp_path, make) as cluster:
        async with connected(cluster.url) as client:
            store = RedisStore(client, "kaigate")
            asks = [ask(f"r{number}", *BOUNDS, lease_ms=1) for number in range(3)]
            for each in asks:
                assert (await store.admit(each)).refused == -1
            await store.renew(["r2"], 60_000)
            await store.settle(truth(asks[0]))
            await asyncio.sleep(0.01)
            assert await store.expire(10) == 1
            await store.restore([(BOUNDS[3], 10**9)])
            records = await store.outbox(10)
            assert [record for _, record in records] == [b"truth of r0", b"all of r1"]
            await store.delivered([name for name, _ in records])
            assert await store.outbox(10) == []
