"""Embeddings over a real server, in three formats: admitted, planned, limited and settled as chat is."""

import asyncio
import base64
import struct
from types import SimpleNamespace

import msgspec
import pytest

from kaigate.ledger.record import UsageRecord, decode
from kaigate.limits.model import Settlement
from kaigate.stages.limit import Limit
from support.gateway import AUTH, Gateway, call, post, running, settings
from support.openai_upstream import answering, http
from support.upstream_faults import Connection, Upstream, silence, upstream

VECTOR = [0.5, -1.0, 0.25]
ROUTES = {
    "openai_embeddings": ("/v1/embeddings", "input"),
    "ollama_embed": ("/api/embed", "input"),
    "ollama_embeddings": ("/api/embeddings", "prompt"),
}
EACH = pytest.mark.parametrize("name", ROUTES)


def vectors(count: int = 1, **changes) -> bytes:
    """An OpenAI-compatible server's answer."""
    data = [{"object": "embedding", "index": index, "embedding": VECTOR} for index in range(count)]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return msgspec.json.encode({"object": "list", "data": data, "model": "up-e", "usage": usage, **changes})


def sent(up: Upstream, number: int = -1) -> tuple[str, dict]:
    """Path and body of what reached an upstream."""
    head, _, body = up.requests[number].partition(b"\r\n\r\n")
    return head.split(b" ")[1].decode(), msgspec.json.decode(body)


async def asked(gateway: Gateway, name: str, text="hello", *, headers: str = AUTH, **fields):
    path, field = ROUTES[name]
    return await call(gateway, post(msgspec.json.encode({"model": "m", field: text, **fields}), path, headers))


def first(name: str, body: dict) -> list[float]:
    if name == "openai_embeddings":
        return body["data"][0]["embedding"]
    return body["embeddings"][0] if name == "ollama_embed" else body["embedding"]


@EACH
async def test_a_text_becomes_a_vector(tmp_path, name):
    async with upstream(answering(http(vectors()))) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await asked(gateway, name)
        assert (answer.status, first(name, answer.json())) == (200, VECTOR), answer.body
        assert answer.json()["provider"] == answer.headers["x-kaigate-provider"] == "up"
        path, body = sent(up)
        assert (path, body["input"], body["model"]) == ("/v1/embeddings", "hello", "m")
        [record] = gateway.records
        assert (record["surface"], record["input_tokens"], record["output_tokens"]) == (name, 7, 0)


