"""Every request that a client can express means the same once decoded; what can't be served is refused by its name."""

import contextlib
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from anthropic.types import MessageCountTokensParams, MessageCreateParams
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contract.anthropic_requests import requests, wire_body
from kaigate.chat.content import Message
from kaigate.chat.request import ChatRequest
from kaigate.errors import GatewayError, RequestInvalidError
from kaigate.surfaces.anthropic_messages import AnthropicMessages, count_request
from kaigate.surfaces.anthropic_wire import CountBody, MessagesBody

SURFACE = AnthropicMessages()
PARAMS: TypeAdapter[Any] = TypeAdapter(MessageCreateParams)
COUNT_PARAMS: TypeAdapter[Any] = TypeAdapter(MessageCountTokensParams)


def headers(request: ChatRequest) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in request.hints.items()}


def judge(types: TypeAdapter[Any], body: dict[str, Any]) -> None:
    """Validate a body, its iterables too, which pydantic looks at only when somebody reads them."""
    _read(types.validate_python(msgspec.json.decode(msgspec.json.encode(body))))


def _read(value: Any) -> None:
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str):
        for item in value:
            _read(item)


@settings(max_examples=100)
@given(request=requests())
def test_a_request_survives_the_wire(request: ChatRequest) -> None:
    body = msgspec.json.encode(wire_body(request))
    assert SURFACE.decode(body, headers(request)) == request


@settings(max_examples=60)
@given(request=requests())
def test_the_generated_requests_are_those_of_the_sdk(request: ChatRequest) -> None:
    """The strategy is no invention of ours: the SDK's own parameter types admit what it draws."""
    body = wire_body(request)
    body = {name: value for name, value in body.items() if name in MessageCreateParams.__args__[0].__annotations__}  # type: ignore[attr-defined]
    judge(PARAMS, body)


@settings(max_examples=60)
@given(request=requests())
def test_a_count_reads_what_the_message_would(request: ChatRequest) -> None:
    body = wire_body(request)
    counted = {name: value for name, value in body.items() if name in CountBody.__annotations__}
    result = count_request(msgspec.json.encode(counted), headers(request))
    assert result.messages == request.messages
    assert (result.tools, result.thinking, result.tool_choice) == (request.tools, request.thinking, request.tool_choice)
    judge(COUNT_PARAMS, {name: value for name, value in counted.items() if name != "mcp_servers"})


@settings(max_examples=100)
@given(
    request=requests(),
    at=st.integers(0, 10**4),
    junk=st.sampled_from([None, 1, -1, 0.5, "", "x", [], {}, [[]], {"type": "x"}, True]),
    name=st.sampled_from(["x", "type", "text", "content"]),
)
def test_a_damaged_request_is_decoded_or_refused_but_never_fails(
    request: ChatRequest, at: int, junk: Any, name: str
) -> None:
    body = msgspec.json.decode(msgspec.json.encode(wire_body(request)))
    places = list(_places(body))
    parent, key = places[at % len(places)]
    if isinstance(parent, dict) and at % 3 == 0:
        parent[name] = junk
    else:
        parent[key] = junk
    with contextlib.suppress(RequestInvalidError):
        SURFACE.decode(msgspec.json.encode(body), headers(request))


@settings(max_examples=30)
@given(request=requests(), cut=st.integers(0, 10**5))
def test_a_body_that_is_cut_anywhere_is_refused(request: ChatRequest, cut: int) -> None:
    body = msgspec.json.encode(wire_body(request))
    with pytest.raises(GatewayError) as refusal:
        SURFACE.decode(body[: cut % len(body)])
    assert refusal.value.code == "invalid_request"


def test_every_parameter_of_the_sdk_is_served_or_refused_with_a_reason() -> None:
    known = set(MessageCreateParams.__args__[0].__annotations__)  # type: ignore[attr-defined]
    for name in sorted(known - set(MessagesBody.__annotations__)):
        body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}], name: "x"}
        with pytest.raises(GatewayError, match="is not served: ") as refusal:
            SURFACE.decode(msgspec.json.encode(body))
        assert (refusal.value.code, refusal.value.param) == ("unsupported_parameter", name)


def test_the_judge_is_strict() -> None:
    with pytest.raises(ValidationError):
        judge(PARAMS, {"model": "m", "max_tokens": 1, "messages": [{"role": "tool", "content": "x"}]})


def test_roles_alternate_no_more_than_the_client_said() -> None:
    messages = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {"type": "tool_result", "tool_use_id": "b"},
                {"type": "text", "text": "go on"},
            ],
        },
        {"role": "assistant", "content": "The"},
    ]
    result = SURFACE.decode(msgspec.json.encode({"model": "m", "max_tokens": 9, "messages": messages}))
    assert [(message.role, message.tool_call_id) for message in result.messages] == [
        ("assistant", None),
        ("tool", "a"),
        ("tool", "b"),
        ("user", None),
        ("assistant", None),
    ]
    assert isinstance(result.messages[0], Message)


def _places(value: Any) -> Any:
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, item in items:
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)
