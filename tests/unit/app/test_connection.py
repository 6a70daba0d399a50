"""Requests out of bytes, however they arrive; deadlines and order without a socket."""

import asyncio
import itertools
from collections.abc import Callable

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from kaigate.app import connection as module
from kaigate.app.connection import HttpConnection
from kaigate.app.incoming import Incoming
from kaigate.app.server_state import ServerState
from support.exchanges import exchange
from support.fake_transport import FakeTransport


class SocketLike(FakeTransport):
    """A transport that can end, and a write buffer that drains as far as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        self.finished = False
        self.buffered = 0

    def get_extra_info(self, name, default=None):
        return ("192.0.2.1", 4000) if name == "peername" else default

    def get_write_buffer_size(self):
        return self.buffered

    def is_closing(self):
        return self.closed or self.aborted

    def write_eof(self):
        self.finished = True

    def close(self):
        self.closed = True


async def echo(request: Incoming) -> None:
    """Answer with what was asked."""
    made = exchange()
    made.status = 200
    body = await request.read_body(limit=1000, timeout_s=1)
    named = b",".join(name for name, _ in request.headers)
    request.send_whole(made, b" ".join((request.method, request.path, named, body)), b"text/plain")


def state(serve: Callable = echo, **changes) -> ServerState:
    bounds = {"max_head_bytes": 2000, "max_connections": 10, "keep_alive_s": 5.0, "write_timeout_s": 5.0}
    return ServerState(serve=serve, **{"refused": lambda _refusal, _address: None, **bounds, **changes})


def connect(shared: ServerState | None = None) -> tuple[HttpConnection, SocketLike]:
    """A connection on the running loop."""
    made, transport = HttpConnection(shared or state(), asyncio.get_running_loop()), SocketLike()
    made.connection_made(transport)
    return made, transport


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def bodies(written: bytes) -> list[bytes]:
    """The bodies of answers with a content-length."""
    found = []
    while written:
        head, _, rest = written.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        found.append(rest[:length])
        written = rest[length:]
    return found


STREAM = (
    b"GET /a?q HTTP/1.1\r\nHost: x\r\n\r\n"
    b"POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello"
    b"POST /c HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3;e=1\r\nabc\r\n2\r\nde\r\n0\r\nt: 1\r\n\r\n"
    b"POST /d HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\nhi"
    b"GET http://y/e HTTP/1.1\r\nhost: y\r\n\r\n"
)
ANSWERS = [
    b"GET /a host ",
    b"POST /b host,content-length hello",
    b"POST /c host,transfer-encoding abcde",
    b"POST /d host,connection,upgrade,content-length hi",
    b"GET /e host ",
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12), st.booleans())
def test_the_same_requests_come_out_of_any_cut(cuts, waiting):
    async def run() -> bytes:
        connection, transport = connect()
        edges = sorted({0, len(STREAM), *cuts})
        for start, end in itertools.pairwise(edges):
            connection.data_received(STREAM[start:end])
            if waiting:
                await turns()
        await turns(40)
        connection.connection_lost(None)
        return transport.written

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert bodies(runner.run(run())) == ANSWERS


@given(st.binary(max_size=300))
def test_no_input_breaks_the_connection_state(data):
    """Whatever comes is answered, refused or waited for; afterwards nothing runs."""

    async def run() -> None:
        shared = state()
        connection, transport = connect(shared)
        for head in (b"", b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"):
            connection.data_received(head + data)
            await turns(10)
        assert transport.written == b"" or transport.written.startswith(b"HTTP/1.1 ")
        connection.connection_lost(None)
        await turns(10)
        assert not shared.tasks
        assert not shared.connections

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"garbage\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"b" * 3000, b"431"),
        (b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"b" * 3000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", b"431"),
        (b"GET / HTTP/2.0\r\nhost: x\r\n\r\n", b"505"),
    ],
)
async def test_what_is_no_request_is_refused_and_the_rest_of_it_passed_over(data, status):
    connection, transport = connect()
    connection.data_received(data)
    connection.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await turns()
    assert transport.written.startswith(b"HTTP/1.1 " + status)
    assert transport.written.count(b"\r\n\r\n") == 1
    assert transport.finished
    connection.connection_lost(None)


async def test_each_refusal_is_told_once_with_its_address(monkeypatch):
    monkeypatch.setattr(module, "_HEAD_TIMEOUT_S", 0.02)
    told = []
    shared = state(max_connections=1, refused=lambda refusal, address: told.append((refusal.status, address)))
    connection, _ = connect(shared)
    connect(shared)[0].connection_lost(None)
    connection.data_received(b"GET / HTTP/1.1\r\nhost:")
    await asyncio.sleep(0.05)
    connection.data_received(b"garbage\r\n\r\n" * 3)
    connection.connection_lost(None)
    assert told == [(503, "192.0.2.1"), (408, "192.0.2.1")]
    # Behind a request that is being served too: what hides there is what a smuggler sends.
    connection, transport = connect(shared)
    connection.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\ngarbage\r\n\r\n")
    await turns()
    assert transport.written.startswith(b"HTTP/1.1 200")
    assert told[2:] == [(400, "192.0.2.1")]
    connection.connection_lost(None)


async def test_a_flood_of_connections_is_told_of_though_it_gets_no_answer(monkeypatch):
    monkeypatch.setattr(module, "_MAX_REFUSED", 1)
    told = []
    shared = state(max_connections=0, refused=lambda refusal, _address: told.append(refusal.status))
    made = [connect(shared) for _ in range(2)]
    assert [transport.aborted for _, transport in made] == [False, True]
    assert told == [503, 503]
    for connection, _ in made:
        connection.connection_lost(None)


async def test_a_request_may_fill_the_head_bound_beside_a_large_body():
    connection, transport = connect()
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\na: " + b"a" * 1500 + b"\r\n\r\n"
    connection.data_received(head + b"b" * 900)
    await turns()
    assert transport.written.startswith(b"HTTP/1.1 200")
    connection.connection_lost(None)


async def test_lingering_ends_with_the_body_with_its_bytes_or_with_its_time(monkeypatch):
    monkeypatch.setattr(module, "_LINGER_BYTES", 1000)
    monkeypatch.setattr(module, "_LINGER_S", 0.05)

    async def early(request: Incoming) -> None:
        made = exchange()
        made.status = 401
        request.send_whole(made, b"no", b"text/plain")

    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n"
    for body, wait_s, outcome in ((b"", 0.2, "aborted"), (b"x" * 1001, 0, "aborted"), (b"x" * 999, 0, "open")):
        connection, transport = connect(state(early))
        connection.data_received(head)
        await turns()
        assert transport.written.startswith(b"HTTP/1.1 401")
        connection.data_received(body)
        await asyncio.sleep(wait_s)
        assert transport.aborted is (outcome == "aborted")
        connection.connection_lost(None)
    connection, transport = connect(state(early))
    connection.data_received(head.replace(b"5000", b"5"))
    await turns()
    connection.data_received(b"12345")
    assert transport.closed
    connection.connection_lost(None)


async def test_requests_wait_unread_while_one_is_served():
    release = asyncio.Event()

    async def slow(request: Incoming) -> None:
        await release.wait()
        await echo(request)

    connection, transport = connect(state(slow))
    connection.data_received(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n")
    await turns()
    assert transport.paused
    assert transport.written == b""
    release.set()
    await turns(10)
    assert bodies(transport.written) == [b"GET /1 host ", b"GET /2 host "]
    assert not transport.paused
    connection.connection_lost(None)


async def test_a_large_body_is_read_as_it_is_taken_and_the_connection_stays_watched():
    wanted = asyncio.Event()

    async def later(request: Incoming) -> None:
        await wanted.wait()
        made = exchange()
        made.status = 200
        body = await request.read_body(limit=10_000_000, timeout_s=1)
        request.send_whole(made, b"%d" % len(body), b"text/plain")

    connection, transport = connect(state(later))
    connection.data_received(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 600000\r\n\r\n")
    connection.data_received(b"x" * 300_000)
    assert transport.paused
    wanted.set()
    await turns()
    assert not transport.paused
    connection.data_received(b"x" * 300_000)
    await turns()
    assert bodies(transport.written) == [b"600000"]
    wanted.clear()
    connection.data_received(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 600000\r\n\r\n" + b"x" * 600_000)
    assert not transport.paused, "it is complete: only its client's leaving is left to notice"
    connection.connection_lost(None)
    wanted.set()
    await turns()


async def test_no_request_is_started_for_a_client_that_does_not_read():
    connection, transport = connect()
    connection.pause_writing()
    connection.data_received(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n")
    await turns(10)
    assert len(bodies(transport.written)) == 1
    assert transport.paused
    connection.resume_writing()
    await turns(10)
    assert len(bodies(transport.written)) == 2
    assert not transport.paused
    connection.connection_lost(None)


async def test_a_client_that_takes_nothing_is_cut_and_one_that_takes_little_is_not():
    connection, transport = connect(state(write_timeout_s=0.05))
    transport.buffered = 1000
    connection.pause_writing()
    for left in (900, 800, 700):
        await asyncio.sleep(0.04)
        transport.buffered = left
    assert not transport.aborted
    await asyncio.sleep(0.15)
    assert transport.aborted
    connection.connection_lost(None)


async def test_a_server_that_crashes_says_so_and_cuts_the_connection(caplog):
    async def crash(request: Incoming) -> None:
        raise RuntimeError("bug")

    connection, transport = connect(state(crash))
    connection.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await turns()
    assert transport.aborted
    assert "RuntimeError: bug" in caplog.text
    connection.connection_lost(None)


async def test_one_timer_serves_all_deadlines_of_a_connection():
    shared = state(keep_alive_s=0.1)
    connection, transport = connect(shared)
    for _ in range(4):
        connection.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await asyncio.sleep(0.05)
    assert not transport.closed
    await asyncio.sleep(0.2)
    assert transport.closed
    connection.connection_lost(None)


async def test_shutdown_closes_what_is_idle_and_lets_the_rest_finish():
    release = asyncio.Event()

    async def slow(request: Incoming) -> None:
        await release.wait()
        await echo(request)

    shared = state(slow)
    (idle, idle_transport), (busy, busy_transport) = connect(shared), connect(shared)
    busy.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    idle.shutdown()
    busy.shutdown()
    assert (idle_transport.closed, busy_transport.closed) == (True, False)
    release.set()
    await turns()
    assert b"connection: close" in busy_transport.written
    assert busy_transport.closed
    for connection in (idle, busy):
        connection.connection_lost(None)
