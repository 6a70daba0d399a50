"""The main job over real sockets: answers, streams, headers, errors."""

import pytest
from openai import AsyncOpenAI

from support.gateway import AUTH, KEY, call, chat, get, post, running, settings
from support.openai_upstream import DONE, STREAM_HEAD, answering, chunk, completion, delta, http, streaming, usage_event
from support.upstream_faults import Connection, upstream

SECRET = "AKIA" + "IOSFODNN7EXAMPLE"


async def test_a_completion_has_provider_usage_and_headers(tmp_path):
    async with upstream(answering(http(completion()))) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await call(gateway, post(chat(), headers=AUTH + "x-request-id: mine-1\r\n"))
        assert answer.status == 200
        assert answer.json()["provider"] == "up"
        assert answer.json()["usage"]["total_tokens"] == 7
        assert answer.headers["x-request-id"] == "mine-1"
        assert answer.headers["x-kaigate-provider"] == "up"
        assert answer.headers["x-kaigate-model"] == "m"
        assert gateway.records[0]["status"] == 200
        assert gateway.records[0]["input_tokens"] == 5


async def test_what_goes_upstream_is_canonical_and_carries_no_client_secret(tmp_path):
    async with upstream(answering(http(completion()))) as up, running(settings(up.port), tmp_path) as gateway:
        await call(gateway, post(chat(temperature=0.5), headers=AUTH + "x-evil: 1\r\n"))
        sent = up.requests[0]
        assert b'"temperature":0.5' in sent
        assert KEY.encode() not in sent
        assert b"x-evil" not in sent
        assert b"top_p" not in sent


@pytest.mark.parametrize("ask", [True, False])
async def test_usage_is_always_asked_for_and_passed_on_only_if_wanted(tmp_path, ask):
    async with upstream(streaming(["Pa", "ris"])) as up, running(settings(up.port), tmp_path) as gateway:
        options = {"stream_options": {"include_usage": True}} if ask else {}
        answer = await call(gateway, post(chat(stream=True, **options)))
        assert b'"include_usage":true' in up.requests[0]
        assert answer.text == "Paris"
        assert answer.events[-1] == "[DONE]"
        chunks = answer.events[:-1]
        assert any(chunk.get("usage") for chunk in chunks) is ask
        assert [chunk.get("provider") for chunk in (chunks[0], chunks[-1])] == ["up", "up"]
        assert gateway.records[0]["output_tokens"] == 2


async def test_the_official_client_accepts_answers_and_streams_strictly(tmp_path):
    async with upstream(streaming(["Pa", "ris ", "it is"])) as up, running(settings(up.port), tmp_path) as gateway:
        async with AsyncOpenAI(
            base_url=gateway.url + "/v1", api_key=KEY, max_retries=0, _strict_response_validation=True
        ) as client:
            stream = await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "x"}], stream=True
            )
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
            assert text == "Paris it is"
            models = [model.id async for model in client.models.list()]
            assert models == ["m"]
            assert (await client.models.retrieve("m")).owned_by == "up"


@pytest.mark.parametrize("size", [1, 5, 64])
async def test_a_secret_split_over_chunks_is_redacted_for_the_client(tmp_path, size):
    text = f"Your key is {SECRET}, keep it."
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    async with upstream(streaming(pieces)) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await call(gateway, post(chat(stream=True)))
        assert answer.text == "Your key is [REDACTED_AWS_KEY], keep it."
        assert gateway.sample("kaigate_output_redactions_total", type="aws_key") == 1


async def test_a_whole_answer_is_redacted_and_says_so(tmp_path):
    async with upstream(answering(http(completion(f"it is {SECRET}")))) as up:
        async with running(settings(up.port), tmp_path) as gateway:
            answer = await call(gateway, post(chat()))
            assert answer.text == "it is [REDACTED_AWS_KEY]"
            assert answer.headers["x-kaigate-redactions"] == "1"


async def test_redaction_can_be_switched_off_by_configuration_only(tmp_path):
    async with upstream(answering(http(completion(SECRET)))) as up:
        config = settings(up.port, guardrails={"output": {"redaction": {"enabled": False}}})
        async with running(config, tmp_path) as gateway:
            assert (await call(gateway, post(chat()))).text == SECRET


@pytest.mark.parametrize(
    ("status", "upstream_body", "expected", "code"),
    [
        ("401 Unauthorized", b'{"error":{"message":"bad key sk-upstream"}}', 502, "upstream_error"),
        ("429 Too Many Requests", b"{}", 503, "upstream_unavailable"),
        ("500 Oops", b"secret trace", 502, "upstream_error"),
        ("400 Bad Request", b'{"error":{"message":"no","param":"tools"}}', 400, "invalid_request"),
        ("302 Found", b"", 502, "upstream_error"),
        ("200 OK", b"<html>", 502, "upstream_error"),
        ("200 OK", b'{"choices":"x"}', 502, "upstream_error"),
    ],
)
async def test_upstream_errors_are_translated_and_never_echoed(tmp_path, status, upstream_body, expected, code):
    async with upstream(answering(http(upstream_body, status))) as up:
        async with running(settings(up.port), tmp_path) as gateway:
            answer = await call(gateway, post(chat()))
            assert (answer.status, answer.code) == (expected, code)
            assert b"sk-upstream" not in answer.body
            assert b"secret trace" not in answer.body


