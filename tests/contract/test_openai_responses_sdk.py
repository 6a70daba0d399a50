"""Whatever events an answer has, the official `openai` client reads the response from it, whole and streamed."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import APIError
from openai.types.responses import Response

from contract.answers import answers, batches
from contract.openai_client import Canned
from contract.response_events import check_sequence, parsed
from kaigate.chat.content import ReasoningBlock, ToolCallBlock
from kaigate.chat.events import (
    AnnotationsDelta,
    ChatEvent,
    End,
    Finish,
    LogprobsDelta,
    ReasoningDelta,
    RefusalDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.openai_responses import OpenAIResponses

SURFACE = OpenAIResponses()
CANNED = Canned()
CUTS = st.lists(st.integers(0, 60), max_size=8)

RICH: dict[str, Any] = {
    "model": "gpt",
    "instructions": "Be brief.",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Look."}]},
        {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "Rain"},
    ],
    "tools": [
        {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}, "strict": True},
        {"type": "web_search"},
        {"type": "mcp", "server_label": "docs", "server_url": "https://example.com", "authorization": "hidden"},
    ],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "json_schema", "name": "w", "schema": {"type": "object"}}, "verbosity": "low"},
    "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
    "metadata": {"trace": "t1"},
    "max_output_tokens": 64,
    "max_tool_calls": 2,
    "temperature": 0.5,
    "top_p": 1,
    "top_logprobs": 2,
    "user": "u",
    "prompt_cache_key": "k",
    "safety_identifier": "s",
    "service_tier": "flex",
}


def whole(body: dict[str, Any], events: list[ChatEvent], cuts: list[int] | None = None) -> Response:
    encoder = SURFACE.encoder(SURFACE.decode(msgspec.json.encode(body)), provider="up")
    assert all(encoder.feed(batch) == b"" for batch in batches(events, cuts or []))
    CANNED.body, CANNED.content_type = encoder.end(), encoder.content_type
    Response.model_validate_json(CANNED.body, strict=True)
    return CANNED.client.responses.create(model="gpt", input="x")


def stream_of(body: dict[str, Any], events: list[ChatEvent], cuts: list[int] | None = None) -> bytes:
    encoder = SURFACE.encoder(SURFACE.decode(msgspec.json.encode(body | {"stream": True})), provider="up")
    return b"".join([encoder.feed(batch) for batch in batches(events, cuts or [])]) + encoder.end()


def streamed(body: dict[str, Any], events: list[ChatEvent], cuts: list[int] | None = None) -> Response:
    """The response that the official client puts together, after every event kept the rules of the stream."""
    CANNED.body = stream_of(body, events, cuts)
    CANNED.content_type = b"text/event-stream; charset=utf-8"
    check_sequence(CANNED.body)
    with CANNED.client.responses.stream(model="gpt", input="x") as stream:
        *_, last = stream
    assert last.type in ("response.completed", "response.incomplete")
    return last.response


def said(response: Response) -> dict[str, Any]:
    """What a client ends up with."""
    result: dict[str, Any] = {"content": "", "reasoning_content": "", "refusal": "", "calls": [], "logprobs": 0}
    for item in response.output:
        if item.type == "reasoning":
            result["reasoning_content"] += "".join(part.text for part in item.summary)
        elif item.type == "function_call":
            result["calls"].append([item.call_id, item.name, item.arguments])
        elif item.type == "message":
            for part in item.content:
                if part.type == "refusal":
                    result["refusal"] += part.refusal
                else:
                    result["content"] += part.text
                    result["logprobs"] += len(part.logprobs or ())
    return result


def wanted(events: list[ChatEvent]) -> dict[str, Any]:
    result: dict[str, Any] = {"content": "", "reasoning_content": "", "refusal": "", "calls": [], "logprobs": 0}
    for event in events:
        if isinstance(event, TextDelta):
            result["content"] += event.text
        elif isinstance(event, ReasoningDelta):
            result["reasoning_content"] += event.text
        elif isinstance(event, RefusalDelta):
            result["refusal"] += event.text
        elif isinstance(event, ToolCallStart):
            result["calls"].append([event.id, event.name, ""])
        elif isinstance(event, ToolCallDelta):
            result["calls"][event.index][2] += event.arguments
        elif isinstance(event, LogprobsDelta):
            result["logprobs"] += len(event.content or ())
    for call in result["calls"]:
        call[2] = call[2] or "{}"
    return result


STATUS = {"stop": "completed", "tool_calls": "completed", "length": "incomplete", "content_filter": "incomplete"}


@given(events=answers(max_choices=1, usage=True), cuts=CUTS)
def test_a_complete_answer_is_a_response(events: list[ChatEvent], cuts: list[int]) -> None:
    response = whole(RICH, events, cuts)
    assert said(response) == wanted(events)
    (finish,) = [event for event in events if isinstance(event, Finish)]
    assert response.status == STATUS[finish.reason]
    (usage,) = [event.usage for event in events if isinstance(event, UsageReport)]
    assert response.usage is not None
    assert response.usage.total_tokens == usage.total_tokens
    assert response.usage.input_tokens_details.cached_tokens == usage.cached_input_tokens


@given(events=answers(max_choices=1, usage=True), cuts=CUTS)
def test_a_streamed_answer_adds_up_to_the_complete_one(events: list[ChatEvent], cuts: list[int]) -> None:
    response = streamed(RICH, events, cuts)
    assert said(response) == wanted(events)
    complete = whole(RICH, events)
    for name in ("output", "status", "incomplete_details", "id", "tools", "metadata", "usage"):
        mine, other = getattr(response, name), getattr(complete, name)
        assert _plain(mine) == _plain(other), name


def test_a_response_repeats_its_request() -> None:
    response = whole(RICH, [Start("chatcmpl-1", "gpt", 5), TextDelta("x"), Finish("stop"), End()])
    assert response.instructions == "Be brief."
    assert response.metadata == {"trace": "t1"}
    assert response.tool_choice == "required"
    assert response.parallel_tool_calls is False
    assert (response.temperature, response.top_p, response.top_logprobs) == (0.5, 1.0, 2)
    assert (response.max_output_tokens, response.max_tool_calls) == (64, 2)
    assert response.reasoning is not None
    assert (response.reasoning.effort, response.reasoning.summary) == ("low", "auto")
    assert response.text is not None
    assert response.text.format is not None
    assert (response.text.format.type, response.text.verbosity) == ("json_schema", "low")
    assert (response.user, response.prompt_cache_key, response.safety_identifier) == ("u", "k", "s")
    assert [tool.type for tool in response.tools] == ["function", "web_search", "mcp"]
    assert b"hidden" not in CANNED.body
    assert (response.id, response.created_at) == ("resp_1", 5)
    assert msgspec.json.decode(CANNED.body)["provider"] == "up"


def test_the_client_raises_on_an_error_event() -> None:
    encoder = SURFACE.encoder(SURFACE.decode(b'{"model":"m","input":"x","stream":true}'), provider="up")
    encoded = encoder.feed([Start("1", "m", 5), TextDelta("Pa")])
    encoded += encoder.fail(UpstreamFailedError("upstream_error", "It broke off."))
    assert b"response.completed" not in encoded
    assert b"[DONE]" not in encoded
    error = parsed(encoded)[-1]
    assert (error["type"], error["code"], error["message"]) == ("error", "upstream_error", "It broke off.")
    CANNED.body, CANNED.content_type = encoded, encoder.content_type
    with pytest.raises(APIError, match="It broke off"):
        list(CANNED.client.responses.create(model="m", input="x", stream=True))


@pytest.mark.parametrize("include", [["reasoning.encrypted_content"], []])
def test_reasoning_can_be_replayed_as_it_came(include: list[str]) -> None:
    events: list[ChatEvent] = [
        Start("chatcmpl-1", "gpt", 5),
        ReasoningDelta("Let me "),
        ReasoningDelta("see."),
        ReasoningDelta("", signature="sig=="),
        ReasoningDelta("", redacted="opaque"),
        ReasoningDelta("And more."),
        ToolCallStart(0, "c1", "look"),
        ToolCallDelta(0, "{}"),
        Finish("tool_calls"),
        UsageReport(Usage(1, 2)),
        End(),
    ]
    response = streamed({"model": "m", "input": "x", "include": include}, events)
    replayed = [item.model_dump(mode="json", exclude_none=True) for item in response.output]
    for item in replayed:
        item.pop("parsed_arguments", None)
    again = SURFACE.decode(msgspec.json.encode({"model": "m", "input": replayed}))
    (turn,) = again.messages
    expected = [
        ReasoningBlock("Let me see.", "sig=="),
        ReasoningBlock("", redacted="opaque"),
        ReasoningBlock("And more."),
    ]
    if not include:
        expected = [ReasoningBlock("Let me see."), ReasoningBlock("And more.")]
    assert turn.blocks == (*expected, ToolCallBlock("c1", "look", "{}"))


def test_citations_are_annotations() -> None:
    citation = {"start_index": 0, "end_index": 2, "url": "https://example.com", "title": "E"}
    events: list[ChatEvent] = [
        Start("1", "gpt", 5),
        TextDelta("Pa"),
        AnnotationsDelta([{"type": "url_citation", "url_citation": citation}, {"type": "other"}]),
        TextDelta("ris"),
        Finish("stop"),
        UsageReport(Usage(1, 2)),
        End(),
    ]
    for response in (whole({"model": "m", "input": "x"}, events), streamed({"model": "m", "input": "x"}, events)):
        (message,) = response.output
        assert message.type == "message"
        (part,) = message.content
        assert part.type == "output_text"
        assert [mark.type for mark in part.annotations] == ["url_citation"]
        assert part.text == "Paris"


def test_what_the_client_sends_is_what_is_decoded() -> None:
    CANNED.body = b'{"id":"r","object":"response","created_at":1,"model":"m","output":[],"parallel_tool_calls":true,'
    CANNED.body += b'"tool_choice":"auto","tools":[]}'
    CANNED.content_type = b"application/json"
    CANNED.client.responses.create(**RICH)
    assert SURFACE.decode(CANNED.sent) == SURFACE.decode(msgspec.json.encode(RICH))


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not hasattr(value, "model_dump"):
        return value
    plain = value.model_dump(mode="json", exclude_none=True)
    plain.pop("parsed_arguments", None)
    for part in plain.get("content", ()):
        part.pop("parsed", None)
    return plain
