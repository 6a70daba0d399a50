"""Tools in Converse's form."""

from typing import Any

import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, HostedTool, ResponseFormat, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.bedrock_cache import CachePoints
from kaigate.providers.bedrock_names import ToolNames
from kaigate.providers.bedrock_tools import PLACEHOLDER, check_tools, object_schema, tool_config

USER = (Message("user", (TextBlock("x"),)),)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def config(*tools: Tool, history: bool = False, answer: str | None = None, **fields: Any) -> dict[str, Any] | None:
    request = ChatRequest("m", USER, tools=tools, **fields)
    cache = CachePoints([], supported=True)
    return tool_config(request, ToolNames(request), cache, answer_tool=answer, has_tool_blocks=history)


def test_a_tool() -> None:
    found = config(Tool("get it", "Gets it.", SCHEMA, strict=True, cache="5m"))
    spec = {"name": "get_it", "description": "Gets it.", "inputSchema": {"json": SCHEMA}, "strict": True}
    assert found == {"tools": [{"toolSpec": spec}, {"cachePoint": {"type": "default"}}]}


@pytest.mark.parametrize("description", [None, "", "  "])
def test_a_blank_description_is_left_out(description: str | None) -> None:
    found = config(Tool("t", description))
    assert found == {
        "tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "object", "properties": {}}}}}]
    }


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), {"auto": {}}),
        (ToolChoice("required"), {"any": {}}),
        (ToolChoice("named", "get it"), {"tool": {"name": "get_it"}}),
    ],
)
def test_the_tool_choice(choice: ToolChoice, expected: dict[str, Any]) -> None:
    found = config(Tool("get it"), tool_choice=choice)
    assert found is not None
    assert found["toolChoice"] == expected


def test_without_tools_nothing_is_said_of_them() -> None:
    assert config() is None
    assert config(tool_choice=ToolChoice("auto"), parallel_tool_calls=False) is None
    assert config(Tool("t"), tool_choice=ToolChoice("none")) is None


def test_a_history_with_calls_needs_a_declaration() -> None:
    assert config(history=True) == {"tools": [PLACEHOLDER]}
    assert config(Tool("t"), history=True, tool_choice=ToolChoice("none")) == {"tools": [PLACEHOLDER]}


def test_the_answer_s_tool_is_forced() -> None:
    wanted = ResponseFormat("json_schema", "city", SCHEMA, description="A city.")
    found = config(answer="structured_answer", response_format=wanted)
    assert found is not None
    assert found["toolChoice"] == {"tool": {"name": "structured_answer"}}
    spec = found["tools"][0]["toolSpec"]
    assert spec["inputSchema"] == {"json": SCHEMA}
    assert spec["description"].endswith("A city.")


def test_beside_tools_of_the_client_s_one_of_all_is_forced() -> None:
    found = config(Tool("t"), answer="structured_answer", response_format=ResponseFormat("json_object"))
    assert found is not None
    assert found["toolChoice"] == {"any": {}}
    assert [tool["toolSpec"]["name"] for tool in found["tools"]] == ["t", "structured_answer"]


def test_tools_of_the_provider_s_own_are_refused() -> None:
    request = ChatRequest("m", USER, hosted_tools=(HostedTool("web_search", "openai_chat", {}),))
    with pytest.raises(RequestInvalidError) as caught:
        check_tools(request, "claude", [], drop_params=False)
    assert caught.value.param == "tools"
    dropped: list[str] = []
    check_tools(request, "claude", dropped, drop_params=True)
    assert dropped == ["tools"]


def test_one_call_at_a_time_is_only_claude_s() -> None:
    request = ChatRequest("m", USER, tools=(Tool("t"),), parallel_tool_calls=False)
    check_tools(request, "claude", [], drop_params=False)
    with pytest.raises(RequestInvalidError) as caught:
        check_tools(request, "nova", [], drop_params=False)
    assert caught.value.param == "parallel_tool_calls"


def test_a_schema_s_root_is_an_object() -> None:
    assert object_schema({"properties": {}}, "p") == {"type": "object", "properties": {}}
    assert object_schema({}, "p") == {"type": "object"}
    definitions = {"A": SCHEMA, "B": {"$ref": "#/$defs/A"}}
    found = object_schema({"$ref": "#/$defs/A", "$defs": definitions}, "p")
    assert found == {**SCHEMA, "$defs": definitions}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array"},
        {"type": ["object", "null"]},
        {"$ref": "#/$defs/A"},
        {"$ref": "#/$defs/B", "$defs": {"B": {"$ref": "#/$defs/B"}}},
        {"$ref": "https://example.com/x", "$defs": []},
    ],
)
def test_other_schemas_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        object_schema(schema, "p")
    assert caught.value.param == "p"
