"""The load generator's connections: keep-alive HTTP/1.1, every answer checked, nothing parsed that need not be.

A `Connection` sends one request after the other, an `Answer` knows when one is complete and right, a `Worker` decides
whether to go on.
"""

import asyncio
import re
import time
from collections.abc import Iterator
from typing import Final, Protocol, cast

import msgspec
from typing_extensions import override

from bench import messages

_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n")
_CHUNKED: Final = re.compile(rb"(?i)\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n")
_OK: Final = b"HTTP/1.1 200 "
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"
_ANSWER: Final = msgspec.json.encode(messages.ANSWER_TEXT)


class Worker(Protocol):
    """What a connection reports to."""

    def answered(self, nanoseconds: int) -> bool:
        """One answer was complete and right, this long after its request; false ends the connection."""
        ...

    def failed(self, reason: str) -> None:
        """An answer was wrong, or the connection broke."""
        ...


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta


class _Usage(msgspec.Struct):
    completion_tokens: int


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None


_decode_chunk: Final = msgspec.json.Decoder(_Chunk).decode


def stream_fault(body: bytes) -> str | None:
    """What is wrong with a stream's decoded body (server-sent events), or None."""
    events = body.split(b"\n\n")
    if events[-2:] != [b"data: [DONE]", b""]:
        return f"stream does not end with [DONE]: {body[-80:]!r}"
    try:
        chunks = [_decode_chunk(event.removeprefix(b"data: ")) for event in events[:-2]]
    except msgspec.MsgspecError as error:
        return f"stream holds something else than chunks: {error}"
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    if text != messages.STREAM_TEXT:
        return f"stream says {text[:80]!r}"
    if [chunk.usage.completion_tokens for chunk in chunks if chunk.usage is not None] != [messages.CHUNKS]:
        return "stream has not exactly one usage"
    return None


def dechunk(data: bytes) -> bytes:
    """Content of a complete chunked body (RFC 9112, section 7.1). Raises ValueError when the framing is broken."""
    parts: list[bytes] = []
    position = 0
    while True:
        line_end = data.index(b"\r\n", position)
        size = int(data[position:line_end], 16)
        position = line_end + 2 + size
        if data[position : position + 2] != b"\r\n":
            raise ValueError("chunk does not end where its size says")
        if size == 0:
            return b"".join(parts)
        parts.append(data[line_end + 2 : position])
        position += 2


class Answer(Protocol):
    """Collects one answer after the other."""

    def feed(self, data: bytes) -> bool:
        """Take received bytes; true when the answer is complete."""
        ...

    def fault(self) -> str | None:
        """What is wrong with the complete answer, or None; forgets it."""
        ...


class WholeAnswer:
    """An answer with a length, or chunked."""

    def __init__(self) -> None:
        self._received = b""

    def feed(self, data: bytes) -> bool:
        data = self._received = self._received + data if self._received else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = data[: end + 2]
        length = _LENGTH.search(head)
        if length is not None:
            return len(data) >= end + 4 + int(length[1])
        return data.endswith(_LAST_CHUNK) if _CHUNKED.search(head) else True

    def fault(self) -> str | None:
        data, self._received = self._received, b""
        if data.startswith(_OK) and _ANSWER in data and data.endswith((b"}", _LAST_CHUNK)):
            return None
        return f"wrong answer: {data[:600]!r}"


class StreamAnswer:
    """A chunked stream, kept whole and checked at its end."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._tail = b""

    def feed(self, data: bytes) -> bool:
        self._parts.append(data)
        self._tail = (self._tail + data)[-len(_LAST_CHUNK) :]
        first = self._parts[0]
        return self._tail == _LAST_CHUNK or first[: len(_OK)] != _OK[: len(first)]

    def fault(self) -> str | None:
        head, _, body = b"".join(self._parts).partition(b"\r\n\r\n")
        self._parts.clear()
        if not head.startswith(_OK) or not _CHUNKED.search(head + b"\r\n"):
            return f"wrong answer: {head!r} {body[:600]!r}"
        try:
            return stream_fault(dechunk(body))
        except ValueError as error:
            return f"broken framing: {error}"


class Connection(asyncio.Protocol):
    """One request at a time, the next one as soon as the answer is complete, until the worker has enough."""

    def __init__(self, worker: Worker, requests: Iterator[bytes], answer: Answer) -> None:
        self._worker = worker
        self._requests = requests
        self._answer = answer
        self._transport: asyncio.WriteTransport | None = None
        self._sent_at = 0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._send(self._transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._transport = None
            self._worker.failed(f"connection lost before the answer was complete: {exc or 'closed by peer'}")

    @override
    def data_received(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or not self._answer.feed(data):
            return
        took = time.perf_counter_ns() - self._sent_at
        fault = self._answer.fault()
        if fault is None and self._worker.answered(took):
            self._send(transport)
            return
        self._transport = None
        transport.close()
        if fault is not None:
            self._worker.failed(fault)

    def _send(self, transport: asyncio.WriteTransport) -> None:
        self._sent_at = time.perf_counter_ns()
        transport.write(next(self._requests))
