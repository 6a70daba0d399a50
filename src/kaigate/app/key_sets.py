"""Fetches the key set of an identity provider: through the same client, guard and proxy policy as every upstream."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from kaigate.config.jwt_settings import JwtSettings
from kaigate.keys.jwks import MAX_DOCUMENT_BYTES
from kaigate.transport.http import Deadlines, HttpClient, Target
from kaigate.transport.target import Origin
from kaigate.transport.tls import TlsSettings

_CONNECTIONS = 2


def fetcher(client: HttpClient, settings: JwtSettings) -> Callable[[str], Awaitable[bytes]]:
    """What gets the key set's address; raises OSError, ValueError or TransportError."""
    total_s = settings.fetch_timeout_s
    deadlines = Deadlines(connect_s=total_s, first_byte_s=total_s, idle_s=total_s, total_s=total_s)

    async def fetch(address: str) -> bytes:
        parts = urlsplit(address)
        if parts.scheme == "file":
            return await asyncio.to_thread(_read, Path(parts.path))
        origin, path = Origin.parse(address)
        target = Target(origin=origin, zone="external", tls=TlsSettings(), max_connections=_CONNECTIONS)
        headers = [(b"accept", b"application/json")]
        response = await client.send(target, "GET", path or "/", headers, b"", deadlines)
        try:
            if response.status != 200:
                raise ValueError(f"the key set was answered with status {response.status}")
            return await response.read(MAX_DOCUMENT_BYTES)
        finally:
            response.close()

    return fetch


def origin_of(settings: JwtSettings) -> tuple[str, int] | None:
    """Host and port that fetching connects to, for the egress guard; None for a file."""
    if urlsplit(settings.jwks).scheme == "file":
        return None
    origin, _ = Origin.parse(settings.jwks)
    return origin.host, origin.port


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        found = file.read(MAX_DOCUMENT_BYTES + 1)
    if len(found) > MAX_DOCUMENT_BYTES:
        raise ValueError("the key set is too large")
    return found
