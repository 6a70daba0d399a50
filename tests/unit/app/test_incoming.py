"""One request as the pipeline sees it: bounded reading, and framing of what is written."""

import asyncio

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.app.http_head import CONTINUE
from kaigate.app.incoming import Incoming
from kaigate.errors import AccessDeniedError, LimitExceededError, RequestInvalidError
from kaigate.pipeline.exchange import ClientGoneError
from support.exchanges import deployment, exchange


class RecordedConnection:
    """The connection's side: keeps what is written."""

    peer = "192.0.2.7"
    closing = False
    paused = False

    def __init__(self) -> None:
        self.written = b""
        self.resumed = 0
        self.done = []
        self.cuts = []
        self.waits = 0

    def write(self, data):
        self.written += data

    def resume(self):
        self.resumed += 1

    def answered(self, request):
        self.done.append(request)

    def cut(self, request):
        self.cuts.append(request)

    def date(self):
        return b"date: d\r\n"

    def time(self):
        return 1.0

    async def drained(self):
        self.waits += 1


def incoming(method=b"POST", *, complete=True, **fields) -> Incoming:
    request = Incoming(RecordedConnection(), method, b"/", [])
    request.complete = complete
    for name, value in fields.items():
        setattr(request, name, value)
    return request


def parsed(data: bytes):
    """Status, headers and body of a response, by another parser."""
    headers, body = {}, []

    class Reader:
        def on_header(self, name, value):
            headers[name.decode()] = value.decode()

        def on_body(self, part):
            body.append(part)

    parser = httptools.HttpResponseParser(Reader())
    parser.feed_data(data)
    return parser.get_status_code(), headers, b"".join(body)


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=20))
async def test_a_body_is_its_pieces_joined(pieces):
    request = incoming(complete=False)
    for piece in pieces:
        request.received(piece)
    request.completed()
    body = await request.read_body(limit=10_000, timeout_s=1)
    assert body == b"".join(pieces)
    assert type(body) is bytes


async def test_the_body_is_waited_for():
    request = incoming(complete=False)
    request.received(b"one ")
    reading = asyncio.ensure_future(request.read_body(limit=100, timeout_s=1))
    await asyncio.sleep(0)
    request.received(b"two")
    await asyncio.sleep(0)
    request.completed()
    assert await reading == b"one two"
    assert request._connection.resumed == 1


@pytest.mark.parametrize("complete", [True, False])
async def test_a_body_beyond_the_limit_is_refused_whether_complete_or_not(complete):
    request = incoming(complete=complete)
    assert not request.received(b"12345")
    with pytest.raises(RequestInvalidError) as refused:
        await request.read_body(limit=4, timeout_s=1)
    assert refused.value.code == "request_too_large"
    assert request.received(b"6"), "no more is wanted"


async def test_a_pause_beyond_the_timeout_is_refused():
    request = incoming(complete=False)
    with pytest.raises(RequestInvalidError) as refused:
        await request.read_body(limit=100, timeout_s=0.01)
    assert refused.value.code == "request_timeout"


@pytest.mark.parametrize("before", [True, False])
async def test_a_client_that_leaves_ends_the_reading(before):
    request = incoming(complete=False)
    if before:
        request.lost()
    reading = asyncio.ensure_future(request.read_body(limit=100, timeout_s=5))
    await asyncio.sleep(0)
    request.lost()
    with pytest.raises(ClientGoneError):
        await asyncio.wait_for(reading, 1)


@pytest.mark.parametrize(("complete", "asked"), [(False, True), (True, False)])
async def test_continue_is_said_once_and_only_while_a_body_is_missing(complete, asked):
    request = incoming(complete=complete, headers=[(b"expect", b"100-continue")])
    reading = asyncio.ensure_future(request.read_body(limit=100, timeout_s=1))
    for _ in range(3):
        await asyncio.sleep(0)
        request.received(b"x")
    request.completed()
    await reading
    assert request._connection.written == (CONTINUE if asked else b"")


async def test_a_watched_client_that_leaves_cancels_the_task():
    request, told = incoming(), []

    async def serve():
        request.watch(lambda: told.append(True))
        await asyncio.sleep(10)

    request.task = asyncio.ensure_future(serve())
    await asyncio.sleep(0)
    request.lost()
    request.lost()
    with pytest.raises(asyncio.CancelledError):
        await request.task
    assert told == [True]


