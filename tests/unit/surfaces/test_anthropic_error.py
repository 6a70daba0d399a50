"""Refusals in Anthropic's grammar."""

import msgspec
import pytest

from kaigate.errors import ErrorCode, GatewayError, LimitExceededError, RequestInvalidError
from kaigate.surfaces.anthropic_error import error_body, error_type


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_request", "invalid_request_error"),
        ("content_policy_violation", "invalid_request_error"),
        ("invalid_api_key", "authentication_error"),
        ("model_not_priced", "billing_error"),
        ("model_not_allowed", "permission_error"),
        ("model_not_found", "not_found_error"),
        ("method_not_allowed", "invalid_request_error"),
        ("request_too_large", "request_too_large"),
        ("rate_limit_exceeded", "rate_limit_error"),
        ("budget_exceeded", "rate_limit_error"),
        ("internal_error", "api_error"),
        ("upstream_error", "api_error"),
        ("guardrail_unavailable", "api_error"),
        ("upstream_unavailable", "overloaded_error"),
        ("draining", "overloaded_error"),
        ("upstream_timeout", "timeout_error"),
    ],
)
def test_types(code: ErrorCode, kind: str) -> None:
    assert error_type(GatewayError(code, "x")) == kind


def test_a_body_has_our_code_beside_anthropics_members() -> None:
    body = error_body(RequestInvalidError("unsupported_parameter", "No.", param="seed"), "req-1")
    assert msgspec.json.decode(body) == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "No.", "code": "unsupported_parameter", "param": "seed"},
        "request_id": "req-1",
    }


def test_a_body_says_only_what_is_known() -> None:
    assert error_body(LimitExceededError("rate_limit_exceeded", "Wait.")) == (
        b'{"type":"error","error":{"type":"rate_limit_error","message":"Wait.","code":"rate_limit_exceeded"}}'
    )
