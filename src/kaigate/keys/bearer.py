"""Who presents a key or token that the configuration does not name: the same question on every port."""

from collections.abc import Awaitable

from kaigate.keys.directory import KeyDirectory
from kaigate.keys.jwt import JwtVerifier
from kaigate.pipeline.principal import Principal


def find(
    token: bytes, address: str, directory: KeyDirectory | None, tokens: JwtVerifier | None
) -> Principal | Awaitable[Principal | None] | None:
    """The caller behind a virtual key that comes from `address`, or behind a token; None for nobody.

    What looks like a token is one: where it fails, it is not taken for a key. Raises `UnavailableError`, at once or
    awaited, while it can't be known.
    """
    if tokens is not None and tokens.looks_like_jwt(token):
        found = tokens.verify(token)
        if directory is None or found is None:
            return found
        return directory.in_team(found) if isinstance(found, Principal) else _in_team(found, directory)
    return None if directory is None else directory.lookup(token, address)


async def _in_team(waiting: Awaitable[Principal | None], directory: KeyDirectory) -> Principal | None:
    found = await waiting
    return None if found is None else directory.in_team(found)
