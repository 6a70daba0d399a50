"""The binary event stream: complete messages alone, damage is final, nothing is held that was not judged."""

import contextlib
import random
import struct
import uuid
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.transport.aws_event_stream import EventMessage, EventStreamDecoder
from kaigate.transport.errors import ProtocolError
from tests.support.aws_event_stream import message

HEADERS = {":message-type": "event", ":event-type": "x"}
STREAM = message(HEADERS, b'{"a":1}') + message({}, b"") + message(HEADERS, b"tail")
EXPECTED = [EventMessage(HEADERS, b'{"a":1}'), EventMessage({}, b""), EventMessage(HEADERS, b"tail")]


def resealed(headers: bytes) -> bytes:
    """A message with raw header bytes and right checksums."""
    prelude = struct.pack(">II", 16 + len(headers), len(headers))
    head = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers
    return head + struct.pack(">I", zlib.crc32(head))


def prelude(total: int, headers: int) -> bytes:
    begin = struct.pack(">II", total, headers)
    return begin + struct.pack(">I", zlib.crc32(begin))


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_a_cut_anywhere_gives_the_same_messages(cut: int) -> None:
    decoder = EventStreamDecoder()
    assert decoder.feed(STREAM[:cut]) + decoder.feed(STREAM[cut:]) == EXPECTED
    assert decoder.pending == 0


def test_byte_by_byte_gives_the_same_messages() -> None:
    decoder = EventStreamDecoder()
    assert [found for byte in STREAM for found in decoder.feed(bytes([byte]))] == EXPECTED


def test_every_type_of_header_is_read() -> None:
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    token = uuid.UUID(int=7)
    given_headers = {"t": True, "f": False, "i": -5, "b": b"\x00\xff", "s": "ü", "w": when, "u": token}
    (found,) = EventStreamDecoder().feed(message(given_headers, b""))
    assert found.headers == {**given_headers, "w": round(when.timestamp() * 1000)}
    raw = b"\x01a\x02\xff" + b"\x01b\x03\xff\xfe" + b"\x01c\x05" + struct.pack(">q", -9)
    (found,) = EventStreamDecoder().feed(resealed(raw))
    assert found.headers == {"a": -1, "b": -2, "c": -9}


@pytest.mark.parametrize("at", range(len(STREAM)))
def test_a_flipped_bit_anywhere_is_an_error_and_final(at: int) -> None:
    damaged = bytearray(STREAM)
    damaged[at] ^= 0x10
    decoder = EventStreamDecoder()
    whole: list[EventMessage] = []
    with contextlib.suppress(ProtocolError):
        whole += decoder.feed(bytes(damaged))
    assert decoder.failure is not None
    assert whole == EXPECTED[: len(whole)]
    with pytest.raises(ProtocolError):
        decoder.feed(STREAM)


@pytest.mark.parametrize(
    ("total", "headers"), [(15, 0), (0, 0), (1 << 31, 0), (1025, 0), (100, 85), ((1 << 32) - 1, (1 << 32) - 1)]
)
def test_a_length_is_refused_before_its_bytes_arrive(total: int, headers: int) -> None:
    decoder = EventStreamDecoder(max_message_bytes=1024)
    with pytest.raises(ProtocolError):
        decoder.feed(prelude(total, headers))
    assert decoder.pending == 0


def test_more_header_bytes_than_a_message_may_have_are_refused() -> None:
    with pytest.raises(ProtocolError):
        EventStreamDecoder().feed(prelude(1 << 20, (128 << 10) + 1))


@pytest.mark.parametrize(
    "headers",
    [
        b"\x01a\x0a",  # unknown type
        b"\x01a",  # no type
        b"\x05a",  # cut name
        b"\x00\x00",  # no name
        b"\x01a\x00\x01a\x00",  # twice
        b"\x01a\x07\x00\x05ab",  # string longer than the headers
        b"\x01a\x07\x00",  # cut length
        b"\x01a\x07\x00\x01\xff",  # not UTF-8
        b"\x01\xff\x00",  # name not UTF-8
        b"\x01a\x04\x00",  # cut int
        b"\x01a\x08\x00",  # cut timestamp
        b"\x01a\x09\x00",  # cut uuid
    ],
)
def test_malformed_headers_are_damage(headers: bytes) -> None:
    with pytest.raises(ProtocolError):
        EventStreamDecoder().feed(resealed(headers))


def test_few_header_blocks_are_remembered() -> None:
    decoder = EventStreamDecoder()
    for number in range(200):
        (found,) = decoder.feed(message({"n": number}, b""))
        assert found.headers == {"n": number}
    assert len(decoder._blocks) <= 32


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_no_bytes_crash_it_and_little_is_held(chunks: list[bytes]) -> None:
    decoder = EventStreamDecoder(max_message_bytes=256)
    for chunk in chunks:
        try:
            decoder.feed(chunk)
        except ProtocolError:
            assert decoder.failure is not None
        assert decoder.pending < 256


def test_mutated_streams_give_a_true_beginning_or_an_error() -> None:
    source = random.Random(5)
    for _ in range(3000):
        damaged = bytearray(STREAM)
        for _ in range(source.randint(1, 4)):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        decoder = EventStreamDecoder(max_message_bytes=4096)
        found: list[EventMessage] = []
        try:
            for start in range(0, len(damaged), 11):
                found += decoder.feed(bytes(damaged[start : start + 11]))
        except ProtocolError:
            pass
        assert found == EXPECTED[: len(found)]
        assert decoder.pending < 4096


@given(
    st.lists(
        st.tuples(
            st.dictionaries(
                st.text(min_size=1, max_size=20),
                st.booleans() | st.integers(-(1 << 31), (1 << 31) - 1) | st.text(max_size=30) | st.binary(max_size=30),
                max_size=6,
            ),
            st.binary(max_size=100),
        ),
        max_size=5,
    ),
    st.integers(1, 64),
)
def test_what_is_written_is_read(messages: list[tuple[dict[str, object], bytes]], step: int) -> None:
    raw = b"".join(message(headers, payload) for headers, payload in messages)
    decoder = EventStreamDecoder()
    found = [one for start in range(0, len(raw), step) for one in decoder.feed(raw[start : start + step])]
    assert found == [EventMessage(headers, payload) for headers, payload in messages]
