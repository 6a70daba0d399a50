"""Secrets that are one run of characters, and what only looks like them."""

import base64

import pytest

from kaigate.guardrails.redaction import RedactionSettings, Redactor
from support.secrets import ALNUM, AWS_KEY, AWS_SECRET

REDACTOR = Redactor.build(RedactionSettings())
ENCODED_KEY = base64.b64encode(("-----BEGIN RSA " + f"PRIVATE KEY-----\n{ALNUM * 4}").encode()).decode()
ENCODED_CERTIFICATE = base64.b64encode(f"-----BEGIN CERTIFICATE-----\n{ALNUM * 4}".encode()).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"keys:\\n{AWS_KEY}\\n", "keys:\\n[REDACTED_AWS_KEY]\\n"),
        (f"?k%3D{AWS_KEY}%26", "?k%3D[REDACTED_AWS_KEY]%26"),
        (f"key_{AWS_KEY}_x", "key_[REDACTED_AWS_KEY]_x"),
        (f"secret:\\n{AWS_SECRET}", "secret:\\n[REDACTED_POSSIBLE_SECRET]"),
        (f'{AWS_KEY},"{AWS_SECRET}"', '[REDACTED_AWS_KEY],"[REDACTED_POSSIBLE_SECRET]"'),
        (f"Bearer\n {ALNUM}", "Bearer\n [REDACTED]"),
        (f"auth=bearer%20{ALNUM}.", "auth=bearer%20[REDACTED]."),
        (f"client-key-data: {ENCODED_KEY}\n", "client-key-data: [REDACTED_PRIVATE_KEY]\n"),
    ],
)
def test_secrets_are_found(text, expected):
    assert REDACTOR.redact(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        f"X{AWS_KEY}",
        f"{AWS_KEY}X",
        f"{AWS_KEY}x",
        "AKIA" + "a" * 16,
        f"{AWS_SECRET} alone",
        f"secret {AWS_SECRET}=",
        f"secret {AWS_SECRET}A",
        "secret " + "a" * 40,
        "secret " + "aB1" * 13 + "a",
        "secret " + ALNUM.lower() + "01234567",
        "the bearer of bad news",
        "Bearer YOUR_ACCESS_TOKEN_HERE",
        "Bearer <token>",
        "forbearer a1b2c3d4e5f6a1b2c3",
        "bearer a1b2c3d4e5f6",
        f"certificate-authority-data: {ENCODED_CERTIFICATE}",
    ],
)
def test_what_only_looks_like_one_stays(text):
    assert REDACTOR.redact(text).text is text
