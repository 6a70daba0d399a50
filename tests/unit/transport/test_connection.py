"""One connection: framing, limits, back-pressure, timers, and when it may be used again."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from kaigate.transport.connection import HttpConnection
from kaigate.transport.errors import (
    FirstByteTimeout,
    HeadersTooLarge,
    IdleTimeout,
    ProtocolError,
    StaleConnection,
    TlsFailed,
    TotalTimeout,
    TransportError,
    Truncated,
)
from kaigate.transport.response import Response
from kaigate.transport.target import ClientLimits, Deadlines
from support.fake_transport import FakeTransport

H = b"HTTP/1.1 200 OK\r\n"
C = H + b"Transfer-Encoding: chunked\r\n\r\n"
OK = H + b"content-length: 2\r\n\r\nok"
LONG = Deadlines(total_s=60)


@dataclass
class Bench:
    """A connection on a fake transport with a pool that only takes notes."""

    limits: ClientLimits = field(default_factory=ClientLimits)
    released_count: int = 0
    gone_count: int = 0

    def __post_init__(self) -> None:
        self.transport = FakeTransport()
        self.connection = HttpConnection(asyncio.get_running_loop(), self.limits, self)
        self.connection.connection_made(self.transport)

    def released(self, connection: HttpConnection) -> None:
        self.released_count += 1

    def gone(self, connection: HttpConnection) -> None:
        self.gone_count += 1

    async def start(
        self, deadlines: Deadlines = LONG, body: bytes = b"", *, head_only: bool = False
    ) -> tuple[Response, asyncio.Task[None]]:
        loop = asyncio.get_running_loop()
        response = Response(loop, deadlines, loop.time())

        async def exchange() -> None:
            await self.connection.exchange(response, b"HEAD\r\n\r\n", body, head_only=head_only)

        task = loop.create_task(exchange())
        await asyncio.sleep(0)
        return response, task

    async def answer(self, *pieces: bytes, end: bool = False, head_only: bool = False) -> tuple[Response, bytes]:
        """Run an exchange against these bytes, closed by the upstream after them if `end`."""
        response, task = await self.start(head_only=head_only)
        for piece in pieces:
            self.connection.data_received(piece)
        if end:
            self.connection.eof_received()
            self.connection.connection_lost(None)
        await task
        return response, await response.read(1 << 24)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    made.connection.abort()


GOOD = {
    "content length": (OK, b"ok", True),
    "no body": (H + b"content-length: 0\r\n\r\n", b"", True),
    "chunked": (C + b"2\r\nok\r\n3\r\n!!!\r\n0\r\n\r\n", b"ok!!!", True),
    "chunk extensions and trailers": (C + b"2;a=b\r\nok\r\n0\r\nX: y\r\n\r\n", b"ok", True),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    "304 with the length of what it stands for": (b"HTTP/1.1 304 x\r\ncontent-length: 5\r\n\r\n", b"", True),
    "interim responses": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\nX-A: 1\r\n\r\n" + OK, b"ok", True
    ),
    "asked to close": (H + b"connection: close\r\ncontent-length: 2\r\n\r\nok", b"ok", False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", b"ok", False),
    "HTTP/1.0 kept alive": (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", b"ok", True),
    "no reason phrase": (b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok", b"ok", True),
    "a second response that nobody asked for": (OK + OK, b"ok", False),
    "a byte too many": (OK + b"H", b"ok", False),
    "garbage after the end": (OK + b"\x00\xff", b"ok", False),
    "a body shorter than announced to the parser's knowledge": (OK + b"k, and more", b"ok", False),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
async def test_a_response_is_read_and_the_connection_reused_only_when_it_is_in_step(name: str, bench: Bench) -> None:
    raw, body, reused = GOOD[name]
    response, found = await bench.answer(raw)
    assert found == body
    assert response.headers.get("x-a") is None
    assert bench.released_count == int(reused)
    assert bench.transport.aborted is not reused


@pytest.mark.parametrize("name", [name for name, (_, _, reused) in GOOD.items() if reused])
async def test_every_cut_of_a_response_reads_the_same(name: str) -> None:
    raw, body, _ = GOOD[name]
    for cut in range(1, len(raw)):
        bench = Bench()
        assert (await bench.answer(raw[:cut], raw[cut:]))[1] == body
        assert bench.released_count == 1
        bench.connection.abort()
    bench = Bench()
    assert (await bench.answer(*(raw[at : at + 1] for at in range(len(raw)))))[1] == body
    bench.connection.abort()


@pytest.mark.parametrize("head", [H, b"HTTP/1.0 200 OK\r\n", H + b"connection: close\r\n"])
async def test_a_body_without_a_length_ends_with_the_connection(head: bytes, bench: Bench) -> None:
    assert (await bench.answer(head + b"\r\nall ", b"of it", end=True))[1] == b"all of it"
    assert bench.released_count == 0


async def test_a_body_without_a_length_is_cut_when_the_end_is_not_clean(bench: Bench) -> None:
    response, task = await bench.start()
    bench.connection.data_received(H + b"\r\npart")
    bench.connection.connection_lost(ConnectionResetError())
    await task
    assert await response.chunk() == b"part"
    with pytest.raises(Truncated):
        await response.chunk()


BAD = {
    "no HTTP": b"hello, I am a mail server\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/0.9 kept alive": b"HTTP/0.9 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
    "HTTP/2.0 kept alive": b"HTTP/2.0 200 OK\r\nproxy-connection: keep-alive\r\ncontent-length: 0\r\n\r\n",
    "interim of another version": b"HTTP/2.0 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "status 099": b"HTTP/1.1 099 x\r\n\r\n",
    "status 600": b"HTTP/1.1 600 x\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 x\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nxx",
    "folded header": H + b"A: b\r\n c\r\ncontent-length: 0\r\n\r\n",
    "NUL in a value": H + b"A: b\x00c\r\n\r\n",
    "bare CR in a value": H + b"A: b\rcontent-length: 0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nA: b\n\n",
    "space before the colon": H + b"content-length : 2\r\n\r\nok",
    "name with a strange byte": H + b"\xc3\xa4: b\r\n\r\n",
    "header without a name": H + b": b\r\n\r\n",
    "space before the first header": H + b" A: b\r\n\r\n",
    "two equal lengths": H + b"content-length: 2\r\ncontent-length: 2\r\n\r\nok",
    "two lengths": H + b"content-length: 2\r\ncontent-length: 3\r\n\r\nok",
    "list of lengths": H + b"content-length: 2, 2\r\n\r\nok",
    "signed length": H + b"content-length: +2\r\n\r\nok",
    "length overflow": H + b"content-length: 99999999999999999999999\r\n\r\nok",
    "length and encoding": H + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "encoding and length": H + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n",
    "other encoding": H + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "stacked encoding": H + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "repeated encoding": H + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "encoding in HTTP/1.0": b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "encoding in HTTP/1.0 kept alive": (
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "encoding in HTTP/1.0 kept alive by a proxy": (
        b"HTTP/1.0 200 OK\r\nproxy-connection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "compressed body": H + b"content-encoding: gzip\r\ncontent-length: 2\r\n\r\nok",
}


@pytest.mark.parametrize("name", BAD)
async def test_a_malformed_head_is_a_protocol_error_for_every_cut(name: str) -> None:
    raw = BAD[name]
    for pieces in ([raw], [raw[at : at + 1] for at in range(len(raw))]):
        bench = Bench()
        response, task = await bench.start()
        for piece in pieces:
            bench.connection.data_received(piece)
        with pytest.raises(ProtocolError):
            await task
        assert response.status == 0
        assert bench.transport.aborted
        assert bench.released_count == 0


@pytest.mark.parametrize(
    "chunks",
    [
        b"+2\r\nok\r\n0\r\n\r\n", b"-1\r\nok\r\n", b"0x2\r\nok\r\n", b"2 \r\nok\r\n", b"zz\r\n", b"\r\n", b"2\nok\n",
        b"fffffffffffffffff\r\nok", b"2\r\nokk\r\n", b"2\r\nok0\r\n\r\n", b"\x00",
        b"2\r\nok\r\n0\r\nbad trailer\r\n\r\n",
    ],
)  # fmt: skip
async def test_chunk_garbage_is_a_protocol_error_after_the_good_bytes(chunks: bytes) -> None:
    for pieces in ([C + chunks], [C, *(chunks[at : at + 1] for at in range(len(chunks)))]):
        bench = Bench()
        response, task = await bench.start()
        for piece in pieces:
            bench.connection.data_received(piece)
        await task
        with pytest.raises(ProtocolError):
            await response.read(100)
        assert bench.transport.aborted


@pytest.mark.parametrize(
    ("pieces", "limits"),
    [
        ([H + b"A: " + b"x" * 70_000 + b"\r\n\r\n"], ClientLimits()),
        ([H, *[b"A: " + b"x" * 1000 + b"\r\n"] * 70], ClientLimits()),
        ([H + b"A: b\r\n" * 101 + b"\r\n"], ClientLimits()),
        ([H + b"A: ", *[b"x" * 1000] * 70], ClientLimits()),
        ([b"HTTP/1.1 200 ", *[b"x" * 1000] * 70], ClientLimits()),
        ([b"HTTP/1.1 100 x\r\n\r\n" * 100] * 60, ClientLimits()),
        ([H + b"A: b\r\n" * 11 + b"content-length: 0\r\n\r\n"], ClientLimits(header_count=10)),
    ],
)
async def test_a_head_without_measure_is_refused(pieces: list[bytes], limits: ClientLimits) -> None:
    bench = Bench(limits)
    _, task = await bench.start()
    for piece in pieces:
        bench.connection.data_received(piece)
    with pytest.raises(HeadersTooLarge):
        await task
    assert bench.transport.aborted


async def test_a_head_at_the_limit_passes_with_a_long_body_behind_it(bench: Bench) -> None:
    raw = H + b"A: b\r\n" * 99 + b"content-length: 100000\r\n\r\n" + b"x" * 100_000
    assert len((await bench.answer(raw))[1]) == 100_000


@pytest.mark.parametrize("endless", [b"T: " + b"x" * 1000 + b"\r\n", b"x" * 1000, b"2;" + b"x" * 1000])
async def test_endless_trailers_and_extensions_are_refused(endless: bytes, bench: Bench) -> None:
    response, task = await bench.start()
    bench.connection.data_received(C + b"2\r\nok\r\n" + (b"" if endless.startswith(b"2") else b"0\r\nA: "))
    for _ in range(70):
        bench.connection.data_received(endless if not endless.startswith(b"2") or not _ else b"x" * 1000)
    await task
    with pytest.raises(HeadersTooLarge):
        await response.read(10)


async def test_a_response_to_head_has_no_body_and_ends_the_connection(bench: Bench) -> None:
    response, body = await bench.answer(H + b"content-length: 500\r\n\r\n", head_only=True)
    assert (response.status, body, response.headers["content-length"]) == (200, b"", "500")
    assert bench.transport.aborted


async def test_unsolicited_bytes_close_an_idle_connection(bench: Bench) -> None:
    await bench.answer(OK)
    bench.connection.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert bench.transport.aborted
    assert bench.gone_count


async def test_reading_pauses_while_the_reader_is_behind_and_goes_on_when_it_caught_up() -> None:
    bench = Bench(ClientLimits(buffer_bytes=1000))
    response, task = await bench.start()
    bench.connection.data_received(H + b"content-length: 3000\r\n\r\n" + b"x" * 1000)
    assert not bench.transport.paused
    bench.connection.data_received(b"x")
    assert bench.transport.paused
    await task
    assert len(await response.chunk()) == 1001
    assert not bench.transport.paused
    bench.connection.data_received(b"x" * 1999)
    assert (bench.released_count, bench.transport.paused) == (1, False)
    assert len(await response.read(10_000)) == 1999
    bench.connection.abort()


async def test_a_large_body_waits_for_the_socket(bench: Bench) -> None:
    bench.connection.pause_writing()
    _, task = await bench.start(body=b"x" * 200_000)
    assert bench.transport.written == b"HEAD\r\n\r\n"
    bench.connection.resume_writing()
    await asyncio.sleep(0)
    assert len(bench.transport.written) == 200_008
    bench.connection.data_received(OK)
    await task
    assert bench.released_count == 1


async def test_an_early_answer_ends_the_upload_and_the_connection(bench: Bench) -> None:
    bench.connection.pause_writing()
    response, task = await bench.start(body=b"x" * 200_000)
    bench.connection.data_received(b"HTTP/1.1 413 x\r\ncontent-length: 2\r\n\r\nno")
    await task
    assert (response.status, await response.read(10)) == (413, b"no")
    assert bench.transport.written == b"HEAD\r\n\r\n"
    assert (bench.released_count, bench.transport.aborted) == (0, True)


async def test_a_loss_before_the_first_byte_is_stale_only_on_a_reused_connection(bench: Bench) -> None:
    await bench.answer(OK)
    _, task = await bench.start()
    bench.connection.connection_lost(None)
    with pytest.raises(StaleConnection):
        await task
    fresh = Bench()
    _, task = await fresh.start()
    fresh.connection.connection_lost(ConnectionResetError())
    with pytest.raises(Truncated) as caught:
        await task
    assert not isinstance(caught.value, StaleConnection)


@pytest.mark.parametrize("first", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_a_loss_after_one_byte_is_not_stale(first: bytes, bench: Bench) -> None:
    await bench.answer(OK)
    _, task = await bench.start()
    bench.connection.data_received(first)
    bench.connection.connection_lost(None)
    with pytest.raises(Truncated) as caught:
        await task
    assert not isinstance(caught.value, StaleConnection)


async def test_an_exchange_on_a_closed_connection_is_stale(bench: Bench) -> None:
    bench.transport.aborted = True
    assert not bench.connection.usable
    _, task = await bench.start()
    with pytest.raises(StaleConnection):
        await task
    assert bench.gone_count


async def test_a_tls_failure_during_the_exchange_is_named(bench: Bench) -> None:
    _, task = await bench.start()
    bench.connection.connection_lost(ssl.SSLError("alert"))
    with pytest.raises(TlsFailed):
        await task


@pytest.mark.parametrize(
    ("deadlines", "pieces", "error"),
    [
        (Deadlines(first_byte_s=0.02), [], FirstByteTimeout),
        (Deadlines(first_byte_s=0.02), [b"HTTP/1.1 100 x\r\n\r\n", b"HTTP/1.1 2"], FirstByteTimeout),
        (Deadlines(total_s=0.02), [], TotalTimeout),
        (Deadlines(idle_s=0.02), [C], IdleTimeout),
        (Deadlines(idle_s=0.5, total_s=0.02), [C], TotalTimeout),
    ],
)
async def test_each_deadline_ends_the_exchange(
    deadlines: Deadlines, pieces: list[bytes], error: type[TransportError], bench: Bench
) -> None:
    response, task = await bench.start(deadlines)
    for piece in pieces:
        bench.connection.data_received(piece)
    with pytest.raises(error):  # noqa: PT012 - either await may be the one that fails
        await task
        await response.read(10)
    assert bench.transport.aborted


async def test_a_slow_reader_is_no_idle_upstream(bench: Bench) -> None:
    later = asyncio.get_running_loop().call_later
    response, task = await bench.start(Deadlines(idle_s=0.2))
    bench.connection.data_received(C)
    await task
    later(0.02, bench.connection.data_received, b"2\r\nok\r\n")
    assert await response.chunk() == b"ok"
    await asyncio.sleep(0.4)
    # The pause was the reader's: the upstream has its full time from now on.
    later(0.02, bench.connection.data_received, b"0\r\n\r\n")
    assert await response.chunk() == b""


async def test_each_byte_restarts_the_idle_clock(bench: Bench) -> None:
    response, task = await bench.start(Deadlines(idle_s=0.25))
    bench.connection.data_received(C)
    await task
    for _ in range(4):
        asyncio.get_running_loop().call_later(0.1, bench.connection.data_received, b"1\r\nx\r\n")
        assert await response.chunk() == b"x"
    with pytest.raises(IdleTimeout):
        await response.chunk()


async def test_a_response_that_nobody_reads_ends_with_its_total_deadline(bench: Bench) -> None:
    response, task = await bench.start(Deadlines(total_s=0.03))
    bench.connection.data_received(C)
    await task
    await asyncio.sleep(0.06)
    assert bench.transport.aborted
    with pytest.raises(TotalTimeout):
        await response.chunk()


async def test_a_parked_connection_closes_itself_in_time(bench: Bench) -> None:
    await bench.answer(OK)
    bench.connection.park(asyncio.get_running_loop().time() + 0.02)
    assert bench.connection.usable
    await asyncio.sleep(0.05)
    assert bench.transport.aborted
    assert not bench.connection.usable


async def test_many_exchanges_share_one_timer(bench: Bench) -> None:
    await bench.answer(OK)
    timer = bench.connection._timer
    for _ in range(10):
        await bench.answer(OK)
    assert bench.connection._timer is timer
