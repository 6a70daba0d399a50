"""Upstream failures keep their meaning and lose their words."""

import msgspec
import pytest

from kaigate.errors import RequestInvalidError, UpstreamFailedError
from kaigate.providers.failures import failure, stream_failure

SECRET = "the prompt was: my password is hunter2"


def body(**error: object) -> bytes:
    return msgspec.json.encode({"error": error})


@pytest.mark.parametrize(
    ("status", "code", "our_status"),
    [
        (400, "invalid_request", 400),
        (409, "invalid_request", 400),
        (413, "invalid_request", 400),
        (422, "invalid_request", 400),
        (401, "upstream_error", 502),
        (402, "upstream_error", 502),
        (403, "upstream_error", 502),
        (404, "upstream_error", 502),
        (408, "upstream_timeout", 504),
        (504, "upstream_timeout", 504),
        (429, "upstream_unavailable", 503),
        (503, "upstream_unavailable", 503),
        (529, "upstream_unavailable", 503),
        (500, "upstream_error", 502),
        (502, "upstream_error", 502),
        (599, "upstream_error", 502),
        (302, "upstream_error", 502),
    ],
)
@pytest.mark.parametrize("raw", [b"", b"<html>" + SECRET.encode(), body(message=SECRET, param="x y", code=SECRET)])
def test_each_status_has_a_meaning_and_no_body_is_repeated(status: int, code: str, our_status: int, raw: bytes) -> None:
    error = failure(status, {}, raw)
    assert (error.code, error.status) == (code, our_status)
    assert "hunter2" not in f"{error.message} {error.param} {error!r}"
    assert isinstance(error, RequestInvalidError) is (our_status == 400)
    if isinstance(error, UpstreamFailedError):
        assert error.may_fall_back


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "You passed 1015 input tokens. However, the model's context length is only 1024 tokens.",
        "the request exceeds the available context size (8192 tokens), try increasing it",
        "the input length exceeds the context length",
    ],
)
def test_a_prompt_that_does_not_fit_is_told_apart(message: str) -> None:
    for raw in (body(message=message, type="BadRequestError", code=400), msgspec.json.encode({"error": message})):
        error = failure(400, {}, raw)
        assert isinstance(error, RequestInvalidError)
        assert (error.code, error.param) == ("context_length_exceeded", "messages")


@pytest.mark.parametrize(
    "error",
    [
        {"code": "context_length_exceeded", "message": "x"},
        {"type": "exceed_context_size_error", "code": 400, "message": "x", "n_ctx": 512},
    ],
)
def test_codes_of_the_same_meaning(error: dict[str, object]) -> None:
    assert failure(400, {}, msgspec.json.encode({"error": error})).code == "context_length_exceeded"


def test_a_parameter_and_code_of_safe_characters_are_named() -> None:
    error = failure(400, {}, body(message=SECRET, param="messages[0].role", code="unsupported_value"))
    assert error.param == "messages[0].role"
    assert error.message == "The model server refused the parameter messages[0].role (its code: unsupported_value)."


@pytest.mark.parametrize(
    ("header", "expected"),
    [("7", 7.0), (" 30 ", 30.0), ("999999999", 3600.0), ("-1", None), ("soon", None), ("", None), ("٣", None)],
)
def test_retry_after_is_bounded_seconds(header: str, expected: float | None) -> None:
    assert failure(429, {"retry-after": header}, b"").retry_after == expected


def test_retry_after_may_be_a_date_or_milliseconds() -> None:
    sent = {"retry-after": "Fri, 02 Jan 2026 12:00:30 GMT", "date": "Fri, 02 Jan 2026 12:00:00 GMT"}
    assert failure(503, sent, b"").retry_after == 30.0
    assert failure(429, {"retry-after-ms": "1500", "retry-after": "7"}, b"").retry_after == 1.5


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"message": SECRET}, "upstream_error"),
        ({"message": SECRET, "code": 429}, "upstream_unavailable"),
        ({"message": SECRET, "code": 400}, "invalid_request"),
        ({"message": "maximum context length is 5", "code": None}, "context_length_exceeded"),
        (SECRET, "upstream_error"),
        (None, "upstream_error"),
        ({"code": 999}, "upstream_error"),
        (["x"], "upstream_error"),
    ],
)
def test_an_error_inside_a_stream_has_a_meaning(error: object, code: str) -> None:
    told = stream_failure(error)
    assert told.code == code
    assert "hunter2" not in told.message


def test_a_hostile_body_is_harmless() -> None:
    for raw in (b"[" * 100_000, b'{"error":' * 50_000, b"\xff\xfe", b'{"error":{"param":5,"code":[]}}'):
        assert failure(400, {}, raw).code == "invalid_request"
