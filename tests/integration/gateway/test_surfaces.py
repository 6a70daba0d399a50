"""Every chat surface over a real server: the same pipeline, each client in its own words."""

import asyncio

import msgspec
import pytest

from support.dialects import DIALECTS, Dialect
from support.gateway import AUTH, Gateway, call, get, post, read_answer, running, settings
from support.openai_upstream import STREAM_HEAD, USAGE, answering, chunk, completion, delta, http, streaming
from support.upstream_faults import Connection, silence, upstream

EACH = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
WITH_TOOLS = pytest.mark.parametrize(
    "dialect", [each for each in DIALECTS if each.tools is not None], ids=lambda dialect: dialect.name
)
TEXTS = ["The capital of France ", "is, as everybody ", "knows, Par"]
"""Enough of them to be on their way to the client while the last word is still held by the guard."""
SECRET = "sk-proj-" + "a1B2c3D4e5F6g7H8i9J0" * 2
CALLS = [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bern"}'}}]


ENDS = (
    b"",
    b"0\r\n\r\n",
    chunk(b'data: {"error":{"message":"private detail","code":500}}\n\n') + b"0\r\n\r\n",
    chunk(b"data: {nonsense\n\n") + b"0\r\n\r\n",
)
"""How a stream breaks off: cut, ended without its last event, by an error, by what is not understood."""


async def breaking_off(connection: Connection) -> None:
    """Streams the texts, and breaks each connection off in the next way."""
    await connection.request()
    begun = STREAM_HEAD + b"".join(chunk(delta(text)) for text in TEXTS)
    await connection.send(begun + ENDS[connection.number])


async def asked(gateway: Gateway, dialect: Dialect, *, stream: bool = False, headers: str = AUTH, **more):
    return await call(gateway, post(dialect.body(stream=stream, **more), dialect.path, headers))


def requests_of(gateway: Gateway, surface: str, status: int = 200) -> float:
    labels = {"surface": surface, "key_id": gateway.records[-1]["key_id"], "team": "", "model": "m", "provider": "up"}
    return gateway.sample("kaigate_requests_total", **labels, status=str(status))


@EACH
async def test_a_text_is_answered_whole(tmp_path, dialect):
    async with upstream(answering(http(completion("Paris")))) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await asked(gateway, dialect)
        assert (answer.status, dialect.text(answer)) == (200, "Paris")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-kaigate-provider"] == "up"
        assert answer.json()["provider"] == "up"
        [record] = gateway.records
        assert (record["surface"], record["input_tokens"], record["output_tokens"]) == (
            dialect.name,
            USAGE["prompt_tokens"],
            USAGE["completion_tokens"],
        )
        assert requests_of(gateway, dialect.name) == 1


@EACH
async def test_a_text_is_streamed(tmp_path, dialect):
    async with upstream(streaming(["Pa", "ris"])) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await asked(gateway, dialect, stream=True)
        assert (answer.status, answer.complete, dialect.text(answer)) == (200, True, "Paris")
        assert answer.headers["content-type"].startswith(dialect.content_type)
        assert answer.headers["cache-control"] == "no-store"
        assert dialect.success in answer.body.splitlines()[-1] + answer.body[-1000:]
        assert dialect.failure not in answer.body
        assert gateway.records[0]["usage_estimated"] is False


@WITH_TOOLS
async def test_a_tool_is_offered_and_called(tmp_path, dialect):
    message = {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": CALLS}}
    body = completion(choices=[{**message, "finish_reason": "tool_calls"}])
    async with upstream(answering(http(body))) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await asked(gateway, dialect, **dialect.tools)
        assert answer.status == 200, answer.body
        assert dialect.call(answer.json()) == ("weather", {"city": "Bern"})
        [sent] = up.requests
        [tool] = msgspec.json.decode(sent.partition(b"\r\n\r\n")[2])["tools"]
        assert tool["function"]["name"] == "weather"


@WITH_TOOLS
async def test_a_tool_call_is_streamed(tmp_path, dialect):
    function = {"name": "weather", "arguments": ""}
    first = delta(tool_calls=[{"index": 0, "id": "call_1", "type": "function", "function": function}])
    rest = [delta(tool_calls=[{"index": 0, "function": {"arguments": piece}}]) for piece in ('{"city"', ':"Be', 'rn"}')]
    body = b"".join(map(chunk, [delta("", role="assistant"), first, *rest, delta(finish="tool_calls")]))
    done = STREAM_HEAD + body + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    async with upstream(answering(done)) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await asked(gateway, dialect, stream=True, **dialect.tools)
        assert answer.status == 200
        assert b"weather" in answer.body
        assert dialect.success in answer.body
        joined = answer.body.replace(b'\\"', b'"')
        assert b"Bern" in joined or b"rn" in joined


@EACH
async def test_a_secret_in_an_answer_is_redacted_on_every_surface(tmp_path, dialect):
    halves = [f"key {SECRET[:20]}", SECRET[20:], " end"]
    async with upstream(streaming(halves)) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await asked(gateway, dialect, stream=True)
        assert SECRET not in dialect.text(answer)
        assert "[REDACTED" in dialect.text(answer)
    async with (
        upstream(answering(http(completion(f"key {SECRET} end")))) as up,
        running(settings(up.port), tmp_path) as gateway,
    ):
        answer = await asked(gateway, dialect)
        assert SECRET not in dialect.text(answer)
        assert int(answer.headers["x-kaigate-redactions"]) == 1


@EACH
async def test_an_error_before_the_first_byte_has_a_status_and_the_clients_grammar(tmp_path, dialect):
    failing = answering(http(b'{"error":{"message":"private detail"}}', "500 Internal Server Error"))
    async with upstream(failing) as up, running(settings(up.port), tmp_path) as gateway:
        for stream in (False, True):
            answer = await asked(gateway, dialect, stream=stream)
            assert answer.status == 502
            assert answer.headers["content-type"] == "application/json"
            assert dialect.message(answer.json())
            assert b"private detail" not in answer.body
        assert requests_of(gateway, dialect.name, 502) == 2


@EACH
async def test_a_stream_that_breaks_off_never_looks_complete(tmp_path, dialect):
    async with upstream(breaking_off) as up, running(settings(up.port), tmp_path) as gateway:
        for _ in ENDS:
            answer = await asked(gateway, dialect, stream=True)
            assert answer.status == 200
            assert dialect.success not in answer.body
            assert dialect.failure in answer.body
            assert "".join(TEXTS).startswith(dialect.text(answer))
            assert b"private detail" not in answer.body
        assert up.connections == len(ENDS)
        assert {record["error"] for record in gateway.records} == {"upstream_error"}
        assert {record["usage_estimated"] for record in gateway.records} == {True}


@EACH
async def test_a_client_that_leaves_ends_the_upstreams_work(tmp_path, dialect):
    left = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM_HEAD + b"".join(chunk(delta(text)) for text in TEXTS))
        await connection.reader.read()
        left.set()

    async with upstream(script) as up, running(settings(up.port), tmp_path) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(post(dialect.body(stream=True), dialect.path))
        async with asyncio.timeout(5):
            await reader.readuntil(b"France")
            writer.transport.abort()
            await left.wait()
            while not gateway.records:
                await asyncio.sleep(0.01)
        [record] = gateway.records
        assert (record["surface"], record["status"]) == (dialect.name, 499)


REFUSED = {
    "stranger": ("", {}, 401),
    "wrong key": ("x-api-key: wrong-key-000000\r\n", {}, 401),
    "two keys": (AUTH + "x-api-key: another-key-0000\r\n", {}, 401),
    "two content types": (AUTH + "content-type: text/plain\r\n", {}, 400),
    "unknown field": (AUTH, {"nonsense": 1}, 400),
    "too large": (AUTH, {"text": "x" * 2000}, 413),
    "unknown model": (AUTH, {"model": "nope"}, 404),
}


@EACH
async def test_refusals_before_the_upstream_have_the_clients_grammar(tmp_path, dialect):
    config = settings(9, server={"max_body_bytes": 1500, "drain_delay_s": 0})
    async with running(config, tmp_path) as gateway:
        for why, (headers, fields, status) in REFUSED.items():
            answer = await asked(gateway, dialect, headers=headers, **fields)
            assert answer.status == status, why
            assert answer.headers["content-type"] == "application/json"
            assert dialect.message(answer.json()), why
            assert answer.headers["x-request-id"]
            if dialect.name == "anthropic_messages":
                assert answer.json()["request_id"] == answer.headers["request-id"] == answer.headers["x-request-id"]
            assert (answer.headers.get("www-authenticate") == "Bearer") is (status == 401), why
        answer = await call(gateway, post(b"{", dialect.path))
        assert answer.status == 400
        assert "JSON" in dialect.message(answer.json())
        answer = await call(gateway, get(dialect.path))
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
        assert "POST" in dialect.message(answer.json())


@EACH
async def test_a_limit_is_told_in_the_clients_grammar(tmp_path, dialect):
    limits = {"enabled": True, "allow_unpriced": True, "defaults": {"rpm": 1}}
    async with (
        upstream(answering(http(completion()))) as up,
        running(settings(up.port, limits=limits), tmp_path) as gateway,
    ):
        assert (await asked(gateway, dialect)).status == 200
        answer = await asked(gateway, dialect)
        assert answer.status == 429
        assert requests_of(gateway, dialect.name) == 1
        assert "requests per minute" in dialect.message(answer.json())
        assert int(answer.headers["retry-after"]) >= 1


async def test_a_query_is_ignored_as_anthropics_clients_send_one(tmp_path):
    [dialect] = [each for each in DIALECTS if each.name == "anthropic_messages"]
    async with upstream(answering(http(completion()))) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await call(gateway, post(dialect.body(), "/v1/messages?beta=true"))
        assert answer.status == 200


@EACH
async def test_a_silent_upstream_is_a_timeout_in_the_clients_grammar(tmp_path, dialect):
    config = settings(9, routing={"retries": {"budget_ratio": 0, "budget_reserve": 0}})
    async with upstream(silence) as up:
        config["providers"]["up"] |= {"base_url": f"http://127.0.0.1:{up.port}/v1", "first_byte_timeout_s": 0.2}
        async with running(config, tmp_path) as gateway:
            answer = await asked(gateway, dialect, stream=True)
            assert answer.status == 504
            assert "did not answer in time" in dialect.message(answer.json())


async def test_surfaces_share_one_connection(tmp_path):
    async with upstream(answering(http(completion("Paris")))) as up, running(settings(up.port), tmp_path) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        for dialect in DIALECTS:
            writer.write(post(dialect.body(), dialect.path))
            assert dialect.text(await read_answer(reader)) == "Paris"
        writer.transport.abort()
