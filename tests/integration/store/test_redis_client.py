"""The Redis client against a real Valkey: pipelining, scripts, and every way in which a server can fail."""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator

import pytest

from kaigate.store.errors import StoreError, StoreRefused, StoreTimeout, StoreUnavailable
from kaigate.store.redis.replies import ErrorReply
from kaigate.store.redis.script import Script
from support.redis_clients import States, client_of, failing, until_healthy
from support.redis_servers import Make
from support.valkey import ValkeyNode, running_valkey, wired

ECHO = Script("return {KEYS[1], ARGV[1]}")
COUNT = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
# The timeout, and what a busy machine adds.
SOON_S = 0.25


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, make: Make) -> Iterator[ValkeyNode]:
    with running_valkey(tmp_path_factory.mktemp("valkey"), make=make) as node:
        yield node


@pytest.fixture
def node(shared: ValkeyNode) -> Iterator[ValkeyNode]:
    """A server that a test may maltreat; it is well again afterwards."""
    yield shared
    if shared.child is None:
        shared.start()
    else:
        shared.thaw()
    with contextlib.closing(shared.admin()) as admin:
        admin.replicaof("NO", "ONE")
        admin.config_set("maxmemory", 0)
        admin.flushall()


async def test_replies_of_every_type_come_back(node: ValkeyNode) -> None:
    async with client_of(node.url) as client:
        assert await client.command("SET", "a", b"\x00\xff") == b"OK"
        assert await client.command("GET", "a") == b"\x00\xff"
        assert await client.command("GET", "nothing") is None
        assert await client.command(b"INCRBY", "n", 7) == 7
        assert await client.command("MGET", "a", "nothing") == [b"\x00\xff", None]
        assert 0 < await client.ping() < SOON_S
        assert await client.command("CLIENT", "GETNAME") == b"kaigate"


async def test_an_error_reply_is_a_refusal_and_harms_nobody_else(node: ValkeyNode) -> None:
    async with client_of(node.url) as client:
        calls = [client.command("INCR", "n"), client.command("NOSUCHCOMMAND"), client.command("INCR", "n")]
        first, refusal, second = await asyncio.gather(*calls, return_exceptions=True)
        assert (first, second) == (1, 2)
        assert isinstance(refusal, StoreRefused)
        assert client.healthy


async def test_concurrent_calls_with_random_cancellation_get_their_own_answers(node: ValkeyNode) -> None:
    dice = random.Random(7)
    async with client_of(node.url, timeout_s=2) as client:

        async def call(number: int) -> int:
            await asyncio.sleep(dice.random() * 0.05)
            payload = b"%d:" % number + b"x" * dice.choice([0, 10, 20_000])
            key, echoed = await client.script(ECHO, [f"{{kaigate}}:{number}"], [payload])
            assert key == b"{kaigate}:%d" % number
            assert echoed == payload
            return number

        tasks = [asyncio.create_task(call(number)) for number in range(2000)]
        for _ in range(20):
            await asyncio.sleep(0.003)
            for task in dice.sample(tasks, 25):
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        answered = [number for number, result in enumerate(results) if result == number]
        cancelled = [result for result in results if isinstance(result, asyncio.CancelledError)]
        assert len(answered) + len(cancelled) == len(tasks)
        assert cancelled
        assert len(answered) > 1000
        assert client.healthy


async def test_a_script_is_loaded_where_it_is_unknown_and_counts_once(node: ValkeyNode) -> None:
    async with client_of(node.url) as client:
        with contextlib.closing(node.admin()) as admin:
            for expected in (50, 100):
                admin.script_flush()
                await asyncio.gather(*(client.script(COUNT, ["{kaigate}:n"], [1]) for _ in range(50)))
                assert admin.get("{kaigate}:n") == str(expected).encode()
                assert admin.script_exists(COUNT.sha1.decode()) == [True]


async def test_a_server_that_is_down_at_the_start_is_found_later(node: ValkeyNode) -> None:
    node.kill()
    states = States()
    async with client_of(node.url, states=states) as client:
        assert not client.healthy
        error, took_s = await _quick_failure(client)
        assert isinstance(error, StoreUnavailable)
        assert took_s < 0.005
        node.start()
        await until_healthy(client)
        assert await client.command("PING") == b"PONG"
    assert states[0] == (False, "no connection to the store: Connection refused")
    assert states[-1] == (True, "")


async def _quick_failure(client: object) -> tuple[StoreError, float]:
    """The best of some: the machine may be busy."""
    results = [await failing(client, "PING") for _ in range(20)]
    return min(results, key=lambda result: result[1])


async def test_a_killed_and_restarted_server_is_found_again(node: ValkeyNode) -> None:
    async with client_of(node.url) as client:
        assert await client.script(COUNT, ["{kaigate}:n"], [1]) == 1
        node.kill()
        error, _ = await failing(client, "PING")
        assert isinstance(error, StoreError)
        await until_healthy(client, healthy=False)
        node.start()
        await until_healthy(client)
        # The server forgot the script, too.
        assert await client.script(COUNT, ["{kaigate}:n"], [1]) == 1


