"""Bedrock over real servers: signed as botocore signs, in its own stream format, with credentials that are renewed."""

import asyncio
import math
from datetime import UTC, datetime

import msgspec
import pytest

from kaigate.app.assemble import build
from kaigate.keys.policy import KeyPolicy
from support.aws_event_stream import exception
from support.bedrock_upstream import (
    REGION,
    USAGE,
    Asked,
    Keys,
    bedrock,
    call_frames,
    failed,
    streamed,
    text_frames,
    whole,
)
from support.clocks import ManualClock
from support.credential_server import credential_server
from support.dialects import DIALECTS, Dialect
from support.gateway import AUTH, call, chat, post, running, settings
from support.openai_upstream import http

MODEL = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
STATIC = Keys("AKIDSTATIC", "canary-static-secret")
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": STATIC.access_key_id, "AWS_SECRET_ACCESS_KEY": STATIC.secret}
EACH = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
WITH_TOOLS = pytest.mark.parametrize(
    "dialect", [each for each in DIALECTS if each.tools], ids=lambda dialect: dialect.name
)


def configured(port: int, model: str = MODEL, **provider):
    """One model, served by Bedrock on `port`."""
    config = settings(9, models={"m": {"deployments": [{"provider": "aws", "model": model}]}})
    given = {"type": "bedrock", "base_url": f"http://127.0.0.1:{port}", "aws": {"region": REGION}, "zone": "private"}
    config["providers"] = {"aws": {**given, **provider}}
    return config


def both(asked: Asked) -> list[bytes]:
    """Text, in the form that was asked for."""
    return streamed(text_frames("Par", "is")) if asked.path.endswith("stream") else [whole({"text": "Paris"})]


@EACH
@pytest.mark.parametrize("stream", [False, True])
async def test_every_client_gets_text(tmp_path, dialect: Dialect, stream):
    async with bedrock(both, STATIC) as up, running(configured(up.port), tmp_path, ENVIRONMENT) as gateway:
        answer = await call(gateway, post(dialect.body(stream=stream), dialect.path))
        assert (answer.status, dialect.text(answer)) == (200, "Paris"), answer.body
        assert (dialect.success in answer.body) is stream or "ollama" in dialect.name
        [asked] = up.asked
        assert asked.path.startswith("/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.")
        assert asked.path.endswith("/converse-stream" if stream else "/converse")
        assert asked.body["messages"] == [{"role": "user", "content": [{"text": "hello"}]}]
        [record] = gateway.records
        assert (record["input_tokens"], record["output_tokens"]) == (USAGE["inputTokens"], USAGE["outputTokens"])
        assert b"canary" not in answer.body + repr(record).encode()


