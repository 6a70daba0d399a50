"""Bodies of responses: every parameter reaches the canonical request, everything else is refused by name."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, HostedTool, ResponseFormat, Sampling, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_responses_echo import Echo, echo_of
from kaigate.surfaces.openai_responses_request import decode

LOOK = {"type": "function", "name": "look", "description": "d", "parameters": {"type": "object"}, "strict": True}
SEND = {"type": "function", "name": "send"}
SCHEMA = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True, "description": "d"}
HI = (Message("user", (TextBlock("Hi"),)),)


def read(**fields: Any) -> ChatRequest:
    return decode(msgspec.json.encode({"model": "m", "input": "Hi", **fields}), max_depth=64)


def refused(body: bytes) -> RequestInvalidError:
    with pytest.raises(RequestInvalidError) as caught:
        decode(body, max_depth=64)
    return caught.value


def refused_fields(**fields: Any) -> RequestInvalidError:
    return refused(msgspec.json.encode({"model": "m", "input": "Hi", **fields}))


def test_the_least_request() -> None:
    assert read() == ChatRequest("m", HI)
    assert read(input=[{"role": "user", "content": "Hi"}]) == ChatRequest("m", HI)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"max_output_tokens": 9}, {"max_output_tokens": 9}),
        ({"temperature": 0.5, "top_p": 0.25}, {"sampling": Sampling(temperature=0.5, top_p=0.25)}),
        ({"top_logprobs": 2}, {"sampling": Sampling(logprobs=True, top_logprobs=2)}),
        ({"top_logprobs": 0}, {}),
        ({"include": ["message.output_text.logprobs"]}, {"sampling": Sampling(logprobs=True)}),
        ({"user": "u"}, {"user": "u"}),
        ({"reasoning": {"effort": "low"}}, {"reasoning_effort": "low"}),
        ({"text": {"format": {"type": "text"}}}, {"response_format": ResponseFormat("text")}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": ResponseFormat("json_object")}),
        (
            {"text": {"format": SCHEMA, "verbosity": "low"}},
            {
                "response_format": ResponseFormat("json_schema", "n", {"type": "object"}, True, "d"),
                "extra": {"verbosity": "low"},
            },
        ),
        (
            {"safety_identifier": "s", "prompt_cache_key": "k", "prompt_cache_retention": "24h"},
            {"extra": {"safety_identifier": "s", "prompt_cache_key": "k", "prompt_cache_retention": "24h"}},
        ),
        ({"service_tier": "flex"}, {"extra": {"service_tier": "flex"}}),
        ({"parallel_tool_calls": False}, {}),
        ({"tool_choice": "auto"}, {}),
        ({"stream": True}, {"stream": True, "include_usage": True}),
        (
            {"stream": True, "stream_options": {"include_obfuscation": False}},
            {"stream": True, "include_usage": True},
        ),
        ({"previous_response_id": None, "store": False, "background": None, "truncation": "disabled"}, {}),
    ],
)
def test_parameters(sent: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read(**sent) == ChatRequest("m", HI, **expected)


def test_tools() -> None:
    request = read(tools=[LOOK, {"type": "web_search_preview"}, SEND], parallel_tool_calls=False, tool_choice="auto")
    assert request.tools == (Tool("look", "d", {"type": "object"}, True), Tool("send"))
    assert request.hosted_tools == (HostedTool("web_search", "openai_responses", {"type": "web_search_preview"}),)
    assert (request.tool_choice, request.parallel_tool_calls) == (ToolChoice("auto"), False)


@pytest.mark.parametrize(
    ("choice", "expected", "left"),
    [
        ("required", ToolChoice("required"), ["look", "send"]),
        ({"type": "function", "name": "send"}, ToolChoice("named", "send"), ["look", "send"]),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "send"}]},
            ToolChoice("required"),
            ["send"],
        ),
    ],
)
def test_the_choice_of_a_tool(choice: Any, expected: ToolChoice, left: list[str]) -> None:
    request = read(tools=[LOOK, SEND], tool_choice=choice)
    assert request.tool_choice == expected
    assert [tool.name for tool in request.tools] == left


def test_instructions_come_first_and_what_is_only_repeated_is_kept_from_providers() -> None:
    request = read(
        instructions="Be brief.",
        metadata={"k": "v"},
        include=["reasoning.encrypted_content"],
        reasoning={"generate_summary": "concise"},
        max_tool_calls=2,
    )
    assert request.messages == (Message("system", (TextBlock("Be brief."),)), *HI)
    assert request.extra == {}
    assert echo_of(request) == Echo({"k": "v"}, True, True, "concise", 2)
    assert read(tools=[{"type": "web_search"}], max_tool_calls=2).extra == {"max_tool_calls": 2}
    alone = decode(b'{"model":"m","instructions":"x","input":[]}', max_depth=64)
    assert [message.role for message in alone.messages] == ["system"]


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"input": None}, "invalid_request", "input"),
        ({"input": []}, "invalid_request", "input"),
        ({"input": 3}, "invalid_request", "input"),
        ({"input": [3]}, "invalid_request", "input[0]"),
        ({"input": [{"role": "user"}]}, "invalid_request", "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "x"}]}]}, "invalid_request", "input[0].content[0].type"),
        ({"input": [{"role": "user", "content": "x", "extra": 1}]}, "unsupported_parameter", "input[0].extra"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "unsupported_parameter", "input[0]"),
        ({"input": [{"type": "computer_call"}]}, "unsupported_parameter", "input[0]"),
        ({"store": True}, "unsupported_parameter", "store"),
        ({"background": True}, "unsupported_parameter", "background"),
        ({"previous_response_id": "resp_1"}, "unsupported_parameter", "previous_response_id"),
        ({"conversation": "conv_1"}, "unsupported_parameter", "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "unsupported_parameter", "prompt"),
        ({"truncation": "auto"}, "unsupported_parameter", "truncation"),
        ({"include": ["file_search_call.results"]}, "unsupported_parameter", "include"),
        ({"stream_options": {}}, "invalid_request", "stream_options"),
        ({"tools": [{"type": "custom", "name": "x"}]}, "unsupported_parameter", "tools[0]"),
        ({"tools": [SEND, {"type": "local_shell"}]}, "unsupported_parameter", "tools[1]"),
        ({"tools": [{"type": "nonsense"}]}, "unsupported_parameter", "tools[0]"),
        ({"tools": [{"name": "x"}]}, "unsupported_parameter", "tools[0]"),
        ({"tools": [SEND, {"type": "function", "name": "a b"}]}, "invalid_request", "tools[1].name"),
        ({"tools": [{**SEND, "extra": 1}]}, "unsupported_parameter", "tools[0].extra"),
        ({"tools": [SEND, SEND]}, "invalid_request", "tools"),
        ({"tool_choice": "required"}, "invalid_request", "tool_choice"),
        ({"tool_choice": {"type": "web_search"}}, "unsupported_parameter", "tool_choice"),
        ({"tools": [SEND], "tool_choice": {"type": "function", "name": "x"}}, "invalid_request", "tool_choice"),
        (
            {"tools": [SEND], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]}},
            "unsupported_parameter",
            "tool_choice.tools[0]",
        ),
        (
            {
                "tools": [SEND, {"type": "web_search"}],
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "function", "name": "send"}],
                },
            },
            "unsupported_parameter",
            "tool_choice",
        ),
        ({"reasoning": {"effort": "huge"}}, "invalid_request", "reasoning.effort"),
        ({"reasoning": {"mode": "pro"}}, "unsupported_parameter", "reasoning.mode"),
        ({"temperature": -1}, "invalid_request", "temperature"),
        ({"messages": []}, "unsupported_parameter", "messages"),
        ({"tool_choise": "auto"}, "unsupported_parameter", "tool_choise"),
    ],
)
def test_refusals_name_the_field(fields: dict[str, Any], code: str, param: str) -> None:
    error = refused_fields(**fields)
    assert (error.code, error.param) == (code, param)


def test_a_value_of_the_client_is_never_repeated() -> None:
    assert "tr1cky" not in refused_fields(input=[{"role": "tr1cky`$.x", "content": "x"}]).message
    assert "tr1cky" not in refused_fields(tools=[{"type": "tr1cky"}]).message
    assert refused_fields(input=[{"role": "tr1cky`$.x", "content": "x"}]).param == "input[0].role"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "is empty"),
        (b"[]", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
        (b'{"model":"m","input":"x","model":"n"}', "key 'model' twice"),
        (b'{"model":"m","input":[{"role":"user","content":"x","role":"system"}]}', "key 'role' twice"),
        (b'{"model":"m","input":"x","metadata":' + b'{"a":' * 80 + b"1" + b"}" * 80 + b"}", "nested deeper"),
        (b'{"input":"x"}', "model is required"),
    ],
)
def test_bodies_with_more_than_one_reading(body: bytes, what: str) -> None:
    assert what in refused(body).message


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), st.lists))
def test_whatever_comes_is_read_or_refused(value: Any) -> None:
    for name in ("input", "tools", "tool_choice", "text", "include", "reasoning", "metadata"):
        with suppress(RequestInvalidError):
            read(**{name: value})
        with suppress(RequestInvalidError):
            read(**{name: [{"type": value, "role": value, "content": value, "tools": value}]})
        with suppress(RequestInvalidError):
            read(**{name: {"type": value, "format": value, "tools": value}})
