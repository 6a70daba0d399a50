"""Upstream bytes that are passed on, and any mixture of them with events encoded anew, still make one good message."""

import itertools
from typing import Any

import msgspec
from anthropic.types import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.anthropic_answers import answers, content_says, message_of, said, sse_events
from kaigate.chat.events import ChatEvent, End, Finish, Frame, ReasoningDelta, TextDelta
from kaigate.providers.anthropic_decode import MessageDecoder, StreamDecoder
from kaigate.providers.anthropic_events import MessageEvents
from kaigate.surfaces.anthropic_answer import CompleteAnswer
from kaigate.surfaces.anthropic_stream import StreamedAnswer


def upstream_events(events: list[ChatEvent]) -> list[dict[str, Any]]:
    """A standard server's stream of this answer: one event per fragment, and a ping."""
    encoder = StreamedAnswer(provider="")
    objects = sse_events(b"".join(encoder.feed([event]) for event in events) + encoder.end())
    for item in objects:
        item.pop("provider", None)
    return [objects[0], {"type": "ping"}, *objects[1:]]


def framed(objects: list[dict[str, Any]]) -> bytes:
    return b"".join(
        b"event: " + item["type"].encode() + b"\ndata: " + msgspec.json.encode(item) + b"\n\n" for item in objects
    )


def decoded(stream: bytes, cuts: list[int]) -> list[Frame]:
    """Its frames, however the bytes are cut."""
    decoder = StreamDecoder(MessageEvents(created=1))
    edges = [0, *sorted({cut % (len(stream) + 1) for cut in cuts}), len(stream)]
    frames = [frame for a, b in itertools.pairwise(edges) for frame in decoder.feed(stream[a:b])]
    return frames + decoder.end()


@settings(max_examples=60)
@given(events=answers(), cuts=st.lists(st.integers(0, 10**5), max_size=12), touched=st.lists(st.booleans(), min_size=9))
def test_any_mixture_of_relayed_and_encoded_frames_is_one_stream(
    events: list[ChatEvent], cuts: list[int], touched: list[bool]
) -> None:
    upstream = upstream_events(events)
    encoder = StreamedAnswer(provider="up")
    stream = b"".join(
        encoder.relay(frame) if frame.exact and not touched[index % len(touched)] else encoder.feed(frame.events)
        for index, frame in enumerate(decoded(framed(upstream), cuts))
    )
    objects = sse_events(stream + encoder.end())
    message = message_of(objects)
    Message.model_validate(message, strict=True)
    assert content_says(message["content"]) == said(events)
    wanted = message_of(upstream)
    assert (message["id"], message["model"]) == (wanted["id"], wanted["model"])
    assert message["usage"]["output_tokens"] == wanted["usage"]["output_tokens"]
    assert [index for index, item in enumerate(objects) if "provider" in item] == [0, len(objects) - 1]


@settings(max_examples=60)
@given(events=answers())
def test_a_stream_that_nobody_touches_goes_out_as_it_came(events: list[ChatEvent]) -> None:
    upstream = upstream_events(events)
    encoder = StreamedAnswer(provider="up")
    stream = b"".join(encoder.relay(frame) for frame in decoded(framed(upstream), []) if frame.exact)
    objects = sse_events(stream + encoder.end())
    for item in (objects[0], objects[-1]):
        assert item.pop("provider") == "up"
    assert objects == upstream


@settings(max_examples=60)
@given(events=answers(), held=st.integers(0, 40))
def test_text_that_a_stage_holds_back_changes_no_rule_of_the_stream(events: list[ChatEvent], held: int) -> None:
    """The redactor keeps text and lets it go with a later frame, while the frames between are relayed or empty."""
    encoder = StreamedAnswer(provider="up")
    kept: list[ChatEvent] = []
    stream = b""
    for index, frame in enumerate(decoded(framed(upstream_events(events)), [])):
        ends = any(isinstance(event, Finish) for event in frame.events)
        if index < held and not ends and any(isinstance(event, TextDelta) for event in frame.events):
            kept += frame.events
        elif kept and (ends or index >= held):
            stream += encoder.feed([*kept, *frame.events])
            kept = []
        else:
            stream += encoder.relay(frame) if frame.exact else encoder.feed(frame.events)
    message = message_of(sse_events(stream + encoder.end()))
    assert content_says(message["content"]) == said(events)


@settings(max_examples=60)
@given(events=answers(signed=False))
def test_a_complete_answer_is_relayed_as_it_came_with_its_provider(events: list[ChatEvent]) -> None:
    body = message_of(upstream_events(events))
    raw = msgspec.json.encode(body)
    decoder = MessageDecoder(MessageEvents(created=1))
    assert decoder.feed(raw) == []
    (frame,) = decoder.end()
    relayed, encoded = CompleteAnswer(provider="up"), CompleteAnswer(provider="up")
    if frame.exact:
        assert relayed.relay(frame) == b""
        assert msgspec.json.decode(relayed.end()) == {"provider": "up", **body}
    encoded.feed(frame.events)
    message = msgspec.json.decode(encoded.end())
    Message.model_validate(message, strict=True)
    assert content_says(message["content"]) == said(events)
    assert message["stop_reason"] == body["stop_reason"]


def test_blocks_of_one_kind_stay_apart_where_nothing_was_touched() -> None:
    upstream = upstream_events([ReasoningDelta("a", signature="c2ln"), TextDelta("x"), Finish("stop"), End()])
    start = {"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": ""}}
    delta = {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "y"}}
    upstream[-2:-2] = [start, delta, {"type": "content_block_stop", "index": 2}]
    encoder = StreamedAnswer(provider="up")
    stream = b"".join(encoder.relay(frame) for frame in decoded(framed(upstream), []))
    message = message_of(sse_events(stream + encoder.end()))
    assert [block.get("text") for block in message["content"]] == [None, "x", "y"]
