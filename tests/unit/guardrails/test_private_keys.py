"""Blocks of private keys vanish whole, whatever is between their markers."""

import pytest

from kaigate.guardrails.private_keys import pending_begin
from kaigate.guardrails.redaction import RedactionSettings, Redactor
from support.secrets import ALNUM

REDACTOR = Redactor.build(RedactionSettings())
PRIVATE = "PRIVATE " + "KEY"


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (f"-----BEGIN {kind}{PRIVATE}{block}-----", f"-----END {kind}{PRIVATE}{block}-----")
        for kind, block in [
            ("", ""),
            ("RSA ", ""),
            ("EC ", ""),
            ("OPENSSH ", ""),
            ("ENCRYPTED ", ""),
            ("PGP ", " BLOCK"),
            ("ANY ", ""),
        ]
    ]
    + [
        (f"---- BEGIN SSH2 ENCRYPTED {PRIVATE} ----", f"---- END SSH2 ENCRYPTED {PRIVATE} ----"),
        (f"-----begin {PRIVATE.lower()}-----", f"-----end {PRIVATE.lower()}-----"),
    ],
)
@pytest.mark.parametrize("body", [f"\n{ALNUM}\n{ALNUM}\n", f"\\n{ALNUM}\\n", f' " + "{ALNUM}-- é" ', ""])
def test_a_block_is_redacted_at_every_split(begin, end, body):
    text = f"x={begin}{body}{end}; y"
    for offset in range(len(text) + 1):
        stream = REDACTOR.stream()
        out = stream.feed(text[:offset]) + stream.feed(text[offset:]) + stream.flush()
        assert out == "x=[REDACTED_PRIVATE_KEY]; y", offset


def test_text_behind_a_block_begins_anew():
    text = f"-----BEGIN {PRIVATE}-----\nx\n-----END {PRIVATE}-----" * 2 + "-----BEGIN CERTIFICATE-----"
    assert REDACTOR.redact(text).text == "[REDACTED_PRIVATE_KEY]" * 2 + "-----BEGIN CERTIFICATE-----"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("a ----", 2),
        ("a ---- ", 2),
        ("-----BEG", 0),
        ("-----BEGIN RSA PRIV", 0),
        ("x -----BEGIN PRIVATE KEY--", 2),
        ("----- x", 7),
        ("-----BEGIN RSA\n", 15),
        ("plain", 5),
        ("-----BEGIN CERTIFICATE-----", 22),
    ],
)
def test_the_beginning_of_a_marker_is_pending(text, at):
    assert pending_begin(text.encode()) == at
