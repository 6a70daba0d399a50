"""Anthropic's error grammar: `{"type": "error", "error": {"type", "message"}, "request_id"}`."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kaigate.errors import ErrorCode, GatewayError

_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}
_OVERLOADED: Final[frozenset[ErrorCode]] = frozenset({"upstream_unavailable", "draining"})


def error_type(error: GatewayError) -> str:
    """Anthropic's `error.type` for the status; source: Anthropic API reference, "Errors".

    Our status stays: Anthropic's 529 for overload is 503 here.
    """
    if error.code in _OVERLOADED:
        return "overloaded_error"
    return _TYPES.get(error.status) or ("invalid_request_error" if error.status < 500 else "api_error")


def error_body(error: GatewayError, request_id: str | None = None) -> bytes:
    """The JSON of a refusal; `code` and `param` are members beside Anthropic's own."""
    detail: dict[str, Any] = {"type": error_type(error), "message": error.message, "code": error.code}
    if error.param is not None:
        detail["param"] = error.param
    body: dict[str, Any] = {"type": "error", "error": detail}
    if request_id is not None:
        body["request_id"] = request_id
    return msgspec.json.encode(body)
