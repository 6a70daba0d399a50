"""The rules of secrets that are one run of characters."""

from typing import Any, Final

import re2

from kaigate.guardrails.api_keys import KEY_FORMATS, KeyFormat
from kaigate.guardrails.characters import ALNUM, BASE64, TOKEN68
from kaigate.guardrails.findings import API_KEY, AWS_KEY, BEARER_TOKEN, POSSIBLE_SECRET, PRIVATE_KEY
from kaigate.guardrails.hex_tokens import hex_rule
from kaigate.guardrails.random_text import entropy, is_masked, is_mixed
from kaigate.guardrails.rules import Rule, Verdict
from kaigate.guardrails.web_tokens import WEB_TOKEN, decoded

AWS_SECRET_LENGTH: Final = 40
_MIN_ENTROPY: Final = 4.0
_CONTEXT: Final = 96
_MASK_SAMPLE: Final = 10
_ABOUT_SECRETS: Final[Any] = re2.compile(
    r"(?i)aws|amazon|secret|key|AKIA|ASIA|ABIA|ACCA|credential|token|passw|boto|(?:^|[^a-z])s3(?:$|[^a-z])"
)


def _aws_key(text: str, _start: int, end: int) -> Verdict:
    if end < len(text) and text[end] in ALNUM:
        return None
    return AWS_KEY, end


def _aws_secret(text: str, start: int, end: int) -> Verdict:
    """Exactly 40 random base64 characters behind a word that speaks of secrets."""
    secret = text[start:end]
    if len(secret) != AWS_SECRET_LENGTH or text[end : end + 1] == "=" or not is_mixed(secret):
        return None
    if secret.islower() or secret.isupper() or entropy(secret) < _MIN_ENTROPY:
        return None
    before = text[max(0, start - _CONTEXT) : start].encode("ascii", "replace")
    return (POSSIBLE_SECRET, end) if _ABOUT_SECRETS.search(before) is not None else None


def _mixed(text: str, start: int, end: int) -> bool:
    return is_mixed(text[start:end])


def _not_masked(text: str, start: int, end: int) -> bool:
    return not is_masked(text[max(start, end - _MASK_SAMPLE) : end])


def _bearer(text: str, start: int, end: int) -> Verdict:
    return BEARER_TOKEN, start + len(text[start:end].rstrip("."))


def _api_key(text: str, start: int, end: int) -> Verdict:
    return API_KEY, start + len(text[start:end].rstrip("."))


def _is_encoded_private_key(text: str, start: int, end: int) -> bool:
    return b"PRIVATE KEY" in decoded(text[start:end].replace("+", "-").replace("/", "_"))


def _encoded_private_key(_text: str, _start: int, end: int) -> Verdict:
    return PRIVATE_KEY, end


def _key_rule(row: KeyFormat) -> Rule:
    return Rule(
        (API_KEY,), head=row.head, grows=row.grows, accepts=_mixed if row.mixed else _not_masked, judge=_api_key
    )


def token_rules(*, allow_checksums: bool) -> tuple[Rule, ...]:
    """All of them; the order does not matter."""
    return (
        Rule((AWS_KEY,), head=r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}", judge=_aws_key),
        WEB_TOKEN,
        # `-----BEGIN ` in base64, as Kubernetes keeps key files.
        Rule(
            (PRIVATE_KEY,),
            head=r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{50}",
            grows=BASE64 + "=",
            accepts=_is_encoded_private_key,
            judge=_encoded_private_key,
        ),
        Rule(
            (BEARER_TOKEN,),
            head=r"(?i:bearer)(?:[ \t\r\n]{1,8}|%20)([A-Za-z0-9._~+/=-]{16,64})",
            grows=TOKEN68,
            accepts=_mixed,
            judge=_bearer,
        ),
        *map(_key_rule, KEY_FORMATS),
        hex_rule(allow_checksums=allow_checksums),
        Rule((POSSIBLE_SECRET,), head=r"[A-Za-z0-9/+]{40}", grows=BASE64, whole_run=True, judge=_aws_secret),
    )
