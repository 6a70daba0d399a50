"""Bad input gets the right status and a message that helps; nothing of it reaches an upstream."""

import asyncio

import msgspec
import pytest

from support.gateway import AUTH, KEY, call, chat, get, post, read_answer, running, settings
from support.openai_upstream import answering, completion, http
from support.upstream_faults import upstream

NESTED = b'{"a":' * 5000 + b"1" + b"}" * 5000
DEEP = chat(tools=[{"type": "function", "function": {"name": "f", "parameters": msgspec.Raw(NESTED)}}])


@pytest.fixture
async def served(tmp_path):
    async with upstream(answering(http(completion()))) as up:
        config = settings(
            up.port,
            server={
                "drain_delay_s": 0,
                "max_body_bytes": 1_000_000,
                "body_timeout_s": 0.3,
                "auth_failures_per_minute": 5,
            },
            models={
                "m": {"deployments": [{"provider": "up"}]},
                "small": {"deployments": [{"provider": "up"}], "max_input_tokens": 10, "max_tokens": 5},
                "other": {"deployments": [{"provider": "up"}]},
            },
            keys={
                "static": {"test": {"key": "env:TEST_KEY"}, "narrow": {"key": "env:NARROW", "models": ["other"]}},
            },
        )
        async with running(config, tmp_path, {"NARROW": "kg-narrow-0123456789abcdef"}) as gateway:
            yield gateway, up


@pytest.mark.parametrize(
    ("body", "status", "code", "hint"),
    [
        (b"", 400, "invalid_request", "empty"),
        (b"{", 400, "invalid_request", "JSON"),
        (b'{"model":"m","messages":[{"role":"user","content":"x"}],}', 400, "invalid_request", "line 1"),
        (b"[]", 400, "invalid_request", "object"),
        (b'{"messages":[{"role":"user","content":"x"}]}', 400, "invalid_request", "model"),
        (b'{"model":"m"}', 400, "invalid_request", "messages"),
        (b'{"model":"m","messages":[]}', 400, "invalid_request", "messages"),
        (b'{"model":"m","messages":[{"role":"wizard","content":"x"}]}', 400, "invalid_request", "role"),
        (b'{"model":1,"messages":[{"role":"user","content":"x"}]}', 400, "invalid_request", "model"),
        (chat(temperature="hot"), 400, "invalid_request", "temperature"),
        (chat(n="2"), 400, "invalid_request", "n"),
        (b'{"model":"m","model":"other","messages":[{"role":"user","content":"x"}]}', 400, "invalid_request", "twice"),
        (b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}', 400, "invalid_request", "UTF-8"),
        (b'{"model":"m","temperature":NaN,"messages":[{"role":"user","content":"x"}]}', 400, "invalid_request", "NaN"),
        (DEEP, 400, "invalid_request", "nested"),
        (chat(api_base="http://169.254.169.254"), 400, "unsupported_parameter", "api_base"),
        (chat(temprature=1), 400, "unsupported_parameter", "temperature"),
        (chat(model="gpt-nope"), 404, "model_not_found", "/v1/models"),
        (chat("word " * 500, model="small"), 400, "context_length_exceeded", "10"),
        (chat("x" * 1_100_000), 413, "request_too_large", "1000000"),
    ],
)
async def test_bad_bodies_are_refused_with_help(served, body, status, code, hint):
    gateway, up = served
    answer = await call(gateway, post(body))
    assert (answer.status, answer.code) == (status, code)
    assert hint in answer.json()["error"]["message"]
    assert answer.json()["error"]["type"]
    assert up.requests == []
    # The connection and the gateway are well afterwards.
    assert (await call(gateway, post(chat()))).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("", 401),
        ("authorization: Bearer \r\n", 401),
        ("authorization: Bearer wrong-key-000000\r\n", 401),
        (f"authorization: Basic {KEY}\r\n", 401),
        ("authorization: Bearer ' OR 1=1 --\r\n", 401),
        ("x-api-key: wrong-key-000000\r\n", 401),
        (AUTH + AUTH, 400),
        (AUTH + "x-kaigate-private: maybe\r\n", 400),
        (f"x-api-key: {KEY}\r\n", 200),
        (f"authorization: bearer {KEY}\r\n", 200),
    ],
)
async def test_keys_are_checked_before_the_body(served, headers, status):
    gateway, _ = served
    answer = await call(gateway, post(chat(), headers=headers))
    assert answer.status == status
    if status == 401:
        assert answer.code == "invalid_api_key"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert b"wrong-key" not in answer.body


async def test_a_strangers_body_is_never_waited_for(served):
    gateway, _ = served
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n\r\n"
    assert (await call(gateway, head, timeout_s=2)).status == 401


async def test_failed_authentications_are_throttled_and_good_keys_are_not(served):
    gateway, _ = served
    wrong = post(chat(), headers="authorization: Bearer wrong-key-000000\r\n")
    statuses = [(await call(gateway, wrong)).status for _ in range(8)]
    assert statuses[:5] == [401] * 5
    assert 429 in statuses
    assert (await call(gateway, post(chat()))).status == 200
    assert (await call(gateway, wrong)).headers["retry-after"]


