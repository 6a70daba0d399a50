"""A CONNECT tunnel through an HTTP proxy (RFC 9110, section 9.3.6)."""

import asyncio
import re
from typing import cast

from kaigate.transport.errors import ConnectFailed
from kaigate.transport.proxy import Proxy
from kaigate.transport.target import Origin

STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r]")
MAX_HEAD_BYTES = 16 * 1024


def connect_request(origin: Origin, proxy: Proxy) -> bytes:
    """The CONNECT request for `origin`, with the port always written out."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    authority = f"{host}:{origin.port}".encode("ascii")
    credentials = b"" if proxy.authorization is None else b"proxy-authorization: %b\r\n" % proxy.authorization
    return b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (authority, authority, credentials)


class Tunnel:
    """Waits for the proxy's answer; has the methods of an asyncio.Protocol.

    `established` completes, or raises ConnectFailed with the proxy's status and nothing else of its answer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.established: asyncio.Future[None] = loop.create_future()
        self.transport: asyncio.Transport | None = None
        self._head = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The proxy took the connection."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of the proxy's answer."""
        self._head += data
        if self.established.done():
            return
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            if len(self._head) > MAX_HEAD_BYTES:
                self._fail("the proxy's answer is too long")
            return
        match = STATUS_LINE.match(self._head)
        if match is None:
            self._fail("the proxy's answer is not HTTP/1.x")
        elif not match[1].startswith(b"2"):
            self._fail(f"the proxy refused the tunnel with status {match[1].decode('ascii')}")
        elif len(self._head) > end + 4:
            # The server behind a tunnel never speaks before the client's TLS hello.
            self._fail("the proxy sent bytes before the tunnel was used")
        else:
            self.established.set_result(None)

    def eof_received(self) -> None:
        """The proxy hung up."""
        self._fail("the proxy closed the connection")

    def connection_lost(self, _exc: Exception | None) -> None:
        """The socket is closed."""
        self._fail("the proxy closed the connection")

    def pause_writing(self) -> None:
        """Nothing is written but one small request."""

    def resume_writing(self) -> None:
        """Nothing is written but one small request."""

    def _fail(self, message: str) -> None:
        if not self.established.done():
            self.established.set_exception(ConnectFailed(message))
