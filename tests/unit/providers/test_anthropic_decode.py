"""Answers of Anthropic's Messages API, whole and streamed, decode to canonical events, or are refused."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
    Frame,
    ReasoningDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError, UpstreamFailedError
from kaigate.providers import anthropic_decode
from kaigate.providers.anthropic_decode import MessageDecoder, StreamDecoder
from kaigate.providers.anthropic_events import MessageEvents

USAGE = {"input_tokens": 5, "output_tokens": 2}
START = Start("msg_1", "claude", 9)
REPORT = UsageReport(Usage(5, 2))


def message(content: list[Any], stop: str | None = "end_turn", **fields: Any) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": content}
    return {**head, "stop_reason": stop, "stop_sequence": None, "usage": USAGE, **fields}


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(
        b"event: " + event["type"].encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n" for event in events
    )


BEGIN = {"type": "message_start", "message": message([], None)}
DELTA = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
    "usage": {"output_tokens": 2},
}
STOP = {"type": "message_stop"}
TEXT = [
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo é"}},
    {"type": "content_block_stop", "index": 0},
]
STREAM = sse(BEGIN, *TEXT, DELTA, STOP)


def whole(body: dict[str, Any], **settings: Any) -> Frame:
    decoder = MessageDecoder(MessageEvents(created=9, **settings))
    assert decoder.feed(msgspec.json.encode(body)) == []
    (frame,) = decoder.end()
    return frame


def streamed(*parts: bytes, **settings: Any) -> list[Frame]:
    decoder = StreamDecoder(MessageEvents(created=9, **settings))
    return [*(frame for part in parts for frame in decoder.feed(part)), *decoder.end()]


def events(frames: list[Frame]) -> list[ChatEvent]:
    return [event for frame in frames for event in frame.events]


def test_a_whole_answer_is_exact() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": [1, 2.50]}, "caller": {"type": "direct"}}
    body = message([thinking, {"type": "text", "text": "Hi"}, call], "tool_use")
    frame = whole(body)
    assert frame == Frame(
        [
            START,
            ReasoningDelta("hm", signature="c2ln"),
            TextDelta("Hi"),
            ToolCallStart(0, "toolu_1", "f"),
            ToolCallDelta(0, '{"a":[1,2.5]}'),
            Finish("tool_calls"),
            REPORT,
            End(),
        ],
        msgspec.json.encode(body),
        exact=True,
    )


def test_arguments_of_a_whole_answer_stay_byte_for_byte() -> None:
    arguments = b'{ "b": 1.10,\n "a": "\\u00e9" }'
    call = {"type": "tool_use", "id": "t", "name": "f", "input": msgspec.Raw(arguments)}
    assert whole(message([call], "tool_use")).events[2] == ToolCallDelta(0, arguments.decode())


def test_a_stream_is_exact_and_each_frame_keeps_its_data() -> None:
    frames = streamed(STREAM)
    assert events(frames) == [START, TextDelta("Hel"), TextDelta("lo é"), Finish("stop"), REPORT, End()]
    assert all(frame.exact for frame in frames)
    assert [frame.raw for frame in frames] == [msgspec.json.encode(event) for event in (BEGIN, *TEXT, DELTA, STOP)]


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=4))
def test_every_cut_gives_the_same_frames(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    parts = [STREAM[a:b] for a, b in itertools.pairwise(edges)]
    assert streamed(*parts) == streamed(STREAM)


def test_data_without_a_space_over_lines_and_with_carriage_returns_is_read() -> None:
    text = STREAM.replace(b"data: ", b"data:").replace(b"\n", b"\r\n")
    assert events(streamed(text)) == events(streamed(STREAM))
    two_lines = STREAM.replace(b'{"type":"ping"}', b'{"type":\ndata: "ping"}')
    frames = streamed(two_lines)
    assert events(frames) == events(streamed(STREAM))
    assert [frame.exact for frame in frames].count(False) == 1, "two lines are not relayed as one"


@pytest.mark.parametrize("cut", range(0, len(STREAM) - 1, 7))
def test_a_truncated_stream_never_ends(cut: int) -> None:
    decoder = StreamDecoder(MessageEvents(created=9))
    frames = decoder.feed(STREAM[:cut])
    assert End() not in events(frames)
    with pytest.raises(UpstreamFailedError):
        decoder.end()


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("overloaded_error", "upstream_unavailable"),
        ("rate_limit_error", "upstream_unavailable"),
        ("api_error", "upstream_error"),
        ("timeout_error", "upstream_timeout"),
        ("authentication_error", "upstream_error"),
        ("invalid_request_error", "invalid_request"),
        ("a_new_error", "upstream_error"),
    ],
)
def test_an_error_event_ends_the_stream_without_its_words(kind: str, code: str) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "the password is hunter2"}}
    decoder = StreamDecoder(MessageEvents(created=9))
    *before, last = decoder.feed(sse(BEGIN, TEXT[0], TEXT[2], error, STOP))
    assert events(before) == [START, TextDelta("Hel")]
    assert last.failure is not None
    assert last.failure.code == code
    assert "hunter2" not in str(last.failure)
    with pytest.raises(GatewayError):
        decoder.feed(sse(error))
    with pytest.raises(UpstreamFailedError):
        decoder.end()


def test_a_whole_answer_that_is_an_error_is_one() -> None:
    with pytest.raises(UpstreamFailedError) as caught:
        whole({"type": "error", "error": {"type": "overloaded_error", "message": "x"}})
    assert caught.value.code == "upstream_unavailable"


def test_what_follows_the_end_goes_nowhere() -> None:
    assert streamed(STREAM + STREAM) == streamed(STREAM)
    assert streamed(STREAM, STREAM) == streamed(STREAM)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"x"',
        b"{}",
        b"\xff",
        b"[" * 100_000,
        msgspec.json.encode(message([{"type": "song", "text": "x"}])),
        msgspec.json.encode(message([{"type": "text"}])),
        msgspec.json.encode(message([], "tired")),
        msgspec.json.encode(message([], None)),
        msgspec.json.encode({**message([]), "role": "user"}),
        msgspec.json.encode(message([], usage={"input_tokens": -1, "output_tokens": 1})),
    ],
)
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    decoder = MessageDecoder(MessageEvents(created=9))
    decoder.feed(body)
    with pytest.raises(UpstreamFailedError):
        decoder.end()


@pytest.mark.parametrize("data", [b"[DONE]", b'{"type":"song"}', b"7", b'{"choices":[]}', b"{", b'{"type":"ping"'])
def test_an_event_that_is_not_known_is_refused(data: bytes) -> None:
    with pytest.raises(UpstreamFailedError):
        streamed(b"data: " + data + b"\n\n", STREAM)


def test_an_unknown_field_is_left_out_and_never_relayed() -> None:
    body = message([{"type": "text", "text": "Hi", "mood": "secret"}], usage={**USAGE, "iterations": [{"a": 1}]})
    frame = whole(body)
    assert frame.events == whole(message([{"type": "text", "text": "Hi"}])).events
    assert not frame.exact
    changed = {**TEXT[2], "hidden": "secret"}
    frames = streamed(sse(BEGIN, TEXT[0], changed, TEXT[4], DELTA, STOP))
    assert events(frames) == [START, TextDelta("Hel"), Finish("stop"), REPORT, End()]
    assert [frame.exact for frame in frames] == [True, True, False, True, True, True]


def test_the_body_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anthropic_decode, "MAX_BODY_BYTES", 10)
    decoder = MessageDecoder(MessageEvents(created=9))
    decoder.feed(b"x" * 10)
    with pytest.raises(UpstreamFailedError, match="too large"):
        decoder.feed(b"x")


def test_an_endless_event_is_refused() -> None:
    decoder = StreamDecoder(MessageEvents(created=9))
    piece = b"data: " + b"x" * (1 << 20)
    for _ in range(3):
        assert decoder.feed(piece) == []
    with pytest.raises(UpstreamFailedError, match="oversized"):
        decoder.feed(piece)
