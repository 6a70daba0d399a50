"""The adapter for Anthropic's API: path, headers, credentials."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.events import Finish, Start, TextDelta
from kaigate.chat.request import ChatRequest, HostedTool, ResponseFormat
from kaigate.providers.anthropic import Anthropic
from kaigate.providers.anthropic_decode import MessageDecoder, StreamDecoder
from kaigate.providers.registry import build

HI = (Message("user", (TextBlock("Hi"),)),)
KEY = "an-upstream-key"
BETA = "interleaved-thinking-2025-05-14"
ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "tool_use", "id": "t", "name": "json_answer", "input": {"a": 1}}],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


def headers_of(provider: Anthropic, request: ChatRequest) -> dict[bytes, bytes]:
    headers = provider.encode(request, model="claude-x", max_output_tokens=5).headers
    assert len({name for name, _ in headers}) == len(headers), "no header twice"
    assert all(name == name.lower() for name, _ in headers)
    return dict(headers)


def test_a_call() -> None:
    call = Anthropic("up", api_key=KEY).encode(ChatRequest("m", HI), model="claude-x", max_output_tokens=5)
    assert (call.method, call.path, call.dropped) == ("POST", "/v1/messages", ())
    assert dict(call.headers) == {
        b"content-type": b"application/json",
        b"accept": b"application/json",
        b"x-api-key": KEY.encode(),
        b"anthropic-version": b"2023-06-01",
    }
    assert msgspec.json.decode(call.body)["max_tokens"] == 5


def test_a_stream_is_asked_for_as_one() -> None:
    request = ChatRequest("m", HI, stream=True)
    assert headers_of(Anthropic("up"), request)[b"accept"] == b"text/event-stream"
    assert isinstance(Anthropic("up").decoder(request), StreamDecoder)
    assert isinstance(Anthropic("up").decoder(ChatRequest("m", HI)), MessageDecoder)


@pytest.mark.parametrize(
    ("settings", "hints", "version", "betas"),
    [
        ({}, {}, b"2023-06-01", None),
        ({"api_version": "2024-01-01"}, {}, b"2024-01-01", None),
        ({"headers": {"Anthropic-Version": "2025-01-01"}, "api_version": "v"}, {}, b"2025-01-01", None),
        ({}, {"anthropic-version": "2026-10-21"}, b"2026-10-21", None),
        ({"headers": {"Anthropic-Beta": "a, b"}}, {}, b"2023-06-01", b"a,b"),
        ({"headers": {"anthropic-beta": "a"}}, {"anthropic-beta": BETA}, b"2023-06-01", b"a," + BETA.encode()),
    ],
)
def test_versions_and_betas(
    settings: dict[str, Any], hints: dict[str, str], version: bytes, betas: bytes | None
) -> None:
    headers = headers_of(Anthropic("up", **settings), ChatRequest("m", HI, hints=hints))
    assert headers[b"anthropic-version"] == version
    assert headers.get(b"anthropic-beta") == betas


def test_what_is_left_out_is_named() -> None:
    request = ChatRequest("m", HI, hints={"anthropic-beta": "other"}, extra={"verbosity": "low"})
    call = Anthropic("up").encode(request, model="claude-x", max_output_tokens=5)
    assert call.dropped == ("verbosity", "anthropic-beta")


def test_answers_are_read_for_their_request() -> None:
    def read(request: ChatRequest, answer: Mapping[str, Any]) -> list[Any]:
        decoder = Anthropic("up", now=lambda: 1234.9).decoder(request)
        return [
            event for frame in (*decoder.feed(msgspec.json.encode(answer)), *decoder.end()) for event in frame.events
        ]

    wanted = ChatRequest("m", HI, response_format=ResponseFormat("json_object"))
    assert read(wanted, ANSWER)[:3] == [Start("msg_1", "claude", 1234), TextDelta('{"a":1}'), Finish("stop")]
    step = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    searched = ChatRequest("m", HI, hosted_tools=(HostedTool("web_search", "anthropic_messages", {}),))
    answer = {**ANSWER, "content": [step, {"type": "text", "text": "Hi"}], "stop_reason": "end_turn"}
    assert read(searched, answer)[1:3] == [TextDelta("Hi"), Finish("stop")]


def test_the_registry_builds_it() -> None:
    provider = build("mine", "anthropic", api_key=KEY, api_version="2024-01-01", headers={"x-a": "b"}, drop_params=True)
    assert isinstance(provider, Anthropic)
    assert provider.signer is None
    headers = headers_of(provider, ChatRequest("m", HI, extra={"typical_p": 1}))
    assert (headers[b"x-api-key"], headers[b"x-a"]) == (KEY.encode(), b"b")
    assert headers[b"anthropic-version"] == b"2024-01-01"


def test_the_key_is_in_no_representation() -> None:
    assert KEY not in repr(Anthropic("up", api_key=KEY))


def test_failures_are_anthropic_s() -> None:
    assert Anthropic("up").failure(529, {"retry-after": "3"}, b"").retry_after == 3
