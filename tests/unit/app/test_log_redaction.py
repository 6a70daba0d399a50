"""Log lines lose the configured secrets and everything that looks like one."""

import pytest

from kaigate.app.log_redaction import log_redactor
from kaigate.guardrails.redaction import RedactionSettings, Redactor

AWS = "AKIA" + "IOSFODNN7EXAMPLE"
REDACTOR = Redactor.build(RedactionSettings())


@pytest.mark.parametrize(
    ("secrets", "line", "expected"),
    [
        ([], "plain text", "plain text"),
        ([], f"key {AWS} leaked", "key [REDACTED_AWS_KEY] leaked"),
        (["tomorrows-format"], "with tomorrows-format in it", "with [REDACTED] in it"),
        (["tomorrows-format"], "tomorrows-format tomorrows-format", "[REDACTED] [REDACTED]"),
        # The longer one first: else its rest would stay.
        (["password", "password-and-more"], "is password-and-more", "is [REDACTED]"),
        # A short one would turn words into placeholders, and say what it is by doing so.
        (["test"], "a test of tests", "a test of tests"),
        (["twelve-bytes", AWS], f"{AWS} and twelve-bytes", "[REDACTED] and [REDACTED]"),
    ],
)
def test_what_is_removed(secrets, line, expected):
    assert log_redactor(REDACTOR, secrets)(line) == expected
