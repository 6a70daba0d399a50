"""Request heads: encoded once, checked so that no value can add a header or a second request (RFC 9112)."""

from collections.abc import Sequence

from kaigate.transport.errors import InvalidRequest

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})  # Content-Length is sent even for an empty body
# Framing and connection handling are the client's business; a second opinion about them is request smuggling.
RESERVED = frozenset(
    {
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authorization",
        b"upgrade",
        b"te",
        b"trailer",
        b"expect",
        b"accept-encoding",
    }
)
TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
FIELD_VALUE = bytes(byte for byte in range(256) if byte == 0x09 or (byte >= 0x20 and byte != 0x7F))
PATH = bytes(byte for byte in range(0x21, 0x7F) if byte != ord("#"))


class HeadEncoder:
    """Encodes request heads for one origin.

    An adapter sends the same path and headers again and again, so the latest checked block is kept and compared.
    """

    __slots__ = ("_block", "_key", "_origin")

    def __init__(self, authority: str) -> None:
        # Guardrails read the answer, so it must come uncompressed: `identity` is all that is accepted.
        self._origin = b" HTTP/1.1\r\nhost: %b\r\naccept-encoding: identity\r\n" % authority.encode("ascii")
        self._key: tuple[str, str, tuple[tuple[bytes, bytes], ...]] | None = None
        self._block = b""

    def encode(self, method: str, path: str, headers: Sequence[tuple[bytes, bytes]], length: int) -> bytes:
        """Request line and headers up to the blank line, for a body of `length` bytes.

        Raises InvalidRequest for a method, path, name or value that must not be sent; values are never repeated in it.
        """
        key = (method, path, tuple(headers))
        if key != self._key:
            self._block = _request_line(method, path) + self._origin + _header_block(headers)
            self._key = key
        if length or method in WITH_BODY:
            return b"%bcontent-length: %d\r\n\r\n" % (self._block, length)
        return self._block + b"\r\n"


def _request_line(method: str, path: str) -> bytes:
    if method not in METHODS:
        raise InvalidRequest("the request method is not one that this client sends")
    if not path.startswith("/") or not path.isascii() or path.encode("ascii").translate(None, PATH):
        raise InvalidRequest("the request path must begin with / and be printable ASCII without spaces")
    return b"%b %b" % (method.encode("ascii"), path.encode("ascii"))


def _header_block(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    block = b"".join([b"%b: %b\r\n" % header for header in headers])
    # All that may remain without the allowed bytes is the line end of each header: one test for CR, LF, NUL and kin.
    if block.translate(None, FIELD_VALUE) != b"\r\n" * len(headers):
        raise InvalidRequest("a header contains a control character")
    names = [name.lower() for name, _ in headers]
    if not all(names) or b"".join(names).translate(None, TOKEN):
        raise InvalidRequest("a header name is empty or not a token")
    if not RESERVED.isdisjoint(names):
        raise InvalidRequest("a header that frames the message or the connection is set by the client alone")
    return block
