"""Response headers to a mapping, and how the body is framed (RFC 9112, section 6), strictly."""

from collections.abc import Sequence
from typing import Literal

from kaigate.transport.errors import ProtocolError

Framing = Literal["none", "length", "chunked", "until_close"]

# Names that come with every response are not decoded anew.
COMMON = (
    "server", "date", "content-type", "content-length", "transfer-encoding", "connection", "keep-alive",
    "cache-control", "vary", "x-request-id", "request-id", "openai-processing-ms", "openai-version", "cf-ray",
    "strict-transport-security", "x-content-type-options", "x-ratelimit-limit-requests", "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
)  # fmt: skip
KNOWN = {form.encode("ascii"): name for name in COMMON for form in (name, name.title())}


def join_fields(fields: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Lower-case names to values (latin-1); repeated fields are joined with ", " in order."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        headers[KNOWN.get(raw_name) or raw_name.decode("latin-1").lower()] = raw_value.decode("latin-1")
    if len(headers) == len(fields):
        return headers
    joined: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name = raw_name.decode("latin-1").lower()
        value = raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def body_framing(status: int, version: str, headers: dict[str, str], *, head_only: bool) -> Framing:
    """How the body of a final response ends. Raises ProtocolError where two readers could disagree about that."""
    encoding = headers.get("transfer-encoding")
    length = headers.get("content-length")
    if encoding is not None:
        if length is not None:
            raise ProtocolError("a response with both Content-Length and Transfer-Encoding")
        if encoding.lower() != "chunked":
            raise ProtocolError("a transfer encoding other than chunked")
        if version == "1.0":
            raise ProtocolError("a transfer encoding in an HTTP/1.0 response")
    if length is not None and not (length.isascii() and length.isdigit()):
        raise ProtocolError("a Content-Length that is not one number")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise ProtocolError("a compressed body, which was not asked for")
    if head_only or status in (204, 304):
        return "none"
    if encoding is not None:
        return "chunked"
    return "until_close" if length is None else "length"
