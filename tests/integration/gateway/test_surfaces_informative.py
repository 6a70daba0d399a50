"""The routes around a conversation: counting tokens, and what Ollama's clients ask about models."""

import msgspec
import pytest

from support.gateway import AUTH, call, get, post, running, settings
from support.openai_upstream import answering, completion, http
from support.upstream_faults import upstream

NARROW = "kg-narrow-0123456789abcdef"
NARROW_AUTH = f"x-api-key: {NARROW}\r\n"
MODELS = {
    "m": {
        "deployments": [{"provider": "up"}],
        "aliases": ["also-m"],
        "context_tokens": 4096,
        "capabilities": {"vision": False},
    },
    "other": {"deployments": [{"provider": "up"}]},
}


@pytest.fixture
async def served(tmp_path):
    keys = {"static": {"test": {"key": "env:TEST_KEY"}, "narrow": {"key": "env:NARROW", "models": ["other"]}}}
    async with running(settings(9, models=MODELS, keys=keys), tmp_path, {"NARROW": NARROW}) as gateway:
        yield gateway


def question(text: str = "hello", **fields) -> bytes:
    return msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": text}], **fields})


async def test_tokens_are_counted_exactly_where_the_counter_is_there(served):
    estimated = await call(served, post(question("lorem ipsum dolor " * 20), "/v1/messages/count_tokens"))
    assert estimated.status == 200
    assert set(estimated.json()) == {"input_tokens"}
    assert 60 < estimated.json()["input_tokens"] < 200
    [record] = served.records
    assert (record["surface"], record["status"], record["model"]) == ("count_tokens", 200, "m")


@pytest.mark.parametrize(
    ("body", "headers", "status", "kind"),
    [
        (question(), "", 401, "authentication_error"),
        (question(model="nope"), AUTH, 404, "not_found_error"),
        (question(), NARROW_AUTH, 403, "permission_error"),
        (question(max_tokens=5), AUTH, 400, "invalid_request_error"),
        (b"{", AUTH, 400, "invalid_request_error"),
    ],
)
async def test_counting_is_refused_as_a_message_would_be(served, body, headers, status, kind):
    answer = await call(served, post(body, "/v1/messages/count_tokens", headers))
    assert (answer.status, answer.json()["error"]["type"]) == (status, kind)
    assert answer.json()["request_id"]


async def test_counting_costs_nothing_and_no_limit_applies(tmp_path):
    limits = {"enabled": True, "allow_unpriced": True, "defaults": {"rpm": 1}}
    async with upstream(answering(http(completion()))) as up:
        async with running(settings(up.port, limits=limits), tmp_path) as gateway:
            for _ in range(3):
                assert (await call(gateway, post(question(), "/v1/messages/count_tokens"))).status == 200
            assert (await call(gateway, post(question(stream=False), "/api/chat"))).status == 200
            assert up.connections == 1


@pytest.mark.parametrize("path", ["/api/tags", "/api/ps"])
async def test_models_are_those_of_the_key(served, path):
    everything = (await call(served, get(path))).json()["models"]
    assert [model["name"] for model in everything] == ["m", "also-m", "other"]
    narrow = (await call(served, get(path, NARROW_AUTH))).json()["models"]
    assert [model["model"] for model in narrow] == ["other"]
    assert (await call(served, get(path, ""))).status == 401


async def test_a_model_is_shown_with_what_it_can_do(served):
    answer = await call(served, post(b'{"model":"m"}', "/api/show"))
    assert answer.status == 200
    assert answer.json()["capabilities"] == ["completion", "tools", "thinking"]
    assert answer.json()["model_info"]["general.context_length"] == 4096
    other = await call(served, post(b'{"name":"other"}', "/api/show"))
    assert other.json()["capabilities"] == ["completion", "tools", "vision", "thinking"]


async def test_a_model_that_is_not_yours_looks_like_one_that_is_not_there(served):
    answers = [
        await call(served, post(body, "/api/show", NARROW_AUTH)) for body in (b'{"model":"m"}', b'{"model":"x"}')
    ]
    assert [answer.status for answer in answers] == [404, 404]
    assert answers[0].body == answers[1].body
    assert isinstance(answers[0].json()["error"], str)
    assert (await call(served, post(b"{}", "/api/show"))).status == 400
    assert (await call(served, post(b'{"model":"m"}', "/api/show", ""))).status == 401


async def test_the_version_is_that_of_the_api(served):
    assert (await call(served, get("/api/version"))).json()["version"]
    assert (await call(served, get("/api/version", ""))).status == 401


@pytest.mark.parametrize("path", ["/api/pull", "/api/push", "/api/create", "/api/copy", "/api/blobs/sha256:0"])
async def test_models_are_not_managed_through_the_gateway(served, path):
    stranger = await call(served, post(b'{"model":"m"}', path, ""))
    assert stranger.status == 401
    answer = await call(served, post(b'{"model":"m"}', path))
    assert answer.status == 403
    assert "operator" in answer.json()["error"]
    assert served.records[-1]["error"] == "route_not_allowed"


async def test_a_delete_is_not_served_either(served):
    request = f"DELETE /api/delete HTTP/1.1\r\nhost: x\r\n{AUTH}content-length: 2\r\n\r\n{{}}".encode()
    assert (await call(served, request)).status == 403


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_who_looks_for_ollama_needs_no_key(served, method):
    request = f"{method} / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()
    if method == "GET":
        assert (await call(served, request)).body == b"Ollama is running"
    assert served.records == []


@pytest.mark.parametrize(
    ("path", "said"),
    [("/v1/responses/resp_1", "Responses are not stored"), ("/v1/responses/resp_1/input_items", "not stored")],
)
async def test_what_would_need_a_memory_is_refused_clearly(served, path, said):
    answer = await call(served, get(path))
    assert (answer.status, answer.code) == (404, "route_not_found")
    assert said in answer.json()["error"]["message"]
