"""What Bedrock's errors mean for the caller."""

import pytest

from kaigate.errors import RequestInvalidError, UpstreamFailedError
from kaigate.providers.bedrock_failures import bedrock_failure, failure_of

CANARY = b'{"message":"canary text of the prompt"}'


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("ValidationException", 400, "invalid_request"),
        ("ValidationException:http://internal.amazon.com/coral/x/", 400, "invalid_request"),
        ("com.amazon.bedrock#ThrottlingException", 429, "upstream_unavailable"),
        ("ThrottlingException", 400, "upstream_unavailable"),
        ("ServiceQuotaExceededException", 400, "upstream_unavailable"),
        ("ModelTimeoutException", 408, "upstream_timeout"),
        ("ServiceUnavailableException", 503, "upstream_unavailable"),
        ("ModelNotReadyException", 429, "upstream_unavailable"),
        ("AccessDeniedException", 403, "upstream_error"),
        ("ExpiredTokenException", 403, "upstream_error"),
        ("UnrecognizedClientException", 403, "upstream_error"),
        ("InvalidSignatureException", 403, "upstream_error"),
        ("ResourceNotFoundException", 404, "upstream_error"),
        ("InternalServerException", 500, "upstream_error"),
        ("ModelErrorException", 424, "upstream_error"),
        ("ModelStreamErrorException", 424, "upstream_error"),
        ("NewException", 418, "upstream_error"),
        ("", 400, "invalid_request"),
        ("", 429, "upstream_unavailable"),
        ("", 403, "upstream_error"),
    ],
)
def test_each_type(kind: str, status: int, code: str) -> None:
    error = bedrock_failure(status, {"x-amzn-errortype": kind} if kind else {}, CANARY)
    assert error.code == code
    assert "canary" not in error.message
    assert isinstance(error, RequestInvalidError if code == "invalid_request" else UpstreamFailedError)


@pytest.mark.parametrize(
    "message",
    ["Input is too long for requested model.", "prompt is too long: 210000 tokens", "Too many input tokens. Max 8192"],
)
def test_a_prompt_that_does_not_fit(message: str) -> None:
    body = f'{{"message":"{message}"}}'.encode()
    assert bedrock_failure(400, {"x-amzn-errortype": "ValidationException"}, body).code == "context_length_exceeded"


@pytest.mark.parametrize(
    "message",
    [
        "The provided model identifier is invalid.",
        "Invocation of model ID x with on-demand throughput isn\u2019t supported. Retry with an inference profile.",
        "You don't have access to the model with the specified model ID.",
    ],
)
def test_a_model_that_is_configured_wrongly_is_not_the_client_s_fault(message: str) -> None:
    body = f'{{"message":"{message}"}}'.encode()
    error = bedrock_failure(400, {"x-amzn-errortype": "ValidationException"}, body)
    assert (error.code, error.status) == ("upstream_error", 502)


def test_how_long_to_wait_is_kept() -> None:
    assert failure_of("ThrottlingException", 429, {"retry-after": "7"}, b"").retry_after == 7
