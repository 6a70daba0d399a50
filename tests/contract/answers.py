"""Canonical answers for property tests, and readers of what the encoders write."""

import itertools
from typing import Any

import msgspec
from hypothesis import strategies as st

from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
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

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12)
COUNT = st.integers(0, 10**6)


@st.composite
def choice_events(draw: st.DrawFn, choice: int) -> list[ChatEvent]:
    """Deltas of one choice, with whole tool calls, then its finish."""
    plain = st.one_of(
        st.builds(TextDelta, TEXT, st.just(choice)),
        st.builds(ReasoningDelta, TEXT, st.just(choice)),
        st.builds(RefusalDelta, TEXT, st.just(choice)),
        st.builds(LogprobsDelta, st.just([_logprob()]), st.none(), st.just(choice)),
    )
    events: list[ChatEvent] = draw(st.lists(plain, max_size=6))
    calls = draw(st.integers(0, 3))
    for index in range(calls):
        events.append(ToolCallStart(index, f"call_{choice}_{index}", "get_weather", choice))
        events += [ToolCallDelta(index, text, choice) for text in draw(st.lists(TEXT, max_size=3))]
    reason = "tool_calls" if calls else draw(st.sampled_from(["stop", "length", "content_filter"]))
    return [*events, Finish(reason, choice)]  # type: ignore[arg-type]


@st.composite
def answers(draw: st.DrawFn, max_choices: int = 3, usage: bool | None = None) -> list[ChatEvent]:
    """A whole answer: choices interleaved in any way that keeps each one's own order."""
    queues = [draw(choice_events(choice)) for choice in range(draw(st.integers(1, max_choices)))]
    events: list[ChatEvent] = [
        Start("chatcmpl-1", draw(TEXT) or "m", draw(COUNT), draw(st.none() | TEXT), draw(st.none() | st.just("flex")))
    ]
    while any(queues):
        queue = draw(st.sampled_from([queue for queue in queues if queue]))
        events.append(queue.pop(0))
    if usage if usage is not None else draw(st.booleans()):
        events.append(UsageReport(draw(st.builds(Usage, COUNT, COUNT, COUNT, COUNT, COUNT))))
    return [*events, End()]


def batches(events: list[ChatEvent], cuts: list[int]) -> list[list[ChatEvent]]:
    """The events in groups, cut at these positions."""
    edges = [0, *sorted({cut % (len(events) + 1) for cut in cuts}), len(events)]
    return [events[a:b] for a, b in itertools.pairwise(edges) if a < b]


def sse_objects(stream: bytes) -> list[Any]:
    """The objects of a stream that ends with `[DONE]`."""
    frames = stream.split(b"\n\n")
    assert frames.pop() == b""
    assert frames.pop() == b"data: [DONE]"
    assert all(frame.startswith(b"data: {") and b"\n" not in frame for frame in frames)
    return [msgspec.json.decode(frame[6:]) for frame in frames]


def joined(events: list[ChatEvent]) -> dict[int, dict[str, Any]]:
    """What a client must end up with, by choice."""
    result: dict[int, dict[str, Any]] = {}
    for event in events:
        if isinstance(event, Start | UsageReport | End):
            continue
        choice = result.setdefault(
            event.choice, {"content": "", "reasoning_content": "", "refusal": "", "calls": [], "logprobs": 0}
        )
        match event:
            case TextDelta():
                choice["content"] += event.text
            case ReasoningDelta():
                choice["reasoning_content"] += event.text
            case RefusalDelta():
                choice["refusal"] += event.text
            case ToolCallStart():
                choice["calls"].append([event.id, event.name, ""])
            case ToolCallDelta():
                choice["calls"][event.index][2] += event.arguments
            case LogprobsDelta():
                choice["logprobs"] += len(event.content or ())
            case Finish():
                choice["finish"] = event.reason
    return result


def streamed(objects: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """What a client makes of a stream's chunks; asserts the rules that every stream keeps."""
    result: dict[int, dict[str, Any]] = {}
    for item in objects:
        for choice in item["choices"]:
            delta = choice["delta"]
            known = result.get(choice["index"])
            assert ("role" in delta) == (known is None), "the role is in the first delta only"
            if known is None:
                known = {"content": "", "reasoning_content": "", "refusal": "", "calls": [], "logprobs": 0}
                result[choice["index"]] = known
            assert "finish" not in known, "nothing follows the finish reason"
            for field in ("content", "reasoning_content", "refusal"):
                known[field] += delta.get(field, "")
            for call in delta.get("tool_calls", ()):
                if "id" in call:
                    assert call["index"] == len(known["calls"])
                    known["calls"].append([call["id"], call["function"]["name"], ""])
                known["calls"][call["index"]][2] += call["function"]["arguments"]
            known["logprobs"] += len((choice["logprobs"] or {}).get("content") or ())
            if choice["finish_reason"] is not None:
                known["finish"] = choice["finish_reason"]
    return result


def _logprob() -> dict[str, Any]:
    return {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
