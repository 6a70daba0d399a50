"""The static keys and the master key of one configuration snapshot."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Self

from kaigate.config.models import GatewayConfig, StaticKey
from kaigate.config.secrets import Secret, SecretRef
from kaigate.keys.hashing import key_digest, key_id, well_formed
from kaigate.keys.policy import KeyPolicy
from kaigate.pipeline.principal import Principal


class Keyring:
    """Finds the caller behind a presented key.

    The table is indexed by a digest keyed with a random pepper of this process: timing a look-up says nothing about
    the keys, and no key is kept. `anonymous` is the caller without a key, None where that is not allowed; a key that
    was presented and failed never becomes anonymous.
    """

    __slots__ = ("_callers", "_keyed", "_seen", "anonymous")

    def __init__(self, callers: Mapping[bytes, Principal], anonymous: Principal | None = None) -> None:
        """`callers` maps SHA-256 digests of keys to who they are."""
        # Copying a keyed hash costs half of making one.
        self._keyed = hashlib.blake2b(key=secrets.token_bytes(32), digest_size=32)
        self._callers = {self._index(digest): (digest, caller) for digest, caller in callers.items()}
        self._seen: dict[bytes, Principal] = {}
        self.anonymous = anonymous

    @classmethod
    def build(cls, config: GatewayConfig, resolved: Mapping[SecretRef, Secret], policy: KeyPolicy) -> Self:
        """The keyring of a cross-checked configuration whose secrets are resolved; `policy` is made of the same one."""
        callers: dict[bytes, Principal] = {}
        for name, key in config.keys.static.items():
            digest = static_digest(key, resolved)
            callers[digest] = Principal(
                key_id=key_id(digest),
                name=name,
                team=key.team,
                models=key.models,
                private_only=key.private_only,
                limits=policy.of_static(key),
                team_limits=policy.team(key.team),
            )
        if config.keys.master_key is not None:
            digest = key_digest(resolved[config.keys.master_key].reveal().encode())
            callers[digest] = Principal(key_id=key_id(digest), name="master", master=True, role="master")
        access = config.keys.anonymous
        anonymous = Principal(key_id="anonymous", name="anonymous", models=access.models, anonymous=True)
        return cls(callers, anonymous if access.enabled else None)

    def authenticate(self, token: bytes) -> Principal | None:
        """The caller whose key this is, or None. A malformed key is refused before any look-up."""
        if not well_formed(token):
            return None
        # A key that was found before is known by one keyed digest of its own: half the work of finding it again.
        index = self._index(token)
        seen = self._seen.get(index)
        if seen is not None:
            return seen
        digest = key_digest(token)
        found = self._callers.get(self._index(digest))
        if found is None or not hmac.compare_digest(found[0], digest):
            return None
        self._seen[index] = found[1]
        return found[1]

    def _index(self, digest: bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(digest)
        return keyed.digest()

    def __len__(self) -> int:
        return len(self._callers)


def static_digest(key: StaticKey, resolved: Mapping[SecretRef, Secret]) -> bytes:
    """SHA-256 of a static key, from its value or as the file gives it; raises ValueError where it has neither."""
    if key.sha256 is not None:
        return bytes.fromhex(key.sha256)
    if key.key is None:
        raise ValueError("a static key has a reference or a digest")
    return key_digest(resolved[key.key].reveal().encode())
