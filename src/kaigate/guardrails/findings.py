"""What a rule found in a text, and what it becomes; the names of types are also the metric's labels."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

AWS_KEY: Final = "aws_key"
K8S_TOKEN: Final = "k8s_token"  # noqa: S105
JWT: Final = "jwt"
PRIVATE_KEY: Final = "private_key"
CONNECTION_STRING: Final = "connection_string"
API_KEY: Final = "api_key"
BEARER_TOKEN: Final = "bearer_token"  # noqa: S105
HEX_TOKEN: Final = "hex_token"  # noqa: S105
POSSIBLE_SECRET: Final = "possible_secret"  # noqa: S105
LITERAL: Final = "literal"

# Most specific first: where two findings begin at the same character, the earlier type names them.
PLACEHOLDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        LITERAL: "[REDACTED]",
        AWS_KEY: "[REDACTED_AWS_KEY]",
        K8S_TOKEN: "[REDACTED_K8S_TOKEN]",
        JWT: "[REDACTED_JWT]",
        PRIVATE_KEY: "[REDACTED_PRIVATE_KEY]",
        CONNECTION_STRING: "[REDACTED]",
        API_KEY: "[REDACTED_API_KEY]",
        BEARER_TOKEN: "[REDACTED]",
        HEX_TOKEN: "[REDACTED_HEX_TOKEN]",
        POSSIBLE_SECRET: "[REDACTED_POSSIBLE_SECRET]",
    }
)
TYPES: Final = tuple(PLACEHOLDERS)
RANK: Final[Mapping[str, int]] = MappingProxyType({kind: rank for rank, kind in enumerate(TYPES)})


class Finding(msgspec.Struct, frozen=True, gc=False):
    """A secret in a text: code points `start` to `end`, end exclusive."""

    type: str
    start: int
    end: int
