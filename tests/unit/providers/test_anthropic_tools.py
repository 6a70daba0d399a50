"""Tools, the choice among them, and those of the provider."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import Message, TextBlock, ToolCallBlock
from kaigate.chat.request import ChatRequest, HostedTool, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.anthropic_models import Abilities
from kaigate.providers.anthropic_output import JSON_TOOL
from kaigate.providers.anthropic_tools import FORMAT, add_tools

ABLE = Abilities("adaptive", schema=True)
HI = Message("user", (TextBlock("Hi"),))
HISTORY = (HI, Message("assistant", (ToolCallBlock("t", "old", "{}"),)), Message("tool", (), tool_call_id="t"))
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
F = Tool("f", "Does f.", SCHEMA)
WIRE_F = {"name": "f", "description": "Does f.", "input_schema": SCHEMA}
ANSWER = {"name": JSON_TOOL, "input_schema": {"type": "object"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}


def tools(
    *offered: Tool, messages: Any = (HI,), answer: dict[str, Any] | None = None, able: Abilities = ABLE, **fields: Any
) -> dict[str, Any]:
    body: dict[str, Any] = {}
    dropped: list[str] = []
    add_tools(body, ChatRequest("m", messages, tools=offered, **fields), able, answer, dropped)
    if dropped:
        body["dropped"] = dropped
    return body


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (F, WIRE_F),
        (Tool("f"), {"name": "f", "input_schema": {"type": "object", "properties": {}}}),
        (Tool("f", ""), {"name": "f", "input_schema": {"type": "object", "properties": {}}}),
        (
            Tool("f", parameters={"properties": {"a": {}}}),
            {"name": "f", "input_schema": {"type": "object", "properties": {"a": {}}}},
        ),
        (
            Tool("f", parameters=SCHEMA, cache="1h"),
            {"name": "f", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        ),
        (Tool("f", parameters=SCHEMA, strict=False), {"name": "f", "input_schema": SCHEMA}),
    ],
)
def test_a_tool(tool: Tool, expected: dict[str, Any]) -> None:
    assert tools(tool) == {"tools": [expected]}


def test_a_strict_tool_is_strict_where_the_model_can_be_else_that_is_named() -> None:
    exact = {**SCHEMA, "additionalProperties": False}
    assert tools(Tool("f", parameters=exact, strict=True))["tools"][0]["strict"] is True
    loose = Tool("f", parameters=SCHEMA, strict=True)
    assert tools(loose, loose) == {"tools": [{"name": "f", "input_schema": SCHEMA}] * 2, "dropped": ["strict"]}
    old = Abilities("budget", schema=False)
    assert tools(Tool("f", parameters=exact, strict=True), able=old)["dropped"] == ["strict"]


@pytest.mark.parametrize("name", ["", "a b", "ü", "x" * 129, "a.b"])
def test_a_name_that_the_api_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        tools(F, Tool(name))
    assert caught.value.param == "tools[1]"


def test_parameters_that_are_no_object_are_refused() -> None:
    with pytest.raises(RequestInvalidError, match="schema of an object"):
        tools(Tool("f", parameters={"type": "array"}))


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), None, {"type": "auto"}),
        (ToolChoice("auto"), True, {"type": "auto"}),
        (ToolChoice("required"), None, {"type": "any"}),
        (ToolChoice("required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("named", "f"), None, {"type": "tool", "name": "f"}),
        (ToolChoice("named", "f"), False, {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
    ],
)
def test_choices(choice: ToolChoice | None, parallel: bool | None, expected: dict[str, Any] | None) -> None:
    body = tools(F, tool_choice=choice, parallel_tool_calls=parallel)
    assert body == {"tools": [WIRE_F]} | ({} if expected is None else {"tool_choice": expected})


@pytest.mark.parametrize("choice", [None, ToolChoice("auto"), ToolChoice("none")])
def test_no_choice_without_tools(choice: ToolChoice | None) -> None:
    assert tools(tool_choice=choice, parallel_tool_calls=False) == {}


def test_the_choice_none_withholds_the_tools_unless_the_conversation_has_calls() -> None:
    none = ToolChoice("none")
    assert tools(F, tool_choice=none, hosted_tools=(HostedTool("web_search", FORMAT, SEARCH),)) == {}
    assert tools(F, tool_choice=none, messages=HISTORY) == {"tools": [WIRE_F], "tool_choice": {"type": "none"}}


def test_calls_of_tools_that_are_no_longer_offered_get_a_declaration() -> None:
    expected = {"tools": [{"name": "old", "input_schema": {"type": "object"}}], "tool_choice": {"type": "none"}}
    assert tools(messages=HISTORY) == expected
    assert tools(messages=HISTORY, tool_choice=ToolChoice("none"), parallel_tool_calls=False) == expected
    assert tools(F, messages=HISTORY) == {"tools": [WIRE_F]}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"tools": [ANSWER], "tool_choice": {"type": "tool", "name": JSON_TOOL}}),
        ({"offered": (F,)}, {"tools": [WIRE_F, ANSWER], "tool_choice": {"type": "any"}}),
        (
            {"offered": (F,), "tool_choice": ToolChoice("none")},
            {"tools": [ANSWER], "tool_choice": {"type": "tool", "name": JSON_TOOL}},
        ),
        (
            {"messages": HISTORY},
            {
                "tools": [{"name": "old", "input_schema": {"type": "object"}}, ANSWER],
                "tool_choice": {"type": "tool", "name": JSON_TOOL},
            },
        ),
    ],
)
def test_the_tool_for_the_answer_has_to_be_called_once(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    offered = fields.pop("offered", ()) if "offered" in (fields := dict(fields)) else ()
    body = tools(*offered, answer=ANSWER, **fields)
    assert body.pop("tool_choice") == {**expected.pop("tool_choice"), "disable_parallel_tool_use": True}
    assert body == expected


def test_tools_of_the_provider_are_sent_as_they_came() -> None:
    servers = [{"type": "url", "url": "https://mcp.example/", "name": "m"}]
    hosted = (
        HostedTool("web_search", FORMAT, SEARCH),
        HostedTool("mcp", FORMAT, {"mcp_servers": servers}),
        HostedTool("code_interpreter", FORMAT, {"container": "c_1"}),
    )
    assert tools(F, hosted_tools=hosted, tool_choice=ToolChoice("auto")) == {
        "tools": [WIRE_F, SEARCH],
        "mcp_servers": servers,
        "container": "c_1",
        "tool_choice": {"type": "auto"},
    }


def test_tools_of_another_vendor_are_refused() -> None:
    with pytest.raises(RequestInvalidError) as caught:
        tools(hosted_tools=(HostedTool("web_search", "openai_responses", {"type": "web_search"}),))
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "tools")


def test_what_the_client_sent_is_not_changed() -> None:
    before = msgspec.json.encode([F, SEARCH])
    tools(F, Tool("g", cache="5m"), hosted_tools=(HostedTool("web_search", FORMAT, SEARCH),), answer=ANSWER)
    assert msgspec.json.encode([F, SEARCH]) == before
