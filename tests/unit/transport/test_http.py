"""What the client refuses without a connection."""

import pytest

from kaigate.transport.egress import EgressGuard
from kaigate.transport.errors import ConnectFailed, EgressRefused, InvalidRequest
from kaigate.transport.http import Deadlines, HttpClient, Origin, Target

ORIGIN = Origin("http", "127.0.0.1", 9)
TARGET = Target(ORIGIN, "external")


async def test_an_undeclared_target_is_refused() -> None:
    client = HttpClient(guard=EgressGuard([("127.0.0.1", 10)]))
    with pytest.raises(EgressRefused):
        await client.send(TARGET, "GET", "/", [], b"", Deadlines())
    assert client.stats() == []


async def test_a_private_exchange_never_reaches_an_external_target() -> None:
    client = HttpClient(guard=EgressGuard([("127.0.0.1", 9)]))
    with pytest.raises(EgressRefused):
        await client.send(TARGET, "GET", "/", [], b"", Deadlines(), required_zone="private")
    assert client.stats() == []


async def test_a_header_with_a_line_break_is_refused_before_a_slot_is_taken() -> None:
    client = HttpClient(guard=EgressGuard([("127.0.0.1", 9)]))
    with pytest.raises(InvalidRequest):
        await client.send(TARGET, "GET", "/", [(b"a", b"b\r\nc: d")], b"", Deadlines())
    assert [(pool.in_use, pool.waiting) for pool in client.stats()] == [(0, 0)]


async def test_a_closed_client_sends_nothing() -> None:
    client = HttpClient(guard=EgressGuard([("127.0.0.1", 9)]))
    await client.aclose()
    await client.aclose()
    with pytest.raises(ConnectFailed):
        await client.send(TARGET, "GET", "/", [], b"", Deadlines())


async def test_a_new_guard_holds_from_the_next_exchange_on() -> None:
    client = HttpClient(guard=EgressGuard([]))
    client.reconfigure(guard=EgressGuard([("127.0.0.1", 9)]))
    with pytest.raises(ConnectFailed):
        await client.send(TARGET, "GET", "/", [], b"", Deadlines())
    client.reconfigure(guard=EgressGuard([]))
    with pytest.raises(EgressRefused):
        await client.send(TARGET, "GET", "/", [], b"", Deadlines())
    assert client.stats() == []
