"""The API port's own HTTP/1.1 server, seen from the socket: framing, deadlines, order, and ends of connections."""

import asyncio
import contextlib
import gc
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from kaigate.app import connection as connection_module
from support.gateway import AUTH, call, chat, get, post, running, settings
from support.openai_upstream import STREAM_HEAD, answering, chunk, completion, delta, http, streaming
from support.raw_client import connected
from support.upstream_faults import Connection, upstream

HEALTHY = {"status": "healthy"}
PROBE = get("/health", headers="")


@pytest.fixture(scope="module")
def patterns(tmp_path_factory):
    """Compiled patterns are shared by the gateways of this module."""
    return str(tmp_path_factory.mktemp("patterns"))


@pytest.fixture
def serving(tmp_path, patterns):
    """Starts a gateway before an upstream with a given script and server settings."""

    @contextlib.asynccontextmanager
    async def start(script=None, models=None, **server):
        async with upstream(script or answering(http(completion()))) as up:
            config = settings(
                up.port, server={"drain_delay_s": 0, **server}, store={"cache_dir": patterns}, models=models or {}
            )
            async with running(config, tmp_path) as gateway:
                yield gateway, up

    return start


async def until(condition, timeout_s=3.0):
    """Wait until `condition()` holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


async def hanging(connection: Connection) -> None:
    """Take a request, begin a stream, and say nothing more until the gateway leaves."""
    await connection.request()
    await connection.send(STREAM_HEAD + chunk(delta("", role="assistant")) + chunk(delta("begun ")))
    await connection.reader.read()


async def test_a_connection_is_kept_for_many_requests(serving):
    async with serving() as (gateway, _), connected(gateway) as client:
        for _ in range(20):
            client.send(post(chat()))
            answer = await client.answer()
            assert (answer.status, answer.text) == (200, "Paris")
            assert "connection" not in answer.headers
        assert gateway.server.connections == 1


async def test_a_stream_ends_without_ending_its_connection(serving):
    async with serving(streaming(["a", "b"])) as (gateway, _), connected(gateway) as client:
        for _ in range(3):
            client.send(post(chat(stream=True)))
            answer = await client.answer()
            assert (answer.complete, answer.text) == (True, "ab")


async def test_an_idle_connection_is_closed_after_its_time(serving):
    async with serving(keep_alive_s=0.3) as (gateway, _), connected(gateway) as client:
        client.send(PROBE)
        await client.answer()
        started = time.monotonic()
        assert await client.rest() == b""
        assert 0.2 < time.monotonic() - started < 2


async def test_a_connection_that_says_nothing_is_closed(serving, monkeypatch):
    monkeypatch.setattr(connection_module, "_HEAD_TIMEOUT_S", 0.2)
    async with serving() as (gateway, _), connected(gateway) as client:
        assert await client.rest(2) == b""
        await until(lambda: gateway.server.connections == 0)


@pytest.mark.parametrize("after", [b"", PROBE])
async def test_a_head_that_drips_is_refused_at_its_deadline_however_often_it_drips(serving, monkeypatch, after):
    monkeypatch.setattr(connection_module, "_HEAD_TIMEOUT_S", 0.4)
    async with serving() as (gateway, _), connected(gateway) as client:
        if after:
            client.send(after)
            await client.answer()
        started = time.monotonic()
        client.send(b"GET /health HTTP/1.1\r\nhost: x\r\nx: ")
        answering_now = asyncio.ensure_future(client.answer())
        while not answering_now.done() and time.monotonic() - started < 3:
            client.send(b"a")
            await asyncio.sleep(0.05)
        answer = await answering_now
        assert (answer.status, answer.code) == (408, "request_timeout")
        assert answer.headers["connection"] == "close"
        assert await client.rest() == b""
        assert time.monotonic() - started < 2


async def test_pipelined_requests_are_answered_in_order(serving):
    async with serving() as (gateway, _), connected(gateway) as client:
        client.send(b"".join(get(f"/v1/models/none-{number}") if number % 3 else post(chat()) for number in range(30)))
        for number in range(30):
            assert (await client.answer()).status == (404 if number % 3 else 200)
        client.send(PROBE)
        assert (await client.answer()).json() == HEALTHY


async def test_too_many_requests_ahead_of_their_answers_cut_the_connection(serving):
    async with serving() as (gateway, up), connected(gateway) as client:
        client.send(post(chat()) * 200)
        received = await client.rest()
        assert received.count(b"HTTP/1.1 200") < 34
        await until(lambda: gateway.server.connections == 0)
        assert len(up.requests) < 34


async def test_a_client_that_takes_no_answers_gets_no_further_ones_made(serving):
    async with serving(write_timeout_s=60) as (gateway, _):
        gateway.server.limit_send_buffer(16_384)
        async with connected(gateway) as client:
            client.reader._transport.pause_reading()
            # Large enough for one read of the server to hold no more of them than it takes ahead of their answers.
            await flood(client, get("/v1/files", headers=f"x-pad: {'a' * 12_000}\r\n"), seconds=1.0)
            answered = gateway.sample("kaigate_requests_refused_total", code="route_not_found")
            await asyncio.sleep(0.3)
            assert gateway.sample("kaigate_requests_refused_total", code="route_not_found") == answered
            # What the sockets and the write buffer hold, not what the client asked for.
            assert answered < 40_000
            client.reader._transport.resume_reading()
            assert (await client.answer()).status == 404
            await until(lambda: gateway.sample("kaigate_requests_refused_total", code="route_not_found") > answered)


async def flood(client, request: bytes, seconds: float) -> None:
    """Send as fast as the server reads."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        client.send(request)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.writer.drain()


