"""Ollama's list of its models, `GET /api/tags`: names and digests.

Source: Ollama's API documentation, "List Local Models". Not run against a real Ollama.
"""

from typing import Final

import msgspec

from kaigate.errors import UpstreamFailedError

PATH: Final = "/api/tags"
MAX_BYTES: Final = 4 << 20
MAX_NAME: Final = 512
_DIGEST_LENGTH: Final = 64
_HEX: Final = frozenset("0123456789abcdef")
_PREFIXES: Final = ("registry.ollama.ai/", "library/")


class _Tag(msgspec.Struct):
    name: str
    digest: str


class _Tags(msgspec.Struct):
    models: list[_Tag] | None


_DECODER: Final = msgspec.json.Decoder(_Tags)


def decode_tags(body: bytes) -> dict[str, str]:
    """Digest by full name, as `full_name` and `plain_digest` give them; raises `UpstreamFailedError`.

    A model whose digest has another form is not listed: nothing can be compared with it.
    """
    try:
        tags = _DECODER.decode(body).models or []
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UpstreamFailedError("upstream_error", "The list of models is not one of Ollama's.") from None
    found: dict[str, str] = {}
    for tag in tags:
        digest = plain_digest(tag.digest)
        if digest is not None and 0 < len(tag.name) <= MAX_NAME:
            found[full_name(tag.name)] = digest
    return found


def plain_digest(text: str) -> str | None:
    """The 64 hex digits of a SHA-256, with or without its prefix; None for anything else."""
    digits = text.removeprefix("sha256:").lower()
    return digits if len(digits) == _DIGEST_LENGTH and _HEX.issuperset(digits) else None


def full_name(name: str) -> str:
    """A model's name as Ollama compares it: in lower case, with its tag, without the default registry and library."""
    full = name.lower()
    for prefix in _PREFIXES:
        full = full.removeprefix(prefix)
    return full if ":" in full.rpartition("/")[2] else full + ":latest"
