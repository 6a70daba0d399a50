"""What a rule found in a text."""

from typing import Final, Literal

import msgspec

SecretType = Literal[
    "aws_key",
    "k8s_token",
    "jwt",
    "private_key",
    "connection_string",
    "api_key",
    "bearer_token",
    "hex_token",
    "possible_secret",
    "literal",
]

# Most specific first: of two findings that overlap, the earlier type names the secret.
PLACEHOLDERS: Final[dict[SecretType, str]] = {
    "literal": "[REDACTED]",
    "aws_key": "[REDACTED_AWS_KEY]",
    "k8s_token": "[REDACTED_K8S_TOKEN]",
    "jwt": "[REDACTED_JWT]",
    "private_key": "[REDACTED_PRIVATE_KEY]",
    "connection_string": "[REDACTED]",
    "api_key": "[REDACTED_API_KEY]",
    "bearer_token": "[REDACTED]",
    "hex_token": "[REDACTED_HEX_TOKEN]",
    "possible_secret": "[REDACTED_POSSIBLE_SECRET]",
}

_RANK: Final = {kind: rank for rank, kind in enumerate(PLACEHOLDERS)}


class Finding(msgspec.Struct, frozen=True, gc=False):
    """A secret in a text: code points `start` to `end`, end exclusive."""

    type: SecretType
    start: int
    end: int


def resolved(findings: list[Finding]) -> list[Finding]:
    """The findings that hold, in order and without overlaps.

    One that contains another wins, since the rest of it would leak; otherwise the more specific type does.
    """
    ranked = sorted(findings, key=lambda found: (found.start - found.end, _RANK[found.type]))
    kept: list[Finding] = []
    for found in ranked:
        if all(found.end <= other.start or found.start >= other.end for other in kept):
            kept.append(found)
    return sorted(kept, key=lambda found: found.start)
