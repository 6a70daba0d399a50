"""The complete answer: events in, one object out. `tests/contract` proves its shape for every sequence of events."""

import msgspec

from kaigate.chat.events import (
    AnnotationsDelta,
    End,
    Finish,
    Frame,
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
from kaigate.surfaces.openai_chat_answer import CompleteAnswer

START = Start("chatcmpl-1", "gpt", 5, "fp", "on_demand")


def answer(*events: object, legacy: bool = False) -> dict[str, object]:
    encoder = CompleteAnswer(provider="openai", legacy_functions=legacy)
    assert encoder.feed([START, *events, End()]) == b""  # type: ignore[list-item]
    return msgspec.json.decode(encoder.end())  # type: ignore[no-any-return]


def test_a_plain_answer() -> None:
    assert answer(TextDelta("Par"), TextDelta("is"), Finish("stop"), UsageReport(Usage(3, 2))) == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 5,
        "model": "gpt",
        "provider": "openai",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Paris", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
        "system_fingerprint": "fp",
    }


def test_everything_a_message_can_hold() -> None:
    body = answer(
        ReasoningDelta("think"),
        RefusalDelta("no"),
        AnnotationsDelta([{"type": "url_citation"}]),
        ToolCallStart(0, "c1", "look"),
        ToolCallDelta(0, '{"a"'),
        ToolCallDelta(0, ":1}"),
        Finish("tool_calls"),
    )
    (choice,) = body["choices"]  # type: ignore[misc]
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": "no",
        "reasoning_content": "think",
        "annotations": [{"type": "url_citation"}],
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}],
    }


def test_choices_come_in_order() -> None:
    body = answer(TextDelta("b", 1), Finish("length", 1), TextDelta("a", 0), Finish("stop", 0))
    assert [(item["index"], item["finish_reason"]) for item in body["choices"]] == [(0, "stop"), (1, "length")]  # type: ignore[attr-defined]


def test_a_legacy_caller_gets_the_first_call() -> None:
    body = answer(
        ToolCallStart(0, "c1", "look"),
        ToolCallDelta(0, "{}"),
        ToolCallStart(1, "c2", "other"),
        Finish("tool_calls"),
        legacy=True,
    )
    (choice,) = body["choices"]  # type: ignore[misc]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "look", "arguments": "{}"}
    assert "tool_calls" not in choice["message"]


def test_an_exact_body_goes_out_as_it_came_with_the_provider() -> None:
    encoder = CompleteAnswer(provider='a "b"')
    raw = b'{ "id":"x", "weird_spacing" : 1 }'
    assert encoder.relay(Frame([START, End()], raw, exact=True)) == b""
    assert encoder.end() == b'{"provider":"a \\"b\\"", "id":"x", "weird_spacing" : 1 }'


def test_a_legacy_caller_never_gets_the_upstream_body() -> None:
    encoder = CompleteAnswer(provider="p", legacy_functions=True)
    encoder.relay(Frame([START, TextDelta("x"), Finish("stop"), End()], b'{"id":"raw"}', exact=True))
    assert b"raw" not in encoder.end()


def test_a_failure_replaces_the_body() -> None:
    encoder = CompleteAnswer(provider="p")
    encoder.feed([START, TextDelta("half")])
    assert msgspec.json.decode(encoder.fail(UpstreamFailedError("upstream_error", "It broke.")))["error"] == {
        "message": "It broke.",
        "type": "upstream_error",
        "param": None,
        "code": "upstream_error",
    }
