"""The complete text completion: events in, one object out."""

import msgspec

from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
    Frame,
    LogprobsDelta,
    ReasoningDelta,
    RefusalDelta,
    Start,
    TextDelta,
    UsageReport,
)
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.openai_completions_answer import CompleteCompletion

EVENTS: list[ChatEvent] = [
    Start("c", "gpt", 5, "fp"),
    ReasoningDelta("hm"),
    TextDelta("Pa"),
    TextDelta("b", 1),
    TextDelta("ris"),
    LogprobsDelta([{"token": "Paris", "logprob": -0.5}]),
    RefusalDelta("No.", 1),
    Finish("length", 0),
    Finish("tool_calls", 1),
    UsageReport(Usage(3, 2)),
    End(),
]


def test_an_answer_with_two_choices() -> None:
    encoder = CompleteCompletion(provider="up")
    assert encoder.feed(EVENTS) == b""
    body = msgspec.json.decode(encoder.end())
    logprobs = {"tokens": ["Paris"], "token_logprobs": [-0.5], "top_logprobs": [{}], "text_offset": [0]}
    assert body.pop("usage")["total_tokens"] == 5
    assert body == {
        "id": "c",
        "object": "text_completion",
        "created": 5,
        "model": "gpt",
        "system_fingerprint": "fp",
        "provider": "up",
        "choices": [
            {"text": "Paris", "index": 0, "logprobs": logprobs, "finish_reason": "length"},
            {"text": "bNo.", "index": 1, "logprobs": None, "finish_reason": "stop"},
        ],
    }


def test_usage_that_never_came_is_not_invented() -> None:
    encoder = CompleteCompletion(provider="up")
    encoder.feed(EVENTS[:-2])
    assert "usage" not in msgspec.json.decode(encoder.end())


def test_an_upstream_body_is_always_encoded_anew() -> None:
    encoder = CompleteCompletion(provider="up")
    assert encoder.relay(Frame(EVENTS, b'{"object":"chat.completion"}', exact=True)) == b""
    assert b'"text_completion"' in encoder.end()


def test_a_failure_takes_the_place_of_the_body() -> None:
    error = UpstreamFailedError("upstream_error", "No.")
    assert msgspec.json.decode(CompleteCompletion(provider="up").fail(error))["error"]["code"] == "upstream_error"
