"""Newline-delimited JSON: the same lines for every cut."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.transport.errors import ProtocolError
from kaigate.transport.ndjson import NdjsonDecoder

STREAM = '{"a":"ä😀"}\n{"b":2}\r\n\n  \r\n{"c":"\\n"}\n{"d'.encode()
LINES = ['{"a":"ä😀"}'.encode(), b'{"b":2}', b'{"c":"\\n"}']


def decode(chunks: list[bytes]) -> tuple[list[bytes], bytes]:
    decoder = NdjsonDecoder()
    lines = [line for chunk in chunks for line in decoder.feed(chunk)]
    assert decoder.pending == len(decoder.end())
    return lines, decoder.end()


def feed_all(decoder: NdjsonDecoder, stream: bytes, size: int) -> None:
    for at in range(0, len(stream), size):
        decoder.feed(stream[at : at + size])


def test_lines_come_without_ends_and_blanks_and_the_rest_is_reported() -> None:
    assert decode([STREAM]) == (LINES, b'{"d')


def test_every_cut_gives_the_same_lines() -> None:
    for first in range(len(STREAM) + 1):
        assert decode([STREAM[:first], STREAM[first:]]) == (LINES, b'{"d')
    for size in range(1, 65):
        assert decode([STREAM[at : at + size] for at in range(0, len(STREAM), size)]) == (LINES, b'{"d')


@given(st.lists(st.sampled_from([b"{}", b"\n", b"\r", b" ", b"x", b"\xc3\xa4"]), max_size=20).map(b"".join), st.data())
def test_any_bytes_cut_anywhere_give_the_same_lines(stream: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(stream)))
    whole = decode([stream])
    assert decode([stream[:cut], stream[cut:]]) == whole
    expected = [text for line in stream.split(b"\n")[:-1] if (text := line.strip(b" \t\r"))]
    assert whole[0] == expected


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_line_beyond_the_bound_is_refused_for_every_cut(size: int) -> None:
    stream = b"x" * 200 + b"\n"
    decoder = NdjsonDecoder(max_line_bytes=100)
    with pytest.raises(ProtocolError):
        feed_all(decoder, stream, size)


def test_a_line_without_end_is_refused_before_it_ends() -> None:
    with pytest.raises(ProtocolError):
        feed_all(NdjsonDecoder(max_line_bytes=100), b"x" * 102, 1)


def test_a_line_at_the_bound_passes() -> None:
    assert NdjsonDecoder(max_line_bytes=3).feed(b"abc\n") == [b"abc"]


def test_time_is_linear_in_the_bytes_for_the_smallest_chunks() -> None:
    def seconds(count: int) -> float:
        decoder = NdjsonDecoder(max_line_bytes=1 << 24)
        started = time.process_time()
        for _ in range(count):
            decoder.feed(b"x")
        return time.process_time() - started

    small = min(seconds(20_000) for _ in range(3))
    assert seconds(160_000) < 8 * 6 * max(small, 0.002)