async def test_a_client_that_left_before_is_told_to_whoever_watches():
    request, told = incoming(), []
    request.lost()
    request.watch(lambda: told.append(True))
    assert told == [True]


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_a_whole_answer_is_one_response(method):
    request, made = incoming(method), exchange()
    made.status = 200
    request.send_whole(made, b"body", b"text/plain")
    connection = request._connection
    assert connection.done == [request]
    assert connection.written.endswith(b"content-length: 4\r\n\r\n" + (b"body" if method == b"GET" else b""))
    assert b"content-type: text/plain\r\nx-request-id: r-1\r\n" in connection.written


@pytest.mark.parametrize(
    ("fields", "closing", "connection"),
    [
        ({}, False, None),
        ({"keep_alive": False}, False, "close"),
        ({"complete": False}, False, "close"),
        ({}, True, "close"),
        ({"speaks_chunks": False}, False, "keep-alive"),
        ({"speaks_chunks": False, "keep_alive": False}, False, "close"),
    ],
)
async def test_an_answer_says_what_becomes_of_its_connection(fields, closing, connection):
    request, made = incoming(**fields), exchange()
    request._connection.closing = closing
    made.status = 200
    request.send_whole(made, b"body", b"text/plain")
    _, headers, body = parsed(request._connection.written)
    assert (headers.get("connection"), body) == (connection, b"body")
    assert request.keep_alive is (connection != "close")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AccessDeniedError("invalid_api_key", "no"), {"www-authenticate": "Bearer"}),
        (LimitExceededError("rate_limit_exceeded", "no", retry_after=2.6), {"retry-after": "3"}),
        (LimitExceededError("rate_limit_exceeded", "no", retry_after=0.01), {"retry-after": "1"}),
        (RequestInvalidError("invalid_request", "no"), {}),
    ],
)
async def test_errors_carry_their_headers(error, expected):
    request, made = incoming(), exchange()
    made.error, made.status, made.deployment = error, error.status, deployment()
    request.send_whole(made, b"{}", b"application/json")
    status, headers, _ = parsed(request._connection.written)
    assert status == error.status
    names = ("www-authenticate", "retry-after")
    assert {name: headers[name] for name in names if name in headers} == expected
    assert "x-kaigate-provider" not in headers


async def test_answers_carry_the_headers_of_the_contract():
    request, made = incoming(), exchange()
    made.status, made.deployment = 200, deployment()
    made.redactions = {"aws_key": 2, "jwt": 1}
    made.dropped_params = ("seed", "top_k")
    made.response_headers.append((b"allow", b"GET"))
    request.send_whole(made, b"{}", b"application/json")
    _, headers, _ = parsed(request._connection.written)
    assert headers["x-kaigate-redactions"] == "3"
    assert headers["x-kaigate-dropped-params"] == "seed,top_k"
    assert headers["allow"] == "GET"


async def test_nothing_is_written_to_a_client_that_left():
    request, made = incoming(), exchange()
    made.status = 200
    request.lost()
    request.send_whole(made, b"body", b"text/plain")
    assert request._connection.written == b""
    with pytest.raises(ClientGoneError):
        request.push(made, b"part", b"text/plain")
    with pytest.raises(ClientGoneError):
        await request.end(b"")


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=10), st.binary(max_size=30), st.booleans())
async def test_a_stream_is_its_parts_joined(parts, last, speaks_chunks):
    request, made = incoming(speaks_chunks=speaks_chunks), exchange()
    made.status = 200
    for part in parts:
        assert request.push(made, part, b"text/event-stream")
    await request.end(last)
    status, headers, body = parsed(request._connection.written)
    assert (status, body) == (200, b"".join(parts) + last)
    assert headers["cache-control"] == "no-store"
    assert ("transfer-encoding" in headers) is speaks_chunks
    assert (headers.get("connection") == "close") is not speaks_chunks
    assert (made.chunks, request._connection.done) == (len(parts), [request])


async def test_a_slow_client_slows_the_stream():
    request, made = incoming(), exchange()
    made.status = 200
    request._connection.paused = True
    assert not request.push(made, b"part", b"text/plain")
    await request.drain()
    assert request._connection.waits == 1
    request._connection.paused = False
    await request.drain()
    assert request._connection.waits == 1


async def test_an_answer_that_can_not_be_completed_is_cut():
    request = incoming()
    request.watch(lambda: pytest.fail("it did not leave by itself"))
    request.abort()
    request.lost()
    assert request._connection.cuts == [request]
