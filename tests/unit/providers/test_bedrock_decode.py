"""Answers of Converse and ConverseStream."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
    ReasoningDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.request import ChatRequest, Tool
from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError, RequestInvalidError, UpstreamFailedError
from kaigate.providers.bedrock_decode import (
    MAX_BODY_BYTES,
    MAX_REDACTED_BYTES,
    ConverseDecoder,
    ConverseStreamDecoder,
)
from kaigate.providers.bedrock_names import ToolNames
from tests.support.aws_event_stream import event, exception, message

REQUEST = ChatRequest("m", (Message("user", (TextBlock("x"),)),), tools=(Tool("t"),))
BEGIN = Start("bedrock-1", "m", 5)
USAGE = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}


def complete(body: bytes) -> list[ChatEvent]:
    decoder = ConverseDecoder(BEGIN, ToolNames(REQUEST))
    assert decoder.feed(body[:9]) == decoder.feed(body[9:]) == []
    (frame,) = decoder.end()
    assert not frame.exact
    return frame.events


def answer(*content: dict[str, Any], **fields: Any) -> bytes:
    body = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "end_turn", "usage": USAGE}
    return msgspec.json.encode({**body, **fields})


def streamed(*pieces: bytes) -> list[ChatEvent]:
    decoder = ConverseStreamDecoder(BEGIN, ToolNames(REQUEST))
    frames = [frame for piece in pieces for frame in decoder.feed(piece)] + decoder.end()
    for frame in frames:
        assert not frame.exact
        if frame.failure is not None:
            raise frame.failure
    return [one for frame in frames for one in frame.events]


def delta(block: int, **member: Any) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": block, "delta": member, "p": "abc"})


def thought(block: int, **member: Any) -> bytes:
    return delta(block, reasoningContent=member)


def tool(block: int, name: str = "t", **more: Any) -> bytes:
    start = {"toolUse": {"toolUseId": f"u{block}", "name": name, **more}}
    return event("contentBlockStart", {"contentBlockIndex": block, "start": start})


def close(block: int) -> bytes:
    return event("contentBlockStop", {"contentBlockIndex": block})


START = event("messageStart", {"role": "assistant"})
STOP = event("messageStop", {"stopReason": "end_turn"})
METADATA = event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 9}})
ENDING = [Finish("stop"), UsageReport(Usage(3, 2)), End()]
WHOLE = [
    START,
    thought(0, text="hm"),
    thought(0, signature="sig"),
    close(0),
    delta(1, text="Hel"),
    delta(1, text=""),
    delta(1, text="lo"),
    close(1),
    tool(2),
    delta(2, toolUse={"input": ""}),
    delta(2, toolUse={"input": '{"a":'}),
    delta(2, toolUse={"input": "1}"}),
    close(2),
    tool(3),
    close(3),
    event("messageStop", {"stopReason": "tool_use"}),
    METADATA,
]
EVENTS = [
    BEGIN,
    ReasoningDelta("hm"),
    ReasoningDelta("", signature="sig"),
    TextDelta("Hel"),
    TextDelta("lo"),
    ToolCallStart(0, "u2", "t"),
    ToolCallDelta(0, '{"a":'),
    ToolCallDelta(0, "1}"),
    ToolCallStart(1, "u3", "t"),
    ToolCallDelta(1, "{}"),
    Finish("tool_calls"),
    *ENDING[1:],
]


def test_a_complete_answer() -> None:
    body = answer(
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "eA=="}},
        {"text": "Hello"},
        {"toolUse": {"toolUseId": "u", "name": "t", "input": {"n": 1.5}}},
        stopReason="tool_use",
        trace={"guardrail": {}},
    )
    assert complete(body) == [
        BEGIN,
        ReasoningDelta("hm", signature="sig"),
        ReasoningDelta("", redacted="eA=="),
        TextDelta("Hello"),
        ToolCallStart(0, "u", "t"),
        ToolCallDelta(0, '{"n":1.5}'),
        Finish("tool_calls"),
        *ENDING[1:],
    ]


def test_a_sequence_that_was_met_is_told() -> None:
    body = answer(stopReason="stop_sequence", additionalModelResponseFields={"stop_sequence": "z"})
    assert complete(body)[1] == Finish("stop", stop_sequence="z")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"canary",
        b"\xff",
        b"[" * 100_000,
        b'{"message":"canary"}',
        b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}',
        answer({}),
        answer({"image": {}}),
        answer({"text": "a", "toolUse": {"toolUseId": "u", "name": "t", "input": {}}}),
        answer({"toolUse": {"toolUseId": "u", "name": "t", "input": "x"}}),
        answer({"toolUse": {"toolUseId": "u", "name": "t", "input": {}, "type": "server_tool_use"}}),
        answer({"toolResult": {}}),
        answer(stopReason="new"),
        answer({"text": "a"})[:-1],
    ],
)
def test_what_is_no_complete_answer_is_refused_without_repeating_it(body: bytes) -> None:
    with pytest.raises(UpstreamFailedError) as caught:
        complete(body)
    assert "canary" not in caught.value.message


def test_an_answer_is_bounded() -> None:
    decoder = ConverseDecoder(BEGIN, ToolNames(REQUEST))
    part = bytes(MAX_BODY_BYTES // 2 + 1)
    decoder.feed(part)
    with pytest.raises(UpstreamFailedError):
        decoder.feed(part)


def test_a_streamed_answer() -> None:
    assert streamed(*WHOLE) == EVENTS
    assert streamed(b"".join(WHOLE)) == EVENTS


@pytest.mark.parametrize("step", [1, 7, 100])
def test_a_cut_anywhere_gives_the_same_events(step: int) -> None:
    raw = b"".join(WHOLE)
    assert streamed(*[raw[start : start + step] for start in range(0, len(raw), step)]) == EVENTS


def test_a_stream_that_is_truncated_anywhere_never_ends() -> None:
    raw = b"".join([START, delta(1, text="a"), close(1), STOP, METADATA])
    for cut in range(len(raw)):
        decoder = ConverseStreamDecoder(BEGIN, ToolNames(REQUEST))
        events = [one for frame in decoder.feed(raw[:cut]) for one in frame.events]
        assert not any(isinstance(one, End | Finish) for one in events)
        with pytest.raises(UpstreamFailedError):
            decoder.end()


def test_an_initial_response_may_stand_in_front() -> None:
    initial = message({":message-type": "event", ":event-type": "initial-response"}, b"")
    assert streamed(initial, START, STOP, METADATA) == [BEGIN, *ENDING]
    with pytest.raises(UpstreamFailedError):
        streamed(START, initial, STOP, METADATA)


def test_what_follows_the_end_goes_nowhere() -> None:
    assert streamed(START, STOP, METADATA + delta(0, text="more")) == [BEGIN, *ENDING]
    assert streamed(START, STOP, METADATA, b"\x00" * 11) == [BEGIN, *ENDING]


def test_usage_that_is_missing_is_not_invented() -> None:
    assert streamed(START, STOP, event("metadata", {"metrics": {}})) == [BEGIN, Finish("stop"), End()]


def test_encrypted_reasoning_is_whole_blocks() -> None:
    found = streamed(
        START,
        thought(0, redactedContent="eHl6"),
        close(0),
        thought(1, redactedContent="eA=="),
        thought(1, redactedContent="eXo="),
        close(1),
        STOP,
        METADATA,
    )
    assert found[1:3] == [ReasoningDelta("", redacted="eHl6"), ReasoningDelta("", redacted="eHl6")]


def test_encrypted_reasoning_is_bounded_and_base64() -> None:
    half = "A" * (MAX_REDACTED_BYTES // 2 + 4)
    with pytest.raises(UpstreamFailedError):
        streamed(START, thought(0, redactedContent=half), thought(0, redactedContent=half))
    with pytest.raises(UpstreamFailedError):
        streamed(START, thought(0, redactedContent="?"), thought(0, redactedContent="?"), close(0))


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttlingException", "upstream_unavailable"),
        ("serviceUnavailableException", "upstream_unavailable"),
        ("modelStreamErrorException", "upstream_error"),
        ("internalServerException", "upstream_error"),
        ("modelTimeoutException", "upstream_timeout"),
        ("validationException", "invalid_request"),
        ("newException", "upstream_error"),
    ],
)
def test_an_exception_in_the_stream_is_an_error(kind: str, code: str) -> None:
    decoder = ConverseStreamDecoder(BEGIN, ToolNames(REQUEST))
    frames = decoder.feed(START + delta(0, text="a") + exception(kind, "canary") + METADATA)
    assert [one for frame in frames for one in frame.events] == [BEGIN, TextDelta("a")]
    error = frames[-1].failure
    assert isinstance(error, GatewayError)
    assert error.code == code
    assert "canary" not in error.message
    with pytest.raises(UpstreamFailedError):
        decoder.end()


def test_an_exception_alone_is_raised() -> None:
    decoder = ConverseStreamDecoder(BEGIN, ToolNames(REQUEST))
    with pytest.raises(RequestInvalidError):
        decoder.feed(exception("validationException", "x"))
    error = message({":message-type": "error", ":error-code": "InternalFailure", ":error-message": "canary"}, b"")
    with pytest.raises(UpstreamFailedError):
        decoder.feed(error)


@pytest.mark.parametrize(
    "odd",
    [
        event("newEvent", {}),
        message({":message-type": "new", ":event-type": "contentBlockDelta"}, b"{}"),
        message({}, b"{}"),
        message({":message-type": "event"}, b"{}"),
        event("messageStart", {"role": "assistant"}),
        event("contentBlockDelta", {"contentBlockIndex": 0}),
        event("contentBlockDelta", {"contentBlockIndex": "0", "delta": {"text": "a"}}),
        message({":message-type": "event", ":event-type": "contentBlockDelta"}, b"canary"),
        message({":message-type": "event", ":event-type": "contentBlockDelta"}, b"\xff"),
        delta(0),
        delta(0, citation={}),
        delta(0, image={}),
        delta(0, toolResult=[]),
        delta(0, text="a", toolUse={"input": "x"}),
        delta(0, toolUse={"input": "x"}),
        thought(0),
        thought(0, text="a", signature="b"),
        thought(0, new="x"),
        tool(0, "x", type="server_tool_use"),
        event("contentBlockStart", {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}}),
        METADATA,
        STOP + delta(0, text="a"),
        STOP + STOP,
        event("messageStop", {"stopReason": "new"}) + METADATA,
    ],
)
def test_what_is_not_known_is_refused(odd: bytes) -> None:
    with pytest.raises(UpstreamFailedError) as caught:
        streamed(START, odd, METADATA)
    assert "canary" not in caught.value.message


def test_events_before_the_start_are_refused() -> None:
    with pytest.raises(UpstreamFailedError):
        streamed(delta(0, text="a"))


def test_damage_is_fatal_behind_whole_events() -> None:
    damaged = bytearray(delta(0, text="b"))
    damaged[-1] ^= 1
    decoder = ConverseStreamDecoder(BEGIN, ToolNames(REQUEST))
    frames = decoder.feed(START + delta(0, text="a") + bytes(damaged))
    assert [one for frame in frames for one in frame.events] == [BEGIN, TextDelta("a")]
    assert isinstance(frames[-1].failure, UpstreamFailedError)
    for _ in range(2):
        with pytest.raises(UpstreamFailedError):
            decoder.feed(STOP + METADATA)
