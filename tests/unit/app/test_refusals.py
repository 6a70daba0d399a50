"""Answers to what never became a request."""

import msgspec
import pytest

from kaigate.app import refusals
from kaigate.errors import CODES


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (refusals.MALFORMED, 400, "invalid_request"),
        (refusals.LARGE_HEAD, 431, "invalid_request"),
        (refusals.OTHER_VERSION, 505, "invalid_request"),
        (refusals.SLOW_HEAD, 408, "request_timeout"),
        (refusals.FULL, 503, "upstream_unavailable"),
    ],
)
def test_each_is_a_complete_answer_in_the_error_grammar_and_closes(refusal, status, code):
    head, _, body = refusal.response(b"date: d\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nconnection: close" in head
    assert b"\r\ncontent-length: %d" % len(body) in head
    assert (refusal.status, refusal.code) == (status, code)
    error = msgspec.json.decode(body)["error"]
    assert (error["code"], error["type"], error["param"]) == (code, CODES[code][1], None)
    assert error["message"]
