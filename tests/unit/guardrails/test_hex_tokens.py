"""Hex tokens are redacted, identifiers that are named as such are not."""

import pytest

from kaigate.guardrails.redaction import RedactionSettings, Redactor
from support.secrets import HEX32

REDACTOR = Redactor.build(RedactionSettings())
HEX40 = HEX32 + "deadbeef"
HEX64 = HEX32 * 2


@pytest.mark.parametrize(
    "text",
    [
        f"commit {HEX40}",
        f"git show {HEX64}",
        f"https://github.com/o/r/commit/{HEX40}",
        f"Merge: revert of sha {HEX40}",
        f"sha256:{HEX64}",
        f"image@sha256:{HEX64}",
        f'sha256 "{HEX64}"',
        f"--hash=sha256:{HEX64}",
        f"md5: {HEX32}",
        f"SHA1 = {HEX40}",
        f"uuid={HEX32}",
        f"trace_id: {HEX32}",
        f"traceparent: 00-{HEX32}-00f067aa0ba902b7-01",
        "1" * 64,
        "0" * 63 + "a",
        "f" * 40,
        HEX32[:31],
        "550e8400-e29b-41d4-a716-446655440000",
    ],
)
def test_identifiers_stay(text):
    assert REDACTOR.redact(text).text is text


@pytest.mark.parametrize(
    "text",
    [
        HEX32,
        f"commit {HEX32}",
        f"digit {HEX40}",
        f"sha256:{HEX64}0",
        f"gitter {HEX40}",
        f"0x{HEX64}",
        f"token{HEX32}",
        f"é{HEX32}é",
        f"md5 was last line\n{HEX32}",
        "deadbeef" * 4,
    ],
)
def test_everything_else_is_a_token(text):
    assert [found.type for found in REDACTOR.redact(text).findings] == ["hex_token"]


def test_checksums_can_be_redacted_too():
    redactor = Redactor.build(RedactionSettings(allow_checksums=False))
    assert redactor.redact(f"sha256:{HEX64}").text == "sha256:[REDACTED_HEX_TOKEN]"
    assert redactor.redact(f"commit {HEX64}").text == f"commit {HEX64}"
