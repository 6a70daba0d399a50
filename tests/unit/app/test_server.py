"""The API port's server: what it accepts and how it ends."""

import asyncio

import pytest

from kaigate.app.listener import bind
from kaigate.app.server import ApiServer
from kaigate.config.models import ServerSettings
from support.exchanges import exchange


def ignore(refusal, address) -> None:
    """Nothing is refused here."""


async def answer(request) -> None:
    made = exchange()
    made.status = 200
    request.send_whole(made, b"hi", b"text/plain")


@pytest.fixture
async def server():
    made = ApiServer(answer, bind("127.0.0.1", 0, reuse_port=False), ServerSettings(), ignore)
    await made.start()
    yield made
    await made.close(0.2)


async def ask(server: ApiServer) -> bytes:
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    received = await asyncio.wait_for(reader.readuntil(b"hi"), 2)
    writer.transport.abort()
    return received


async def test_it_serves_where_it_says_it_does(server):
    assert server.address[0] == "127.0.0.1"
    assert (await ask(server)).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_it_counts_open_connections(server):
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"hi")
    assert server.connections == 1
    writer.transport.abort()
    async with asyncio.timeout(2):
        while server.connections:
            await asyncio.sleep(0.01)


async def test_clients_that_are_turned_away_are_still_answered(server):
    server.turn_away()
    assert b"connection: close" in await ask(server)


async def test_a_closed_server_accepts_nobody(server):
    await server.close(0.2)
    with pytest.raises(OSError):
        await ask(server)


async def test_serving_tasks_end_with_the_server():
    cancelled = asyncio.Event()

    async def endless(request) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    server = ApiServer(endless, bind("127.0.0.1", 0, reuse_port=False), ServerSettings(), ignore)
    await server.start()
    _, writer = await asyncio.open_connection(*server.address)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await asyncio.sleep(0.05)
    await server.close(0.05)
    assert cancelled.is_set()
    writer.transport.abort()
