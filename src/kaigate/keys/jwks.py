"""The public keys of an identity provider (JWK Set, RFC 7517), kept fresh and usable while it is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWTError
from jwt.algorithms import AllowedPublicKeys, ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from kaigate.clock import Clock
from kaigate.config.jwt_settings import JwtSettings
from kaigate.transport.errors import TransportError

MAX_DOCUMENT_BYTES: Final = 262_144
MAX_KEYS: Final = 64
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192

Fetch = Callable[[str], Awaitable[bytes]]

_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_BY_CURVE: Final = {
    "P-256": frozenset({"ES256"}),
    "P-384": frozenset({"ES384"}),
    "P-521": frozenset({"ES512"}),
    "Ed25519": frozenset({"EdDSA"}),
    "Ed448": frozenset({"EdDSA"}),
}
_READERS: Final[Mapping[str, Callable[[dict[str, Any]], Any]]] = {
    "RSA": RSAAlgorithm.from_jwk,
    "EC": ECAlgorithm.from_jwk,
    "OKP": OKPAlgorithm.from_jwk,
}
_log = logging.getLogger(__name__)


class PublicKey(msgspec.Struct, frozen=True):
    """A key with the algorithms it may check: those of its kind, or the one that its document names."""

    kid: str | None
    algorithms: frozenset[str]
    key: AllowedPublicKeys


class KeySet:
    """The usable keys of one document."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Collection[PublicKey]) -> None:
        self._keys = tuple(keys)

    def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The key of this id for an algorithm; without an id only where there is no choice."""
        found = [key for key in self._keys if algorithm in key.algorithms and kid in (None, key.kid)]
        return found[0] if found and (kid is not None or len(found) == 1) else None


def parse_key_set(document: bytes, algorithms: Collection[str]) -> KeySet:
    """Read a JWK Set; keys that are private, symmetric, weak, for encryption or malformed are left out.

    Raises ValueError where the document is none, or no key is left.
    """
    if len(document) > MAX_DOCUMENT_BYTES:
        raise ValueError(f"a key set has at most {MAX_DOCUMENT_BYTES} bytes")
    try:
        raw = msgspec.json.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError("a key set is JSON") from None
    listed = raw.get("keys") if isinstance(raw, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise ValueError(f"a key set has a list of at most {MAX_KEYS} keys")
    keys = [key for item in listed if (key := _public_key(item, frozenset(algorithms))) is not None]
    if not keys:
        raise ValueError("a key set has a public key for one of the configured algorithms")
    return KeySet(keys)


def _public_key(raw: Any, accepted: frozenset[str]) -> PublicKey | None:
    if not isinstance(raw, Mapping) or raw.get("use", "sig") != "sig" or "d" in raw or "k" in raw:
        return None
    operations = raw.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    algorithms = accepted & _admitted(raw)
    if "alg" in raw:
        algorithms &= {str(raw["alg"])}
    key = _material(dict(raw)) if algorithms else None
    if key is None:
        return None
    kid = raw.get("kid")
    return PublicKey(kid if isinstance(kid, str) else None, algorithms, key)


def _admitted(raw: Mapping[str, Any]) -> frozenset[str]:
    kind = raw.get("kty")
    if kind == "RSA":
        return _RSA
    curve = raw.get("crv")
    if kind in ("EC", "OKP") and isinstance(curve, str):
        return _BY_CURVE.get(curve, frozenset())
    return frozenset()


def _material(raw: dict[str, Any]) -> AllowedPublicKeys | None:
    try:
        key: Any = _READERS[raw["kty"]](raw)
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None
    if isinstance(key, RSAPublicKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return None
    return key  # type: ignore[no-any-return]


class KeySource:
    """Fetches the key set, once at a time and at a bounded rate; keeps the last good one for a bounded time.

    `on_change` is called when a fetched document differs from the last one. `fetch` gets the configured address,
    `file:` ones included, and raises OSError, TimeoutError, ValueError or TransportError when it fails.
    """

    __slots__ = (
        "_clock",
        "_document",
        "_fetch",
        "_fetched_at",
        "_keys",
        "_on_change",
        "_settings",
        "_task",
        "_tried_at",
    )

    def __init__(self, settings: JwtSettings, fetch: Fetch, clock: Clock, on_change: Callable[[], None]) -> None:
        self._settings = settings
        self._fetch = fetch
        self._clock = clock
        self._on_change = on_change
        self._keys: KeySet | None = None
        self._document = b""
        self._fetched_at = self._tried_at = -float("inf")
        self._task: asyncio.Task[None] | None = None

    @property
    def keys(self) -> KeySet | None:
        """The last good key set, None where there is none or it is too old."""
        return self._keys if self._clock.monotonic() - self._fetched_at <= self._settings.max_stale_s else None

    def refresh_if_old(self) -> None:
        """Start a fetch in the background where the keys are due."""
        if self._clock.monotonic() - self._fetched_at > self._settings.refresh_s:
            self.refresh()

    def refresh(self) -> asyncio.Task[None] | None:
        """The running fetch, or a new one; None where the last one began too short a time ago."""
        if self._task is not None and not self._task.done():
            return self._task
        now = self._clock.monotonic()
        if now - self._tried_at < self._settings.min_refresh_s:
            return None
        self._tried_at = now
        self._task = asyncio.get_running_loop().create_task(self._load(), name="jwks")
        return self._task

    async def close(self) -> None:
        """End a running fetch."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _load(self) -> None:
        try:
            async with asyncio.timeout(self._settings.fetch_timeout_s):
                document = await self._fetch(self._settings.jwks)
            keys = parse_key_set(document, self._settings.algorithms)
        except (OSError, ValueError, TransportError) as error:
            # The last good keys stay; what failed is named, not quoted: it may hold an address or a document.
            _log.warning("the identity provider's keys could not be fetched: %s", type(error).__name__)
            return
        self._fetched_at = self._clock.monotonic()
        if document != self._document:
            self._document, self._keys = document, keys
            self._on_change()
