"""Failures of Anthropic's API (source: Anthropic API reference, "Errors")."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kaigate.errors import GatewayError, UpstreamFailedError
from kaigate.providers.failures import failure

_STATUS: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_UNPAID: Final = b"credit balance is too low"
_FULL: Final = b"exceed context limit"


def anthropic_failure(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """What an error answer means: as everywhere, but an empty account comes as 400, and is not the client's fault."""
    if status == 400 and _UNPAID in body:
        return UpstreamFailedError("upstream_error", "The account at the model server has no credit left.")
    if status == 400 and _FULL in body:
        body = msgspec.json.encode({"error": {"message": "prompt is too long"}})
    return failure(status, headers, body)


def event_failure(error: Any) -> GatewayError:
    """What the `error` of an event means, in a stream that began with status 200; an unknown type is the upstream's."""
    kind = error.get("type") if isinstance(error, Mapping) else None
    status = _STATUS.get(kind, 500) if isinstance(kind, str) else 500
    return anthropic_failure(status, {}, msgspec.json.encode({"error": error}))
