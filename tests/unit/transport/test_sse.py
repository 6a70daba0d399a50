"""Server-sent events: what the standard says, the same for every cut."""

import itertools
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.transport.errors import ProtocolError
from kaigate.transport.sse import BOM, SseDecoder, SseEvent

Triple = tuple[str, bytes, str]

STREAMS = {
    "one frame": (b"data: a\n\n", [("message", b"a", "")]),
    "no space after the colon": (b"data:a\n\n", [("message", b"a", "")]),
    "only one space is dropped": (b"data:  a\n\n", [("message", b" a", "")]),
    "CR LF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [("message", b"a", ""), ("message", b"b", "")]),
    "CR": (b"data: a\r\rdata: b\r\r", [("message", b"a", ""), ("message", b"b", "")]),
    "mixed line ends": (b"data: a\r\n\ndata: b\n\rdata: c\n\r\n", [("message", x, "") for x in (b"a", b"b", b"c")]),
    "several data lines": (b"data: a\ndata: b\ndata\n\n", [("message", b"a\nb\n", "")]),
    "named event with id": (b"event: delta\nid: 7\ndata: x\n\n", [("delta", b"x", "7")]),
    "a name and a line of data": (
        b"event: a\ndata: x\n\nevent: b\ndata:  y\n\n",
        [("a", b"x", ""), ("b", b" y", "")],
    ),
    "the name behind the data": (b"data: x\nevent: a\n\n", [("a", b"x", "")]),
    "a name, two lines of data": (b"event: a\ndata: x\ndata: y\n\n", [("a", b"x\ny", "")]),
    "a name, a comment, data": (b"event: a\n: c\ndata: x\n\n", [("a", b"x", "")]),
    "a name, data, an id": (b"event: a\ndata: x\nid: 1\n\n", [("a", b"x", "1")]),
    "a name that looks like data": (b"event: data: x\ndata: y\n\n", [("data: x", b"y", "")]),
    "a name that is no UTF-8": (b"event: \xff\xe4\ndata: x\n\n", [("\ufffd\ufffd", b"x", "")]),
    "a name of a space is message": (b"event: \ndata: x\n\n", [("message", b"x", "")]),
    "a name, no space after its colon": (b"event:a\ndata:x\n\n", [("a", b"x", "")]),
    "a name with CR LF": (b"event: a\r\ndata: x\r\n\r\n", [("a", b"x", "")]),
    "a CR in the name's frame": (b"event: a\rid: 1\ndata: x\n\n", [("a", b"x", "1")]),
    "a CR in the data": (b"event: a\ndata: x\rdata: y\n\n", [("a", b"x\ny", "")]),
    "the last name counts": (b"event: a\nevent: b\ndata: x\n\n", [("b", b"x", "")]),
    "an empty name is message": (b"event:\ndata: x\n\n", [("message", b"x", "")]),
    "comments": (b": ping\n\ndata: a\n\n:\n\n", [("message", b"a", "")]),
    "a comment within a frame": (b": note\ndata: a\n\n", [("message", b"a", "")]),
    "unknown fields and retry": (b"retry: 10\nfoo: bar\ndata: a\n\n", [("message", b"a", "")]),
    "no data, no event": (b"event: ping\n\ndata: a\n\n", [("message", b"a", "")]),
    "empty data": (b"data:\n\ndata: \n\n", [("message", b"", ""), ("message", b"", "")]),
    "blank lines between": (b"\n\n\ndata: a\n\n\n\ndata: b\n\n\n", [("message", b"a", ""), ("message", b"b", "")]),
    "byte order mark": (BOM + b"data: a\n\n", [("message", b"a", "")]),
    "a mark later is data": (b"data: a\n\n" + BOM + b"data: b\n\n", [("message", b"a", "")]),
    "id with NUL is ignored": (b"id: a\x00b\ndata: a\n\n", [("message", b"a", "")]),
    "UTF-8": ("data: \u00e4\U0001f600\u2028x\n\n".encode(), [("message", "\u00e4\U0001f600\u2028x".encode(), "")]),
    "form feed is no line end": (b"data: a\x0b\x0c\x1c\x85b\n\n", [("message", b"a\x0b\x0c\x1c\x85b", "")]),
    "an unterminated end": (b"data: a\n\ndata: b\n", [("message", b"a", "")]),
}


def triples(events: list[SseEvent]) -> list[Triple]:
    return [(event.event, event.data, event.id) for event in events]


def decode(chunks: list[bytes]) -> tuple[list[SseEvent], bytes]:
    decoder = SseDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    assert decoder.pending == len(decoder.end())
    return events, decoder.end()


def feed_all(decoder: SseDecoder, stream: bytes, size: int) -> None:
    for at in range(0, len(stream), size):
        decoder.feed(stream[at : at + size])


def reference(stream: bytes) -> list[Triple]:
    """The standard's algorithm, line by line, over a whole stream."""
    events = []
    name = identifier = b""
    data: list[bytes] = []
    lines = re.split(rb"\r\n|\n|\r", stream.removeprefix(BOM))
    for line in lines[:-1]:
        if not line:
            if data:
                events.append((name.decode("utf-8", "replace") or "message", b"\n".join(data), identifier.decode()))
            name, identifier, data = b"", b"", []
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
        elif field == b"id" and b"\0" not in value:
            identifier = value
    return events


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_gives_the_standards_events(name: str) -> None:
    stream, expected = STREAMS[name]
    assert triples(decode([stream])[0]) == expected
    # A lone CR at the very end may be half of CR LF, so that the decoder waits where the reference does not.
    if not stream.endswith(b"\n\r"):
        assert reference(stream) == expected


