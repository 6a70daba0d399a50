"""Answers to what arrives on a connection without becoming a request."""

from dataclasses import dataclass
from typing import Final

import msgspec

from kaigate.app import http_head
from kaigate.errors import GatewayError, RequestInvalidError, UnavailableError


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to what never became a request; the connection is closed behind it."""

    status: int
    code: str
    body: bytes

    def response(self, date: bytes) -> bytes:
        """The complete response."""
        return http_head.whole(self.status, date, b"content-type: application/json\r\n", self.body, close=True)


def refusal(error: GatewayError, status: int | None = None) -> Refusal:
    """A refusal with the error's own status, or another."""
    fields = {"message": error.message, "type": error.type, "param": None, "code": error.code}
    return Refusal(status or error.status, error.code, msgspec.json.encode({"error": fields}))


MALFORMED: Final = refusal(RequestInvalidError("invalid_request", "The request is not valid HTTP."))
LARGE_HEAD: Final = refusal(
    RequestInvalidError("invalid_request", "The request head is larger than this gateway accepts."), 431
)
OTHER_VERSION: Final = refusal(RequestInvalidError("invalid_request", "This port speaks HTTP/1.1 and HTTP/1.0."), 505)
SLOW_HEAD: Final = refusal(RequestInvalidError("request_timeout", "The request head did not arrive."))
FULL: Final = refusal(UnavailableError("upstream_unavailable", "This replica has no free connection: try again."))
