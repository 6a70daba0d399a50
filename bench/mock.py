"""The upstream of the benchmark: a small HTTP/1.1 server that answers chat requests, whole or as a paced stream.

It speaks OpenAI's format and, on a path of its own, Anthropic's.

Run as `python -m bench.mock PORT`; it prints `ready` and ends when its standard input closes. Requests must carry
`Content-Length` (RFC 9112, section 6.3); anything else gets an error and a closed connection.
"""

import asyncio
import random
import re
import sys
from collections.abc import Sequence
from typing import Final, cast

import msgspec
import uvloop
from typing_extensions import override

from bench import anthropic, messages

_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n")
_CLOSE: Final = re.compile(rb"(?i)\r\nconnection:[ \t]*close[ \t]*\r\n")
_MAX_REQUEST: Final = 1 << 20


class _Wanted(msgspec.Struct):
    stream: bool = False


_decode_wanted: Final = msgspec.json.Decoder(_Wanted).decode


def _plain(status: bytes, body: bytes, extra: bytes = b"") -> bytes:
    return (
        b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\nx-request-id: req_bench\r\n%b\r\n%b"
        % (status, len(body), extra, body)
    )


_REFUSED: Final = _plain(b"400 Bad Request", b'{"error":{"message":"not served"}}', b"Connection: close\r\n")
_STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\nx-request-id: req_bench\r\n\r\n"
)


def _ticks(frames: Sequence[bytes]) -> tuple[bytes, ...]:
    """The head with the first text, then one text a tick, then all that ends a stream together, as engines send it."""
    chunks = [b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames]
    last = messages.CHUNKS + 1
    return (b"".join(chunks[:2]), *chunks[2:last], b"".join((*chunks[last:], b"0\r\n\r\n")))


class _Format(msgspec.Struct, frozen=True):
    """What one path answers."""

    line: bytes
    answer: bytes
    ticks: tuple[bytes, ...]


_FORMATS: Final = tuple(
    _Format(b"POST %b HTTP/1.1\r\n" % path.encode(), _plain(b"200 OK", answer), _ticks(frames))
    for path, answer, frames in (
        (messages.PATH, messages.answer_body(), messages.stream_frames()),
        (anthropic.PATH, anthropic.answer_body(), anthropic.stream_frames()),
    )
)


class Upstream(asyncio.Protocol):
    """One connection: requests in order, one answer each; a stream is paced by the loop's clock."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False
        self._closing = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @override
    def pause_writing(self) -> None:
        self._paused = True

    @override
    def resume_writing(self) -> None:
        self._paused = False

    @override
    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        while self._received and self._timer is None and self._transport is not None and self._serve_one():
            pass

    def _serve_one(self) -> bool:
        """Answer the first buffered request; false when it is not complete yet or was refused."""
        data = self._received
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return self._refuse() if len(data) > _MAX_REQUEST else False
        head = data[: end + 2]
        length = _LENGTH.search(head)
        spoken = next((each for each in _FORMATS if data.startswith(each.line)), None)
        if length is None or spoken is None:
            return self._refuse()
        total = end + 4 + int(length[1])
        if total > _MAX_REQUEST:
            return self._refuse()
        if len(data) < total:
            return False
        self._received = data[total:]
        self._closing = _CLOSE.search(head) is not None
        return self._answer(spoken, data[end + 4 : total])

    def _answer(self, spoken: _Format, body: bytes) -> bool:
        try:
            wanted = _decode_wanted(body)
        except msgspec.DecodeError:
            return self._refuse()
        if wanted.stream:
            self._start_stream(spoken.ticks)
        else:
            self._write(spoken.answer)
            self._close_if_asked()
        return True

    def _start_stream(self, ticks: Sequence[bytes]) -> None:
        self._write(_STREAM_HEAD)
        # Streams that start together must not tick together, or their chunks would share wake-ups.
        due = self._loop.time() + random.random() * messages.CHUNK_INTERVAL_S
        self._timer = self._loop.call_at(due, self._tick, ticks, 0, due)

    def _tick(self, ticks: Sequence[bytes], index: int, due: float) -> None:
        if self._paused:
            self._timer = self._loop.call_later(messages.CHUNK_INTERVAL_S, self._tick, ticks, index, due)
            return
        self._write(ticks[index])
        if index + 1 < len(ticks):
            due += messages.CHUNK_INTERVAL_S
            self._timer = self._loop.call_at(due, self._tick, ticks, index + 1, due)
            return
        self._timer = None
        self._close_if_asked()
        self.data_received(b"")

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _close_if_asked(self) -> None:
        if self._closing and self._transport is not None:
            self._transport.close()
            self._transport = None

    def _refuse(self) -> bool:
        self._write(_REFUSED)
        self._closing = True
        self._close_if_asked()
        return False


async def serve(port: int) -> None:
    """Listen on loopback until standard input closes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", port, backlog=1024)
    stopped = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), stopped.set)
    print("ready", flush=True)
    async with server:
        await stopped.wait()
        loop.remove_reader(sys.stdin.fileno())


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
