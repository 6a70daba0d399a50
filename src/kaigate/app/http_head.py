"""Bytes of response heads (RFC 9112, section 4)."""

import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus if status >= 200
}
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class DateLine:
    """The `date` header (RFC 9110, section 6.6.1), written once a second."""

    __slots__ = ("_line", "_until")

    def __init__(self) -> None:
        self._until = 0.0
        self._line = b""

    def now(self) -> bytes:
        """The header's line."""
        seconds = time.time()
        if seconds >= self._until:
            self._until = int(seconds) + 1.0
            self._line = b"date: " + formatdate(seconds, usegmt=True).encode() + b"\r\n"
        return self._line


def whole(status: int, date: bytes, headers: bytes, body: bytes, *, close: bool) -> bytes:
    """A complete response; `headers` are lines that end in CRLF."""
    ending = b"connection: close\r\n" if close else b""
    # To join is two thirds of the work of filling in a format.
    return b"".join((STATUS_LINES[status], date, headers, ending, b"content-length: %d\r\n\r\n" % len(body), body))
