"""The client against real servers on loopback: reuse, retries, bodies, deadlines, and nothing left behind."""

import asyncio
import contextlib
import os
import socket
import tracemalloc
from pathlib import Path

import pytest

from kaigate.transport.egress import EgressGuard
from kaigate.transport.errors import (
    BodyTooLarge,
    ConnectFailed,
    ConnectTimeout,
    FirstByteTimeout,
    HeadersTooLarge,
    IdleTimeout,
    PoolTimeout,
    ProtocolError,
    StaleConnection,
    TotalTimeout,
    TransportError,
    Truncated,
)
from kaigate.transport.http import ClientLimits, Deadlines, HttpClient, Origin, Response, Target
from support.upstream_faults import (
    CHUNKED,
    OK,
    QUICK,
    Connection,
    Script,
    Upstream,
    always,
    client_for,
    drip,
    once,
    silence,
    stall,
    upstream,
)

HEADERS = [(b"authorization", b"Bearer test"), (b"content-type", b"application/json")]


async def post(
    client: HttpClient, server: Upstream, body: bytes = b"{}", deadlines: Deadlines = QUICK, maximum: int = 8
) -> Response:
    return await client.send(server.target(maximum), "POST", "/v1/x", HEADERS, body, deadlines)


async def fetch(client: HttpClient, server: Upstream, body: bytes = b"{}", deadlines: Deadlines = QUICK) -> bytes:
    response = await post(client, server, body, deadlines)
    with contextlib.closing(response):
        return await response.read(1 << 20)


def usage(client: HttpClient) -> tuple[int, int, int]:
    stats = client.stats()
    return sum(s.idle for s in stats), sum(s.in_use for s in stats), sum(s.waiting for s in stats)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def settled(client: HttpClient, server: Upstream) -> None:
    """Until both sides agree that nothing is open."""
    for _ in range(200):
        if server.open == 0 and usage(client) == (0, 0, 0):
            return
        await asyncio.sleep(0.005)
    pytest.fail(f"still open: {server.open} at the server, {usage(client)} at the client")


async def test_one_connection_carries_many_exchanges() -> None:
    async with upstream(always(OK)) as server, client_for(server) as client:
        for _ in range(20):
            assert await fetch(client, server) == b"ok"
        assert server.connections == 1
        assert usage(client) == (1, 0, 0)
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert head.split(b"\r\n") == [
            b"POST /v1/x HTTP/1.1",
            b"host: 127.0.0.1:%d" % server.port,
            b"accept-encoding: identity",
            b"authorization: Bearer test",
            b"content-type: application/json",
            b"content-length: 2",
        ]
        assert body == b"{}"


async def test_small_writes_are_not_delayed() -> None:
    async with upstream(always(OK)) as server, client_for(server) as client:
        await fetch(client, server)
        (pool,) = client._pools.values()
        (connection,) = pool._idle
        assert connection._transport is not None
        raw = connection._transport.get_extra_info("socket")
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_chunked_stream_arrives_piece_by_piece() -> None:
    steps = [asyncio.Event() for _ in range(3)]

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(CHUNKED)
        for number, step in enumerate(steps):
            await step.wait()
            await connection.send(b"3\r\n%d\n\n\r\n" % number)
        await connection.send(b"0\r\n\r\n")
        await connection.request()

    async with upstream(script) as server, client_for(server) as client:
        response = await post(client, server)
        for number, step in enumerate(steps):
            step.set()
            assert await response.chunk() == b"%d\n\n" % number
        assert await response.chunk() == b""
        assert usage(client) == (1, 0, 0)


async def test_a_large_request_and_a_large_answer_pass_whole() -> None:
    size = 5_000_000

    async def script(connection: Connection) -> None:
        request = await connection.request()
        assert request is not None
        body = request.partition(b"\r\n\r\n")[2]
        await connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await connection.request()

    async with upstream(script) as server, client_for(server) as client:
        sent = os.urandom(size)
        response = await post(client, server, sent)
        assert await response.read(size) == sent
        assert usage(client) == (1, 0, 0)


async def test_an_upload_that_the_upstream_does_not_read_waits_and_times_out() -> None:
    async def script(connection: Connection) -> None:
        connection.writer.transport.pause_reading()
        await asyncio.sleep(2)

    async with upstream(script) as server, client_for(server) as client:
        with pytest.raises(FirstByteTimeout):
            await post(client, server, b"x" * 20_000_000, Deadlines(first_byte_s=0.2))
        assert usage(client) == (0, 0, 0)


