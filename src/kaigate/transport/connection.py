"""One HTTP/1.1 connection: bytes in, responses out, one exchange at a time."""

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any, Protocol, cast

import httptools

from kaigate.transport.errors import (
    HeadersTooLarge,
    ProtocolError,
    StaleConnection,
    TlsFailed,
    TransportError,
    Truncated,
)
from kaigate.transport.fields import Framing, body_framing, join_fields
from kaigate.transport.response import Response
from kaigate.transport.target import ClientLimits

SMALLEST_TICK_S = 0.001


class Owner(Protocol):
    """The pool, as a connection sees it."""

    def released(self, connection: "HttpConnection") -> None:
        """The exchange ended cleanly; the connection can carry another."""

    def gone(self, connection: "HttpConnection") -> None:
        """The connection will carry nothing more. May be called twice."""


class HttpConnection:
    """Carries one exchange after another, each with its Response. Has the methods of an asyncio.Protocol.

    One timer per connection: it stands at or before the nearest deadline and is re-armed when it fires, so that an
    exchange costs no timer of its own.
    """

    __slots__ = (
        "_complete", "_eof", "_fields", "_framing", "_head_only", "_keep_alive", "_limits", "_loop",
        "_owner", "_parser", "_paused", "_quiet_bytes", "_response", "_reused", "_sent_all", "_timer", "_timer_at",
        "_transport", "_writable", "born", "idle_until",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: ClientLimits, owner: Owner) -> None:
        self._loop = loop
        self._limits = limits
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._response: Response | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._paused = False
        self._writable = True
        self._eof = False
        self._reused = False
        self.born = loop.time()
        self.idle_until = float("inf")
        self._reset()

    def _reset(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self._quiet_bytes = 0
        self._framing: Framing | None = None
        self._keep_alive = False
        self._complete = False
        self._head_only = False
        self._sent_all = True

    @property
    def closed(self) -> bool:
        """Whether the socket is closed, or was never open."""
        return self._transport is None

    @property
    def usable(self) -> bool:
        """Whether the connection is open and carries nothing."""
        return self._transport is not None and self._response is None and not self._transport.is_closing()

    def exchange(
        self, response: Response, head: bytes, body: bytes, *, head_only: bool = False
    ) -> Coroutine[Any, Any, None]:
        """Send a request; what it returns ends when the response's head has arrived. Both raise TransportError.

        A large body is written as the socket takes it, and no further once the upstream has answered.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            self.abort()
            raise StaleConnection("the connection was closed while it was idle")
        self._reset()
        self._head_only = head_only
        self.idle_until = float("inf")
        self._response = response
        response.link = self
        if len(body) <= self._limits.write_slice_bytes:
            transport.write(head + body)
            return response.wait_head()
        transport.write(head)
        return self._write_large(transport, response, body)

    async def _write_large(self, transport: asyncio.Transport, response: Response, body: bytes) -> None:
        self._sent_all = False
        view = memoryview(body)
        step = self._limits.write_slice_bytes
        for start in range(0, len(view), step):
            while not self._writable and response.open and not response.status:
                await response.wait()
            if response.status or not response.open:
                break
            transport.write(view[start : start + step])
        else:
            self._sent_all = True
        await response.wait_head()

    def park(self, idle_until: float) -> None:
        """Wait in the pool until `idle_until` (loop time); then the connection closes itself."""
        self.idle_until = idle_until
        if self._timer is None or self._timer_at > idle_until:
            self.expire_at(idle_until)

    def abort(self) -> None:
        """Close the socket at once, unsent bytes are dropped; an exchange under way fails."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()
        response, self._response = self._response, None
        if response is not None:
            response.fail(Truncated("the connection was closed by the gateway"))
        self._parser = None  # it holds this object's methods
        self._owner.gone(self)

    # Link: the response's side.

    def resume(self) -> None:
        """Read again after `buffer_bytes` were not delivered."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def expire_at(self, when: float) -> None:
        """Make sure that the timer fires at `when` or before."""
        if self._timer is not None:
            if self._timer_at <= when:
                return
            self._timer.cancel()
        self._timer_at = when
        self._timer = self._loop.call_at(when, self._on_timer)

    def drop(self, response: Response) -> None:
        """Abort if `response` is the one that is being carried."""
        if self._response is response:
            self._response = None
            self.abort()

    def _on_timer(self) -> None:
        self._timer = None
        now = self._loop.time()
        response = self._response
        due = self.idle_until if response is None else response.deadline()
        if now < due:
            if due != float("inf"):
                self.expire_at(max(due, now + SMALLEST_TICK_S))
        elif response is None:
            self.abort()
        else:
            self._fail(response.timeout(now))

    def _fail(self, error: TransportError) -> None:
        response, self._response = self._response, None
        if response is not None:
            response.fail(error)
        self.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket (and its TLS) is ready."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._limits.write_slice_bytes)
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of a response; on an idle connection nobody asked for any, so it is closed."""
        response = self._response
        if response is None or self._parser is None:
            self.abort()
            return
        response.heard_at = self._loop.time()
        self._quiet_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(ProtocolError("the upstream switched protocols, which was not asked for"))
        except httptools.HttpParserError as error:
            self._refuse(error)
        else:
            if self._complete:
                self._finish(reusable=self._keep_alive and self._sent_all)
            elif self._quiet_bytes > self._limits.header_bytes:
                # Not a body byte among them: a head, trailers or chunk extensions without end.
                self._fail(HeadersTooLarge(f"the upstream sent over {self._limits.header_bytes} bytes of headers"))

    def eof_received(self) -> None:
        """The upstream's clean end; on TLS its close_notify came, so that nothing was cut off."""
        self._eof = True
        if self._response is not None and self._framing == "until_close":
            self._finish(reusable=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._transport = None
        self._fail(self._lost(exc))

    def pause_writing(self) -> None:
        """The socket takes no more of the request for now."""
        self._writable = False

    def resume_writing(self) -> None:
        """The socket takes more."""
        self._writable = True
        if self._response is not None:
            self._response.wake()

    # httptools callbacks

    def on_message_begin(self) -> None:
        """A status line begins; after a complete response nobody asked for one."""
        if self._complete:
            raise ProtocolError("bytes after the end of the response")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the response, of an interim response, or a trailer (which is dropped)."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The end of a head; an interim one (1xx) is dropped."""
        parser, response = self._parser, self._response
        if parser is None or response is None:
            return
        status = parser.get_status_code()
        if status < 200:
            _check_version(status, parser.get_http_version())
            self._fields = []
            return
        if self._quiet_bytes > self._limits.header_bytes or len(self._fields) > self._limits.header_count:
            # What has arrived bounds the head, so that the sum is rarely needed.
            self._check_head_size()
        headers = join_fields(self._fields)
        self._keep_alive = parser.should_keep_alive()
        if self._keep_alive and "connection" not in headers and "proxy-connection" not in headers:
            # Only HTTP/1.1 keeps a connection without being told to, and the parser is slow to tell the version.
            version = "1.1"
        else:
            version = parser.get_http_version()
        if version != "1.1" or status > 599:
            _check_version(status, version)
        self._framing = body_framing(status, version, headers, head_only=self._head_only)
        self._quiet_bytes = 0
        response.add_head(status, headers)
        if self._framing == "none" and self._head_only:
            # The parser would wait for the body that the headers announce.
            self._complete = True
            raise ProtocolError("the parser cannot go on after a response to HEAD")

    def on_body(self, data: bytes) -> None:
        """Decoded body bytes."""
        response = self._response
        if response is None or self._framing is None:
            raise ProtocolError("a body before the final status line")
        self._quiet_bytes = 0
        waiting = response.add_body(data)
        if waiting > self._limits.buffer_bytes and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The end of a response, or of an interim one."""
        if self._framing is not None:
            self._complete = True

    def _check_head_size(self) -> None:
        limits = self._limits
        if len(self._fields) > limits.header_count:
            raise HeadersTooLarge(f"the upstream sent over {limits.header_count} headers")
        if _size(self._fields) > limits.header_bytes:
            raise HeadersTooLarge(f"the upstream sent over {limits.header_bytes} bytes of headers")

    def _refuse(self, error: httptools.HttpParserError) -> None:
        if self._complete:
            # The response itself is whole; what follows it is not ours to interpret.
            self._finish(reusable=False)
            return
        cause = error.__context__
        self._fail(cause if isinstance(cause, TransportError) else ProtocolError(f"malformed HTTP: {error}"))

    def _finish(self, *, reusable: bool) -> None:
        response, self._response = self._response, None
        if response is not None:
            response.end()
        if reusable and not self._eof and self._transport is not None and not self._transport.is_closing():
            self._reused = True
            if self._paused:
                self.resume()
            self._owner.released(self)
        else:
            self.abort()

    def _lost(self, exc: Exception | None) -> TransportError:
        response = self._response
        if isinstance(exc, ssl.SSLError):
            return TlsFailed("TLS failed during the exchange")
        if response is None or response.status or self._quiet_bytes:
            return Truncated("the upstream closed the connection before the end of its response")
        if self._reused:
            return StaleConnection("the upstream closed the idle connection")
        return Truncated("the upstream closed the connection without an answer")


def _check_version(status: int, version: str) -> None:
    if version not in ("1.1", "1.0") or not 100 <= status <= 599 or status == 101:
        raise ProtocolError("a status line that is not a final HTTP/1.x one")


def _size(fields: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + 4 for name, value in fields)