async def test_texts_and_tokens_keep_their_order_and_form(tmp_path):
    async with upstream(answering(http(vectors(2)))) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await asked(gateway, "openai_embeddings", ["a", "b"], encoding_format="base64")
        [one, two] = answer.json()["data"]
        assert (one["index"], two["index"]) == (0, 1)
        assert list(struct.unpack("<3f", base64.b64decode(one["embedding"]))) == VECTOR
        assert answer.json()["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
        await asked(gateway, "openai_embeddings", [[1, 2, 3], [4]])
        assert sent(up)[1]["input"] == [[1, 2, 3], [4]]


async def test_an_ollama_server_serves_openais_clients_and_back(tmp_path):
    body = msgspec.json.encode({"model": "up-e", "embeddings": [VECTOR], "prompt_eval_count": 3})
    async with upstream(answering(http(body))) as up:
        near = {"near": {"type": "ollama", "base_url": f"http://127.0.0.1:{up.port}"}}
        config = settings(9, models={"m": {"deployments": [{"provider": "near", "model": "up-e"}]}})
        config["providers"] = near
        async with running(config, tmp_path) as gateway:
            for name in ROUTES:
                answer = await asked(gateway, name)
                assert first(name, answer.json()) == VECTOR
                assert sent(up)[0] == "/api/embed"
            assert [record["input_tokens"] for record in gateway.records] == [3, 3, 3]


async def test_what_is_not_reported_is_estimated(tmp_path):
    async with upstream(answering(http(vectors(usage=None)))) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await asked(gateway, "openai_embeddings", [list(range(123))])
        assert answer.json()["usage"]["prompt_tokens"] == 123
        assert gateway.records[0]["usage_estimated"] is True


def two(port: int, other: int, **changes):
    """Two deployments of one model, in order."""
    deployments = [{"provider": "up"}, {"provider": "other"}]
    return settings(
        port,
        providers={"other": {"base_url": f"http://127.0.0.1:{other}/v1"}},
        models={"m": {"deployments": deployments}},
        **changes,
    )


@pytest.mark.parametrize("bad", [http(b"{}", "503 Service Unavailable"), http(b"{}"), http(vectors(2)), http(b"{")])
async def test_another_deployment_answers_where_one_fails(tmp_path, bad):
    async with upstream(answering(bad)) as broken, upstream(answering(http(vectors()))) as well:
        async with running(two(broken.port, well.port), tmp_path) as gateway:
            answer = await asked(gateway, "openai_embeddings")
            assert (answer.status, answer.headers["x-kaigate-provider"]) == (200, "other")
            assert gateway.sample("kaigate_fallbacks_total", model="m", provider="other") == 1
            assert (len(broken.requests), len(well.requests)) == (1, 1)


async def test_a_refusal_of_the_request_itself_is_not_tried_elsewhere(tmp_path):
    refusing = answering(http(b'{"error":{"message":"too long"}}', "400 Bad Request"))
    async with upstream(refusing) as first_one, upstream(answering(http(vectors()))) as other:
        async with running(two(first_one.port, other.port), tmp_path) as gateway:
            answer = await asked(gateway, "openai_embeddings")
            assert answer.status == 400
            assert other.requests == []


async def test_a_private_request_goes_to_private_providers_only(tmp_path):
    async with upstream(answering(http(vectors()))) as far, upstream(answering(http(vectors()))) as near:
        config = two(far.port, near.port)
        config["providers"]["up"]["zone"] = "external"
        async with running(config, tmp_path) as gateway:
            answer = await asked(gateway, "openai_embeddings", headers=AUTH + "x-kaigate-private: true\r\n")
            assert answer.headers["x-kaigate-provider"] == "other"
            assert far.requests == []


async def test_what_passes_is_repeated_after_a_pause(tmp_path):
    responses = http(b"{}", "503 Service Unavailable"), http(vectors())
    config_of_retries = {"retries": {"backoff_s": 0.01}}
    async with upstream(answering(*responses)) as up:
        async with running(settings(up.port, routing=config_of_retries), tmp_path) as gateway:
            answer = await asked(gateway, "openai_embeddings")
            assert (answer.status, len(up.requests)) == (200, 2)


@EACH
async def test_failures_have_the_clients_grammar(tmp_path, name):
    config = settings(9, routing={"retries": {"budget_reserve": 0}})
    async with upstream(silence) as up:
        config["providers"]["up"] |= {"base_url": f"http://127.0.0.1:{up.port}/v1", "first_byte_timeout_s": 0.2}
        async with running(config, tmp_path) as gateway:
            answers = [
                (await asked(gateway, name), 504),
                (await asked(gateway, name, headers=""), 401),
                (await asked(gateway, name, ""), 400),
                (await asked(gateway, name, nonsense=1), 400),
                (await asked(gateway, name, model="nope"), 404),
            ]
            for answer, status in answers:
                assert answer.status == status, answer.body
                error = answer.json()["error"]
                assert isinstance(error, dict if name == "openai_embeddings" else str)


async def test_a_model_whose_provider_makes_none_is_a_clear_refusal(tmp_path):
    config = settings(9, models={"m": {"deployments": [{"provider": "claude"}], "max_tokens": 100}})
    config["providers"] = {"claude": {"type": "anthropic", "base_url": "http://127.0.0.1:9", "api_key": "env:TEST_KEY"}}
    async with running(config, tmp_path) as gateway:
        answer = await asked(gateway, "openai_embeddings")
        assert (answer.status, answer.code) == (400, "unsupported_parameter")
        assert "embedding model" in answer.json()["error"]["message"]


async def test_each_input_has_the_models_window_and_all_together_the_keys_ceiling(tmp_path):
    models = {"m": {"deployments": [{"provider": "up", "context_tokens": 100}], "max_input_tokens": 90}}
    limits = {"enabled": True, "allow_unpriced": True, "defaults": {"max_input_tokens": 500}}
    async with upstream(answering(http(vectors(4)))) as up:
        async with running(settings(up.port, models=models, limits=limits), tmp_path) as gateway:
            assert (await asked(gateway, "openai_embeddings", [[1] * 80] * 4)).status == 200
            for inputs in ([[1] * 95], [[1] * 80] * 7):
                answer = await asked(gateway, "openai_embeddings", inputs)
                assert (answer.status, answer.code) == (400, "context_length_exceeded")


async def test_what_may_be_cut_is_never_too_long(tmp_path):
    body = msgspec.json.encode({"model": "up-e", "embeddings": [VECTOR], "prompt_eval_count": 3})
    async with upstream(answering(http(body))) as up:
        models = {"m": {"deployments": [{"provider": "near", "context_tokens": 50}], "max_input_tokens": 50}}
        config = settings(9, models=models)
        config["providers"] = {"near": {"type": "ollama", "base_url": f"http://127.0.0.1:{up.port}"}}
        async with running(config, tmp_path) as gateway:
            long = "word " * 200
            assert (await asked(gateway, "ollama_embed", long, truncate=True)).status == 200
            assert (await asked(gateway, "ollama_embed", long)).status == 400


def recorded(gateway: Gateway, name: str) -> list[UsageRecord]:
    """The records with which exchanges of a pipeline are settled from now on."""
    [limit] = [stage for stage in gateway.runtime.snapshot.pipelines[name].stages if isinstance(stage, Limit)]
    settled: list[UsageRecord] = []
    limiter = limit._limiter

    def settle(settlement: Settlement) -> None:
        settled.append(decode(settlement.record))
        limiter.settle(settlement)

    limit._limiter = SimpleNamespace(admit=limiter.admit, settle=settle)
    return settled


async def test_money_and_rates_are_reserved_and_settled(tmp_path):
    models = {"m": {"deployments": [{"provider": "up"}], "price": {"input": 2.0, "output": 0.0}}}
    limits = {"enabled": True, "defaults": {"rpm": 2}}
    async with upstream(answering(http(vectors()))) as up:
        async with running(settings(up.port, models=models, limits=limits), tmp_path) as gateway:
            settled = recorded(gateway, "openai_embeddings")
            answer = await asked(gateway, "openai_embeddings")
            assert [(each.surface, each.input_tokens, each.output_tokens) for each in settled] == [
                ("openai_embeddings", 7, 0)
            ]
            assert float(answer.headers["x-kaigate-cost-usd"]) == pytest.approx(7 * 2 / 1_000_000)
            assert (await asked(gateway, "ollama_embed")).status == 200
            assert (await asked(gateway, "ollama_embeddings")).status == 429


async def test_a_client_that_leaves_ends_the_upstreams_work(tmp_path):
    arrived, left = asyncio.Event(), asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        arrived.set()
        await connection.reader.read()
        left.set()

    async with upstream(script) as up, running(settings(up.port), tmp_path) as gateway:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(post(b'{"model":"m","input":"x"}', "/v1/embeddings"))
        async with asyncio.timeout(5):
            await arrived.wait()
            writer.transport.abort()
            await left.wait()
            while not gateway.records:
                await asyncio.sleep(0.01)
        assert gateway.records[0]["status"] == 499
