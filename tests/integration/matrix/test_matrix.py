"""Every client format x every provider x every feature, over real sockets, as docs/generate/compatibility.py says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from docs.generate.compatibility import (
    ANY,
    FEATURES,
    SURFACES,
    UNSUPPORTED,
    UPSTREAMS,
    Refusal,
    Surface,
    Upstream,
    refusal,
)
from kaigate.app.routes import ROUTES
from kaigate.providers.registry import ROWS
from support import matrix_openai_clients as openai_clients
from support import matrix_other_clients as other_clients
from support.gateway import AUTH, Answer, Gateway, call, post, running, settings
from support.matrix_anthropic import AnthropicFormat
from support.matrix_bedrock import BedrockFormat
from support.matrix_clients import Client, Heard
from support.matrix_ollama import OllamaFormat
from support.matrix_openai import OpenAIFormat
from support.matrix_upstream import (
    ARGUMENTS,
    DETAIL,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    TEXT,
    THOUGHT,
    TOOL,
    Format,
    Script,
)
from support.upstream_faults import upstream

CLIENTS: dict[str, Client] = {
    "openai_chat": openai_clients.CHAT,
    "openai_responses": openai_clients.RESPONSES,
    "openai_completions": openai_clients.COMPLETIONS,
    "anthropic_messages": other_clients.MESSAGES,
    "ollama_chat": other_clients.OLLAMA_CHAT,
    "ollama_generate": other_clients.OLLAMA_GENERATE,
}
FORMATS: dict[str, type[Format]] = {
    "openai_compatible": OpenAIFormat,
    "anthropic": AnthropicFormat,
    "bedrock": BedrockFormat,
    "ollama": OllamaFormat,
}
BASE_PATHS = {"openai_compatible": "/v1"}
UPSTREAM_KEY = "upstream-key-canary"
CREDENTIALS = {
    "bedrock": {
        "aws": {
            "region": "eu-central-1",
            "access_key_id": "env:UPSTREAM_KEY",
            "secret_access_key": "env:UPSTREAM_KEY",
        }
    }
}
"""Beside API keys: one Bedrock is signed for."""
ANSWERS = {
    "text": (False,),
    "stream": (True,),
    "tools": (False,),
    "stream+tools": (True,),
    "vision": (False, True),
    "schema": (False, True),
    "reasoning": (False, True),
}
"""The features that are answers, and whether they are asked for as a stream."""

CELLS = [pytest.param(surface, up, id=f"{surface.name}-{up.name}") for surface in SURFACES for up in UPSTREAMS]
EACH = pytest.mark.parametrize(("surface", "up"), CELLS)


@pytest.fixture(scope="module")
def patterns(tmp_path_factory) -> str:
    """Where all gateways of these tests keep the patterns that one has compiled."""
    return str(tmp_path_factory.mktemp("patterns"))


@pytest.fixture
async def served(up: Upstream, tmp_path, patterns: str) -> AsyncIterator[tuple[Gateway, Script]]:
    """A gateway before a scripted upstream of the cell's kind."""
    async with serving(up, tmp_path, patterns) as both:
        yield both


@contextlib.asynccontextmanager
async def serving(up: Upstream, folder: Path, patterns: str, **more: Any) -> AsyncIterator[tuple[Gateway, Script]]:
    """A gateway before a scripted upstream of this kind; a failing one is asked once only."""
    script = Script(FORMATS[up.type](), up.model)
    async with upstream(script) as server:
        base_url = f"http://127.0.0.1:{server.port}{BASE_PATHS.get(up.type, '')}"
        provider = {
            "type": up.type,
            "base_url": base_url,
            **CREDENTIALS.get(up.name, {"api_key": "env:UPSTREAM_KEY"}),
            **more,
        }
        models = {"m": {"deployments": [{"provider": "up", "model": up.model}], "max_tokens": 8000}}
        no_retries = {"retries": {"budget_ratio": 0, "budget_reserve": 0}}
        limits = {"enabled": True, "allow_unpriced": True}
        config = settings(server.port, models=models, providers={"up": provider}, routing=no_retries, limits=limits)
        env = {"UPSTREAM_KEY": UPSTREAM_KEY, "XDG_CACHE_HOME": patterns}
        async with running(config, folder, env) as gateway:
            yield gateway, script


