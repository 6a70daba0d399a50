"""Request heads: encoded once, checked so that no value can add a header or a second request (RFC 9112)."""

from collections.abc import Sequence

from kaigate.transport.errors import InvalidRequest

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
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


def host_block(authority: str) -> bytes:
    """The part of a head that is the same for every request to an origin.

    Guardrails read the answer, so it must come uncompressed: `identity` is all that is accepted.
    """
    return b" HTTP/1.1\r\nhost: %b\r\naccept-encoding: identity\r\n" % authority.encode("ascii")


def encode_head(method: str, path: str, host: bytes, headers: Sequence[tuple[bytes, bytes]], length: int) -> bytes:
    """Request line and headers up to the blank line; `host` is a `host_block`, `length` the body's bytes.

    Raises InvalidRequest for a method, path, name or value that must not be sent; values are never repeated in it.
    """
    if method not in METHODS:
        raise InvalidRequest("the request method is not one that this client sends")
    if not path.startswith("/") or not path.isascii() or path.encode("ascii").translate(None, PATH):
        raise InvalidRequest("the request path must begin with / and be printable ASCII without spaces")
    block = b"".join([b"%b: %b\r\n" % header for header in headers])
    # All that may remain without the allowed bytes is the line end of each header: one test for CR, LF, NUL and kin.
    if block.translate(None, FIELD_VALUE) != b"\r\n" * len(headers):
        raise InvalidRequest("a header contains a control character")
    names = [name.lower() for name, _ in headers]
    if not all(names) or b"".join(names).translate(None, TOKEN):
        raise InvalidRequest("a header name is empty or not a token")
    if not RESERVED.isdisjoint(names):
        raise InvalidRequest("a header that frames the message or the connection is set by the client alone")
    line = b"%b %b" % (method.encode("ascii"), path.encode("ascii"))
    if length or method in ("POST", "PUT", "PATCH"):
        return b"%b%b%bcontent-length: %d\r\n\r\n" % (line, host, block, length)
    return b"%b%b%b\r\n" % (line, host, block)