async def test_a_frozen_server_costs_one_timeout_and_then_nothing(node: ValkeyNode) -> None:
    states = States()
    async with client_of(node.url, states=states) as client:
        node.freeze()
        started = time.perf_counter()
        results = await asyncio.gather(*(client.command("INCR", "n") for _ in range(100)), return_exceptions=True)
        assert time.perf_counter() - started < SOON_S
        assert {type(result) for result in results} == {StoreTimeout}
        _, took_s = await _quick_failure(client)
        assert took_s < 0.005
        await asyncio.sleep(0.3)
        assert not client.healthy
        node.thaw()
        assert await until_healthy(client) < 3
        assert await client.ping() < SOON_S
    assert states[0] == (True, "")
    assert states[-1] == (True, "")


async def test_a_frozen_server_is_noticed_without_a_call(node: ValkeyNode) -> None:
    async with client_of(node.url) as client:
        node.freeze()
        await until_healthy(client, healthy=False, within_s=3)
        node.thaw()
        await until_healthy(client)


async def test_a_slow_server_counts_as_down_until_it_is_quick_again(node: ValkeyNode) -> None:
    async with wired(node.port) as wire, client_of(f"redis://127.0.0.1:{wire.port}") as client:
        assert client.healthy
        wire.delay_s = 0.3
        error, took_s = await failing(client, "PING")
        assert isinstance(error, StoreTimeout)
        assert took_s < SOON_S
        deadline = time.monotonic() + 1.5
        slowest = 0.0
        while time.monotonic() < deadline:
            _, took_s = await failing(client, "PING")
            slowest = max(slowest, took_s)
            await asyncio.sleep(0.02)
        assert slowest < SOON_S
        wire.delay_s = 0
        assert await until_healthy(client) < 3


async def test_a_cut_connection_is_replaced_at_once(node: ValkeyNode) -> None:
    async with wired(node.port) as wire, client_of(f"redis://127.0.0.1:{wire.port}") as client:
        for round_ in range(3):
            wire.cut()
            await until_healthy(client, healthy=False)
            assert await until_healthy(client) < 1
            assert await client.command("INCR", "n") == round_ + 1
        assert wire.connections == 4


async def test_a_server_that_keeps_failing_is_left_in_peace(node: ValkeyNode) -> None:
    """Connections that live for a moment only are opened more and more seldom."""
    async with wired(node.port) as wire, client_of(f"redis://127.0.0.1:{wire.port}") as client:
        until = time.monotonic() + 2
        while time.monotonic() < until:
            wire.cut()
            await asyncio.sleep(0.005)
        assert wire.connections < 14
        assert await until_healthy(client) < 2


async def test_a_server_without_memory_refuses_and_recovers(node: ValkeyNode) -> None:
    async with client_of(node.url) as client:
        with contextlib.closing(node.admin()) as admin:
            admin.config_set("maxmemory", 1)
            with pytest.raises(ErrorReply) as refusal:
                await client.command("SET", "a", "b")
            assert refusal.value.code == "OOM"
            with pytest.raises(StoreRefused):
                await client.script(COUNT, ["{kaigate}:n"], [1])
            assert client.healthy
            admin.config_set("maxmemory", 0)
        assert await client.script(COUNT, ["{kaigate}:n"], [1]) == 1


async def test_a_master_that_became_a_replica_is_left(node: ValkeyNode) -> None:
    states = States()
    async with client_of(node.url, states=states) as client:
        with contextlib.closing(node.admin()) as admin:
            admin.replicaof("127.0.0.1", 1)
            with pytest.raises(ErrorReply) as refusal:
                await client.command("SET", "a", "b")
            assert refusal.value.code == "READONLY"
            assert not client.healthy
            await asyncio.sleep(0.1)
            assert not client.healthy
            admin.replicaof("NO", "ONE")
        await until_healthy(client)
        assert await client.command("SET", "a", "b") == b"OK"
    assert (False, "the store answered READONLY") in states
    assert (False, "the node found is not a master") in states


async def test_calls_beyond_the_bound_fail_at_once_and_the_others_do_not(node: ValkeyNode) -> None:
    async with client_of(node.url, max_pending=20) as client:
        results = await asyncio.gather(*(client.command("INCR", "n") for _ in range(30)), return_exceptions=True)
        assert sorted(result for result in results if isinstance(result, int)) == list(range(1, 21))
        assert sum(isinstance(result, StoreUnavailable) for result in results) == 10
        assert client.healthy


async def test_a_closed_client_fails_what_waits_and_all_that_follows(node: ValkeyNode) -> None:
    async with client_of(node.url) as client:
        node.freeze()
        waiting = asyncio.create_task(client.command("PING"))
        await asyncio.sleep(0.01)
        await client.aclose()
        with pytest.raises(StoreTimeout):
            await waiting
        with pytest.raises(StoreUnavailable, match="closed"):
            await client.command("PING")
