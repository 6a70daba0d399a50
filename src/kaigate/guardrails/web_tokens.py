"""JSON Web Tokens, known by their header (RFC 7519), and those of Kubernetes service accounts by their claims."""

import base64
import binascii
from typing import Final

import msgspec

from kaigate.guardrails.characters import BASE64_URL
from kaigate.guardrails.findings import JWT, K8S_TOKEN
from kaigate.guardrails.rules import Rule, Verdict

# Claims of legacy and of projected tokens; a prefix of the payload is enough to see them.
_SERVICE_ACCOUNT: Final = (b"kubernetes/serviceaccount", b"kubernetes.io", b"system:serviceaccount:")
_MAX_HEADER: Final = 512
_HEADER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_header(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` is a JOSE header in base64url up to its dot, or the first 512 characters of one."""
    segment = text[start:end]
    if not segment.endswith("."):
        return len(segment) == _MAX_HEADER and b'"alg"' in decoded(segment)
    try:
        return "alg" in _HEADER.decode(decoded(segment[:-1]))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def judge(text: str, start: int, end: int) -> Verdict:
    """The kind of a token; a full stop behind it is not part of it."""
    token = text[start:end].rstrip(".")
    _, _, rest = token.partition(".")
    if not rest and "." in text[start:end]:
        return None  # a header alone, at the end of a sentence
    payload = decoded(rest.partition(".")[0])
    kind = K8S_TOKEN if any(claim in payload for claim in _SERVICE_ACCOUNT) else JWT
    return kind, start + len(token)


def decoded(segment: str) -> bytes:
    """The bytes of base64url text without padding, as far as they are complete; b"" if it is none."""
    usable = len(segment) - (len(segment) % 4 == 1)
    try:
        return base64.urlsafe_b64decode(segment[:usable] + "=" * (-usable % 4))
    except (binascii.Error, ValueError):
        return b""


# `{"`, `{` and white space, in base64.
WEB_TOKEN: Final = Rule(
    (K8S_TOKEN, JWT),
    head=r"(?:eyJ|eyA|ewo|ewk|ew0)[A-Za-z0-9_-]{8,509}\.?",
    grows=BASE64_URL + ".",
    accepts=is_header,
    judge=judge,
)
