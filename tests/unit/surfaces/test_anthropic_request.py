"""Requests of Anthropic's Messages API. `tests/contract` proves that every expressible one survives the wire."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import Message, TextBlock, ToolCallBlock
from kaigate.chat.request import ChatRequest, ResponseFormat, Sampling, Thinking
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.anthropic_request import decode, decode_count

HELLO: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


def request(headers: dict[bytes, bytes] | None = None, **fields: Any) -> ChatRequest:
    return decode(msgspec.json.encode({**HELLO, **fields}), headers or {}, max_depth=64)


def refusal(**fields: Any) -> RequestInvalidError:
    with pytest.raises(RequestInvalidError) as refused:
        request(**fields)
    return refused.value


def test_a_plain_request() -> None:
    assert request(
        system="Be brief.", stream=True, temperature=0.5, top_p=1, top_k=3, stop_sequences=["A", "B"]
    ) == ChatRequest(
        "m",
        (Message("system", (TextBlock("Be brief."),)), Message("user", (TextBlock("hi"),))),
        stream=True,
        max_output_tokens=9,
        sampling=Sampling(0.5, 1.0, 3, stop=("A", "B")),
    )


def test_null_is_the_same_as_absent() -> None:
    names = ("system", "stream", "temperature", "tools", "tool_choice", "thinking", "output_config", "metadata")
    assert request(**dict.fromkeys(names)) == request()


def test_what_only_some_requests_have() -> None:
    schema = {"type": "object"}
    result = request(
        thinking={"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
        output_config={"effort": "xhigh", "format": {"type": "json_schema", "schema": schema}},
        metadata={"user_id": "u"},
        service_tier="standard_only",
    )
    assert result.thinking == Thinking("enabled", 2048, "omitted")
    assert result.reasoning_effort == "xhigh"
    assert result.response_format == ResponseFormat("json_schema", "output", schema, strict=True)
    assert (result.user, result.extra) == ("u", {"service_tier": "default"})
    assert request(thinking={"type": "adaptive"}).thinking == Thinking("adaptive")
    assert request(thinking={"type": "disabled"}).thinking == Thinking("disabled")
    assert request(service_tier="auto").extra == {"service_tier": "auto"}


def test_the_older_name_of_a_format_is_known_but_not_beside_the_newer() -> None:
    shape = {"type": "json_schema", "schema": {}}
    assert request(output_format=shape) == request(output_config={"format": shape})
    assert refusal(output_format=shape, output_config={"format": shape}).param == "output_format"


def test_headers_become_hints_whatever_the_body_has() -> None:
    headers = {b"anthropic-version": b"2023-06-01"}
    assert request(headers).hints == request(headers, service_tier="auto").hints == {"anthropic-version": "2023-06-01"}


@pytest.mark.parametrize(
    ("last", "index"),
    [
        ([{"role": "user", "content": "x"}], 0),
        ([{"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}]}], 0),
        ([{"role": "assistant", "content": [{"type": "text", "text": ""}]}], 0),
        ([{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}], 1),
    ],
)
def test_a_cache_mark_of_the_whole_request_is_one_of_its_last_cacheable_block(
    last: list[dict[str, Any]], index: int
) -> None:
    messages = [{"role": "user", "content": "first"}, *last]
    plain = request(messages=messages).messages
    marked = request(messages=messages, cache_control={"type": "ephemeral", "ttl": "1h"}).messages
    changed = [at for at in range(len(plain)) if plain[at] != marked[at]]
    thinking_or_empty = index == 0 and last[0]["role"] == "assistant"
    assert changed == [0 if thinking_or_empty else 1 + index]
    assert [getattr(block, "cache", None) for block in marked[changed[0]].blocks] == ["1h"]


def test_a_cache_mark_of_the_whole_request_may_fall_on_a_tool_result() -> None:
    part = {"type": "tool_result", "tool_use_id": "a", "content": "x"}
    messages = [{"role": "user", "content": [part]}]
    assert request(messages=messages, cache_control={"type": "ephemeral"}).messages[0].cache == "5m"


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"max_tokens": None}, "max_tokens", "invalid_request"),
        ({"max_tokens": 0}, "max_tokens", "invalid_request"),
        ({"messages": []}, "messages", "invalid_request"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role", "invalid_request"),
        ({"temperature": 1.5}, "temperature", "invalid_request"),
        ({"top_k": -1}, "top_k", "invalid_request"),
        ({"stop_sequences": [""]}, "stop_sequences[0]", "invalid_request"),
        ({"thinking": {"type": "between_tools"}}, "thinking.type", "invalid_request"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "thinking.budget_tokens", "invalid_request"),
        ({"output_config": {"task_budget": 1}}, "output_config.task_budget", "unsupported_parameter"),
        ({"stop": "x"}, "stop", "unsupported_parameter"),
        ({"context_management": {}}, "context_management", "unsupported_parameter"),
        ({"system": [{"type": "image"}]}, "system[0].type", "invalid_request"),
        ({"messages": [{"role": "user", "content": "x", "name": "n"}]}, "messages[0].name", "unsupported_parameter"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], param: str, code: str) -> None:
    error = refusal(**fields)
    assert (error.code, error.param) == (code, param)


def test_a_mistyped_parameter_gets_the_nearest_one() -> None:
    assert "did you mean 'max_tokens'?" in refusal(max_token=1).message


def test_a_known_block_that_is_not_served_says_what_to_do() -> None:
    part = {"type": "search_result", "source": "s", "title": "t", "content": []}
    error = refusal(messages=[{"role": "user", "content": [part]}])
    assert (error.code, error.param) == ("unsupported_parameter", "messages[0].content[0].type")
    assert "send what it says" in error.message


def test_no_value_of_the_client_is_repeated() -> None:
    error = refusal(messages=[{"role": "user", "content": [{"type": "hunter2"}]}])
    assert "hunter2" not in error.message
    assert "use text, image, document" in error.message


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","max_tokens":9,"max_tokens":8,"messages":[{"role":"user","content":"hi"}]}',
        b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi","content":"ho"}]}',
        (
            b'{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":['
            b'{"type":"tool_use","id":"a","name":"f","input":{"a":1,"a":2}}]}]}'
        ),
    ],
)
def test_a_key_that_comes_twice_is_refused(body: bytes) -> None:
    with pytest.raises(RequestInvalidError, match="twice in one object"):
        decode(body, {}, max_depth=64)


def test_nesting_is_bounded_in_arguments_too() -> None:
    deep: Any = {}
    for _ in range(70):
        deep = {"a": deep}
    part = {"type": "tool_use", "id": "a", "name": "f", "input": deep}
    assert "nested deeper" in refusal(messages=[{"role": "assistant", "content": [part]}]).message


def test_arguments_stay_as_they_were_written() -> None:
    body = (
        b'{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":'
        b'[{"type":"tool_use","id":"a","name":"f","input":{ "x": 1.0, "y": 12345678901234567890123 }}]}]}'
    )
    (message,) = decode(body, {}, max_depth=64).messages
    assert message.blocks == (ToolCallBlock("a", "f", '{ "x": 1.0, "y": 12345678901234567890123 }'),)


def test_a_count_takes_what_the_model_reads_and_nothing_else() -> None:
    body = {"model": "m", "messages": HELLO["messages"], "system": "s", "cache_control": {"type": "ephemeral"}}
    result = decode_count(msgspec.json.encode(body), {}, max_depth=64)
    assert [message.role for message in result.messages] == ["system", "user"]
    assert result.max_output_tokens is None
    with pytest.raises(RequestInvalidError, match="max_tokens"):
        decode_count(msgspec.json.encode(HELLO), {}, max_depth=64)


def test_servers_and_containers_are_tools_that_the_vendor_runs() -> None:
    server = {"type": "url", "url": "https://e.org", "name": "s"}
    hosted = request(mcp_servers=[server], container="c").hosted_tools
    assert [(tool.kind, tool.wire) for tool in hosted] == [
        ("mcp", {"mcp_servers": [server]}),
        ("code_interpreter", {"container": "c"}),
    ]