async def test_a_client_that_expects_it_is_told_to_continue(serving):
    body = chat()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{AUTH}expect: 100-continue\r\ncontent-length: {len(body)}"
    async with serving() as (gateway, _), connected(gateway) as client:
        client.send(head + "\r\n\r\n")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(body)
        assert (await client.answer()).status == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"key": "wrong-key-000000"}, 401), ({"version": "1.0"}, 200), ({"early": True}, 200)],
    ids=["refused by its head", "HTTP/1.0 knows no 100", "the body came unasked"],
)
async def test_nobody_else_is_told_to_continue(serving, changes, status):
    body = chat()
    auth = AUTH if "key" not in changes else f"authorization: Bearer {changes['key']}\r\n"
    head = (
        f"POST /v1/chat/completions HTTP/{changes.get('version', '1.1')}\r\nhost: x\r\n{auth}expect: 100-continue\r\n"
    )
    head += f"content-length: {len(body)}\r\n\r\n"
    async with serving() as (gateway, _), connected(gateway) as client:
        if changes.get("early"):
            client.send(head.encode() + body)
        else:
            client.send(head)
            await asyncio.sleep(0.05)
            client.send(body)
        assert (await client.answer()).status == status


@pytest.mark.parametrize(
    ("version", "connection", "kept", "told"),
    [
        ("1.1", "", True, None),
        ("1.1", "connection: close\r\n", False, "close"),
        ("1.0", "", False, "close"),
        ("1.0", "connection: keep-alive\r\n", True, "keep-alive"),
        ("1.0", "connection: close\r\n", False, "close"),
    ],
)
async def test_whether_a_connection_is_kept_is_what_its_client_may_expect(serving, version, connection, kept, told):
    async with serving() as (gateway, _), connected(gateway) as client:
        request = f"GET /v1/models HTTP/{version}\r\nhost: x\r\n{AUTH}{connection}\r\n"
        client.send(request)
        answer = await client.answer()
        assert (answer.status, answer.headers.get("connection")) == (200, told)
        if kept:
            client.send(request)
            assert (await client.answer()).status == 200
        else:
            assert await client.rest() == b""


async def test_http_1_0_streams_end_with_their_connection(serving):
    body = chat(stream=True)
    head = f"POST /v1/chat/completions HTTP/1.0\r\n{AUTH}connection: keep-alive\r\ncontent-length: {len(body)}\r\n\r\n"
    async with serving(streaming(["one ", "two"])) as (gateway, _), connected(gateway) as client:
        client.send(head.encode() + body)
        headers, _, events = (await client.rest()).partition(b"\r\n\r\n")
        assert b"connection: close" in headers
        assert b"transfer-encoding" not in headers
        assert events.startswith(b"data: {")
        assert events.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("path", "status"), [("/health", 200), ("/health/readiness", 200), ("/health/liveness", 200), ("/config", 405)]
)
async def test_head_has_the_head_of_get_and_no_body(serving, path, status):
    async with serving() as (gateway, _), connected(gateway) as client:
        client.send(f"HEAD {path} HTTP/1.1\r\nhost: x\r\n\r\n")
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert int(head.lower().partition(b"content-length: ")[2].split()[0]) > 0
        client.send(PROBE)
        assert (await client.answer()).json() == HEALTHY