def asking(surface: Surface, feature: str, *, stream: bool) -> bytes:
    """The request for a feature, as a client of this format sends it."""
    fields = {"model": "m", "stream": stream, **CLIENTS[surface.name].ask(feature.removeprefix("stream+"))}
    if stream and surface.name in ("openai_chat", "openai_completions"):
        fields["stream_options"] = {"include_usage": True}
    return post(msgspec.json.encode(fields), surface.path, AUTH)


def heard(surface: Surface, answer: Answer, *, stream: bool) -> Heard:
    """What the client understood of a complete answer."""
    client = CLIENTS[surface.name]
    assert answer.status == 200, answer.body
    assert answer.complete
    wanted = client.content_type if stream else "application/json"
    assert answer.headers["content-type"].split(";")[0] == wanted
    return client.stream(answer.body) if stream else client.whole(answer.body)


@EACH
async def test_answers(surface: Surface, up: Upstream, served) -> None:
    wrong: dict[str, AssertionError] = {}
    for feature, ways in ANSWERS.items():
        for stream in ways:
            try:
                await check_feature(*served, surface, up, feature, stream=stream)
            except AssertionError as error:
                wrong[f"{feature}, {'streamed' if stream else 'whole'}"] = error
    assert not wrong


async def check_feature(
    gateway: Gateway, script: Script, surface: Surface, up: Upstream, feature: str, *, stream: bool
) -> None:
    """One cell: answered as the upstream said, or refused as the table says, before anything is sent."""
    script.asked.clear()
    answer = await call(gateway, asking(surface, feature, stream=stream))
    refused = refusal(surface, up, feature)
    if refused is not None:
        check_refused(surface, answer, refused)
        assert gateway.records[-1]["error"] == "unsupported_parameter"
        assert script.asked == []
        return
    check_answer(surface, feature, heard(surface, answer, stream=stream))
    assert script.asked == [{feature.removeprefix("stream+")} - {"text", "stream"}]
    record = gateway.records[-1]
    assert (record["input_tokens"], record["output_tokens"]) == (INPUT_TOKENS, OUTPUT_TOKENS)
    assert (record["usage_estimated"], record["provider"], record["surface"]) == (False, "up", surface.name)


NOVA = pytest.mark.parametrize(
    ("surface", "up"),
    [cell for cell in CELLS if cell.values[1].name == "nova" and refusal(*cell.values, "tools") is None],
)


@NOVA
async def test_what_a_provider_lacks_is_left_out_where_that_is_configured(
    surface: Surface, up: Upstream, tmp_path, patterns: str
) -> None:
    async with serving(up, tmp_path, patterns, drop_params=True) as (gateway, script):
        for feature in ("schema", "reasoning"):
            assert refusal(surface, up, feature) is not None
            answer = await call(gateway, asking(surface, feature, stream=False))
            check_answer(surface, "text", heard(surface, answer, stream=False))
            assert answer.headers["x-kaigate-dropped-params"] in ("response_format", "reasoning_effort", "thinking")
        assert script.asked == [set(), set()]


def check_answer(surface: Surface, feature: str, said: Heard) -> None:
    """Whether this is the answer that the upstream gave."""
    stop, called = CLIENTS[surface.name].finishes
    tools = feature in ("tools", "stream+tools")
    assert said.error is None
    assert said.calls == ([(TOOL, ARGUMENTS)] if tools else [])
    if feature == "schema":
        assert msgspec.json.decode(said.text) == ARGUMENTS
    else:
        assert said.text == ("" if tools else TEXT)
    assert said.thought == (THOUGHT if feature == "reasoning" else "")
    assert said.finish == (called if tools else stop)
    assert said.tokens == (INPUT_TOKENS, OUTPUT_TOKENS)


def check_refused(surface: Surface, answer: Answer, refused: Refusal) -> None:
    """Whether this is a refusal in the client's own grammar that names the parameter."""
    assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
    message = CLIENTS[surface.name].error(answer)
    assert f"'{refused.param}'" in message or message.startswith(refused.param)
    if not surface.name.startswith("ollama"):
        error = answer.json()["error"]
        assert (error["code"], error["param"]) == ("unsupported_parameter", refused.param)


