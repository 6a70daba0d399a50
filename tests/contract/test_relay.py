"""Upstream bytes that are passed on, and any mixture of them with chunks encoded anew, still make one good stream."""

import itertools

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from contract.answers import answers, joined, sse_objects, streamed
from kaigate.chat.events import ChatEvent, Finish, Frame, TextDelta, UsageReport
from kaigate.providers.openai_decode import CompletionDecoder, StreamDecoder
from kaigate.surfaces.openai_chat_answer import CompleteAnswer
from kaigate.surfaces.openai_chat_stream import StreamedAnswer


def upstream_stream(events: list[ChatEvent], *, usage: bool) -> bytes:
    """A standard server's stream of this answer: one chunk per event."""
    encoder = StreamedAnswer(provider="", include_usage=usage, choices=len(joined(events)))
    objects = sse_objects(b"".join(encoder.feed([event]) for event in events) + encoder.end())
    for item in objects:
        item.pop("provider", None)
    return b"".join(b"data: " + msgspec.json.encode(item) + b"\n\n" for item in objects) + b"data: [DONE]\n\n"


def decoded(stream: bytes, cuts: list[int]) -> list[Frame]:
    """Its frames, however the bytes are cut."""
    decoder = StreamDecoder(answer_id=lambda: "none", model="m")
    edges = [0, *sorted({cut % (len(stream) + 1) for cut in cuts}), len(stream)]
    frames = [frame for a, b in itertools.pairwise(edges) for frame in decoder.feed(stream[a:b])]
    return frames + decoder.end()


@settings(max_examples=60)
@given(events=answers(), cuts=st.lists(st.integers(0, 10**5), max_size=12), usage=st.booleans())
def test_a_standard_stream_decodes_exactly_for_every_cut(events: list[ChatEvent], cuts: list[int], usage: bool) -> None:
    stream = upstream_stream(events, usage=usage)
    frames = decoded(stream, cuts)
    assert frames == decoded(stream, [])
    seen = [event for frame in frames for event in frame.events]
    assert joined(seen) == joined(events)
    assert all(frame.exact for frame in frames[:-1])
    reported = [event for event in events if isinstance(event, UsageReport)]
    assert [event for event in seen if isinstance(event, UsageReport)] == (reported if usage else [])


@settings(max_examples=60)
@given(
    events=answers(),
    touched=st.lists(st.booleans(), min_size=80, max_size=80),
    upstream_usage=st.booleans(),
    include_usage=st.booleans(),
)
def test_any_mixture_of_relayed_and_encoded_frames_is_one_stream(
    events: list[ChatEvent], touched: list[bool], upstream_usage: bool, include_usage: bool
) -> None:
    frames = decoded(upstream_stream(events, usage=upstream_usage), [])
    expected = joined(events)
    encoder = StreamedAnswer(provider="up", include_usage=include_usage, choices=len(expected))
    stream = b"".join(
        encoder.relay(frame) if frame.exact and not touched[index % 80] else encoder.feed(frame.events)
        for index, frame in enumerate(frames)
    )
    objects = sse_objects(stream + encoder.end())
    assert streamed(objects) == expected
    for item in objects:
        ChatCompletionChunk.model_validate_json(msgspec.json.encode(item), strict=True)
    has_usage = upstream_usage and any(isinstance(event, UsageReport) for event in events)
    asked = include_usage and has_usage
    assert [bool(item.get("usage")) for item in objects] == [False] * (len(objects) - asked) + [True] * asked
    last = len(objects) - 1 if asked or not include_usage else 0
    assert [index for index, item in enumerate(objects) if "provider" in item] == sorted({0, last})


@settings(max_examples=60)
@given(events=answers(max_choices=1), held=st.integers(0, 40))
def test_text_that_a_stage_holds_back_changes_no_rule_of_the_stream(events: list[ChatEvent], held: int) -> None:
    """The redactor keeps text and lets it go with a later frame, while the frames between are relayed or empty."""
    frames = decoded(upstream_stream(events, usage=False), [])
    encoder = StreamedAnswer(provider="up", include_usage=False)
    kept: list[ChatEvent] = []
    stream = b""
    for index, frame in enumerate(frames):
        ends = any(isinstance(event, Finish) for event in frame.events)
        if index < held and not ends and any(isinstance(event, TextDelta) for event in frame.events):
            stream += encoder.feed([event for event in frame.events if not isinstance(event, TextDelta)])
            kept += [event for event in frame.events if isinstance(event, TextDelta)]
        elif kept:
            stream += encoder.feed([*kept, *frame.events])
            kept = []
        else:
            stream += encoder.relay(frame) if frame.exact else encoder.feed(frame.events)
    result = streamed(sse_objects(stream + encoder.end()))
    assert result[0]["content"] == joined(events)[0]["content"]
    assert result[0]["finish"] == joined(events)[0]["finish"]


@settings(max_examples=60)
@given(events=answers(usage=True))
def test_a_complete_answer_is_relayed_as_it_came_with_its_provider(events: list[ChatEvent]) -> None:
    upstream = CompleteAnswer(provider="")
    upstream.feed(events)
    body = msgspec.json.decode(upstream.end())
    del body["provider"]
    raw = msgspec.json.encode(body)
    decoder = CompletionDecoder(answer_id=lambda: "none", model="m")
    assert decoder.feed(raw) == []
    (frame,) = decoder.end()
    expected = joined(events)
    for choice in expected.values():
        choice["calls"] = [[call_id, name, text or "{}"] for call_id, name, text in choice["calls"]]
    assert joined(frame.events) == expected
    relayed, encoded = CompleteAnswer(provider="up"), CompleteAnswer(provider="up")
    if frame.exact:
        assert relayed.relay(frame) == b""
        assert msgspec.json.decode(relayed.end()) == {"provider": "up", **body}
    encoded.feed(frame.events)
    ChatCompletion.model_validate_json(encoded.end(), strict=True)