@pytest.mark.parametrize("name", STREAMS)
def test_every_cut_gives_the_same_events(name: str) -> None:
    stream, _ = STREAMS[name]
    whole = decode([stream])
    for first in range(len(stream) + 1):
        assert decode([stream[:first], stream[first:]]) == whole
    for size in range(1, 65):
        assert decode([stream[at : at + size] for at in range(0, len(stream), size)]) == whole


@pytest.mark.parametrize("name", [name for name in STREAMS if "mark" not in name])
def test_every_cut_behind_another_event_gives_the_same_events(name: str) -> None:
    first = b"data: 0\n\n"
    stream, expected = STREAMS[name]
    for cut in range(len(stream) + 1):
        events, _ = decode([first, stream[:cut], stream[cut:]])
        assert triples(events) == [("message", b"0", ""), *expected]


PIECES = [
    b"data",
    b":",
    b" ",
    b"\n",
    b"\r",
    b"\r\n",
    b"x",
    b"event",
    b"event: ",
    b"data: ",
    b"id",
    b"\n\n",
    b"\r\n\r\n",
    BOM,
    b"\xc3\xa4",
    b"\0",
]


@given(st.lists(st.sampled_from(PIECES), max_size=24).map(b"".join), st.data())
def test_any_bytes_cut_anywhere_give_the_references_events(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6).map(sorted))
    bounds = [0, *cuts, len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(bounds)]
    whole = decode([stream])
    assert decode(pieces) == whole
    expected = reference(stream)
    found = triples(whole[0])
    assert found == expected or (stream.endswith(b"\n\r") and found == expected[:-1])


LINES = [
    b"event: a\n",
    b"data: x\n",
    b"event:b\n",
    b"data:y\n",
    b"id: 1\n",
    b": c\n",
    b"\n",
    b"event: a\r\n",
    b"data: \n",
]


@given(st.lists(st.sampled_from(LINES), max_size=12), st.integers(1, 3))
def test_any_lines_give_the_references_events_however_many_come_at_once(lines: list[bytes], count: int) -> None:
    # An event before them, so that each following chunk may be a frame by itself.
    frames = [b"data: first\n\n", *(b"".join(lines[at : at + count]) + b"\n" for at in range(0, len(lines), count))]
    expected = reference(b"".join(frames))
    assert triples(decode(frames)[0]) == expected
    assert triples(decode([b"".join(frames)])[0]) == expected


@given(st.lists(st.sampled_from([name for name, (_, events) in STREAMS.items() if events]), min_size=1, max_size=5))
def test_raw_frames_are_exact_and_decode_to_the_same_event(names: list[str]) -> None:
    stream = b"".join(STREAMS[name][0] for name in names if "end" not in name and "mark" not in name)
    events, _ = decode([stream])
    position = 0
    for event in events:
        position = stream.index(event.raw, position) + len(event.raw)
        again, rest = decode([event.raw, b"\n"])
        assert again == [event]
        assert rest == b""


def test_an_unterminated_event_is_held_and_reported() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: [DONE]\n") == []
    assert decoder.pending == 13
    assert decoder.end() == b"data: [DONE]\n"


def test_a_clean_end_leaves_nothing() -> None:
    decoder = SseDecoder()
    assert len(decoder.feed(b"data: a\n\n\n")) == 1
    assert (decoder.pending, decoder.end()) == (0, b"")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_event_beyond_the_bound_is_refused_for_every_cut(size: int) -> None:
    stream = b"data: " + b"x" * 200 + b"\n\n"
    decoder = SseDecoder(max_event_bytes=100)
    with pytest.raises(ProtocolError):
        feed_all(decoder, stream, size)


def test_an_event_without_end_is_refused_before_it_ends() -> None:
    with pytest.raises(ProtocolError):
        feed_all(SseDecoder(max_event_bytes=100), b"x" * 102, 1)


@pytest.mark.parametrize("frame", [b"data: a\n\n", b"event: a\ndata: a\n\n"])
def test_an_event_at_the_bound_passes_after_others_too(frame: bytes) -> None:
    decoder = SseDecoder(max_event_bytes=len(frame))
    assert len(decoder.feed(frame)) == len(decoder.feed(frame)) == 1
    decoder = SseDecoder(max_event_bytes=len(frame) - 1)
    decoder.feed(b"\n")
    with pytest.raises(ProtocolError):
        decoder.feed(frame)


def test_an_event_at_the_bound_passes() -> None:
    assert len(SseDecoder(max_event_bytes=9).feed(b"data: a\n\n")) == 1
    with pytest.raises(ProtocolError):
        SseDecoder(max_event_bytes=8).feed(b"data: a\n\n")


@pytest.mark.parametrize("unit", [b"\n", b"\r", b"\r\n", b":\n\n", b"data: x\n", b"x"])
def test_time_is_linear_in_the_bytes_for_the_smallest_chunks(unit: bytes) -> None:
    def seconds(count: int) -> float:
        decoder = SseDecoder(max_event_bytes=1 << 24)
        started = time.process_time()
        for _ in range(count):
            decoder.feed(unit)
        return time.process_time() - started

    small = min(seconds(20_000) for _ in range(3))
    assert seconds(160_000) < 8 * 6 * max(small, 0.002)