async def test_a_request_cut_at_any_byte_gives_the_same_answer(serving):
    request = post(chat("é"))
    async with serving() as (gateway, up), connected(gateway) as client:
        client.send(request)
        expected = (await client.answer()).json()
        for cut in range(1, len(request)):
            await client.send_in_pieces(request[:cut], request[cut:])
            answer = await client.answer()
            assert (answer.status, answer.json()) == (200, expected), cut
        await client.send_in_pieces(*(request[at : at + 1] for at in range(len(request))), pause_s=0)
        assert (await client.answer()).json() == expected
        bodies = {sent.partition(b"\r\n\r\n")[2] for sent in up.requests}
        assert len(bodies) == 1


def chunked(body: bytes, sizes: list[int], extension: bytes = b"", trailer: bytes = b"") -> list[bytes]:
    """A chunked request in pieces, its body cut into chunks of these sizes in turn."""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{AUTH}transfer-encoding: chunked\r\n\r\n".encode()
    pieces, at, turn = [head], 0, 0
    while at < len(body):
        part = body[at : at + sizes[turn % len(sizes)]]
        pieces.append(b"%x%b\r\n%b\r\n" % (len(part), extension, part))
        at, turn = at + len(part), turn + 1
    return [*pieces, b"0\r\n" + trailer + b"\r\n"]


@pytest.mark.parametrize("separately", [False, True])
@pytest.mark.parametrize(
    ("sizes", "extension", "trailer"),
    [
        ([1], b"", b""),
        ([3, 1, 20], b"", b""),
        ([10_000], b"", b""),
        ([7], b";name=value", b""),
        ([7], b"", b"x-trailer: 1\r\n"),
    ],
)
async def test_chunked_bodies_are_read_however_they_are_cut(serving, sizes, extension, trailer, separately):
    async with serving() as (gateway, up), connected(gateway) as client:
        pieces = chunked(chat("in pieces"), sizes, extension, trailer)
        await client.send_in_pieces(*(pieces if separately else [b"".join(pieces)]))
        assert (await client.answer()).status == 200
        assert b"in pieces" in up.requests[0]
        client.send(PROBE)
        assert (await client.answer()).json() == HEALTHY


@pytest.mark.parametrize(
    "broken",
    [
        b"ZZ\r\n",
        b"-5\r\nabcde\r\n",
        b"5\nabcde\r\n",
        b"3\r\nabcde\r\n",
        b"ffffffffffffffffff\r\n",
        b"0\r\nbad trailer\r\n\r\n",
    ],
)
@pytest.mark.parametrize("separately", [False, True])
async def test_bad_chunks_are_malformed_requests(serving, broken, separately):
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{AUTH}transfer-encoding: chunked\r\n\r\n".encode()
    async with serving() as (gateway, up), connected(gateway) as client:
        await client.send_in_pieces(*([head, broken] if separately else [head + broken]))
        answer = await client.answer()
        assert (answer.status, answer.code) == (400, "invalid_request")
        assert await client.rest() == b""
        assert up.requests == []
        await until(lambda: gateway.runtime.lifecycle.running == 0)


async def test_trailers_are_no_fields_of_the_next_request(serving):
    async with serving() as (gateway, _), connected(gateway) as client:
        client.send(b"".join(chunked(chat(), [50], trailer=AUTH.encode())))
        assert (await client.answer()).status == 200
        client.send(get("/config", headers=""))
        assert (await client.answer()).status == 401