@EACH
async def test_an_error_before_the_first_byte(surface: Surface, up: Upstream, served) -> None:
    gateway, script = served
    script.mode = "refuse"
    for number, (status_line, *_, status) in enumerate(script.format.refusals()):
        script.refusal = number
        for stream in (False, True):
            answer = await call(gateway, asking(surface, "text", stream=stream))
            assert (answer.status, answer.headers["content-type"]) == (status, "application/json"), status_line
            assert CLIENTS[surface.name].error(answer)
            check_nothing_leaks(answer)
            assert (gateway.records[-1]["status"], gateway.records[-1].get("output_tokens", 0)) == (status, 0)


@EACH
async def test_streams_that_break_off(surface: Surface, up: Upstream, served) -> None:
    gateway, script = served
    for mode in ("fail", "end", "cut"):
        script.mode = mode
        answer = await call(gateway, asking(surface, "text", stream=True))
        check_broken(surface, answer)
        record = gateway.records[-1]
        assert record["error"] in ("upstream_error", "upstream_unavailable"), mode
        assert record["usage_estimated"] is True, mode
        assert record["output_tokens"] > 0, mode
    assert len(gateway.records) == len(script.asked) == 3
    if refusal(surface, up, "stream+tools") is None:
        for mode in ("fail", "end", "cut"):
            script.mode = mode
            await check_half_a_call(gateway, surface)
        assert len(script.asked) == 6, "each reached the upstream"


async def check_half_a_call(gateway: Gateway, surface: Surface) -> None:
    """Half a call must not look like one; where calls come whole or not at all, nothing was told before."""
    client = CLIENTS[surface.name]
    answer = await call(gateway, asking(surface, "stream+tools", stream=True))
    if answer.status == 200:
        said = heard(surface, answer, stream=True)
        assert said.error
        assert (said.finish, said.calls) == (None, [])
    else:
        assert answer.status in (502, 503)
        assert client.error(answer)
    assert not any(success in answer.body for success in client.success)
    check_nothing_leaks(answer)
    assert gateway.records[-1]["error"] in ("upstream_error", "upstream_unavailable")


def check_broken(surface: Surface, answer: Answer) -> None:
    """Whether the client has what came before the failure, knows of that, and can't take it for an end."""
    said = heard(surface, answer, stream=True)
    assert said.error
    assert (said.finish, said.tokens) == (None, None)
    assert said.text
    assert TEXT.startswith(said.text)
    assert not any(success in answer.body for success in CLIENTS[surface.name].success)
    check_nothing_leaks(answer)


def check_nothing_leaks(answer: Answer) -> None:
    """No detail and no key of the upstream reach the client."""
    everything = answer.body + repr(answer.headers).encode()
    assert DETAIL.encode() not in everything
    assert UPSTREAM_KEY.encode() not in everything


@EACH
async def test_a_client_that_leaves(surface: Surface, up: Upstream, served) -> None:
    gateway, script = served
    async with asyncio.timeout(5):
        script.mode = "wait"
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(asking(surface, "text", stream=True))
        await reader.readuntil(b"France")
        writer.transport.abort()
        await script.left.wait()
        while not gateway.records:
            await asyncio.sleep(0.01)
        [record] = gateway.records
        assert (record["status"], record["surface"], record["usage_estimated"]) == (499, surface.name, True)


def test_the_page_has_every_feature_every_chat_route_and_every_wire_format() -> None:
    failures = {"error before first byte", "error mid-stream", "truncated", "client gone"}
    assert set(FEATURES) == {*ANSWERS, *failures}
    routes = {(route.surface, route.path.decode()) for route in ROUTES if route.pipeline == "chat"}
    assert {(surface.name, surface.path) for surface in SURFACES} == routes
    assert set(CLIENTS) == {surface.name for surface in SURFACES}
    assert {ROWS[up.type].format for up in UPSTREAMS} == {row.format for row in ROWS.values()}
    cells = {(surface.name, up.name, feature) for surface in SURFACES for up in UPSTREAMS for feature in ANSWERS}
    any_upstream = {(surface, ANY, feature) for surface, _, feature in cells}
    assert UNSUPPORTED.keys() <= cells | any_upstream, "failures and known names only: those work everywhere"
