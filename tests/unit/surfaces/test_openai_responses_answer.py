"""The complete answer: events in, one response out. `tests/contract` proves its rules for every sequence of events."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.events import ChatEvent, End, Finish, FinishReason, Frame, Start, TextDelta, UsageReport
from kaigate.chat.request import ChatRequest
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.openai_responses_answer import CompleteResponse

REQUEST = ChatRequest("m", ())


def answer(*events: ChatEvent) -> dict[str, Any]:
    encoder = CompleteResponse(REQUEST, provider="up")
    assert encoder.feed(events) == b""
    body: dict[str, Any] = msgspec.json.decode(encoder.end())
    return body


def test_a_plain_answer() -> None:
    body = answer(Start("chatcmpl-7", "gpt", 5), TextDelta("Paris"), Finish("stop"), UsageReport(Usage(3, 2)), End())
    text = {"type": "output_text", "text": "Paris", "annotations": [], "logprobs": []}
    assert body["output"] == [
        {"id": "msg_7_0", "type": "message", "status": "completed", "role": "assistant", "content": [text]}
    ]
    assert (body["id"], body["object"], body["created_at"], body["model"]) == ("resp_7", "response", 5, "gpt")
    assert (body["status"], body["error"], body["incomplete_details"]) == ("completed", None, None)
    assert body["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 5,
    }
    assert (body["provider"], body["store"], body["previous_response_id"]) == ("up", False, None)


@pytest.mark.parametrize(("reason", "told"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_an_answer_that_was_cut_is_incomplete(reason: FinishReason, told: str) -> None:
    body = answer(Start("1", "gpt", 5), TextDelta("Pa"), Finish(reason), End())
    assert (body["status"], body["incomplete_details"]) == ("incomplete", {"reason": told})
    assert body["output"][0]["status"] == "incomplete"


def test_nothing_said_is_an_empty_output() -> None:
    assert answer(Start("1", "gpt", 5), TextDelta(""), Finish("stop"), End())["output"] == []


def test_an_upstream_body_is_always_encoded_anew() -> None:
    encoder = CompleteResponse(REQUEST, provider="up")
    events: list[ChatEvent] = [Start("1", "gpt", 5), TextDelta("x"), Finish("stop"), End()]
    assert encoder.relay(Frame(events, b'{"id":"resp_1","object":"response"}', exact=True)) == b""
    assert b'"parallel_tool_calls":true' in encoder.end()


def test_more_than_one_answer_is_a_failure_of_the_upstream() -> None:
    with pytest.raises(UpstreamFailedError, match="more than one"):
        answer(Start("1", "gpt", 5), TextDelta("a"), TextDelta("b", 1))


def test_events_before_the_beginning_are_a_failure_of_the_upstream() -> None:
    with pytest.raises(UpstreamFailedError, match="no beginning"):
        answer(TextDelta("a"))


def test_a_failure_takes_the_place_of_the_body() -> None:
    encoder = CompleteResponse(REQUEST, provider="up")
    assert msgspec.json.decode(encoder.fail(UpstreamFailedError("upstream_error", "No.")))["error"]["message"] == "No."
