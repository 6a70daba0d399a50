"""The answer's way out: through the filters, into the client's format, onto the connection."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Protocol

from kaigate.chat.events import ChatEvent, Frame
from kaigate.errors import GatewayError
from kaigate.pipeline.exchange import AnswerSource, Exchange
from kaigate.pipeline.stage import EventFilter
from kaigate.surfaces.surface import AnswerEncoder


class Reply(Protocol):
    """The way back to the client."""

    started: bool

    def send_whole(self, exchange: Exchange, body: bytes, content_type: bytes) -> None:
        """Send status, headers and the complete body."""
        ...

    def push(self, exchange: Exchange, data: bytes, content_type: bytes) -> bool:
        """Send a part of a streamed body, with status and headers before the first; False asks to `drain` first.

        Raises `ClientGoneError` when nobody is there.
        """
        ...

    async def drain(self) -> None:
        """Wait while the client is slower than the answer."""
        ...

    async def end(self, data: bytes) -> None:
        """Send the last part of a streamed body."""
        ...

    def abort(self) -> None:
        """Cut the connection: the body that was begun can't be completed."""
        ...


class Walk:
    """The answer's way outwards: filters from the inside, then the encoder."""

    __slots__ = ("_filters", "_timeout_s", "encoder", "relayable")

    def __init__(self, filters: Sequence[EventFilter], encoder: AnswerEncoder, timeout_s: float) -> None:
        self._filters = filters
        self._timeout_s = timeout_s
        self.encoder = encoder
        self.relayable = False

    def frame(self, frame: Frame) -> bytes | Awaitable[bytes]:
        """Body bytes for a frame; an awaitable only where a filter waits."""
        events = frame.events
        for position, event_filter in enumerate(self._filters, 1):
            result = event_filter.feed(events)
            if not isinstance(result, list):
                return self._later(frame, result, position)
            events = result
        if events is frame.events and frame.exact and self.relayable:
            return self.encoder.relay(frame)
        return self.encoder.feed(events) if events else b""

    def flush(self) -> bytes | Awaitable[bytes]:
        """What the filters still hold; an awaitable only where one holds anything."""
        for position, event_filter in enumerate(self._filters, 1):
            held = event_filter.flush()
            if held:
                return self._flush_on(held, position)
        return b""

    async def _flush_on(self, held: list[ChatEvent], position: int) -> bytes:
        """Pass held events through the filters outside theirs, then flush those in turn."""
        out = b""
        for outer, event_filter in enumerate(self._filters[position:], position + 1):
            out += self.encoder.feed(await self._outwards(held, position)) if held else b""
            held, position = event_filter.flush(), outer
        return out + (self.encoder.feed(await self._outwards(held, position)) if held else b"")

    async def _later(self, frame: Frame, waiting: Awaitable[list[ChatEvent]], position: int) -> bytes:
        events = await self._outwards(await asyncio.wait_for(waiting, self._timeout_s), position)
        if events is frame.events and frame.exact and self.relayable:
            return self.encoder.relay(frame)
        return self.encoder.feed(events) if events else b""

    async def _outwards(self, events: list[ChatEvent], position: int) -> list[ChatEvent]:
        """The events past the filters from `position` on."""
        for event_filter in self._filters[position:]:
            result = event_filter.feed(events)
            events = result if isinstance(result, list) else await asyncio.wait_for(result, self._timeout_s)
        return events


async def _ready(data: bytes | Awaitable[bytes]) -> bytes:
    return data if isinstance(data, bytes) else await data


async def whole(exchange: Exchange, answer: AnswerSource, walk: Walk, reply: Reply) -> None:
    """Send the complete body of an answer that is not streamed."""
    out = b""
    while (frames := answer.next()) is not None:
        if not isinstance(frames, list):
            frames = await frames
            if frames is None:
                break
        for frame in frames:
            data = walk.frame(frame)
            out += data if isinstance(data, bytes) else await data
    rest = walk.flush()
    out += rest if isinstance(rest, bytes) else await rest
    encoder = walk.encoder
    reply.send_whole(exchange, out + encoder.end(), encoder.content_type)


class _Sender:
    """Takes frames in the call they arrive in, and remembers what has to be waited for."""

    __slots__ = ("_content_type", "_exchange", "_pending", "_reply", "_rest", "_slow", "_walk")

    def __init__(self, exchange: Exchange, walk: Walk, reply: Reply) -> None:
        self._exchange = exchange
        self._walk = walk
        self._reply = reply
        self._content_type = walk.encoder.content_type
        self._pending: Awaitable[bytes] | None = None
        self._rest: list[Frame] = []
        self._slow = False

    def take(self, frames: list[Frame]) -> bool:
        """Send these frames; False when `catch_up` must be awaited before the next ones."""
        out = b""
        for position, frame in enumerate(frames, 1):
            data = self._walk.frame(frame)
            if not isinstance(data, bytes):
                self._pending, self._rest = data, frames[position:]
                break
            out += data
        self._send(out)
        return self._pending is None and not self._slow

    async def catch_up(self) -> None:
        """Wait for a filter that waits, and for a client that is slow."""
        while self._pending is not None:
            pending, rest = self._pending, self._rest
            self._pending, self._rest = None, []
            self._send(await pending)
            self.take(rest)
        if self._slow:
            self._slow = False
            await self._reply.drain()

    def _send(self, data: bytes) -> None:
        if data and not self._reply.push(self._exchange, data, self._content_type):
            self._slow = True


async def stream(exchange: Exchange, answer: AnswerSource, walk: Walk, reply: Reply) -> None:
    """Send the answer as it arrives; a failure after the first byte becomes the stream's typed error."""
    sender = _Sender(exchange, walk, reply)
    try:
        while True:
            frames = answer.next()
            if frames is not None and not isinstance(frames, list):
                frames = await frames
            if frames is None:
                break
            if sender.take(frames):
                await answer.pump(sender.take)
            await sender.catch_up()
        rest = await _ready(walk.flush()) + walk.encoder.end()
    except GatewayError as error:
        if not reply.started:
            raise
        exchange.error = error
        rest = await _ready(walk.flush()) + walk.encoder.fail(error)
    if not reply.started:
        # A stream without a single event: an empty one is still an answer.
        reply.push(exchange, rest, walk.encoder.content_type)
        rest = b""
    await reply.end(rest)
