"""The streamed answer: events in, events out. `tests/contract` proves its rules for every sequence of events."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
    Frame,
    LogprobsDelta,
    ReasoningDelta,
    Start,
    TextDelta,
    UsageReport,
)
from kaigate.chat.request import ChatRequest, Sampling
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces import openai_responses_output
from kaigate.surfaces.openai_responses_stream import StreamedResponse

START = Start("chatcmpl-1", "gpt", 5)
REQUEST = ChatRequest("m", (Message("user", (TextBlock("x"),)),), stream=True, sampling=Sampling(logprobs=True))


def stream() -> StreamedResponse:
    return StreamedResponse(REQUEST, provider="up")


def items(data: bytes) -> list[dict[str, Any]]:
    return [msgspec.json.decode(frame.split(b"\ndata: ")[1]) for frame in data.split(b"\n\n") if frame]


def kinds(data: bytes) -> list[str]:
    return [item["type"].removeprefix("response.") for item in items(data)]


def test_nothing_leaves_before_the_first_content() -> None:
    encoder = stream()
    assert encoder.feed([START]) == b""
    assert encoder.feed([TextDelta("")]) == b""
    assert kinds(encoder.feed([TextDelta("Pa")])) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
    ]


def test_a_response_that_has_just_begun_is_empty() -> None:
    created, begun = items(stream().feed([START, UsageReport(Usage(3, 0)), TextDelta("Pa")]))[:2]
    for item in (created, begun):
        response = item["response"]
        assert (response["status"], response["output"], response["usage"]) == ("in_progress", [], None)
        assert response["provider"] == "up"


def test_text_that_follows_text_is_one_event() -> None:
    encoder = stream()
    encoder.feed([START, TextDelta("Pa")])
    assert encoder.feed([TextDelta('r"is')]) == (
        b"event: response.output_text.delta\n"
        b'data: {"type":"response.output_text.delta","item_id":"msg_1_0","output_index":0,"content_index":0,'
        b'"logprobs":[],"sequence_number":5,"delta":"r\\"is"}\n\n'
    )
    assert items(encoder.feed([Finish("stop")]))[0]["text"] == 'Par"is'


def test_the_last_event_has_the_whole_response() -> None:
    encoder = stream()
    encoder.feed([START, TextDelta("Pa")])
    encoder.feed([TextDelta("ris")])
    encoder.feed([Finish("stop"), UsageReport(Usage(3, 2)), End()])
    (last,) = items(encoder.end())
    assert (last["type"], last["sequence_number"]) == ("response.completed", 9)
    response = last["response"]
    assert response["output"][0]["content"][0]["text"] == "Paris"
    assert (response["usage"]["total_tokens"], response["provider"]) == (5, "up")


def test_an_answer_that_was_cut_ends_as_incomplete() -> None:
    encoder = stream()
    encoder.feed([START, TextDelta("Pa"), Finish("length"), End()])
    (last,) = items(encoder.end())
    assert (last["type"], last["response"]["incomplete_details"]) == (
        "response.incomplete",
        {"reason": "max_output_tokens"},
    )


def test_an_answer_without_content_still_begins() -> None:
    encoder = stream()
    assert kinds(encoder.feed([START, Finish("content_filter"), End()])) == ["created", "in_progress"]
    assert kinds(encoder.end()) == ["incomplete"]


def test_a_stream_without_its_finish_is_never_complete() -> None:
    encoder = stream()
    encoder.feed([START, TextDelta("Pa"), End()])
    assert kinds(encoder.end()) == ["error"]


def test_a_failure_is_the_last_event() -> None:
    encoder = stream()
    sent = encoder.feed([START, TextDelta("Pa")])
    (last,) = items(encoder.fail(UpstreamFailedError("upstream_timeout", "Too slow.", param="p")))
    flat = {"code": "upstream_timeout", "message": "Too slow.", "param": "p"}
    assert last == {
        "type": "error",
        "sequence_number": len(items(sent)),
        **flat,
        "error": {"type": "upstream_error", **flat},
    }


def test_what_was_made_before_a_failure_within_one_batch_still_leaves() -> None:
    encoder = stream()
    with pytest.raises(UpstreamFailedError):
        encoder.feed([START, TextDelta("Pa"), TextDelta("x", 1)])
    assert kinds(encoder.fail(UpstreamFailedError("upstream_error", "No.")))[-2:] == ["output_text.delta", "error"]


def test_text_after_reasoning_between_is_in_the_same_message() -> None:
    encoder = stream()
    encoder.feed([START, TextDelta("a")])
    encoder.feed([ReasoningDelta("hm")])
    assert kinds(encoder.feed([TextDelta("b")]))[-2:] == ["output_item.done", "output_text.delta"]
    encoder.feed([TextDelta("c")])
    out = encoder.feed([Finish("stop")])
    assert [item["text"] for item in items(out) if item["type"] == "response.output_text.done"] == ["abc"]


def test_log_probabilities_come_with_a_delta() -> None:
    entry = {"token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": []}
    encoder = stream()
    out = encoder.feed([START, TextDelta("a"), LogprobsDelta([entry])])
    deltas = [(item["delta"], item["logprobs"]) for item in items(out) if item["type"].endswith("text.delta")]
    assert deltas == [("a", []), ("", [entry])]


def test_an_upstream_frame_is_always_encoded_anew() -> None:
    encoder = stream()
    encoder.feed([START, TextDelta("a")])
    raw = b'{"type":"response.output_text.delta","delta":"b"}'
    assert items(encoder.relay(Frame([TextDelta("b")], raw, exact=True)))[0]["item_id"] == "msg_1_0"


def test_text_in_the_short_way_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_responses_output, "MAX_CHARACTERS", 3)
    encoder = stream()
    encoder.feed([START, TextDelta("abc")])
    with pytest.raises(UpstreamFailedError, match="too many characters"):
        encoder.feed([TextDelta("d")])


def test_a_second_answer_is_a_failure_also_in_the_short_way() -> None:
    encoder = stream()
    encoder.feed([START, TextDelta("a")])
    with pytest.raises(UpstreamFailedError, match="more than one"):
        encoder.feed([TextDelta("b", 1)])


def test_events_before_the_beginning_are_a_failure_of_the_upstream() -> None:
    events: list[ChatEvent] = [TextDelta("a")]
    with pytest.raises(UpstreamFailedError, match="no beginning"):
        stream().feed(events)
