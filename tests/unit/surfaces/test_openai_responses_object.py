"""The response object repeats its request without secrets, and names its ids after the upstream's."""

from typing import Any

import pytest

from kaigate.chat.content import ImageBlock, Message, TextBlock
from kaigate.chat.events import FinishReason, Start
from kaigate.chat.request import ChatRequest, HostedTool, ResponseFormat, Sampling, Tool, ToolChoice
from kaigate.chat.usage import Usage
from kaigate.surfaces.openai_responses_echo import Echo
from kaigate.surfaces.openai_responses_object import answer_key, final_status, request_fields, response_object

REQUIRED = {
    "background", "instructions", "max_output_tokens", "max_tool_calls", "metadata", "parallel_tool_calls",
    "previous_response_id", "prompt_cache_key", "reasoning", "safety_identifier", "store", "temperature", "text",
    "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user",
}  # fmt: skip


def fields(echo: Echo | None = None, **request: Any) -> dict[str, Any]:
    return request_fields(ChatRequest("m", **{"messages": (), **request}), echo or Echo())


def test_every_field_is_there_for_a_request_that_said_nothing() -> None:
    least = fields()
    assert least.keys() == REQUIRED
    assert (least["temperature"], least["metadata"], least["tools"], least["tool_choice"]) == (None, {}, [], "auto")
    assert least["text"] == {"format": {"type": "text"}}
    assert (least["store"], least["truncation"], least["parallel_tool_calls"]) == (False, "disabled", True)


@pytest.mark.parametrize(
    ("request_parts", "name", "value"),
    [
        ({"sampling": Sampling(temperature=0.0, top_p=0.5)}, "temperature", 0.0),
        ({"parallel_tool_calls": False}, "parallel_tool_calls", False),
        ({"tool_choice": ToolChoice("named", "look")}, "tool_choice", {"type": "function", "name": "look"}),
        ({"tool_choice": ToolChoice("none")}, "tool_choice", "none"),
        (
            {"tools": (Tool("look", "d", {"type": "object"}, True),)},
            "tools",
            [
                {
                    "type": "function",
                    "name": "look",
                    "description": "d",
                    "parameters": {"type": "object"},
                    "strict": True,
                }
            ],
        ),
        (
            {
                "response_format": ResponseFormat("json_schema", "n", {"type": "object"}, True, "d"),
                "extra": {"verbosity": "low"},
            },
            "text",
            {
                "format": {
                    "type": "json_schema",
                    "name": "n",
                    "description": "d",
                    "schema": {"type": "object"},
                    "strict": True,
                },
                "verbosity": "low",
            },
        ),
        ({"reasoning_effort": "low"}, "reasoning", {"effort": "low", "summary": None}),
    ],
)
def test_what_it_repeats(request_parts: dict[str, Any], name: str, value: Any) -> None:
    assert fields(**request_parts)[name] == value


def test_credentials_of_a_remote_tool_are_not_repeated() -> None:
    wire = {"type": "mcp", "server_label": "d", "server_url": "https://u", "authorization": "a", "headers": {"x": "y"}}
    (tool,) = fields(hosted_tools=(HostedTool("mcp", "openai_responses", wire),))["tools"]
    assert tool == {"type": "mcp", "server_label": "d"}


def test_instructions_are_the_first_message_where_the_request_had_them() -> None:
    messages = (Message("system", (TextBlock("Be brief."),)), Message("user", (TextBlock("x"),)))
    assert fields(Echo(instructions=True), messages=messages)["instructions"] == "Be brief."
    assert fields(messages=messages)["instructions"] is None
    assert fields(Echo(instructions=True), messages=(Message("user", (ImageBlock(),)),))["instructions"] is None


@pytest.mark.parametrize(
    ("upstream", "key"), [("chatcmpl-abc", "abc"), ("resp_abc", "abc"), ("msg_01", "msg_01"), ("ollama-1", "ollama-1")]
)
def test_ids_are_the_upstreams(upstream: str, key: str) -> None:
    assert answer_key(Start(upstream, "m", 0)) == key


def test_an_upstream_without_ids_gets_unique_ones() -> None:
    first, second = answer_key(Start("", "m", 0)), answer_key(Start("chatcmpl-", "m", 0))
    assert len({first, second}) == 2
    assert len(first) == 32


@pytest.mark.parametrize(
    ("reason", "status"),
    [("stop", "completed"), ("tool_calls", "completed"), ("length", "incomplete"), ("content_filter", "incomplete")],
)
def test_the_status_follows_the_reason(reason: FinishReason, status: str) -> None:
    assert final_status(reason) == status


def test_a_vendors_own_tier_is_left_out() -> None:
    def tier(name: str | None) -> Any:
        start = Start("1", "m", 0, service_tier=name)
        return response_object("1", start, "completed", [], provider="p", fields={}, usage=Usage(1, 1)).get(
            "service_tier"
        )

    assert (tier("flex"), tier("turbo"), tier(None)) == ("flex", None, None)