@pytest.mark.parametrize("endless", [b"0\r\nx: ", b"5;", b"0\r\n"])
async def test_framing_without_end_is_bounded(serving, endless):
    """Trailers and chunk extensions count towards no body: they have the bound of a head."""
    async with serving() as (gateway, _), connected(gateway) as client:
        client.send(f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{AUTH}transfer-encoding: chunked\r\n\r\n")
        more = b"a" * 10_000 if endless != b"0\r\n" else b"a: b\r\n" * 2000
        client.send(endless)
        reading = asyncio.ensure_future(client.answer())
        for _ in range(100):
            client.send(more)
            await asyncio.sleep(0.002)
            if reading.done():
                break
        assert (await reading).status == 400


async def test_a_body_where_none_belongs_is_passed_over(serving):
    async with serving() as (gateway, _), connected(gateway) as client:
        for _ in range(3):
            client.send(get("/v1/models", headers=AUTH + "content-length: 11\r\n") + b"GET / HTTP/")
            assert (await client.answer()).status == 200
        # Not yet here, it is not waited for.
        client.send(get("/v1/models", headers=AUTH + "content-length: 11\r\n"))
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")


@pytest.mark.parametrize("size", [100, 3_000_000])
async def test_an_early_answer_arrives_although_the_body_is_still_coming(serving, size):
    async with serving() as (gateway, _), connected(gateway) as client:
        client.send(f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (401, "close")
        for _ in range(10):
            client.send(b"x" * (size // 10))
            await client.writer.drain()
        assert await client.rest() == b""
        await until(lambda: gateway.server.connections == 0)


async def test_the_rest_of_a_refused_body_is_taken_within_bounds_only(serving, monkeypatch):
    async with serving() as (gateway, _), connected(gateway) as client:
        client.send("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 900000000\r\n\r\n")
        assert (await client.answer()).status == 401
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 100_000_000 and not client.writer.transport.is_closing():
                client.send(b"x" * 65_536)
                sent += 65_536
                await client.writer.drain()
                await asyncio.sleep(0)
        assert sent < 50_000_000
    monkeypatch.setattr(connection_module, "_LINGER_S", 0.2)
    async with serving() as (gateway, _), connected(gateway) as client:
        client.send("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 900000000\r\n\r\n")
        assert (await client.answer()).status == 401
        await until(lambda: gateway.server.connections == 0)


async def test_connections_beyond_the_bound_are_told_so(serving):
    async with serving(max_connections=3) as (gateway, _), contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            client = await stack.enter_async_context(connected(gateway))
            client.send(PROBE)
            await client.answer()
        answer = await call(gateway, PROBE)
        assert (answer.status, answer.code) == (503, "upstream_unavailable")
        assert answer.headers["connection"] == "close"
        client.writer.transport.abort()
        await until(lambda: gateway.server.connections < 3)
        assert (await call(gateway, PROBE)).status == 200


async def test_those_who_are_told_so_are_bounded_too(serving, monkeypatch):
    monkeypatch.setattr(connection_module, "_MAX_REFUSED", 2)
    async with serving(max_connections=1) as (gateway, _), contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(gateway)) for _ in range(8)]
        received = await asyncio.gather(*(client.rest(0.5) for client in clients[1:]), return_exceptions=True)
        assert sum(b"503" in each for each in received) == 2
        assert gateway.server.connections <= 3


async def test_a_client_that_closes_its_side_has_left(serving):
    async with serving(hanging) as (gateway, up), connected(gateway) as client:
        client.send(post(chat(stream=True)))
        await client.reader.readuntil(b"begun")
        client.writer.write_eof()
        await until(lambda: gateway.runtime.lifecycle.running == 0)
        await until(lambda: up.open == 0)
        assert gateway.records[-1]["status"] == 499


async def test_a_client_that_leaves_behind_a_large_body_is_noticed(serving):
    async with serving(hanging) as (gateway, up):
        for size in (100_000, 260_000, 300_000, 400_000, 600_000):
            async with connected(gateway) as client:
                client.send(post(chat("x" * size)))
                await until(lambda: up.open == 1)
            await until(lambda: up.open == 0)
        await until(lambda: len(gateway.records) == 5)
        assert {record["status"] for record in gateway.records} == {499}


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        ("GET /v1/realtime HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n", 404),
        ("GET /health HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n\r\n", 200),
        ("CONNECT evil:443 HTTP/1.1\r\nhost: evil:443\r\n\r\n", 400),
        ("CONNECT http://x/config HTTP/1.1\r\nhost: x\r\n\r\n", 405),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        ("OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n", 404),
        ("GET /health HTTP/2.0\r\nhost: x\r\n\r\n", 505),
        ("GET /health\r\n\r\n", 505),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        ("BREW /health HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET /health HTTP/1.1\nhost: x\n\n", 400),
        ("GET /h\xe9 HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET /health HTTP/1.1\r\nhost: x\r\nx: a\rb\r\n\r\n", 400),
    ],
)
async def test_other_protocols_are_turned_away(serving, request_head, status):
    async with serving() as (gateway, _), connected(gateway) as client:
        client.send(request_head)
        assert (await client.answer()).status == status
        # Nothing behind it is taken for a request.
        if "CONNECT" in request_head or status in (400, 505):
            client.send(PROBE)
            assert await client.rest() == b""