async def test_a_body_until_close_is_clean_on_fin_and_cut_on_reset() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\nall of it"

    async def resetting(connection: Connection) -> None:
        await connection.request()
        await connection.send(head)
        await asyncio.sleep(0.02)
        linger = connection.writer.get_extra_info("socket")
        linger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.reset()

    async with upstream(once(head)) as clean, upstream(resetting) as cut, client_for(clean, cut) as client:
        assert await fetch(client, clean) == b"all of it"
        with pytest.raises(Truncated):
            await fetch(client, cut)
        assert usage(client) == (0, 0, 0)


async def test_a_stale_connection_is_replaced_once_and_the_request_sent_again() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        # Close when the next request comes, without a byte: the race of an expiring idle connection.
        if connection.number == 0:
            await connection.request()
        else:
            await always(OK)(connection)

    async with upstream(script) as server, client_for(server) as client:
        assert await fetch(client, server) == b"ok"
        assert await fetch(client, server, b'{"n":2}') == b"ok"
        assert server.connections == 2
        assert [request.endswith(b'{"n":2}') for request in server.requests] == [False, True, True]


async def test_a_request_is_sent_again_once_only() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        if connection.number == 0:
            await connection.send(OK)
            await connection.request()

    async with upstream(script) as server, client_for(server) as client:
        assert await fetch(client, server) == b"ok"
        with pytest.raises(Truncated):
            await fetch(client, server)
        assert (server.connections, len(server.requests)) == (2, 3)
        assert usage(client) == (0, 0, 0)


async def test_a_new_connection_that_closes_without_a_byte_is_no_reason_to_send_again() -> None:
    async with upstream(once(b"")) as server, client_for(server) as client:
        with pytest.raises(Truncated) as caught:
            await fetch(client, server)
        assert not caught.value.retryable
        assert len(server.requests) == 1


async def test_a_request_is_not_sent_again_after_one_byte_of_an_answer() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        await connection.request()
        await connection.send(b"H")

    async with upstream(script) as server, client_for(server) as client:
        assert await fetch(client, server) == b"ok"
        with pytest.raises(Truncated):
            await fetch(client, server)
        assert len(server.requests) == 2


async def test_a_late_loss_on_a_reused_connection_is_a_crash_and_not_sent_again() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        await connection.request()
        await asyncio.sleep(0.1)

    async with upstream(script) as server, client_for(server, limits=ClientLimits(stale_retry_s=0.05)) as client:
        assert await fetch(client, server) == b"ok"
        with pytest.raises(StaleConnection):
            await fetch(client, server)
        assert len(server.requests) == 2


async def test_connections_that_the_upstream_closed_while_idle_are_forgotten() -> None:
    async with upstream(once(OK)) as server, client_for(server) as client:
        assert await fetch(client, server) == b"ok"
        await settled(client, server)
        assert await fetch(client, server) == b"ok"
        assert server.connections == 2


async def test_unsolicited_bytes_on_an_idle_connection_never_reach_the_next_exchange() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        if connection.number == 0:
            await asyncio.sleep(0.02)
            await connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        await connection.request()
        await connection.send(OK)

    async with upstream(script) as server, client_for(server) as client:
        assert await fetch(client, server) == b"ok"
        await asyncio.sleep(0.05)
        assert usage(client) == (0, 0, 0)
        assert await fetch(client, server) == b"ok"


