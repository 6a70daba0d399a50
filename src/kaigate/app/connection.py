"""A client's connection: HTTP/1.1 requests in, answers out, everything bounded.

Framing is llhttp's, strict (RFC 9112): what it does not accept is answered with 400 and the connection closed. A
request is served as soon as its head is complete; further ones on the same connection wait for its answer.
"""

import asyncio
import logging
from collections import deque
from typing import Any, Final, cast

import httptools

from kaigate.app import refusals
from kaigate.app.incoming import Incoming
from kaigate.app.server_state import ServerState
from kaigate.pipeline.exchange import ClientGoneError

log = logging.getLogger("kaigate.app")

_MAX_FIELDS: Final = 100
_MAX_WAITING: Final = 32
_HEAD_TIMEOUT_S: Final = 20.0
_LINGER_S: Final = 5.0
_LINGER_BYTES: Final = 4 * 1024 * 1024
_MAX_REFUSED: Final = 64
_NEVER: Final = float("inf")

# What of a head decides how its body is framed.
_FRAMING: Final = (b"content-length", b"transfer-encoding")


class HttpConnection(asyncio.Protocol):
    """One client connection; at most one request is being served at a time.

    One coarse timer serves all of its deadlines (a complete head, the next request, the rest of an unread body): it
    is set once and looks, when it fires, whether the deadline has moved.
    """

    def __init__(self, state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        self._state = state
        self._loop = loop
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._deadline = 0.0
        self._current: Incoming | None = None
        self._arriving: Incoming | None = None
        self._waiting: deque[Incoming] = deque()
        self._in_head = True
        self._unparsed = 0
        self._declined = b""
        self._url = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._reading = True
        self._lingering = -1
        self._drained: asyncio.Future[None] | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self.paused = False
        self.peer = ""
        self.time = loop.time
        self.date = state.date.now

    # asyncio's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if isinstance(peer, tuple) else ""
        excess = len(self._state.connections) - self._state.max_connections
        if excess >= _MAX_REFUSED:
            self._state.refused(refusals.FULL, self.peer)
            self.abort()
            return
        self._state.connections.add(self)
        if excess >= 0:
            self._refuse(refusals.FULL)
        else:
            self._expect_by(_HEAD_TIMEOUT_S)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = self._parser = None
        self._state.connections.discard(self)
        self._waiting.clear()
        for timer in (self._timer, self._stuck):
            if timer is not None:
                timer.cancel()
        self._wake_drained()
        # They know each other: kept, they would wait for the garbage collector.
        current, self._current, self._arriving = self._current, None, None
        if current is not None:
            current.lost()

    def data_received(self, data: bytes) -> None:
        if self._lingering >= 0:
            self._lingering += len(data)
            if self._lingering > _LINGER_BYTES:
                self.abort()
                return
        if self._parser is None:
            return
        self._unparsed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._malformed()
        if self._unparsed and self._parser is not None:
            self._await_more()

    def pause_writing(self) -> None:
        """The client takes its answer slower than it is made."""
        self.paused = True
        self._watch_progress()

    def resume_writing(self) -> None:
        """The client caught up."""
        self.paused = False
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
        self._wake_drained()
        if self._current is None and self._lingering < 0:
            self._next()

    # httptools' side.

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # Behind a body come trailers: kept, they would be taken for fields of the next request.
        if self._in_head:
            self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._declined:
            self._declined = self._url = b""
            return
        fields, url, size = self._fields, self._url, self._unparsed
        self._fields, self._url, self._unparsed, self._in_head = [], b"", 0, False
        parser, limit = self._parser, self._state.max_head_bytes
        if parser is None or self._transport is None or self._transport.is_closing():
            return
        self._deadline = _NEVER
        version = parser.get_http_version()
        if len(fields) > _MAX_FIELDS or (size > limit and _size(url, fields) > limit):
            self._refuse(refusals.LARGE_HEAD)
            return
        if version not in ("1.1", "1.0"):
            self._refuse(refusals.OTHER_VERSION)
            return
        path = url.partition(b"?")[0] if url[:1] == b"/" else httptools.parse_url(url).path or b""
        request = Incoming(self, parser.get_method(), path, fields)
        request.keep_alive = parser.should_keep_alive()
        if parser.should_upgrade() and request.method != b"CONNECT":
            self._declined = _framing(request, version)
        request.speaks_chunks = version == "1.1"
        self._arriving = request
        if self._current is None:
            self._start(request)
        elif len(self._waiting) >= _MAX_WAITING:
            self.abort()
        else:
            self._waiting.append(request)
            self._read(on=False)

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        request = self._arriving
        if request is not None and self._lingering < 0 and request.received(body):
            self._read(on=False)

    def on_message_complete(self) -> None:
        if self._declined:
            return
        self._in_head, self._unparsed = True, 0
        request, self._arriving = self._arriving, None
        if self._lingering >= 0:
            if self._parser is not None:
                self._close()
        elif request is not None:
            request.completed()
            if not self._reading and request is self._current:
                # Nobody will ask for more of it, and a connection that is not read does not tell that its client left.
                self._read(on=True)

    # The request's side.

    @property
    def closing(self) -> bool:
        """Whether the server wants its clients to go elsewhere."""
        return self._state.closing

    def write(self, data: bytes) -> None:
        """Write to the socket; what is written to a lost connection is dropped."""
        if self._transport is not None:
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait until the client took enough of what was written; raises `ClientGoneError` when it left or is stuck."""
        if self._transport is None:
            raise ClientGoneError
        self._drained = self._loop.create_future()
        try:
            await self._drained
        finally:
            self._drained = None
        if self._transport is None:
            raise ClientGoneError

    def resume(self) -> None:
        """Read on: somebody takes the body."""
        self._read(on=True)

    def answered(self, request: Incoming) -> None:
        """The answer is written: go on to the next request, or end the connection."""
        if self._current is not request or self._transport is None:
            return
        self._current = None
        if not request.keep_alive:
            if request.complete:
                self._close()
            else:
                self._linger()
        elif self.paused:
            # No further answers for a client that doesn't take those it has.
            self._read(on=False)
        else:
            self._next()

    def cut(self, request: Incoming) -> None:
        """Cut the connection: the answer to this request can't be completed."""
        if self._current is request:
            self.abort()

    def abort(self) -> None:
        """Cut the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def shutdown(self) -> None:
        """Close the connection now if it is idle, else behind the answer under way."""
        if self._current is None:
            self._close()
        else:
            self._current.keep_alive = False

    def _start(self, request: Incoming) -> None:
        self._current = request
        # With a name of its own: the loop would count through names and write one for each.
        request.task = task = asyncio.Task(self._serve(request), loop=self._loop, name="request")
        self._state.tasks.add(task)

    async def _serve(self, request: Incoming) -> None:
        try:
            await self._state.serve(request)
        except Exception:
            log.exception("serving failed")
        finally:
            if self._current is request:
                # No answer ended: none can be completed any more.
                self.abort()
            if request.task is not None:
                self._state.tasks.discard(request.task)

    def _next(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._waiting:
            self._start(self._waiting.popleft())
        else:
            if not self._reading:
                self._read(on=True)
            self._expect_by(self._state.keep_alive_s)

    def _linger(self) -> None:
        """Take what still comes, within bounds: closing on unread input resets a connection, its answer with it."""
        self._lingering = 0
        self._read(on=True)
        self._expect_by(_LINGER_S)

    def _read(self, *, on: bool) -> None:
        if self._transport is None or self._transport.is_closing() or self._reading == on:
            return
        self._reading = on
        if on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _decline(self, rest: bytes) -> None:
        """No protocol is offered to upgrade to: the request is served as HTTP/1.1 (RFC 9110, section 7.8).

        The parser believes that its body is of another protocol, so another one reads it. Java's client asks for
        HTTP/2 in every request to a plain-text origin, also in those with a body.
        """
        if not self._declined:
            self._end_input()
            return
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(self._declined + rest)

    def _await_more(self) -> None:
        """A head, or the framing of a body (chunk extensions, trailers), is incomplete: it is bounded."""
        if self._unparsed > self._state.max_head_bytes:
            if self._in_head:
                self._refuse(refusals.LARGE_HEAD)
            else:
                self._malformed()
        elif self._in_head and self._current is None and self._deadline > self._loop.time() + _HEAD_TIMEOUT_S:
            self._expect_by(_HEAD_TIMEOUT_S)

    def _malformed(self) -> None:
        """What arrived is not HTTP: requests before it are still answered."""
        broken, self._arriving = self._arriving, None
        if broken is not None and broken is self._current:
            if broken.started:
                self.abort()
                return
            self._current = None
            broken.lost()
        elif self._waiting and self._waiting[-1] is broken:
            self._waiting.pop()
        self._refuse(refusals.MALFORMED)

    def _refuse(self, refusal: refusals.Refusal) -> None:
        """Answer what never became a request and close; behind the answers that are due, there is only the close."""
        self._end_input()
        if self._lingering >= 0:
            return
        self._state.refused(refusal, self.peer)
        if self._current is None and self._transport is not None:
            self.write(refusal.response(self.date()))
            self._transport.write_eof()
            self._linger()

    def _end_input(self) -> None:
        self._parser = None
        last = self._waiting[-1] if self._waiting else self._current
        if last is not None:
            last.keep_alive = False

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _expect_by(self, seconds: float) -> None:
        """Set the deadline; the timer is touched only where it would fire too late."""
        deadline = self._loop.time() + seconds
        self._deadline = deadline
        timer = self._timer
        if timer is not None:
            if self._timer_at <= deadline:
                return
            timer.cancel()
        self._timer_at = deadline
        self._timer = self._loop.call_at(deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline == _NEVER or self._transport is None:
            return
        if self._loop.time() < self._deadline:
            self._timer_at = self._deadline
            self._timer = self._loop.call_at(self._deadline, self._look)
        elif self._lingering >= 0:
            self.abort()
        elif self._unparsed:
            self._refuse(refusals.SLOW_HEAD)
        else:
            self._close()

    def _watch_progress(self, before: int | None = None) -> None:
        """Cut off a client that takes nothing for the write timeout, not one that is merely slow."""
        if self._transport is None:
            return
        waiting = self._transport.get_write_buffer_size()
        if before is not None and waiting >= before:
            self.abort()
            return
        self._stuck = self._loop.call_later(self._state.write_timeout_s, self._watch_progress, waiting)

    def _wake_drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)


def _size(url: bytes, fields: list[tuple[bytes, bytes]]) -> int:
    return len(url) + sum(len(name) + len(value) for name, value in fields)


def _framing(request: Incoming, version: str) -> bytes:
    """A head that says of the request only how its body is framed."""
    lines = b"".join(b"%b: %b\r\n" % field for field in request.headers if field[0] in _FRAMING)
    return b"%b / HTTP/%b\r\n%b\r\n" % (request.method, version.encode(), lines)
