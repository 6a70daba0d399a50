"""Blocks of an answer become canonical events, whatever their order; what makes no sense is refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.chat.events import (
    AnnotationsDelta,
    ChatEvent,
    End,
    Finish,
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
from kaigate.providers import anthropic_events
from kaigate.providers.anthropic_events import MessageEvents
from kaigate.providers.anthropic_wire import WireEvent, WireMessage

HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}
BEGIN = {
    "type": "message_start",
    "message": {**HEAD, "content": [], "usage": {"input_tokens": 3, "output_tokens": 1, "service_tier": "standard"}},
}
FINISH = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}
STOP = {"type": "message_stop"}
WEB = {
    "type": "web_search_result_location",
    "url": "https://a.example/",
    "title": "A",
    "cited_text": "t",
    "encrypted_index": "x",
}
JSON = "json_answer"


def begin(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def end(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def call(index: int, **fields: Any) -> dict[str, Any]:
    return begin(index, **{"type": "tool_use", "id": f"t{index}", "name": "f", "input": {}, **fields})


def stop(reason: str, **fields: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason, **fields}, "usage": {"output_tokens": 7}}


def feed(*events: dict[str, Any], **settings: Any) -> list[tuple[list[ChatEvent], bool]]:
    builder = MessageEvents(created=9, **settings)
    return [builder.feed(msgspec.convert(_raw(event), WireEvent)) for event in events]


def _raw(event: dict[str, Any]) -> dict[str, Any]:
    block = event.get("content_block", {})
    if "input" not in block:
        return event
    return {**event, "content_block": {**block, "input": msgspec.Raw(msgspec.json.encode(block["input"]))}}


def told(*events: dict[str, Any], **settings: Any) -> list[ChatEvent]:
    return [event for part, _ in feed(BEGIN, *events, **settings) for event in part][1:]


def whole(content: list[Any], reason: str = "end_turn", **fields: Any) -> tuple[list[ChatEvent], bool]:
    settings = {name: fields.pop(name) for name in ("hosted", "json_tool") if name in fields}
    body = {
        **HEAD,
        "content": content,
        "stop_reason": reason,
        "usage": {"input_tokens": 3, "output_tokens": 7},
        **fields,
    }
    return MessageEvents(created=9, **settings).complete(
        msgspec.json.decode(msgspec.json.encode(body), type=WireMessage)
    )


def test_the_start_tells_model_time_and_tier() -> None:
    assert feed(BEGIN) == [([Start("msg_1", "m", 9, service_tier="standard")], True)]


def test_blocks_interleave_and_tool_indexes_count_tools_only() -> None:
    assert told(
        begin(0, type="text", text=""),
        call(1),
        call(2, name="g"),
        delta(2, "input_json_delta", partial_json=""),
        delta(2, "input_json_delta", partial_json='{"b"'),
        delta(0, "text_delta", text="Hi"),
        delta(1, "input_json_delta", partial_json='{"a":1}'),
        end(1),
        delta(2, "input_json_delta", partial_json=":2}"),
        end(2),
        end(0),
        stop("tool_use"),
        STOP,
    ) == [
        ToolCallStart(0, "t1", "f"),
        ToolCallStart(1, "t2", "g"),
        ToolCallDelta(1, '{"b"'),
        TextDelta("Hi"),
        ToolCallDelta(0, '{"a":1}'),
        ToolCallDelta(1, ":2}"),
        Finish("tool_calls"),
        UsageReport(Usage(3, 7)),
        End(),
    ]


@given(st.permutations([0, 1, 2]), st.lists(st.sampled_from([0, 1, 2]), max_size=12))
def test_each_block_keeps_its_own_text_however_they_interleave(order: list[int], pieces: list[int]) -> None:
    events = told(
        *(call(index) for index in order),
        *(delta(index, "input_json_delta", partial_json=f"{at},") for at, index in enumerate(pieces)),
        *(end(index) for index in order),
        stop("tool_use"),
    )
    numbers = {event.id: event.index for event in events if isinstance(event, ToolCallStart)}
    for index in order:
        said = "".join(
            event.arguments
            for event in events
            if isinstance(event, ToolCallDelta) and event.index == numbers[f"t{index}"]
        )
        assert said == ("".join(f"{at}," for at, piece in enumerate(pieces) if piece == index) or "{}")


@pytest.mark.parametrize("fragments", [(), ("",), ("", "")])
def test_a_tool_without_arguments_gets_an_empty_object(fragments: tuple[str, ...]) -> None:
    pieces = [delta(0, "input_json_delta", partial_json=text) for text in fragments]
    assert told(call(0), *pieces, end(0), stop("tool_use"))[:2] == [ToolCallStart(0, "t0", "f"), ToolCallDelta(0, "{}")]
    assert told(call(0), *pieces, stop("tool_use"))[1] == ToolCallDelta(0, "{}"), "also if the block is never closed"
    assert whole([{"type": "tool_use", "id": "t0", "name": "f", "input": {}}], "tool_use")[0][1:3] == [
        ToolCallStart(0, "t0", "f"),
        ToolCallDelta(0, "{}"),
    ]


def test_arguments_at_the_beginning_of_a_call_count_too_but_are_not_relayed() -> None:
    parts = feed(BEGIN, call(0, input={"a": 1}), end(0))
    assert parts[1:] == [([ToolCallStart(0, "t0", "f"), ToolCallDelta(0, '{"a":1}')], False), ([], True)]


def test_thinking_its_signature_alone_and_what_is_encrypted() -> None:
    assert told(
        begin(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="hm"),
        delta(0, "signature_delta", signature="c2ln"),
        end(0),
        begin(1, type="redacted_thinking", data="opaque"),
        end(1),
    ) == [ReasoningDelta("hm"), ReasoningDelta("", signature="c2ln"), ReasoningDelta("", redacted="opaque")]


def test_a_ping_is_nothing_and_may_be_relayed() -> None:
    assert feed({"type": "ping"}, BEGIN, {"type": "ping"})[::2] == [([], True), ([], True)]


def test_citations_are_annotations_before_and_behind_their_text() -> None:
    events = told(
        begin(0, type="text", text="", citations=[]),
        delta(0, "text_delta", text="See "),
        end(0),
        begin(1, type="text", text=""),
        delta(1, "citations_delta", citation=WEB),
        delta(1, "text_delta", text="this."),
        delta(1, "citations_delta", citation=WEB),
    )
    spans = [
        (note["url_citation"]["start_index"], note["url_citation"]["end_index"])
        for event in events
        if isinstance(event, AnnotationsDelta)
        for note in event.annotations
    ]
    assert spans == [(4, 4), (4, 9)]
    ((_, text, note, *_), exact) = whole([{"type": "text", "text": "this.", "citations": [WEB]}])
    assert exact
    assert (text, note.annotations[0]["citation"]) == (TextDelta("this."), WEB)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("reason", "ours"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "length"),
    ],
)
def test_stop_reasons(reason: str, ours: str) -> None:
    (events, exact) = feed(BEGIN, stop(reason, stop_sequence="END"))[1]
    assert events[0] == Finish(ours, stop_sequence="END")  # type: ignore[arg-type]
    assert exact == (reason != "pause_turn"), "a client can't continue a turn whose steps it never saw"
    assert whole([], reason)[0][1] == Finish(ours)  # type: ignore[arg-type]


def test_why_the_provider_refused_is_told() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    assert told(stop("refusal", stop_details=details))[:2] == [RefusalDelta("No."), Finish("content_filter")]
    assert whole([], "refusal", stop_details=details)[0][1] == RefusalDelta("No.")


def test_usage_is_set_never_added() -> None:
    head = {**BEGIN["message"], "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 1}}  # type: ignore[dict-item]
    last = {"output_tokens": 7, "input_tokens": 5, "cache_creation_input_tokens": 6}
    builder = MessageEvents(created=9)
    begun = {"type": "message_start", "message": head}
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": last}
    events = [event for item in (begun, ended) for event in builder.feed(msgspec.convert(item, WireEvent))[0]]
    assert events[-1] == UsageReport(Usage(15, 7, 4, 6))


def test_usage_that_is_unknown_is_not_reported() -> None:
    assert whole([], usage={"input_tokens": 3}) == ([Start("msg_1", "m", 9), Finish("stop"), End()], False)


def test_a_delta_without_a_reason_only_counts() -> None:
    assert feed(BEGIN, {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 2}}, FINISH)[1:] == [
        ([], False),
        ([Finish("stop"), UsageReport(Usage(3, 7))], True),
    ]


def test_the_answer_tool_becomes_the_answer_s_text() -> None:
    settings: dict[str, Any] = {"json_tool": JSON}
    pieces = [delta(0, "input_json_delta", partial_json=text) for text in ('{"a"', ":1}")]
    assert told(call(0, name=JSON), *pieces, end(0), stop("tool_use"), **settings)[:3] == [
        TextDelta('{"a"'),
        TextDelta(":1}"),
        Finish("stop"),
    ]
    assert told(call(0, name=JSON), end(0), **settings) == [TextDelta("{}")]
    tool = {"type": "tool_use", "id": "t", "name": JSON, "input": {"a": 1}}
    events, exact = whole([tool], "tool_use", **settings)
    assert events[1:3] == [TextDelta('{"a":1}'), Finish("stop")]
    assert not exact
    assert whole([tool], "max_tokens", **settings)[0][2] == Finish("length")
    own = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    assert whole([own], "tool_use", **settings)[0][3] == Finish("tool_calls")
    assert isinstance(whole([tool], "tool_use")[0][1], ToolCallStart), "only where JSON was asked for"


def test_nothing_is_relayed_once_an_answer_was_unwrapped() -> None:
    parts = feed(BEGIN, call(0, name=JSON), end(0), stop("tool_use"), STOP, json_tool=JSON)
    assert [exact for _, exact in parts] == [True, False, False, False, False]


@pytest.mark.parametrize(
    "events",
    [
        (begin(0, type="text", text=""), delta(0, "text_delta", text="Sure:"), call(1, name=JSON)),
        (call(0, name=JSON), end(0), begin(1, type="text", text="")),
        (call(0, name=JSON), end(0), call(1, name=JSON)),
    ],
)
def test_text_beside_the_json_is_refused(events: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(UpstreamFailedError, match="JSON"):
        told(*events, json_tool=JSON)


STEPS = [
    begin(0, type="server_tool_use", id="s", name="web_search", input={}),
    delta(0, "input_json_delta", partial_json='{"query":"x"}'),
    end(0),
    begin(1, type="web_search_tool_result", tool_use_id="s", content=[{"type": "web_search_result", "url": "u"}]),
    end(1),
    begin(2, type="text", text="Found"),
]


def test_steps_of_the_provider_s_tools_reach_nobody() -> None:
    parts = feed(BEGIN, *STEPS, hosted=True)
    assert [event for events, _ in parts for event in events][1:] == [TextDelta("Found")]
    assert not any(exact for _, exact in parts), "block indexes would have gaps"


def test_steps_of_tools_that_nobody_asked_for_are_refused() -> None:
    with pytest.raises(UpstreamFailedError, match="nobody asked"):
        told(*STEPS)


@pytest.mark.parametrize(
    "events",
    [
        (BEGIN,),
        (delta(0, "text_delta", text="x"),),
        (end(0),),
        (begin(0, type="text", text=""), begin(0, type="text", text="")),
        (begin(0, type="text", text=""), end(0), delta(0, "text_delta", text="x")),
        (begin(0, type="text", text=""), end(0), end(0)),
        (begin(0, type="text", text=""), delta(0, "input_json_delta", partial_json="x")),
        (begin(0, type="text", text=""), delta(0, "thinking_delta", thinking="x")),
        (begin(0, type="text", text=""), delta(0, "signature_delta", signature="x")),
        (call(0), delta(0, "text_delta", text="x")),
        (call(0), delta(0, "citations_delta", citation=WEB)),
        (begin(0, type="text", text=""), delta(0, "citations_delta", citation={"type": "song"})),
        (call(0, id=""),),
        (call(0, name=""),),
        (call(0, input=[1]),),
        (call(0, input="x"),),
        (STOP,),
        (FINISH, FINISH),
        (FINISH, begin(0, type="text", text="")),
        (stop("tired"),),
    ],
)
def test_what_makes_no_sense_is_refused(events: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(UpstreamFailedError):
        told(*events)


def test_an_answer_must_begin() -> None:
    for event in (begin(0, type="text", text=""), FINISH, STOP):
        with pytest.raises(UpstreamFailedError):
            feed(event)
    head = {**BEGIN["message"], "content": [{"type": "text", "text": "x"}]}  # type: ignore[dict-item]
    with pytest.raises(UpstreamFailedError, match="begins with content"):
        feed({"type": "message_start", "message": head})


def test_blocks_and_calls_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anthropic_events, "MAX_BLOCKS", 2)
    with pytest.raises(UpstreamFailedError, match="too many blocks"):
        told(*(begin(index, type="text", text="") for index in range(3)))
    monkeypatch.setattr(anthropic_events, "MAX_TOOL_CALLS", 1)
    with pytest.raises(UpstreamFailedError, match="too many tool calls"):
        told(call(0), call(1))
