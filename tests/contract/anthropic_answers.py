"""Canonical answers as Anthropic's format can express them, and a reader of its streams that knows their grammar."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.usage import Usage

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12)
COUNT = st.integers(0, 10**6)
ARGUMENTS = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(-9, 9) | TEXT, max_size=3)

Texts = dict[str, Any]


@st.composite
def pieces(draw: st.DrawFn, text: str) -> list[str]:
    """A text in pieces, empty ones among them."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@st.composite
def tool_call(draw: st.DrawFn, index: int) -> list[ChatEvent]:
    arguments = msgspec.json.encode(draw(ARGUMENTS)).decode()
    parts = [ToolCallDelta(index, part) for part in draw(pieces(arguments))]
    return [ToolCallStart(index, f"toolu_{index}", "get_weather"), *parts]


@st.composite
def answers(draw: st.DrawFn, *, signed: bool = True) -> list[ChatEvent]:
    """A whole answer: plain content between tool calls; the calls' arguments may interleave with what follows them."""
    plain = st.one_of(
        st.builds(TextDelta, TEXT),
        st.builds(ReasoningDelta, TEXT),
        st.builds(RefusalDelta, TEXT),
        *([st.builds(ReasoningDelta, st.just(""), signature=st.just("c2ln"))] if signed else []),
        *([st.builds(ReasoningDelta, st.just(""), redacted=st.just("ZW5j"))] if signed else []),
    )
    queues: list[list[ChatEvent]] = [draw(st.lists(plain, max_size=6))]
    calls = draw(st.integers(0, 3))
    queues += [draw(tool_call(index)) for index in range(calls)]
    events: list[ChatEvent] = [Start("msg_1", draw(TEXT) or "m", draw(COUNT), None, draw(st.none() | st.just("batch")))]
    interleaved = draw(st.booleans())
    while any(queues):
        open_queues = [queue for queue in queues if queue]
        queue = draw(st.sampled_from(open_queues)) if interleaved else open_queues[0]
        events.append(queue.pop(0))
    reason: FinishReason = "tool_calls" if calls else draw(st.sampled_from(["stop", "length", "content_filter"]))
    events.append(Finish(reason, stop_sequence=draw(st.none() | st.just("END")) if reason == "stop" else None))
    if draw(st.booleans()):
        events.append(UsageReport(draw(st.builds(Usage, COUNT, COUNT, COUNT, COUNT, COUNT))))
    return [*events, End()]


def said(events: list[ChatEvent]) -> Texts:
    """What a client must end up with, whatever the blocks: all text, all reasoning, each call's arguments."""
    result: Texts = {"text": "", "thinking": "", "signatures": [], "redacted": [], "calls": {}}
    for event in events:
        match event:
            case TextDelta() | RefusalDelta():
                result["text"] += event.text
            case ReasoningDelta():
                result["thinking"] += event.text
                result["signatures"] += [event.signature] if event.signature else []
                result["redacted"] += [event.redacted] if event.redacted else []
            case ToolCallStart():
                result["calls"][event.id] = ""
            case ToolCallDelta():
                result["calls"][f"toolu_{event.index}"] += event.arguments
    result["calls"] = {name: msgspec.json.decode(text or "{}") for name, text in result["calls"].items()}
    return result


def content_says(content: list[dict[str, Any]]) -> Texts:
    """The same of the blocks of a message."""
    result: Texts = {"text": "", "thinking": "", "signatures": [], "redacted": [], "calls": {}}
    for block in content:
        match block["type"]:
            case "text":
                result["text"] += block["text"]
            case "thinking":
                result["thinking"] += block["thinking"]
                result["signatures"] += [block["signature"]] if block["signature"] else []
            case "redacted_thinking":
                result["redacted"].append(block["data"])
            case "tool_use":
                result["calls"][block["id"]] = block["input"]
    return result


def sse_events(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream; each is named by its type, on one line."""
    frames = stream.split(b"\n\n")
    assert frames.pop() == b""
    objects = []
    for frame in frames:
        name, _, data = frame.partition(b"\n")
        assert data.startswith(b"data: ")
        assert b"\n" not in data
        value = msgspec.json.decode(data[6:])
        assert name == b"event: " + value["type"].encode()
        objects.append(value)
    return objects


def message_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that a complete stream makes; asserts the grammar that Anthropic documents."""
    events = [event for event in events if event["type"] != "ping"]
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    message = partial_message(events[:-2])
    stop = events[-2]
    return {**message, **stop["delta"], "usage": {**message["usage"], **stop["usage"]}}


def partial_message(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that a stream's events before its `message_delta` make."""
    first, *rest = events
    assert first["type"] == "message_start"
    message: dict[str, Any] = first["message"]
    content: list[dict[str, Any]] = message["content"]
    assert content == []
    open_block: dict[str, Any] | None = None
    for event in rest:
        if event["type"] == "content_block_start":
            assert open_block is None, "blocks follow one another"
            assert event["index"] == len(content), "and are numbered from 0"
            open_block = event["content_block"]
            content.append(open_block)
        else:
            assert open_block is not None
            assert event["index"] == len(content) - 1
            if event["type"] == "content_block_stop":
                _close(open_block)
                open_block = None
            else:
                assert event["type"] == "content_block_delta"
                _add(open_block, event["delta"])
    assert open_block is None, "every block ends"
    return message


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    kind = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}.get(delta["type"])
    of = {"text_delta": "text", "citations_delta": "text", "input_json_delta": "tool_use"}
    assert block["type"] == of.get(delta["type"], "thinking")
    if kind is not None:
        block[kind] = block.get(kind, "") + delta[kind]
    elif delta["type"] == "citations_delta":
        block.setdefault("citations", []).append(delta["citation"])
    else:
        assert not block["signature"], "a thinking block ends with its signature"
        block["signature"] = delta["signature"]


def _close(block: dict[str, Any]) -> None:
    if block["type"] == "tool_use":
        assert block["input"] == {}
        block["input"] = msgspec.json.decode(block.pop("partial_json", "{}"))
    elif block["type"] == "text":
        assert block["text"] or block.get("citations"), "an empty block can't be replayed"
