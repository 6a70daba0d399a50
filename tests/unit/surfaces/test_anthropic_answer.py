"""The complete answer: events in, one message out. `tests/contract` proves it for every sequence of events."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.events import (
    AnnotationsDelta,
    ChatEvent,
    End,
    Finish,
    Frame,
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
from kaigate.surfaces.anthropic_answer import CompleteAnswer

START = Start("msg_1", "claude", 5)


def answer(*events: ChatEvent) -> dict[str, Any]:
    encoder = CompleteAnswer(provider="up")
    assert encoder.feed([START, *events, End()]) == b""
    result: dict[str, Any] = msgspec.json.decode(encoder.end())
    return result


def test_a_message() -> None:
    assert answer(
        ReasoningDelta("h"),
        ReasoningDelta("m", signature="s"),
        ReasoningDelta("", redacted="e"),
        TextDelta("Par"),
        TextDelta("is"),
        LogprobsDelta([]),
        ToolCallStart(0, "c", "f"),
        ToolCallDelta(0, '{"a":1.0}'),
        ToolCallStart(1, "d", "g"),
        Finish("tool_calls"),
        UsageReport(Usage(3, 2)),
    ) == {
        "provider": "up",
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "redacted_thinking", "data": "e"},
            {"type": "text", "text": "Paris"},
            {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1.0}},
            {"type": "tool_use", "id": "d", "name": "g", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 3,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 2,
        },
    }


def test_arguments_stay_as_the_model_wrote_them() -> None:
    encoder = CompleteAnswer(provider="up")
    encoder.feed([START, ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{ "a": 1.0 }'), Finish("stop"), End()])
    assert b'"input":{ "a": 1.0 }' in encoder.end()


def test_a_refusal_is_text_and_a_reason() -> None:
    body = answer(RefusalDelta("No."), Finish("stop"))
    assert (body["content"], body["stop_reason"]) == ([{"type": "text", "text": "No."}], "refusal")


def test_empty_text_is_no_block() -> None:
    assert answer(TextDelta(""), RefusalDelta(""), ReasoningDelta(""), Finish("stop"))["content"] == []


def test_reasoning_after_a_signature_is_another_block() -> None:
    content = answer(ReasoningDelta("a", signature="s"), ReasoningDelta("b"), Finish("stop"))["content"]
    assert [block["signature"] for block in content] == ["s", ""]


def test_citations_belong_to_their_text() -> None:
    original = {"type": "page_location"}
    (block,) = answer(TextDelta("x"), AnnotationsDelta([{"citation": original}]), Finish("stop"))["content"]
    assert block == {"type": "text", "text": "x", "citations": [original]}


def test_a_call_that_the_ceiling_cut_off_was_never_made() -> None:
    body = answer(ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{"a'), Finish("length"))
    assert (body["content"], body["stop_reason"]) == ([], "max_tokens")


@pytest.mark.parametrize(
    "events",
    [
        [ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{"a'), Finish("tool_calls")],
        [ToolCallStart(0, "c", "f"), ToolCallDelta(0, "[]"), Finish("tool_calls")],
        [ToolCallDelta(0, "{}")],
        [TextDelta("x", 1)],
        [Finish("stop", 1)],
    ],
)
def test_what_this_format_can_not_say_fails(events: list[ChatEvent]) -> None:
    with pytest.raises(UpstreamFailedError):
        answer(*events)


def test_an_answer_without_its_end_is_none() -> None:
    encoder = CompleteAnswer(provider="up")
    encoder.feed([START, TextDelta("half"), Finish("stop")])
    with pytest.raises(UpstreamFailedError, match="before it was complete"):
        encoder.end()


def test_an_untouched_body_passes_with_its_provider() -> None:
    encoder = CompleteAnswer(provider="up")
    assert encoder.relay(Frame([START, End()], b'{"id":"msg_9"}', exact=True)) == b""
    assert encoder.end() == b'{"provider":"up","id":"msg_9"}'


def test_a_frame_without_a_body_is_collected() -> None:
    encoder = CompleteAnswer(provider="up")
    encoder.relay(Frame([START, TextDelta("x"), Finish("stop"), End()], b"", exact=True))
    assert b'"text":"x"' in encoder.end()


def test_a_failure_takes_the_bodys_place() -> None:
    failure = CompleteAnswer(provider="up").fail(UpstreamFailedError("upstream_error", "No."))
    assert msgspec.json.decode(failure)["error"]["type"] == "api_error"
