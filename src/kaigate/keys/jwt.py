"""JWT bearer tokens of an identity provider, verified with the kept library PyJWT (RFC 7519, RFC 8725).

Only the configured asymmetric algorithms exist here; `none` and shared secrets don't. The key comes from the
configured key set by its id: what a token says about keys (`jku`, `jwk`, `x5u`, `x5c`) is not read. A signature takes
0.1 to 0.8 ms, in which no other task runs, and tokens are remembered; a thread would cost as much again.
"""

import asyncio
import base64
import binascii
import hashlib
import logging
import secrets
from collections.abc import Awaitable
from typing import Final

import msgspec
from jwt import PyJWT, PyJWTError

from kaigate.clock import Clock, SystemClock
from kaigate.config.jwt_settings import JwtSettings
from kaigate.errors import UnavailableError
from kaigate.keys.jwks import Fetch, KeySource, PublicKey
from kaigate.keys.jwt_claims import ClaimError, json_object, principal_of
from kaigate.keys.policy import KeyPolicy
from kaigate.pipeline.principal import Principal

MAX_REMEMBERED: Final = 10_000
MAX_KID_CHARS: Final = 256

# Tokens made for something else are no access tokens (RFC 8725, 3.11).
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
_log = logging.getLogger(__name__)


class _Header(msgspec.Struct, frozen=True):
    algorithm: str
    kid: str | None


class JwtVerifier:
    """Finds the caller behind a token. Verified ones are remembered by a keyed digest, in a bounded number."""

    __slots__ = ("_clock", "_jwt", "_keyed", "_keys", "_policy", "_remembered", "_settings")

    def __init__(
        self, settings: JwtSettings, fetch: Fetch, *, policy: KeyPolicy | None = None, clock: Clock | None = None
    ) -> None:
        """`fetch` gets the address of the key set; see `KeySource` for what it raises."""
        self._settings = settings
        self._policy = policy or KeyPolicy()
        self._clock = clock or SystemClock()
        self._jwt = PyJWT({"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True})
        self._keyed = hashlib.blake2b(key=secrets.token_bytes(32), digest_size=32)
        self._remembered: dict[bytes, tuple[float, Principal]] = {}
        self._keys = KeySource(settings, fetch, self._clock, self._remembered.clear)

    @property
    def lasting_grants(self) -> bool:
        """Whether what a token's holder grants may outlive the token."""
        return self._settings.lasting_grants

    @staticmethod
    def looks_like_jwt(token: bytes) -> bool:
        """Whether a bearer token has the shape of a signed JWT: a JSON object in base64url, and two dots."""
        return token.startswith(b"eyJ") and token.count(b".") == 2

    def verify(self, token: bytes) -> Principal | Awaitable[Principal | None] | None:
        """The caller, or None for a token that is not accepted; awaitable only where keys have to be fetched first.

        Raises `UnavailableError` while there are no keys, so that nobody takes the provider's outage for a bad token.
        """
        if len(token) > self._settings.max_token_bytes or not self.looks_like_jwt(token):
            return None
        index = self._index(token)
        remembered = self._remembered.get(index)
        if remembered is not None and self._clock.now() < remembered[0]:
            return remembered[1]
        try:
            header = self._header(token)
            key = self._find(header)
            if key is not None:
                self._keys.refresh_if_old()
                return self._checked(token, index, header.algorithm, key)
            # An unknown key may be a new one.
            fetching = self._keys.refresh()
            if fetching is None:
                raise self._no_key()
        except (PyJWTError, ClaimError) as error:
            _log_refusal(error)
            return None
        return self._once_fetched(fetching, token, index, header)

    async def close(self) -> None:
        """End what runs in the background."""
        await self._keys.close()

    async def _once_fetched(
        self, fetching: asyncio.Task[None], token: bytes, index: bytes, header: _Header
    ) -> Principal | None:
        # The fetch serves all that wait, so that one of them who leaves doesn't end it.
        await asyncio.shield(fetching)
        try:
            key = self._find(header)
            if key is None:
                raise self._no_key()
            return self._checked(token, index, header.algorithm, key)
        except (PyJWTError, ClaimError) as error:
            _log_refusal(error)
            return None

    def _checked(self, token: bytes, index: bytes, algorithm: str, key: PublicKey) -> Principal:
        """The caller behind a token that this key signed; raises PyJWTError or ClaimError."""
        settings = self._settings
        self._jwt.decode(
            token,
            key.key,
            algorithms=[algorithm],
            audience=settings.audiences,
            issuer=settings.issuer,
            leeway=settings.leeway_s,
        )
        # The library takes the last of two equal names, others the first: a token that has them is not believed.
        claims = json_object(_decoded(token.split(b".", 2)[1]))
        caller = principal_of(claims, settings, self._policy)
        self._remember(index, caller)
        return caller

    def _no_key(self) -> ClaimError | UnavailableError:
        """Why a key is missing: there is none of this id, or there are none at all."""
        if self._keys.keys is not None:
            return ClaimError("no such key")
        return UnavailableError(
            "store_unavailable", "Tokens cannot be verified: the identity provider's keys are not available."
        )

    def _remember(self, index: bytes, caller: Principal) -> None:
        now = self._clock.now()
        expires = (caller.expires_at or now) + self._settings.leeway_s
        self._remembered.pop(index, None)
        if len(self._remembered) >= MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[index] = (min(expires, now + self._settings.cache_s), caller)

    def _index(self, token: bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(token)
        return keyed.digest()

    def _find(self, header: _Header) -> PublicKey | None:
        keys = self._keys.keys
        return None if keys is None else keys.find(header.kid, header.algorithm)

    def _header(self, token: bytes) -> _Header:
        """The parts of the header that are read; raises ClaimError."""
        raw = json_object(_decoded(token.split(b".", 1)[0]))
        algorithm, kid, kind = raw.get("alg"), raw.get("kid"), raw.get("typ", "JWT")
        if algorithm not in self._settings.algorithms:
            raise ClaimError("the algorithm")
        if kid is not None and not (isinstance(kid, str) and len(kid) <= MAX_KID_CHARS):
            raise ClaimError("the key id")
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise ClaimError("the type of token")
        if "crit" in raw or "b64" in raw:
            raise ClaimError("an extension")
        return _Header(str(algorithm), kid)


def _decoded(segment: bytes) -> bytes:
    try:
        return base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except binascii.Error:
        raise ClaimError("not base64url") from None


def _log_refusal(reason: Exception) -> None:
    # The library's messages may repeat parts of a token; kinds of errors don't.
    _log.debug("a token was refused: %s", reason if isinstance(reason, ClaimError) else type(reason).__name__)
