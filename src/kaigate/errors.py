"""Errors a client may see, named by what the caller does next.

Each carries a `code` of the published contract; `CODES` gives its HTTP status and OpenAI error type.
Messages name the field and the remedy and never repeat request text, keys or upstream bodies.
"""

from typing import Final, Literal

ErrorCode = Literal[
    "invalid_request",
    "context_length_exceeded",
    "content_policy_violation",
    "unsupported_parameter",
    "invalid_api_key",
    "model_not_priced",
    "model_not_allowed",
    "tool_not_allowed",
    "route_not_allowed",
    "model_not_found",
    "route_not_found",
    "method_not_allowed",
    "request_too_large",
    "request_timeout",
    "unsupported_media_type",
    "rate_limit_exceeded",
    "budget_exceeded",
    "internal_error",
    "upstream_error",
    "no_private_provider",
    "model_digest_mismatch",
    "upstream_unavailable",
    "guardrail_unavailable",
    "store_unavailable",
    "audit_unavailable",
    "draining",
    "upstream_timeout",
]

CODES: Final[dict[ErrorCode, tuple[int, str]]] = {
    "invalid_request": (400, "invalid_request_error"),
    "context_length_exceeded": (400, "invalid_request_error"),
    "content_policy_violation": (400, "invalid_request_error"),
    "unsupported_parameter": (400, "invalid_request_error"),
    "invalid_api_key": (401, "authentication_error"),
    "model_not_priced": (402, "invalid_request_error"),
    "model_not_allowed": (403, "permission_error"),
    "tool_not_allowed": (403, "permission_error"),
    "route_not_allowed": (403, "permission_error"),
    "model_not_found": (404, "invalid_request_error"),
    "route_not_found": (404, "invalid_request_error"),
    "method_not_allowed": (405, "invalid_request_error"),
    "request_timeout": (408, "invalid_request_error"),
    "request_too_large": (413, "invalid_request_error"),
    "unsupported_media_type": (415, "invalid_request_error"),
    "rate_limit_exceeded": (429, "rate_limit_error"),
    "budget_exceeded": (429, "insufficient_quota"),
    "internal_error": (500, "server_error"),
    "upstream_error": (502, "upstream_error"),
    "no_private_provider": (503, "server_error"),
    "model_digest_mismatch": (503, "server_error"),
    "upstream_unavailable": (503, "upstream_error"),
    "guardrail_unavailable": (503, "server_error"),
    "store_unavailable": (503, "server_error"),
    "audit_unavailable": (503, "server_error"),
    "draining": (503, "server_error"),
    "upstream_timeout": (504, "upstream_error"),
}


class GatewayError(Exception):
    """A refusal or failure with a defined answer.

    `param` names the offending field in the client's own grammar; `retry_after` is in seconds.
    """

    def __init__(
        self, code: ErrorCode, message: str, *, param: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
        self.param = param
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """HTTP status of the contract for this code."""
        return CODES[self.code][0]

    @property
    def type(self) -> str:
        """OpenAI's `error.type` for this code."""
        return CODES[self.code][1]


class RequestInvalidError(GatewayError):
    """The caller changes the request (4xx about the body, a parameter or a size)."""


class AccessDeniedError(GatewayError):
    """The caller uses another key, or asks its owner for the right."""


class LimitExceededError(GatewayError):
    """The caller waits `retry_after` seconds."""


class UpstreamFailedError(GatewayError):
    """The model server failed; another deployment may do better.

    `may_fall_back` is False where a retry elsewhere would be wrong (a client error, a safety refusal).
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        param: str | None = None,
        retry_after: float | None = None,
        may_fall_back: bool = True,
    ) -> None:
        super().__init__(code, message, param=param, retry_after=retry_after)
        self.may_fall_back = may_fall_back


class UnavailableError(GatewayError):
    """The gateway cannot serve this safely now; the caller tries again or another replica."""