async def test_a_failed_deployment_falls_back_to_the_next(tmp_path):
    async with upstream(answering(http(b"{}", "500 Oops"))) as bad, upstream(answering(http(completion()))) as good:
        config = settings(
            bad.port,
            providers={"good": {"base_url": f"http://127.0.0.1:{good.port}/v1"}},
            models={"m": {"deployments": [{"provider": "up"}, {"provider": "good", "model": "other"}]}},
        )
        async with running(config, tmp_path) as gateway:
            answer = await call(gateway, post(chat()))
            assert answer.json()["provider"] == "good"
            assert gateway.sample("kaigate_fallbacks_total", model="m", provider="good") == 1
            assert gateway.sample("kaigate_upstream_errors_total", provider="up", code="upstream_error") == 1


async def test_a_private_request_never_reaches_an_external_provider(tmp_path):
    async with (
        upstream(answering(http(completion()))) as outside,
        upstream(answering(http(b"{}", "500 Oops"))) as inside,
    ):
        config = settings(
            inside.port,
            providers={"out": {"base_url": f"http://127.0.0.1:{outside.port}/v1", "zone": "external"}},
            models={
                "m": {"deployments": [{"provider": "out"}, {"provider": "up"}]},
                "only-out": {"deployments": [{"provider": "out"}]},
            },
        )
        async with running(config, tmp_path) as gateway:
            private = AUTH + "x-kaigate-private: true\r\n"
            answer = await call(gateway, post(chat(), headers=private))
            assert (answer.status, answer.code) == (502, "upstream_error")
            answer = await call(gateway, post(chat(model="only-out"), headers=private))
            assert (answer.status, answer.code) == (503, "no_private_provider")
            assert outside.connections == 0
            assert (await call(gateway, post(chat()))).status == 200


@pytest.mark.parametrize("path", ["/config", "/providers", "/settings"])
async def test_operational_views_need_a_key_and_show_no_secret(tmp_path, path):
    async with upstream(answering(http(completion()))) as up:
        config = settings(
            up.port, providers={"up": {"api_key": "env:UP_KEY", "headers": {"x-secret": "hidden-header"}}}
        )
        async with running(config, tmp_path, {"UP_KEY": "sk-canary-123"}) as gateway:
            assert (await call(gateway, get(path, headers=""))).status == 401
            answer = await call(gateway, get(path))
            assert answer.status == 200
            for canary in (b"sk-canary-123", KEY.encode(), b"hidden-header"):
                assert canary not in answer.body


@pytest.mark.parametrize("path", ["/health", "/health/readiness", "/health/liveliness"])
async def test_probes_need_no_key(tmp_path, path):
    async with upstream(answering(http(completion()))) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await call(gateway, get(path, headers=""))
        assert (answer.status, answer.json()) == (200, {"status": "healthy"})
        gateway.runtime.lifecycle.state = "draining"
        assert (await call(gateway, get(path, headers=""))).status == (503 if path.endswith("readiness") else 200)


async def test_new_work_is_refused_when_draining_is_over(tmp_path):
    async with upstream(answering(http(completion()))) as up, running(settings(up.port), tmp_path) as gateway:
        gateway.runtime.lifecycle.state = "draining"
        gateway.server.turn_away()
        answer = await call(gateway, post(chat()))
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        gateway.runtime.lifecycle.state = "refusing"
        answer = await call(gateway, post(chat()))
        assert (answer.status, answer.code, answer.headers["connection"]) == (503, "draining", "close")
        assert answer.headers["retry-after"]


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_secrets_in_streamed_tool_arguments_and_reasoning_are_redacted(tmp_path, size):
    arguments = '{"note": "use ' + SECRET + ' now", "n": 1}'
    pieces = [arguments[i : i + size] for i in range(0, len(arguments), size)]
    call_start = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "save", "arguments": ""}}

    async def script(connection: Connection) -> None:
        while await connection.request() is not None:
            await connection.send(STREAM_HEAD)
            events = [
                delta(role="assistant", reasoning_content=f"the key is {SECRET[:9]}"),
                delta(reasoning_content=f"{SECRET[9:]} so"),
                delta(tool_calls=[call_start]),
                *(delta(tool_calls=[{"index": 0, "function": {"arguments": piece}}]) for piece in pieces),
                delta(finish="tool_calls"),
                usage_event(),
            ]
            for event in events:
                await connection.send(chunk(event))
            await connection.send(DONE)

    async with upstream(script) as up, running(settings(up.port), tmp_path) as gateway:
        tools = [{"type": "function", "function": {"name": "save", "parameters": {"type": "object"}}}]
        answer = await call(gateway, post(chat(stream=True, tools=tools)))
        deltas = [event["choices"][0]["delta"] for event in answer.events[:-1] if event.get("choices")]
        calls = [fragment for part in deltas for fragment in part.get("tool_calls", [])]
        written = "".join(fragment["function"].get("arguments", "") for fragment in calls)
        assert written == '{"note": "use [REDACTED_AWS_KEY] now", "n": 1}'
        assert [fragment["function"]["name"] for fragment in calls if "id" in fragment] == ["save"]
        assert "".join(part.get("reasoning_content", "") for part in deltas) == "the key is [REDACTED_AWS_KEY] so"
        assert gateway.sample("kaigate_output_redactions_total", type="aws_key") == 2
