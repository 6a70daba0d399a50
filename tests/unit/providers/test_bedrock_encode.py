"""Whole bodies of requests."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import Message, TextBlock, ToolCallBlock
from kaigate.chat.request import ChatRequest, ResponseFormat, Sampling, Thinking, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.bedrock_encode import encode_request

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-micro-v1:0"
USER = Message("user", (TextBlock("x"),))
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
JSON = ResponseFormat("json_schema", "a", SCHEMA)


def encoded(model: str = SONNET, *, drop: bool = False, **fields: Any) -> tuple[Any, tuple[str, ...]]:
    request = ChatRequest("m", fields.pop("messages", (USER,)), **fields)
    body, dropped = encode_request(request, model=model, max_output_tokens=None, drop_params=drop)
    return msgspec.json.decode(body), dropped


def refused(model: str = SONNET, **fields: Any) -> str | None:
    with pytest.raises(RequestInvalidError) as caught:
        encoded(model, **fields)
    return caught.value.param


def test_a_plain_request_has_nothing_that_was_not_asked_for() -> None:
    assert encoded() == ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, ())


def test_everything_together() -> None:
    body, dropped = encoded(
        messages=(Message("system", (TextBlock("s"),)), USER),
        sampling=Sampling(temperature=0.0, top_k=3, stop=("z",)),
        tools=(Tool("t"),),
        tool_choice=ToolChoice("auto"),
        extra={"service_tier": "flex", "metadata": {"a": "b"}},
        user="u",
    )
    assert set(body) == {
        "messages",
        "system",
        "inferenceConfig",
        "toolConfig",
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "serviceTier",
    }
    assert body["inferenceConfig"] == {"temperature": 0.0, "stopSequences": ["z"]}
    assert body["additionalModelResponseFieldPaths"] == ["/stop_sequence"]
    assert dropped == ("metadata", "user")


def test_parameters_of_other_vendors_are_refused_or_dropped() -> None:
    assert refused(extra={"mirostat": 1}) == "mirostat"
    assert encoded(extra={"mirostat": 1}, drop=True)[1] == ("mirostat",)


def test_json_is_a_forced_call_on_claude() -> None:
    body, _ = encoded(response_format=JSON)
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": "structured_answer"}}


@pytest.mark.parametrize("fields", [{}, {"tools": (Tool("t"),), "tool_choice": ToolChoice("required")}])
def test_json_is_refused_elsewhere(fields: dict[str, Any]) -> None:
    assert refused(NOVA, response_format=JSON, **fields) == "response_format"
    body, dropped = encoded(NOVA, response_format=JSON, drop=True, **fields)
    assert dropped == ("response_format",)
    assert "structured_answer" not in str(body)


def test_json_and_thinking_exclude_each_other() -> None:
    assert refused(response_format=JSON, thinking=Thinking("adaptive")) == "response_format"
    body, dropped = encoded(response_format=JSON, thinking=Thinking("adaptive"), drop=True)
    assert (dropped, "toolConfig" in body) == (("response_format",), False)


def test_text_needs_nothing() -> None:
    assert encoded(NOVA, response_format=ResponseFormat("text")) == encoded(NOVA)


@pytest.mark.parametrize("choice", [ToolChoice("required"), ToolChoice("named", "t")])
def test_a_forced_call_and_thinking_exclude_each_other(choice: ToolChoice) -> None:
    assert refused(tools=(Tool("t"),), tool_choice=choice, thinking=Thinking("adaptive")) == "tool_choice"
    assert refused(tools=(Tool("t"),), tool_choice=choice, reasoning_effort="high") == "tool_choice"


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (None, {"type": "auto"}),
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("named", "t t"), {"type": "tool", "name": "t_t"}),
    ],
)
def test_one_call_at_a_time_has_its_type(choice: ToolChoice | None, wire: dict[str, str]) -> None:
    body, _ = encoded(tools=(Tool("t t"),), tool_choice=choice, parallel_tool_calls=False)
    assert body["additionalModelRequestFields"]["tool_choice"] == {"disable_parallel_tool_use": True, **wire}
    assert "toolChoice" not in body["toolConfig"]


def test_flags_of_tools_without_tools_are_left_out() -> None:
    assert encoded(parallel_tool_calls=False, tool_choice=ToolChoice("auto"))[0].keys() == {"messages"}


def test_a_history_with_calls_declares_a_tool() -> None:
    messages = (
        USER,
        Message("assistant", (ToolCallBlock("c", "t", "{}"),)),
        Message("tool", (TextBlock("r"),), tool_call_id="c"),
    )
    body, _ = encoded(messages=messages)
    assert body["toolConfig"]["tools"][0]["toolSpec"]["name"] == "no_tool"


def test_tools_are_cached_on_claude_alone() -> None:
    tools = (Tool("t", cache="5m"),)
    assert len(encoded(tools=tools)[0]["toolConfig"]["tools"]) == 2
    body, dropped = encoded(NOVA, tools=tools)
    assert (len(body["toolConfig"]["tools"]), dropped) == (1, ("cache_control",))
