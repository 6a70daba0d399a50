"""Failures of Anthropic's API keep their meaning and lose their words."""

from typing import Any

import msgspec
import pytest

from kaigate.providers.anthropic_failures import anthropic_failure, event_failure

SECRET = "the prompt was: my password is hunter2"


def body(kind: str, message: str = SECRET) -> bytes:
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, "invalid_request_error", "invalid_request"),
        (401, "authentication_error", "upstream_error"),
        (402, "billing_error", "upstream_error"),
        (403, "permission_error", "upstream_error"),
        (404, "not_found_error", "upstream_error"),
        (413, "request_too_large", "invalid_request"),
        (429, "rate_limit_error", "upstream_unavailable"),
        (500, "api_error", "upstream_error"),
        (504, "timeout_error", "upstream_timeout"),
        (529, "overloaded_error", "upstream_unavailable"),
    ],
)
def test_a_status_and_the_same_as_an_event(status: int, kind: str, code: str) -> None:
    error = {"type": kind, "message": SECRET}
    for failure in (anthropic_failure(status, {}, body(kind)), event_failure(error)):
        assert failure.code == code
        assert "hunter2" not in failure.message


def test_overload_says_when_to_come_back() -> None:
    assert anthropic_failure(529, {"retry-after": "7"}, body("overloaded_error")).retry_after == 7
    assert anthropic_failure(429, {"retry-after": "7"}, b"").retry_after == 7


@pytest.mark.parametrize(
    "words",
    [
        "prompt is too long: 208310 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000",
    ],
)
def test_a_prompt_that_does_not_fit_is_told_as_such(words: str) -> None:
    assert anthropic_failure(400, {}, body("invalid_request_error", words)).code == "context_length_exceeded"
    assert event_failure({"type": "invalid_request_error", "message": words}).code == "context_length_exceeded"


def test_an_empty_account_is_not_the_client_s_fault() -> None:
    words = "Your credit balance is too low to access the Anthropic API."
    failure = anthropic_failure(400, {}, body("invalid_request_error", words))
    assert (failure.code, failure.status) == ("upstream_error", 502)


@pytest.mark.parametrize("error", [None, "x", 7, [], {}, {"type": 5}, {"type": ["x"]}, {"type": "new"}])
def test_an_error_of_any_shape_is_the_upstream_s(error: Any) -> None:
    assert event_failure(error).code == "upstream_error"
