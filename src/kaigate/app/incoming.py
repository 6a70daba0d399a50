"""One request on a connection, as the pipeline sees it: a client to read from and a reply to write to."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from kaigate.app import http_head
from kaigate.errors import RequestInvalidError
from kaigate.money import NANO
from kaigate.pipeline.exchange import ClientGoneError, Exchange

if TYPE_CHECKING:
    from kaigate.app.connection import HttpConnection

_STREAM: Final = b"cache-control: no-store\r\nx-accel-buffering: no\r\n"
"""Proxies in front that buffer answers (nginx) would turn a stream into one late block."""

_SLOWEST: Final = 65_536
"""Bytes a second at which a body that takes longer than its time may still come."""
_READ_AHEAD: Final = 262_144


class Incoming:
    """A request whose head is complete; its body may still be arriving.

    `headers` have lower-case names, in the order and number in which they came; `path` is raw, without its query.
    """

    __slots__ = (
        "_body",
        "_chunked",
        "_connection",
        "_invited",
        "_on_gone",
        "_size",
        "_waiter",
        "_wanted",
        "address",
        "complete",
        "gone",
        "head_only",
        "headers",
        "keep_alive",
        "method",
        "path",
        "speaks_chunks",
        "started",
        "task",
    )

    def __init__(
        self, connection: "HttpConnection", method: bytes, path: bytes, headers: list[tuple[bytes, bytes]]
    ) -> None:
        self._connection = connection
        self.method = method
        self.path = path
        self.headers = headers
        self.address = connection.peer
        self.keep_alive = True
        self._invited = False
        self.head_only = method == b"HEAD"
        self.complete = False
        self.gone = False
        self.started = False
        self.task: asyncio.Task[None] | None = None
        self._body: bytes | bytearray = b""
        self._size = 0
        self._wanted = _READ_AHEAD
        self._chunked = True
        self.speaks_chunks = True
        self._waiter: asyncio.Future[None] | None = None
        self._on_gone: Callable[[], object] | None = None

    # The connection's side.

    def received(self, data: bytes) -> bool:
        """A piece of the body arrived; returns whether that is all that is wanted for now."""
        if not self._size:
            self._body = data
        else:
            # A list of pieces would cost a multiple of their size where a client sends tiny chunks.
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += data
        self._size += len(data)
        if self._waiter is not None:
            self._wake()
        return self._size > self._wanted

    def completed(self) -> None:
        """The body is complete."""
        self.complete = True
        if self._waiter is not None:
            self._wake()

    def lost(self) -> None:
        """The client is gone."""
        self.gone = True
        self._wake()
        on_gone, self._on_gone = self._on_gone, None
        if on_gone is not None:
            on_gone()
            if self.task is not None:
                self.task.cancel()

    # The pipeline's side: the client.

    async def read_body(self, *, limit: int, timeout_s: float) -> bytes:
        """The whole body; refuses more than `limit` bytes, and a pause of more than `timeout_s` seconds."""
        self._wanted = limit
        deadline = 0.0
        if not self.complete:
            self._connection.resume()
            deadline = self._connection.time() + timeout_s
        while not self.complete and self._size <= limit:
            if self.gone:
                raise ClientGoneError
            if not self._invited:
                self._invited = True
                if self.speaks_chunks and (b"expect", b"100-continue") in self.headers:
                    self._connection.write(http_head.CONTINUE)
            # What arrives at a useful pace earns more time; what drips does not.
            await self._more(deadline + self._size / _SLOWEST - self._connection.time())
        if self._size > limit:
            raise RequestInvalidError(
                "request_too_large", f"The request body is larger than {limit} bytes. Send less, or smaller images."
            )
        body, self._body, self._size = bytes(self._body), b"", 0
        return body

    def watch(self, on_gone: Callable[[], object]) -> None:
        """When the client disconnects before its answer is complete: call `on_gone`, then cancel the serving task."""
        self._on_gone = on_gone
        if self.gone:
            self.lost()

    # The pipeline's side: the reply.

    def send_whole(self, exchange: Exchange, body: bytes, content_type: bytes) -> None:
        """Send status, headers and the complete body in one write."""
        self.started = True
        headers = _headers(exchange, content_type)
        if exchange.redactions:
            headers += b"x-kaigate-redactions: %d\r\n" % sum(exchange.redactions.values())
        if exchange.charge is not None and exchange.usage is not None and exchange.error is None:
            cost = exchange.charge(exchange.deployment, exchange.usage)
            headers += b"x-kaigate-cost-usd: %d.%09d\r\n" % divmod(cost, NANO)
        close = self._closes()
        if not (close or self.speaks_chunks):
            # HTTP/1.0 keeps a connection only when it is told so.
            headers += b"connection: keep-alive\r\n"
        connection = self._connection
        data = http_head.whole(exchange.status, connection.date(), headers, body, close=close)
        if not self.gone:
            connection.write(data[: len(data) - len(body)] if self.head_only else data)
        self._on_gone = None
        connection.answered(self)

    def push(self, exchange: Exchange, data: bytes, content_type: bytes) -> bool:
        """Send a part of a stream; False while the client is slow, which is what slows the upstream down."""
        connection = self._connection
        if self.gone:
            raise ClientGoneError
        exchange.wrote(connection.time())
        if self.started:
            connection.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        else:
            connection.write(self._stream_head(exchange, content_type) + self._framed(data))
        return not connection.paused

    async def drain(self) -> None:
        """Wait until the client took enough of it."""
        if self._connection.paused:
            await self._connection.drained()

    async def end(self, data: bytes) -> None:
        """Send the last part of a stream."""
        if self.gone:
            raise ClientGoneError
        self._connection.write(self._framed(data) + (b"0\r\n\r\n" if self._chunked else b""))
        self._on_gone = None
        self._connection.answered(self)

    def abort(self) -> None:
        """Cut the connection: an answer that was begun can't be completed."""
        self._on_gone = None
        self._connection.cut(self)

    def _stream_head(self, exchange: Exchange, content_type: bytes) -> bytes:
        self.started = True
        # HTTP/1.0 knows no chunks: there the end of the connection ends the body.
        self._chunked = self.speaks_chunks
        framing = b"transfer-encoding: chunked\r\n" if self._chunked else b""
        if self._closes() or not self._chunked:
            self.keep_alive = False
            framing += b"connection: close\r\n"
        return b"%b%b%b%b%b\r\n" % (
            http_head.STATUS_LINES[exchange.status],
            self._connection.date(),
            _headers(exchange, content_type),
            _STREAM,
            framing,
        )

    def _framed(self, data: bytes) -> bytes:
        if not data:
            return b""
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data

    def _closes(self) -> bool:
        """Whether the connection ends behind this answer: it was asked to, or the rest of the body is unread."""
        if not self.complete or self._connection.closing:
            self.keep_alive = False
        return not self.keep_alive

    async def _more(self, timeout_s: float) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                await self._waiter
        except TimeoutError:
            raise RequestInvalidError(
                "request_timeout", "The request body did not arrive in time: send it at once, and faster."
            ) from None
        finally:
            self._waiter = None
        if self.gone:
            raise ClientGoneError

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _headers(exchange: Exchange, content_type: bytes) -> bytes:
    """Header lines that the contract promises; every value was validated where it came from."""
    deployment, error = exchange.deployment, exchange.error
    lines = b"".join(
        (
            b"content-type: ",
            content_type,
            b"\r\nx-request-id: ",
            exchange.request_id.encode(),
            b"\r\n" if deployment is None or error is not None else b"\r\n" + deployment.header_lines,
            exchange.limit_lines,
        )
    )
    if error is not None:
        if error.retry_after is not None:
            lines += b"retry-after: %d\r\n" % max(1, round(error.retry_after))
        if error.code == "invalid_api_key":
            lines += b"www-authenticate: Bearer\r\n"
    if exchange.dropped_params:
        lines += b"x-kaigate-dropped-params: %b\r\n" % ",".join(exchange.dropped_params).encode()
    for name, value in exchange.response_headers:
        lines += b"%b: %b\r\n" % (name, value)
    return lines
