"""Requests for OpenAI-compatible servers say what the client said, and nothing that it did not."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import (
    AudioBlock,
    DocumentBlock,
    ImageBlock,
    Message,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCallBlock,
)
from kaigate.chat.request import ChatRequest, HostedTool, ResponseFormat, Sampling, Thinking, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.openai_encode import encode_request
from kaigate.providers.provider_row import ProviderRow
from kaigate.providers.registry import ROWS

USER = Message("user", (TextBlock("Hi"),))
GENERIC = ROWS["openai_compatible"]
OPENAI = ROWS["openai"]


def sent(
    request: ChatRequest, row: ProviderRow = GENERIC, *, ceiling: int | None = None, drop: bool = False
) -> tuple[dict[str, Any], tuple[str, ...]]:
    body, dropped = encode_request(request, row, model="up", max_output_tokens=ceiling, drop_params=drop)
    return msgspec.json.decode(body), dropped


def test_the_least_request_has_no_further_parameter() -> None:
    assert sent(ChatRequest("asked", (USER,))) == (
        {"model": "up", "messages": [{"role": "user", "content": "Hi"}]},
        (),
    )


def test_usage_is_always_asked_for_in_a_stream() -> None:
    body, _ = sent(ChatRequest("m", (USER,), stream=True))
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    body, _ = sent(ChatRequest("m", (USER,), stream=True), ROWS["mistral"])
    assert "stream_options" not in body


@pytest.mark.parametrize(
    ("row", "field"),
    [("openai", "max_completion_tokens"), ("azure", "max_completion_tokens"), ("llamacpp", "max_tokens")],
)
def test_the_output_ceiling_has_the_row_s_name(row: str, field: str) -> None:
    body, _ = sent(ChatRequest("m", (USER,), max_output_tokens=999), ROWS[row], ceiling=5)
    assert body[field] == 5
    assert {"max_tokens", "max_completion_tokens"} & body.keys() == {field}


def test_everything_a_request_can_say() -> None:
    request = ChatRequest(
        "m",
        (USER,),
        sampling=Sampling(
            temperature=0.0, seed=7, stop=("a",), logit_bias={"5": -1}, logprobs=True, top_logprobs=0, n=2
        ),
        tools=(Tool("f", "d", {"type": "object"}, strict=True), Tool("g")),
        tool_choice=ToolChoice("named", "f"),
        parallel_tool_calls=False,
        response_format=ResponseFormat("json_schema", "x", {"type": "object"}, True, "d"),
        reasoning_effort="low",
        user="u",
        extra={"verbosity": "low"},
    )
    body, dropped = sent(request, OPENAI)
    del body["messages"]
    assert body == {
        "model": "up",
        "temperature": 0.0,
        "seed": 7,
        "stop": ["a"],
        "logit_bias": {"5": -1},
        "logprobs": True,
        "top_logprobs": 0,
        "n": 2,
        "tools": [
            {
                "type": "function",
                "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
            },
            {"type": "function", "function": {"name": "g"}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "description": "d", "schema": {"type": "object"}, "strict": True},
        },
        "reasoning_effort": "low",
        "user": "u",
        "verbosity": "low",
    }
    assert dropped == ()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (Message("system", (TextBlock("s"),)), {"role": "system", "content": "s"}),
        (Message("user", (TextBlock("u"),), "ann"), {"role": "user", "content": "u", "name": "ann"}),
        (
            Message("user", (TextBlock("a"), ImageBlock(url="https://x/y", detail="low"))),
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "image_url", "image_url": {"url": "https://x/y", "detail": "low"}},
                ],
            },
        ),
        (
            Message("user", (ImageBlock(data="AAAA", media_type="image/png"), AudioBlock("AAAA", "wav"))),
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                ],
            },
        ),
        (
            Message("user", (DocumentBlock(data="AAAA", media_type="application/pdf", name="a.pdf"),)),
            {
                "role": "user",
                "content": [
                    {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}}
                ],
            },
        ),
        (
            Message("assistant", (ReasoningBlock("r"), TextBlock("a"), ToolCallBlock("c", "f", "{}"))),
            {
                "role": "assistant",
                "content": "a",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
        ),
        (
            Message("assistant", (TextBlock("a"), TextBlock("b"), RefusalBlock("no"))),
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                "refusal": "no",
            },
        ),
        (
            Message("assistant", (ToolCallBlock("c", "f", "{}"),), "bot"),
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                "name": "bot",
            },
        ),
        (
            Message("tool", (TextBlock("t"),), tool_call_id="c"),
            {"role": "tool", "content": "t", "tool_call_id": "c"},
        ),
    ],
)
def test_each_message(message: Message, expected: dict[str, Any]) -> None:
    assert sent(ChatRequest("m", (message,)))[0]["messages"] == [expected]


def test_developer_turns_and_reasoning_go_where_the_row_takes_them() -> None:
    developer = Message("system", (TextBlock("d"),), developer=True)
    thought = Message("assistant", (ReasoningBlock("r"), TextBlock("a")))
    request = ChatRequest("m", (developer, thought))
    roles = {name: sent(request, ROWS[name])[0]["messages"] for name in ("openai", "llamacpp", "vllm")}
    assert [messages[0]["role"] for messages in roles.values()] == ["developer", "system", "system"]
    assert "reasoning_content" not in roles["openai"][1]
    assert roles["llamacpp"][1]["reasoning_content"] == "r"
    assert roles["vllm"][1]["reasoning"] == "r"


def test_an_unknown_part_of_a_role_is_refused() -> None:
    with pytest.raises(RequestInvalidError):
        sent(ChatRequest("m", (Message("user", (ToolCallBlock("c", "f", "{}"),)),)))


@pytest.mark.parametrize(
    ("row", "fields", "param"),
    [
        ("openai", {"sampling": Sampling(top_k=5)}, "top_k"),
        ("openai", {"sampling": Sampling(min_p=0.1)}, "min_p"),
        ("openai", {"extra": {"repetition_penalty": 1.1}}, "repetition_penalty"),
        ("mistral", {"sampling": Sampling(seed=1)}, "seed"),
        ("mistral", {"reasoning_effort": "low"}, "reasoning_effort"),
        ("openai_compatible", {"extra": {"min_tokens": 1}}, "min_tokens"),
    ],
)
def test_what_an_upstream_can_not_honour_is_refused_or_dropped_by_name(
    row: str, fields: dict[str, Any], param: str
) -> None:
    request = ChatRequest("m", (USER,), **fields)
    with pytest.raises(RequestInvalidError) as caught:
        sent(request, ROWS[row])
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", param)
    body, dropped = sent(request, ROWS[row], drop=True)
    assert dropped == (param,)
    assert param not in body


def test_hints_that_an_upstream_does_not_know_are_dropped_and_named() -> None:
    hints = {"metadata": {"a": "b"}, "service_tier": "flex", "safety_identifier": "s", "prompt_cache_key": "k"}
    request = ChatRequest("m", (USER,), user="u", extra=hints)
    assert sent(request, ROWS["mistral"])[1] == ("user", *hints)
    body, dropped = sent(request, OPENAI)
    assert dropped == ("metadata",)
    assert body["safety_identifier"] == "s"


def test_all_sampling_may_be_dropped() -> None:
    body, dropped = sent(ChatRequest("m", (USER,), sampling=Sampling(top_k=5, min_p=0.1)), OPENAI, drop=True)
    assert body.keys() == {"model", "messages"}
    assert dropped == ("top_k", "min_p")


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("tools", [(), (Tool("f"),)])
def test_a_tool_of_another_provider_is_refused_and_never_dropped(tools: tuple[Tool, ...], drop: bool) -> None:
    hosted = HostedTool("web_search", "anthropic_messages", {"type": "web_search_20250305", "name": "web_search"})
    with pytest.raises(RequestInvalidError) as caught:
        sent(ChatRequest("m", (USER,), tools=tools, hosted_tools=(hosted,)), OPENAI, drop=drop)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "tools")
    assert "web_search" in str(caught.value)


def test_hints_of_another_format_and_cache_marks_leave_no_trace() -> None:
    marked = Message("user", (TextBlock("Hi", cache="1h"), TextBlock("ho", cache="5m")), cache="5m")
    request = ChatRequest(
        "m",
        (Message("system", (TextBlock("s", cache="5m"),)), marked),
        tools=(Tool("f", cache="5m"),),
        hints={"anthropic-version": "2023-06-01", "anthropic-beta": "x"},
    )
    assert sent(request, OPENAI) == (
        {
            "model": "up",
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "ho"}]},
            ],
            "tools": [{"type": "function", "function": {"name": "f"}}],
        },
        (),
    )


def test_thinking_is_asked_for() -> None:
    request = ChatRequest("m", (USER,), thinking=Thinking("enabled", 20_000))
    assert sent(request, OPENAI)[0]["reasoning_effort"] == "high"


def test_every_part_of_a_request_is_known_here() -> None:
    """A new field of the canonical request has to be sent, refused or named: think of it here, then add it."""
    assert set(ChatRequest.__struct_fields__) == {
        "model", "messages", "stream", "include_usage", "max_output_tokens", "sampling", "tools", "tool_choice",
        "parallel_tool_calls", "response_format", "reasoning_effort", "user", "legacy_functions", "extra", "thinking",
        "hosted_tools", "hints",
    }  # fmt: skip
    assert set(Message.__struct_fields__) == {
        "role", "blocks", "name", "tool_call_id", "developer", "is_error", "cache",
    }  # fmt: skip