async def test_a_request_without_a_host_is_refused(serving):
    async with serving() as (gateway, _):
        answer = await call(gateway, f"GET /config HTTP/1.1\r\n{AUTH}\r\n".encode())
        assert (answer.status, answer.code) == (400, "invalid_request")
        assert "Host" in answer.json()["error"]["message"]


async def test_an_upgrade_is_declined_and_its_body_served(serving):
    body = chat()
    upgrade = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    async with serving() as (gateway, up):
        async with connected(gateway) as client:
            request = post(body, headers=AUTH + upgrade)
            pieces = chunked(body, [10])
            pieces[0] = pieces[0][:-2] + upgrade.encode() + b"\r\n"
            for cut in (0, len(request) - len(body), len(request) - 5):
                await client.send_in_pieces(request[:cut], request[cut:])
                assert (await client.answer()).text == "Paris"
            client.send(b"".join(pieces) + request + PROBE)
            assert [(await client.answer()).status for _ in range(3)] == [200, 200, 200]
        bodies = [sent.partition(b"\r\n\r\n")[2] for sent in up.requests]
        assert len(bodies) == 5
        assert len(set(bodies)) == 1


async def test_what_follows_a_good_request_does_not_spoil_its_answer(serving):
    async with serving() as (gateway, _):
        for garbage in (b"\x00garbage\r\n\r\n", b"GET / HTTP/7.1\r\n\r\n", b"a: " + b"b" * 70_000):
            async with connected(gateway) as client:
                client.send(post(chat()) + garbage)
                assert (await client.answer()).text == "Paris"
                assert await client.rest() == b""
        async with connected(gateway) as client:
            client.send(post(chat(), headers=AUTH + "connection: close\r\n") + PROBE)
            assert (await client.answer()).text == "Paris"
            assert await client.rest() == b""


async def test_garbage_in_the_midst_of_a_stream_ends_the_connection_behind_it(serving):
    async with serving(streaming(["a "] * 20, pause_s=0.01)) as (gateway, _), connected(gateway) as client:
        client.send(post(chat(stream=True)))
        await client.reader.readuntil(b"a ")
        client.send(b"\x00\x00\x00")
        stream = await client.rest()
        assert stream.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        assert b"HTTP/1.1 400" not in stream


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/v1/models/a%2Fb", 200),
        ("/v1/models/a/b", 200),
        ("/v1/models/a%2fb?x=1", 200),
        ("http://gateway/v1/models/a%2Fb", 200),
        ("http://gateway/v1/models/a%2Fb?/health", 200),
        ("/v1/models/a%252Fb", 404),
        ("/v1/models/%ff%00", 404),
        ("/v1/models/", 404),
        ("/v1/models/..%2F..%2Fconfig", 404),
        ("http://gateway", 404),
        ("/v1/models#a", 404),
    ],
)
async def test_targets_are_read_in_every_form(serving, target, status):
    async with serving(models={"a/b": {"deployments": [{"provider": "up"}]}}) as (gateway, _):
        answer = await call(gateway, get(target))
        assert answer.status == status
        if status == 200:
            assert answer.json()["id"] == "a/b"


async def test_answers_ask_clients_to_leave_while_draining(serving):
    async with serving(streaming(["a"])) as (gateway, _):
        async with connected(gateway) as idle, connected(gateway) as busy:
            for client in (idle, busy):
                client.send(PROBE)
                assert "connection" not in (await client.answer()).headers
            gateway.server.turn_away()
            busy.send(post(chat(stream=True)))
            answer = await busy.answer()
            assert (answer.headers["connection"], answer.text) == ("close", "a")
            assert await busy.rest() == b""
            # A request may be on its way on an idle connection: it is still answered.
            idle.send(PROBE)
            assert (await idle.answer()).headers["connection"] == "close"
            assert await idle.rest() == b""


