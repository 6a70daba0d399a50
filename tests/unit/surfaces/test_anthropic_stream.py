"""The streamed answer: events in, events out. `tests/contract` proves its rules for every sequence of events."""

from typing import Any

import msgspec
import pytest

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
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.anthropic_parts import MAX_HELD
from kaigate.surfaces.anthropic_stream import StreamedAnswer

START = Start("msg_1", "claude", 5, None, "standard")
STOP = b'{"type":"message_delta","delta":{"stop_reason":"pause_turn","stop_sequence":null},"usage":{"output_tokens":7}}'


def stream(*events: ChatEvent) -> StreamedAnswer:
    encoder = StreamedAnswer(provider="up")
    encoder.feed([START])
    encoder.feed(events)
    return encoder


def objects(data: bytes) -> list[dict[str, Any]]:
    return [msgspec.json.decode(frame.split(b"\ndata: ")[1]) for frame in data.split(b"\n\n")[:-1]]


def kinds(data: bytes) -> list[str]:
    return [item["type"] for item in objects(data)]


def test_a_plain_stream() -> None:
    encoder = StreamedAnswer(provider="up")
    assert encoder.feed([START]) == (
        b'event: message_start\ndata: {"type":"message_start","provider":"up","message":{"id":"msg_1","type":"message",'
        b'"role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,'
        b'"usage":{"input_tokens":0,"output_tokens":0}}}\n\n'
    )
    assert encoder.feed([TextDelta("Pa")]) == (
        b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
        b'"content_block":{"type":"text","text":""}}\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"Pa"}}\n\n'
    )
    assert encoder.feed([TextDelta('r"is')]) == (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"r\\"is"}}\n\n'
    )
    assert encoder.feed([Finish("stop", stop_sequence="END")]) == (
        b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    )
    assert encoder.feed([UsageReport(Usage(9, 4, 2)), End()]) == b""
    assert encoder.end() == (
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"stop_sequence",'
        b'"stop_sequence":"END"},"usage":{"input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":2,'
        b'"output_tokens":4}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop","provider":"up"}\n\n'
    )


def test_usage_that_is_known_at_the_start_is_told_there() -> None:
    encoder = StreamedAnswer(provider="up")
    (start,) = objects(encoder.feed([START, UsageReport(Usage(9, 1))]))
    assert start["message"]["usage"]["input_tokens"] == 9
    assert start["message"]["usage"]["service_tier"] == "standard"


def test_empty_fragments_begin_nothing() -> None:
    encoder = stream()
    assert encoder.feed([TextDelta("")]) == encoder.feed([RefusalDelta("")]) == b""
    assert kinds(encoder.feed([TextDelta(""), ToolCallStart(0, "c", "f")])) == ["content_block_start"]
    assert encoder.feed([ToolCallDelta(0, "")]) == b""


def test_log_probabilities_have_no_place_here() -> None:
    assert stream().feed([LogprobsDelta([])]) == b""