async def test_a_key_uses_and_sees_only_its_models(served):
    gateway, _ = served
    narrow = "authorization: Bearer kg-narrow-0123456789abcdef\r\n"
    answer = await call(gateway, post(chat(), headers=narrow))
    assert (answer.status, answer.code) == (403, "model_not_allowed")
    assert [m["id"] for m in (await call(gateway, get("/v1/models", narrow))).json()["data"]] == ["other"]
    assert (await call(gateway, get("/v1/models/m", narrow))).status == 404
    assert (await call(gateway, get("/v1/models/other", narrow))).status == 200


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=UTF-8", 200),
        ("application/json; charset=utf-16", 415),
        ("text/plain", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
async def test_only_json_is_read(served, content_type, status):
    gateway, _ = served
    body = chat()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{AUTH}content-type: {content_type}\r\n"
    answer = await call(gateway, head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
    assert answer.status == status


@pytest.mark.parametrize(
    ("request_line", "status", "hint"),
    [
        ("GET /v1/chat/completions", 405, "POST"),
        ("POST /v1/models", 405, "GET"),
        ("POST /v1/audio/speech", 404, "/v1/chat/completions"),
        ("GET /v1/files", 404, "/v1/chat/completions"),
        ("POST /v1/assistants", 404, "/v1/chat/completions"),
        ("GET /nothing", 404, "/v1/chat/completions"),
        ("GET /v1/chat%2Fcompletions", 404, ""),
        ("GET //health", 404, ""),
        ("GET /health/../config", 404, ""),
        ("GET /v1/models/nope", 404, "/v1/models"),
    ],
)
async def test_other_paths_say_what_is_served(served, request_line, status, hint):
    gateway, _ = served
    answer = await call(gateway, f"{request_line} HTTP/1.1\r\nhost: x\r\n{AUTH}content-length: 0\r\n\r\n".encode())
    assert answer.status == status
    assert hint in answer.json()["error"]["message"]


@pytest.mark.parametrize("host", ["x/health?", "x/health", "127.0.0.1:4000/health#", "evil@x", ""])
@pytest.mark.parametrize("path", ["/config", "/v1/models"])
async def test_the_host_header_never_decides_what_is_authorised(served, host, path):
    gateway, _ = served
    answer = await call(gateway, f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    assert answer.status == 401


async def test_an_absolute_target_is_authorised_by_its_path(served):
    gateway, _ = served
    answer = await call(gateway, b"GET http://x/health?/config HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.json() == {"status": "healthy"}
    assert (await call(gateway, b"GET http://x/config?/health HTTP/1.1\r\nhost: x\r\n\r\n")).status == 401


async def test_a_body_that_stops_coming_times_out(served):
    gateway, _ = served
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{AUTH}content-length: 50\r\n\r\n"
    answer = await call(gateway, head.encode() + b'{"mod')
    assert (answer.status, answer.code) == (408, "request_timeout")


async def test_a_200_mb_body_is_refused_after_its_first_megabytes(served):
    gateway, _ = served
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{AUTH}content-length: 200000000\r\n\r\n"
    writer.write(head.encode())
    sent = 0
    answering_now = asyncio.ensure_future(read_answer(reader))
    try:
        while not answering_now.done() and sent < 200_000_000:
            writer.write(b" " * 65_536)
            sent += 65_536
            await asyncio.wait({asyncio.ensure_future(writer.drain())}, timeout=1)
            await asyncio.sleep(0)
    except ConnectionError:
        pass
    answer = await asyncio.wait_for(answering_now, 5)
    writer.transport.abort()
    assert answer.status == 413
    assert sent < 20_000_000


@pytest.mark.parametrize(
    "head",
    [
        "x-big: " + "a" * 10_000_000,
        "\r\n".join(f"x-{i}: 1" for i in range(200)),
        "x-big: " + "a" * 70_000,
    ],
)
async def test_oversized_heads_are_refused(served, head):
    gateway, _ = served
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        writer.write(f"GET /v1/models HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n".encode())
        answer = await asyncio.wait_for(read_answer(reader), 5)
        assert answer.status == 431
        assert answer.code == "invalid_request"
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # cut while it was still sending: refused as well
    finally:
        writer.transport.abort()
    assert (await call(gateway, get("/v1/models"))).status == 200


@pytest.mark.parametrize(
    "smuggled",
    [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /config HTTP/1.1\r\nhost: x\r\n\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\nGET /config HTTP/1.1\r\nhost: x\r\n\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        "content-length: +5\r\n\r\nabcde",
        "content-length: 5 \r\n x: folded\r\n\r\nabcde",
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n5;\n\r\nabcde\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nZZ\r\n",
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        "x: a\0b\r\n\r\n",
        "bad header\r\n\r\n",
    ],
)
async def test_ambiguous_framing_is_refused_and_the_connection_closed(served, smuggled):
    gateway, up = served
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{AUTH}{smuggled}".encode())
    writer.write_eof()
    everything = await asyncio.wait_for(reader.read(1 << 20), 5)
    writer.transport.abort()
    assert b"HTTP/1.1 200" not in everything
    assert b'"status":"healthy"' not in everything
    assert everything.count(b"HTTP/1.1 ") <= 1
    assert up.requests == []