async def test_closing_lets_streams_end_within_their_time(serving):
    async with serving(streaming(["word "] * 20, pause_s=0.02)) as (gateway, _):
        async with connected(gateway) as idle, connected(gateway) as client:
            idle.send(PROBE)
            await idle.answer()
            client.send(post(chat(stream=True)))
            await client.reader.readuntil(b"word")
            closing = asyncio.ensure_future(gateway.server.close(5))
            assert await idle.rest(1) == b""
            stream = await client.rest()
            assert stream.count(b"word") == 19
            assert b"[DONE]" in stream
            await closing
            with pytest.raises(OSError):
                await call(gateway, PROBE)


async def test_closing_cuts_what_does_not_end(serving):
    async with serving(hanging) as (gateway, up), connected(gateway) as client:
        client.send(post(chat(stream=True)))
        await client.reader.readuntil(b"begun")
        started = time.monotonic()
        await gateway.server.close(0.3)
        assert 0.2 < time.monotonic() - started < 2
        assert b"[DONE]" not in await client.rest(1)
        assert gateway.server.connections == 0
        assert gateway.runtime.lifecycle.running == 0
        await until(lambda: up.open == 0)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc-123.DEF:4_5", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("", False),
        ("a b", False),
        ("a\tb", False),
        ("a\x80b", False),
        ("a;b", False),
        ("%0d%0aset-cookie: x", False),
        ("<script>", False),
    ],
)
async def test_only_a_plain_request_id_is_taken_over(serving, given, kept):
    async with serving() as (gateway, _):
        for request in (get("/v1/models", ""), get("/health", ""), get("/nothing", "")):
            with_id = request[:-2] + f"x-request-id: {given}\r\n\r\n".encode("latin-1")
            answer = await call(gateway, with_id)
            assert (answer.headers["x-request-id"] == given) is kept
            assert len(answer.headers["x-request-id"]) > 4
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("request_bytes", [PROBE, get("/v1/models"), get("/nothing", ""), b"garbage\r\n\r\n"])
async def test_every_answer_has_a_valid_date(serving, request_bytes):
    async with serving() as (gateway, _):
        answer = await call(gateway, request_bytes)
        assert abs(parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()) < 3
        assert answer.headers["date"].endswith(" GMT")


@pytest.mark.parametrize(
    ("request_line", "allowed"),
    [
        ("GET /v1/chat/completions", "POST"),
        ("POST /v1/models", "GET"),
        ("DELETE /v1/models/m", "GET"),
        ("POST /health", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(serving, request_line, allowed):
    async with serving() as (gateway, _):
        answer = await call(gateway, f"{request_line} HTTP/1.1\r\nhost: x\r\n{AUTH}\r\n".encode())
        assert (answer.status, answer.headers["allow"]) == (405, allowed)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_200_connections_of_every_kind_leave_nothing_behind(serving):
    kinds = (
        post(chat()),
        post(chat(stream=True)),
        PROBE,
        b"garbage\r\n\r\n",
        post(chat())[:-5],
        get("/v1/models")[:-5],
        post(chat(), headers=""),
        post(chat()) * 3,
    )
    async with serving() as (gateway, up):
        await call(gateway, post(chat()))
        gc.collect()
        tasks, files = len(asyncio.all_tasks()) - up.open, descriptors()
        for turn in range(25):
            async with contextlib.AsyncExitStack() as stack:
                for kind in kinds:
                    client = await stack.enter_async_context(connected(gateway))
                    client.send(kind)
                await asyncio.sleep(0.01 * (turn % 3))
        await until(lambda: gateway.server.connections == 0 and gateway.runtime.lifecycle.running == 0)
        await until(lambda: len(asyncio.all_tasks()) - up.open <= tasks)
        # The upstream pool keeps its connections, of which the test holds both ends.
        assert descriptors() <= files + 2 * up.open
        assert all(pool.in_use == 0 for pool in gateway.runtime.client.stats())
        assert not gateway.server._state.tasks
