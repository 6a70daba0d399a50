"""Calls answered with ASK. A slot that really moves: tests/integration/store/test_redis_topologies.py."""

import asyncio
import time

import pytest

from kaigate.store.errors import StoreError, StoreUnavailable
from kaigate.store.redis.asking import ImportingNode
from kaigate.store.redis.connection import pack
from kaigate.store.redis.dial import Dialer, RedisTls
from kaigate.store.redis.url import RedisUrl
from support.resp_server import resp_server, well

GREETING = [b"CLIENT", b"ROLE", b"PING"]


def importing(timeout_s=0.5):
    url = RedisUrl.parse("redis+cluster://h")
    dialer = Dialer(url, RedisTls(), timeout_s=timeout_s, connect_timeout_s=1.0, max_pending=100)
    return ImportingNode(dialer, timeout_s)


async def test_every_call_of_a_burst_follows_its_own_asking_on_one_connection():
    async with resp_server() as server:
        node = importing()
        await asyncio.gather(*(node.call(server.address, pack(("SET", n, n))) for n in range(5)))
        assert len(server.commands) == 1
        assert server.names() == [*GREETING, *([b"ASKING", b"SET"] * 5)]
        node.close()


async def test_another_address_is_another_connection():
    async with resp_server() as first, resp_server() as second:
        node = importing()
        for server in (first, second, first):
            await node.call(server.address, pack(("GET", "a")))
        assert (len(first.commands), len(second.commands)) == (2, 1)
        node.close()


async def test_a_node_that_is_silent_costs_no_more_than_the_timeout():
    async with resp_server(lambda command: None) as server:
        node = importing(0.05)
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await node.call(server.address, pack(("GET", "a")))
        assert time.monotonic() - started < 0.25
        node.close()


async def test_a_lost_connection_is_opened_again():
    answers = {b"GET": b"?nonsense\r\n"}
    async with resp_server(lambda command: answers.get(command[0]) or well(command)) as server:
        node = importing()
        with pytest.raises(StoreError):
            await node.call(server.address, pack(("GET", "a")))
        answers.clear()
        assert await node.call(server.address, pack(("GET", "a"))) == b"OK"
        node.close()
