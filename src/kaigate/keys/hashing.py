"""Digests of keys: the plain SHA-256 that a file may hold, the keyed one of the database, and the public id."""

import hashlib
import hmac
import secrets
from typing import Final

from kaigate.config.models import MAX_KEY_BYTES, MIN_KEY_BYTES

KEY_PREFIX: Final = "kg-"
_ALLOWED: Final = bytes(range(0x21, 0x7F))
# What `generate_key` makes: the prefix and 32 bytes in base64url.
KEY_LENGTH: Final = len(KEY_PREFIX) + 43
_PREFIX: Final = KEY_PREFIX.encode()
_URL_SAFE: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_ID_DOMAIN: Final = b"kaigate key id\0"


def well_formed(token: bytes) -> bool:
    """Whether a presented key has the shape of one: 8 to 512 bytes of printable ASCII without spaces."""
    return MIN_KEY_BYTES <= len(token) <= MAX_KEY_BYTES and not token.translate(None, _ALLOWED)


def key_digest(token: bytes) -> bytes:
    """SHA-256 of a key, 32 bytes; keys are random, so that no slow hash is needed."""
    return hashlib.sha256(token).digest()


def key_id(digest: bytes) -> str:
    """The public id of a key: 12 hex digits derived from its digest, never a part of the key or of the digest."""
    return hashlib.sha256(_ID_DOMAIN + digest).hexdigest()[:12]


def is_virtual(token: bytes) -> bool:
    """Whether a presented key has exactly the shape of a generated one; nothing else is ever looked up in SQL."""
    return len(token) == KEY_LENGTH and token.startswith(_PREFIX) and not token[3:].translate(None, _URL_SAFE)


def keyed_hash(pepper: bytes, token: bytes) -> bytes:
    """HMAC-SHA-256 of a key, 32 bytes: who reads the database can neither use nor test it without the pepper."""
    return hmac.digest(pepper, token, "sha256")


def generate_key() -> str:
    """A new key with 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)
