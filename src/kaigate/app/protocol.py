"""uvicorn's HTTP protocol with bounds on a request's head: its size, its fields and its time."""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MAX_FIELDS: Final = 100
_HEAD_TIMEOUT_S: Final = 20.0
_BODY: Final = (
    b'{"error":{"message":"The request head is larger, or slower, than this gateway accepts.",'
    b'"type":"invalid_request_error","param":null,"code":"invalid_request"}}'
)


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses a head of more than `max_head_bytes` (431) or one that takes longer than 20 seconds (408).

    uvicorn's own protocol buffers a head of any size and waits for it without end. Bodies are bounded by the
    stage that reads them.
    """

    max_head_bytes = 65_536
    _in_head = True
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(_HEAD_TIMEOUT_S, self._refuse, b"408 Request Timeout")

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; only a head that is still incomplete afterwards is counted and timed."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if not self._in_head or not self._head_bytes or self.transport.is_closing():
            return
        if self._head_bytes > self.max_head_bytes:
            self._refuse(b"431 Request Header Fields Too Large")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(_HEAD_TIMEOUT_S, self._refuse, b"408 Request Timeout")

    def on_headers_complete(self) -> None:
        """Admit the request when its head is within bounds."""
        self._in_head = False
        self._head_bytes = 0
        self._stop_timer()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.max_head_bytes or len(self.headers) > _MAX_FIELDS:
            self._refuse(b"431 Request Header Fields Too Large")
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass the body on, unless its request was refused."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End the body, unless its request was refused."""
        self._in_head = True
        if not self.transport.is_closing():
            super().on_message_complete()

    def _refuse(self, status: bytes) -> None:
        if self.transport.is_closing():
            return
        head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(head % (status, len(_BODY)) + _BODY)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