@pytest.mark.parametrize("tail", [b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", b"x", b"\r\n\r\nGET /"])
async def test_bytes_after_a_response_never_reach_the_next_exchange(tail: bytes) -> None:
    async with upstream(always(OK + tail)) as server, client_for(server) as client:
        for _ in range(3):
            assert await fetch(client, server) == b"ok"
        assert server.connections == 3


FAULTS: dict[str, tuple[bytes, type[TransportError]]] = {
    "killed in the head": (b"HTTP/1.1 200 OK\r\ncontent-le", Truncated),
    "killed in the body": (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart", Truncated),
    "killed in a chunk": (CHUNKED + b"64\r\npart", Truncated),
    "killed between chunks": (CHUNKED + b"4\r\npart\r\n", Truncated),
    "chunk garbage": (CHUNKED + b"4\r\npart\r\nzz\r\n", ProtocolError),
    "10 MB header": (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 10_000_000 + b"\r\n\r\n", HeadersTooLarge),
    "10 MB of headers": (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1_600_000 + b"\r\n", HeadersTooLarge),
    "no HTTP": (b"220 smtp.test ESMTP\r\n", ProtocolError),
    "two framings": (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok", ProtocolError),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_broken_answer_has_its_error_and_leaves_nothing(name: str) -> None:
    answer, error = FAULTS[name]
    async with upstream(once(answer)) as server, client_for(server) as client:
        with pytest.raises(error) as caught:
            await fetch(client, server)
        assert not caught.value.retryable
        assert len(server.requests) <= 1
        await settled(client, server)


async def test_response_splitting_in_a_header_is_a_second_response_that_nobody_reads() -> None:
    split = b"HTTP/1.1 200 OK\r\nx: a\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"
    async with upstream(always(split)) as server, client_for(server) as client:
        assert await fetch(client, server) == b""
        assert await fetch(client, server) == b""
        assert server.connections == 2


async def test_headers_come_as_latin_1_in_lower_case_and_strange_bytes_stay_what_they_are() -> None:
    raw = b"HTTP/1.1 200 OK\r\nX-Name: caf\xe9 \xf0\x9f\x98\x80\r\nX-Name: 2\r\ncontent-length: 0\r\n\r\n"
    async with upstream(always(raw)) as server, client_for(server) as client:
        response = await post(client, server)
        assert response.headers["x-name"].encode("latin-1") == b"caf\xe9 \xf0\x9f\x98\x80, 2"


@pytest.mark.parametrize(
    ("deadlines", "script", "error"),
    [
        (Deadlines(first_byte_s=0.1), silence, FirstByteTimeout),
        (Deadlines(first_byte_s=0.1), drip(b"HTTP/1.1 200 OK\r\nA: ", b"x", 0.01), FirstByteTimeout),
        (Deadlines(first_byte_s=0.1), drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), FirstByteTimeout),
        (Deadlines(idle_s=0.1), stall(CHUNKED + b"1\r\nx\r\n"), IdleTimeout),
        (Deadlines(idle_s=0.1, total_s=0.3), drip(CHUNKED, b"1\r\nx\r\n", 0.02), TotalTimeout),
        (Deadlines(total_s=0.1), silence, TotalTimeout),
    ],
)
async def test_a_slow_upstream_meets_its_deadline(
    deadlines: Deadlines, script: Script, error: type[TransportError]
) -> None:
    started = asyncio.get_running_loop().time()
    async with upstream(script) as server, client_for(server) as client:
        with pytest.raises(error):
            await fetch(client, server, deadlines=deadlines)
        assert asyncio.get_running_loop().time() - started < 1.5
        await settled(client, server)


async def test_a_refused_connection_is_a_retryable_failure() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        client = HttpClient(guard=EgressGuard([("127.0.0.1", port)]))
        target = Target(Origin("http", "127.0.0.1", port), "private")
        with pytest.raises(ConnectFailed) as caught:
            await client.send(target, "GET", "/", [], b"", QUICK)
        assert caught.value.retryable
        assert usage(client) == (0, 0, 0)


async def test_a_connection_that_is_never_accepted_times_out_and_leaves_no_descriptor() -> None:
    # A listener that never accepts, with a full backlog, drops further SYNs.
    with socket.socket() as hole, contextlib.ExitStack() as fillers:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(8):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(hole.getsockname())
        port = hole.getsockname()[1]
        client = HttpClient(guard=EgressGuard([("127.0.0.1", port)]))
        target = Target(Origin("http", "127.0.0.1", port), "private")
        counts = []
        for _ in range(4):
            with pytest.raises(ConnectTimeout) as caught:
                await client.send(target, "GET", "/", [], b"", Deadlines(connect_s=0.05))
            assert caught.value.retryable
            assert usage(client) == (0, 0, 0)
            await asyncio.sleep(0.01)
            counts.append(descriptors())
        assert len(set(counts)) == 1


async def test_the_second_address_of_a_name_is_tried_when_the_first_does_not_answer() -> None:
    async def two(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async with upstream(always(OK)) as server:
        guard = EgressGuard([("model.test", server.port)], resolver=two)
        client = HttpClient(guard=guard)
        target = Target(Origin("http", "model.test", server.port), "private")
        response = await client.send(target, "GET", "/", [], b"", QUICK)
        assert await response.read(10) == b"ok"
        assert b"host: model.test:%d\r\n" % server.port in server.requests[0]
        await client.aclose()


async def test_a_full_pool_makes_exchanges_wait_in_order_and_no_longer_than_allowed() -> None:
    release = asyncio.Event()

    async def script(connection: Connection) -> None:
        while await connection.request() is not None:
            await release.wait()
            await connection.send(OK)

    async with upstream(script) as server, client_for(server, limits=ClientLimits(queue_s=0.3)) as client:
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(post(client, server, maximum=2)) for _ in range(4)]
        await asyncio.sleep(0.03)
        assert usage(client) == (0, 2, 2)
        with pytest.raises(PoolTimeout):
            await tasks[3]
        release.set()
        assert (await tasks[0]).status == (await tasks[1]).status == 200
        assert await fetch(client, server) == b"ok"
        assert server.connections == 2
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_body_beyond_the_callers_limit_is_refused_and_the_socket_dropped() -> None:
    async with upstream(drip(CHUNKED, b"400\r\n" + b"x" * 1024 + b"\r\n", 0)) as server, client_for(server) as client:
        response = await post(client, server)
        with pytest.raises(BodyTooLarge):
            await response.read(10_000)
        await settled(client, server)


async def test_a_slow_reader_bounds_the_memory_not_the_upstream() -> None:
    sent = 0

    async def script(connection: Connection) -> None:
        nonlocal sent
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        for _ in range(100):
            await connection.send(b"x" * 1_000_000)
            sent += 1_000_000

    async with upstream(script) as server, client_for(server) as client:
        tracemalloc.start()
        response = await post(client, server, deadlines=Deadlines())
        await asyncio.sleep(0.3)
        held = response._buffered
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert held <= ClientLimits().buffer_bytes + 512 * 1024
        # What the kernel's socket buffers and the server's own transport took is not the client's memory.
        assert sent < 30_000_000
        assert peak < 12_000_000
        size = 0
        while data := await response.chunk():
            size += len(data)
        assert size == 100_000_000
        assert usage(client)[1] == 0


@pytest.mark.parametrize("phase", ["head", "body", "connect", "queue"])
async def test_two_hundred_cancelled_exchanges_leave_nothing(phase: str) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        if phase == "body":
            await connection.send(CHUNKED + b"4\r\npart\r\n")
        await connection.reader.read()

    async def use(client: HttpClient, server: Upstream) -> None:
        response = await post(client, server, deadlines=Deadlines(), maximum=1 if phase == "queue" else 16)
        try:
            while await response.chunk():
                pass
        finally:
            response.close()

    async with upstream(script) as server, client_for(server) as client:
        loop = asyncio.get_running_loop()
        before, tasks_before = descriptors(), len(asyncio.all_tasks())
        for _ in range(20):
            batch = [loop.create_task(use(client, server)) for _ in range(10)]
            # None, some or all of the steps of each exchange happen before it is cancelled.
            for _ in range({"connect": 2, "queue": 5}.get(phase, 20)):
                await asyncio.sleep(0)
            if phase in ("head", "body"):
                await asyncio.sleep(0.005)
            for task in batch:
                task.cancel()
            results = await asyncio.gather(*batch, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
            assert usage(client) == (0, 0, 0)
        await asyncio.sleep(0.05)  # the server may still have to accept what was cancelled
        await settled(client, server)
        await asyncio.sleep(0.02)
        assert len(asyncio.all_tasks()) <= tasks_before
        assert descriptors() <= before


async def test_closing_the_client_ends_exchanges_and_sockets() -> None:
    async with upstream(drip(CHUNKED, b"1\r\nx\r\n", 0.01)) as server, client_for(server) as client:
        response = await post(client, server)
        before = descriptors()
        await client.aclose()
        assert descriptors() < before
        with pytest.raises(Truncated):
            await response.read(1 << 20)
        with pytest.raises(ConnectFailed):
            await post(client, server)


async def test_a_new_configuration_closes_idle_connections_and_lets_running_exchanges_end() -> None:
    async with (
        upstream(drip(CHUNKED, b"1\r\nx\r\n", 0.01)) as streaming,
        upstream(always(OK)) as quick,
        client_for(streaming, quick) as client,
    ):
        assert await fetch(client, quick) == b"ok"
        response = await post(client, streaming)
        client.reconfigure(guard=EgressGuard([("127.0.0.1", quick.port)]))
        assert await response.chunk()
        assert await response.chunk()
        assert usage(client) == (0, 1, 0)
        assert await fetch(client, quick) == b"ok"
        assert quick.connections == 2
        response.close()
        assert usage(client) == (1, 0, 0)


async def test_a_head_request_returns_the_headers_and_no_body() -> None:
    raw = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n"
    async with upstream(always(raw)) as server, client_for(server) as client:
        response = await client.send(server.target(), "HEAD", "/", [], b"", QUICK)
        assert (response.headers["content-length"], await response.read(10)) == ("500", b"")
        assert server.requests[0].startswith(b"HEAD / HTTP/1.1\r\n")
        assert b"content-length" not in server.requests[0]
