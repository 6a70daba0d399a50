"""Answers in JSON: native where the model has it, else a tool that has to be called."""

from typing import Any

import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, ResponseFormat, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.anthropic_models import Abilities
from kaigate.providers.anthropic_output import JSON_TOOL, OutputPlan, json_tool_of, plan_output

NATIVE = Abilities("budget", schema=True)
OLD = Abilities("budget", schema=False)
HI = Message("user", (TextBlock("Hi"),))
SCHEMA = {"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "integer"}}}
INLINED = {"type": "object", "properties": {"a": {"type": "integer"}}}


def wanted(schema: dict[str, Any] | None = SCHEMA, **fields: Any) -> ResponseFormat:
    return ResponseFormat("json_schema", "n", schema, **fields)


def plan(
    response_format: ResponseFormat | None,
    able: Abilities = OLD,
    *,
    thinking: bool = False,
    prefill: bool = False,
    drop: bool = False,
    **fields: Any,
) -> tuple[OutputPlan, list[str]]:
    dropped: list[str] = []
    request = ChatRequest("m", (HI,), response_format=response_format, **fields)
    return plan_output(request, able, dropped, thinking=thinking, prefill=prefill, drop_params=drop), dropped


@pytest.mark.parametrize("response_format", [None, ResponseFormat("text")])
def test_text_needs_nothing(response_format: ResponseFormat | None) -> None:
    assert plan(response_format) == (OutputPlan(), [])
    assert json_tool_of(ChatRequest("m", (HI,), response_format=response_format)) is None


def test_the_server_holds_to_the_schema_where_it_can() -> None:
    assert plan(wanted(), NATIVE) == (OutputPlan(schema={**INLINED, "additionalProperties": False}), [])
    assert plan(wanted(), NATIVE, thinking=True)[0].schema is not None
    assert plan(wanted(), NATIVE, tool_choice=ToolChoice("required"), tools=(Tool("f"),))[0].schema is not None


@pytest.mark.parametrize(
    ("response_format", "able", "schema"),
    [
        (wanted(), OLD, INLINED),
        (
            wanted({"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}),
            NATIVE,
            {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}},
        ),
        (wanted({"properties": {"a": {}}}), OLD, {"type": "object", "properties": {"a": {}}}),
        (wanted(None), NATIVE, {"type": "object", "properties": {}, "additionalProperties": True}),
        (ResponseFormat("json_object"), NATIVE, {"type": "object", "properties": {}, "additionalProperties": True}),
    ],
)
def test_a_tool_takes_the_answer_elsewhere(response_format: ResponseFormat, able: Abilities, schema: Any) -> None:
    found, dropped = plan(response_format, able)
    assert found.tool is not None
    assert (found.tool["name"], found.tool["input_schema"], found.schema, dropped) == (JSON_TOOL, schema, None, [])
    assert json_tool_of(ChatRequest("m", (HI,), response_format=response_format)) == JSON_TOOL


def test_the_client_s_description_is_kept() -> None:
    tool = plan(wanted(description="A number."))[0].tool
    assert tool is not None
    assert tool["description"].endswith(" A number.")


@pytest.mark.parametrize(
    "fields",
    [
        {"thinking": True},
        {"tools": (Tool("f"),), "tool_choice": ToolChoice("required")},
        {"tools": (Tool("f"),), "tool_choice": ToolChoice("named", "f")},
        {"prefill": True},
    ],
)
def test_what_excludes_a_tool_for_the_answer_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        plan(wanted(), **fields)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "response_format")
    assert plan(wanted(), drop=True, **fields) == (OutputPlan(), ["response_format"])


@pytest.mark.parametrize("able", [OLD, NATIVE])
def test_a_tool_of_the_client_s_may_not_have_that_name(able: Abilities) -> None:
    with pytest.raises(RequestInvalidError, match=JSON_TOOL):
        plan(wanted(), able, tools=(Tool(JSON_TOOL),))
    assert plan(None, able, tools=(Tool(JSON_TOOL),)) == (OutputPlan(), [])


@pytest.mark.parametrize(
    "schema",
    [{"$ref": "#/x"}, {"type": "array", "items": {}}, {"type": "object", "properties": {"a": {"$ref": "#/a"}}}],
)
def test_a_schema_that_can_not_be_sent_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        plan(wanted(schema), drop=True)
    assert caught.value.param == "response_format.json_schema.schema"