def test_content_that_comes_while_arguments_are_incomplete_waits_for_them() -> None:
    encoder = stream(ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{"a'))
    assert encoder.feed([ToolCallStart(1, "d", "g"), TextDelta("x"), ToolCallDelta(1, "{}"), TextDelta("y")]) == b""
    assert kinds(encoder.feed([ToolCallDelta(0, '":1}')])) == ["content_block_delta"]
    late = objects(encoder.feed([Finish("tool_calls")]))
    assert [(item["type"], item["index"]) for item in late] == [
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_delta", 1),
        ("content_block_stop", 1),
        ("content_block_start", 2),
        ("content_block_delta", 2),
        ("content_block_delta", 2),
        ("content_block_stop", 2),
    ]


def test_what_waits_is_bounded() -> None:
    encoder = stream(ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{"))
    with pytest.raises(UpstreamFailedError, match="too much"):
        encoder.feed([TextDelta("x" * MAX_HELD)])
    encoder = stream(ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{"), ToolCallStart(1, "d", "f"))
    with pytest.raises(UpstreamFailedError, match="too much"):
        encoder.feed([ToolCallDelta(1, "x" * MAX_HELD)])


@pytest.mark.parametrize(
    "events",
    [
        [ToolCallDelta(0, "{}")],
        [ToolCallStart(0, "c", "f"), ToolCallStart(0, "c", "f")],
        [ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{}"), TextDelta("x"), ToolCallDelta(0, "}")],
        [ToolCallStart(0, "c", "f"), ToolCallDelta(0, "nonsense"), Finish("tool_calls")],
        [ToolCallStart(0, "c", "f"), ToolCallDelta(0, "["), ToolCallStart(1, "c", "f"), Finish("stop")],
        [TextDelta("x", 1)],
        [Finish("stop", 1)],
    ],
)
def test_what_this_format_can_not_say_fails(events: list[ChatEvent]) -> None:
    with pytest.raises(UpstreamFailedError):
        stream(*events)


def test_blanks_after_the_end_of_arguments_are_nothing() -> None:
    assert (
        stream(ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{}"), TextDelta("x")).feed([ToolCallDelta(0, " ")]) == b""
    )


def test_arguments_that_the_ceiling_cut_off_end_with_it() -> None:
    encoder = stream(ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{"a'), Finish("length"), End())
    assert objects(encoder.end())[0]["delta"]["stop_reason"] == "max_tokens"


def test_an_answer_with_tool_calls_says_so_whatever_the_upstream_called_it() -> None:
    encoder = stream(ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{}"), Finish("stop"), End())
    assert objects(encoder.end())[0]["delta"]["stop_reason"] == "tool_use"


def test_a_refusal_is_text_and_a_reason() -> None:
    encoder = stream(RefusalDelta("No."), Finish("stop"), End())
    assert objects(encoder.end())[0]["delta"]["stop_reason"] == "refusal"


def test_an_answer_without_content_is_a_message() -> None:
    encoder = StreamedAnswer(provider="up")
    encoder.feed([End()])
    assert kinds(encoder.end()) == ["message_start", "message_delta", "message_stop"]


def test_a_stream_without_its_end_never_ends_well() -> None:
    encoder = stream(TextDelta("half"), Finish("stop"))
    with pytest.raises(UpstreamFailedError, match="before it was complete"):
        encoder.end()


def test_a_failure_ends_the_stream_after_all_that_was_said() -> None:
    encoder = stream(ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{"), TextDelta("held"))
    failure = encoder.fail(UpstreamFailedError("upstream_timeout", "Too late."))
    assert b"held" in failure
    assert kinds(failure)[-2:] == ["content_block_stop", "error"]
    assert failure.endswith(
        b'event: error\ndata: {"type":"error","error":{"type":"timeout_error","message":"Too late.",'
        b'"code":"upstream_timeout"}}\n\n'
    )
    assert b"message_stop" not in failure
    assert kinds(StreamedAnswer(provider="up").fail(UpstreamFailedError("upstream_error", "x"))) == ["error"]


def test_upstream_bytes_pass_as_they_are_with_the_provider_in_the_first() -> None:
    encoder = StreamedAnswer(provider="up")
    start = b'{"type":"message_start","message":{"id":"msg_9"}}'
    assert encoder.relay(Frame([START], start, exact=True)) == (
        b'event: message_start\ndata: {"provider":"up",' + start[1:] + b"\n\n"
    )
    encoder.relay(Frame([TextDelta("x")], fragment(0, "x"), exact=True))
    assert encoder.relay(Frame([TextDelta("y")], fragment(0, "y") + b"  ", exact=True)) == (
        b"event: content_block_delta\ndata: " + fragment(0, "y") + b"  \n\n"
    )
    assert encoder.relay(Frame([Finish("length"), UsageReport(Usage(1, 7))], STOP, exact=True)) == (
        b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        b"event: message_delta\ndata: " + STOP + b"\n\n"
    )
    assert encoder.relay(Frame([End()], b'{"type":"message_stop"}', exact=True)) == b""
    assert kinds(encoder.end()) == ["message_stop"]


def test_a_fragment_of_another_index_is_encoded_anew() -> None:
    encoder = stream(TextDelta("x"))
    assert objects(encoder.relay(Frame([TextDelta("y")], fragment(1, "y"), exact=True)))[0]["index"] == 0


def test_a_ping_passes_once_the_message_began() -> None:
    ping = Frame([], b'{"type": "ping"}', exact=True)
    assert StreamedAnswer(provider="up").relay(ping) == b""
    assert stream().relay(ping) == b'event: ping\ndata: {"type":"ping"}\n\n'


def test_a_block_that_the_upstream_begins_is_one_here_but_its_end_waits_for_held_text() -> None:
    encoder = stream(TextDelta("Hello wor"))
    assert encoder.relay(Frame([], b'{"type":"content_block_stop","index":0}', exact=True)) == b""
    assert kinds(encoder.feed([TextDelta("ld")])) == ["content_block_delta"]
    begin = b'{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}'
    assert kinds(encoder.relay(Frame([], begin, exact=True))) == ["content_block_stop"]
    assert kinds(encoder.feed([TextDelta("!")])) == ["content_block_start", "content_block_delta"]


@pytest.mark.parametrize(
    ("first", "held", "kind"),
    [
        (TextDelta("Hello wor"), TextDelta("ld"), b"thinking"),
        (TextDelta("Hello wor"), TextDelta("ld"), b"tool_use"),
        (ReasoningDelta("Hello wor"), ReasoningDelta("ld"), b"text"),
    ],
)
def test_a_block_of_another_kind_waits_for_held_text(first: ChatEvent, held: ChatEvent, kind: bytes) -> None:
    encoder = stream(first)
    begin = b'{"type":"content_block_start","index":1,"content_block":{"type":"' + kind + b'"}}'
    assert encoder.relay(Frame([], begin, exact=True)) == b""
    assert kinds(encoder.feed([held])) == ["content_block_delta"]


def test_nothing_follows_a_stop_that_was_relayed() -> None:
    encoder = stream(TextDelta("x"))
    encoder.relay(Frame([Finish("stop")], STOP, exact=True))
    with pytest.raises(UpstreamFailedError, match="after its end"):
        encoder.feed([TextDelta("y")])
    assert kinds(encoder.fail(UpstreamFailedError("upstream_error", "x"))) == ["error"]


def fragment(index: int, text: str) -> bytes:
    return f'{{"type":"content_block_delta","index":{index},"delta":{{"type":"text_delta","text":"{text}"}}}}'.encode()