@WITH_TOOLS
async def test_every_client_may_offer_tools(tmp_path, dialect: Dialect):
    use = {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Paris"}}}
    async with bedrock(lambda _: [whole(use, stop="tool_use")], STATIC) as up:
        async with running(configured(up.port), tmp_path, ENVIRONMENT) as gateway:
            answer = await call(gateway, post(dialect.body(**dialect.tools or {}), dialect.path))
            assert dialect.call is not None
            assert dialect.call(answer.json()) == ("weather", {"city": "Paris"})
            [tool] = up.asked[0].body["toolConfig"]["tools"]
            assert tool["toolSpec"]["name"] == "weather"


@WITH_TOOLS
async def test_calls_are_streamed(tmp_path, dialect: Dialect):
    frames = call_frames("weather", '{"ci', 'ty":"Paris"}')
    async with bedrock(lambda _: streamed(frames), STATIC) as up:
        async with running(configured(up.port), tmp_path, ENVIRONMENT) as gateway:
            answer = await call(gateway, post(dialect.body(stream=True, **dialect.tools or {}), dialect.path))
            assert answer.status == 200
            assert dialect.success in answer.body
            assert b"weather" in answer.body
            assert b"Paris" in answer.body


ERRORS = {
    "throttled": (failed("429 Too Many Requests", "ThrottlingException", "secret detail"), 503, "upstream_unavailable"),
    "not ready": (failed("429 X", "ModelNotReadyException", "secret detail"), 503, "upstream_unavailable"),
    "timeout": (failed("408 X", "ModelTimeoutException", "secret detail"), 504, "upstream_timeout"),
    "no access": (failed("403 X", "AccessDeniedException", "secret detail"), 502, "upstream_error"),
    "no such model": (failed("404 X", "ResourceNotFoundException", "secret detail"), 502, "upstream_error"),
    "operator's": (
        failed("400 X", "ValidationException", "The provided model identifier is invalid."), 502, "upstream_error",
    ),
    "client's": (failed("400 X", "ValidationException", "secret detail"), 400, "invalid_request"),
    "too long": (
        failed("400 X", "ValidationException", "Input is too long for requested model."),
        400, "context_length_exceeded",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_has_its_own_status(tmp_path, name, stream):
    body, status, code = ERRORS[name]
    async with bedrock(lambda _: [body], STATIC) as up:
        config = configured(up.port)
        config["routing"] = {"max_attempts": 1}
        async with running(config, tmp_path, ENVIRONMENT) as gateway:
            answer = await call(gateway, post(chat(stream=stream)))
            assert (answer.status, answer.code) == (status, code)
            assert b"secret detail" not in answer.body


async def test_a_throttled_call_is_repeated_and_signed_anew(tmp_path):
    answers = iter([[ERRORS["throttled"][0]], [whole({"text": "Paris"})]])
    async with bedrock(lambda _: next(answers), STATIC) as up:
        async with running(configured(up.port), tmp_path, ENVIRONMENT) as gateway:
            answer = await call(gateway, post(chat()))
            assert (answer.status, answer.text) == (200, "Paris")
            assert (len(up.asked), up.refused) == (2, 0)


TEXT = text_frames("Hello ", "wor")
DAMAGED = bytes([*TEXT[3][:-1], TEXT[3][-1] ^ 1])
BROKEN = {
    "exception": streamed([*TEXT[:3], exception("throttlingException", "secret detail")]),
    "exception within a message": streamed([*TEXT[:3], exception("modelStreamErrorException", "secret detail")[:-5]]),
    "unknown exception": streamed([*TEXT[:3], exception("surpriseException", "secret detail")]),
    "cut": streamed(TEXT[:3], end=False),
    "ended early": streamed(TEXT[:3]),
    "ended behind the text": streamed(TEXT[:4]),
    "cut within a message": streamed([*TEXT[:3], TEXT[3][:7]], end=False),
    "damaged": streamed([*TEXT[:3], DAMAGED, *TEXT[4:]]),
    "not a message": streamed([*TEXT[:3], b"data: [DONE]\n\n" * 10]),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_stream_that_breaks_never_seems_complete(tmp_path, fault):
    async with bedrock(lambda _: BROKEN[fault], STATIC) as up:
        async with running(configured(up.port), tmp_path, ENVIRONMENT) as gateway:
            answer = await call(gateway, post(chat(stream=True)))
            assert (answer.status, answer.complete, answer.text) == (200, True, "Hello wor")
            assert "[DONE]" not in answer.events
            assert answer.events[-1]["error"]["code"] in {"upstream_error", "upstream_unavailable"}
            assert b"secret detail" not in answer.body
            assert gateway.records[-1]["usage_estimated"] is True


@EACH
@pytest.mark.parametrize("fault", ["exception", "cut"])
async def test_no_client_sees_a_broken_stream_as_complete(tmp_path, dialect: Dialect, fault):
    async with bedrock(lambda _: BROKEN[fault], STATIC) as up:
        async with running(configured(up.port), tmp_path, ENVIRONMENT) as gateway:
            answer = await call(gateway, post(dialect.body(stream=True), dialect.path))
            assert dialect.success not in answer.body
            assert dialect.failure in answer.body


async def test_a_stream_may_be_cut_at_every_message(tmp_path):
    for kept in range(1, len(TEXT)):
        parts = streamed(TEXT[:kept], end=False)
        async with bedrock(lambda _, parts=parts: parts, STATIC) as up:
            async with running(configured(up.port), tmp_path, ENVIRONMENT) as gateway:
                answer = await call(gateway, post(chat(stream=True)))
                assert b"[DONE]" not in answer.body
                assert (answer.status, kept) == (502, kept) if kept < 2 else (200, kept)


async def test_a_refused_signature_is_the_gateways_own_fault(tmp_path):
    async with bedrock(both, Keys(STATIC.access_key_id, "another")) as up:
        async with running(configured(up.port), tmp_path, ENVIRONMENT) as gateway:
            answer = await call(gateway, post(chat()))
            assert (answer.status, answer.code) == (502, "upstream_error")
            assert "credential" in answer.json()["error"]["message"]
            assert up.refused == 1
            assert b"secret detail" not in answer.body


async def test_vectors_of_several_texts_are_signed_one_by_one(tmp_path):
    def vector(asked: Asked) -> list[bytes]:
        return [http(msgspec.json.encode({"embedding": [len(asked.body["inputText"])], "inputTextTokenCount": 1}))]

    async with bedrock(vector, STATIC) as up:
        config = configured(up.port, "amazon.titan-embed-text-v2:0")
        async with running(config, tmp_path, ENVIRONMENT) as gateway:
            body = msgspec.json.encode({"model": "m", "input": ["a", "bb", "ccc"]})
            answer = await call(gateway, post(body, "/v1/embeddings"))
            assert [each["embedding"] for each in answer.json()["data"]] == [[1.0], [2.0], [3.0]]
            assert (len(up.asked), up.refused) == (3, 0)


class Agent:
    """A container's agent that gives new keys, good for an hour, each time."""

    def __init__(self) -> None:
        self.clock = ManualClock(now=math.floor(datetime.now(tz=UTC).timestamp()))
        self.given = 0
        self.status = 200

    def keys(self, number: int) -> Keys:
        return Keys(f"ASIA{number}", f"canary-secret-{number}", f"canary-token-{number}")

    def answer(self) -> tuple[int, bytes]:
        if self.status != 200:
            return self.status, b'{"message":"canary-detail"}'
        self.given += 1
        keys = self.keys(self.given)
        ends = datetime.fromtimestamp(self.clock.now() + 3600, UTC).isoformat()
        body = {
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret,
            "Token": keys.token,
            "Expiration": ends,
        }
        return 200, msgspec.json.encode(body)


def environment(port: int) -> dict[str, str]:
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{port}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "canary-agent-token",
    }


def told(gateway) -> str:
    return repr(gateway.records) + repr(gateway.runtime.snapshot.signers)


async def test_credentials_are_fetched_renewed_and_shared(tmp_path):
    agent = Agent()
    async with bedrock(both, agent.keys(1), agent.keys(2)) as up, credential_server(agent.answer) as (server, _):
        async with running(configured(up.port), tmp_path, environment(server.port)) as gateway:
            gateway.runtime.snapshot.signers["aws"].credentials._clock = agent.clock
            answers = await asyncio.gather(*(call(gateway, post(chat())) for _ in range(5)))
            assert [answer.status for answer in answers] == [200] * 5
            assert b"authorization: canary-agent-token" in server.requests[0].lower()
            agent.clock.advance(3000)  # within the last quarter of an hour, but good
            assert (await call(gateway, post(chat(stream=True)))).text == "Paris"
            assert [asked.access_key_id for asked in up.asked] == ["ASIA1"] * 6
            async with asyncio.timeout(5):
                while agent.given < 2:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            await call(gateway, post(chat()))
            assert (up.asked[-1].access_key_id, up.asked[-1].headers["x-amz-security-token"]) == (
                "ASIA2",
                "canary-token-2",
            )
            assert (len(server.requests), up.refused) == (2, 0)
            assert "canary" not in told(gateway)


@pytest.mark.parametrize("broken", ["refused", "nonsense", "gone"])
async def test_without_credentials_nothing_is_sent(tmp_path, broken, caplog):
    agent = Agent()
    agent.status = 500
    answer = (lambda: (200, b'{"AccessKeyId":"canary"}')) if broken == "nonsense" else agent.answer
    async with bedrock(both, agent.keys(1)) as up, credential_server(answer) as (server, _):
        port = 1 if broken == "gone" else server.port
        async with running(configured(up.port), tmp_path, environment(port)) as gateway:
            for stream in (False, True):
                got = await call(gateway, post(chat(stream=stream)))
                assert (got.status, got.code) == (502, "upstream_error")
                assert b"canary" not in got.body
            assert up.asked == []
            assert up.refused == 0
            assert "canary" not in told(gateway) + caplog.text
            assert len(server.requests) <= 1  # the second request is told of the first one's failure


async def test_credentials_that_take_too_long_are_a_timeout(tmp_path):
    agent = Agent()
    async with bedrock(both, agent.keys(1)) as up, credential_server(agent.answer) as (server, _):
        server.delay_s = 0.4
        config = configured(up.port, first_byte_timeout_s=0.1)
        async with running(config, tmp_path, environment(server.port)) as gateway:
            got = await call(gateway, post(chat()))
            assert (got.status, got.code) == (504, "upstream_timeout")
            assert up.asked == []
            # Who waits for credentials may give up; they are there for the next one.
            await asyncio.sleep(0.5)
            assert (await call(gateway, post(chat()))).status == 200
            assert len(server.requests) == 1


async def test_another_deployment_answers_without_credentials(tmp_path):
    agent = Agent()
    agent.status = 500
    async with bedrock(both, STATIC) as up, credential_server(agent.answer) as (server, _):
        config = configured(up.port)
        own = {"region": REGION, "access_key_id": "env:OWN_ID", "secret_access_key": "env:OWN_SECRET"}
        config["providers"]["other"] = {**config["providers"]["aws"], "aws": own}
        config["models"]["m"]["deployments"].append({"provider": "other", "model": MODEL})
        env = {**environment(server.port), "OWN_ID": STATIC.access_key_id, "OWN_SECRET": STATIC.secret}
        async with running(config, tmp_path, env) as gateway:
            answer = await call(gateway, post(chat()))
            assert (answer.status, answer.headers["x-kaigate-provider"]) == (200, "other")


async def test_a_reload_asks_for_no_new_credentials(tmp_path):
    agent = Agent()
    async with bedrock(both, agent.keys(1)) as up, credential_server(agent.answer) as (server, _):
        async with running(configured(up.port), tmp_path, environment(server.port)) as gateway:
            await call(gateway, post(chat()))
            agent.status = 500
            before = gateway.runtime.snapshot
            policy = KeyPolicy.build(before.config)
            again = await asyncio.to_thread(build, before.loaded, policy, gateway.process, previous=before)
            gateway.runtime.swap(again)
            assert (await call(gateway, post(chat(), headers=AUTH))).status == 200
            assert len(server.requests) == 1
