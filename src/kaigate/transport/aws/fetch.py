"""One small request to a place that gives credentials: through the gateway's own client and egress guard."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kaigate.transport.aws.credentials import CredentialsError
from kaigate.transport.errors import TransportError
from kaigate.transport.http import Deadlines, HttpClient, Origin, Target

TIMEOUT_S: Final = 5.0
MAX_BODY_BYTES: Final = 65_536
MAX_TOKEN_BYTES: Final = 65_536

_DEADLINES: Final = Deadlines(connect_s=2.0, first_byte_s=TIMEOUT_S, idle_s=TIMEOUT_S, total_s=TIMEOUT_S)


async def fetch(  # noqa: PLR0917 -- the parts of a request, in their order on the wire
    client: HttpClient,
    target: Target,
    method: str,
    path: str,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes = b"",
    *,
    source: str,
) -> tuple[int, bytes]:
    """Status and body, within `TIMEOUT_S` seconds; raises `CredentialsError` naming `source`."""
    try:
        response = await client.send(target, method, path, headers, body, _DEADLINES)
        try:
            return response.status, await response.read(MAX_BODY_BYTES)
        finally:
            response.close()
    except TransportError as error:
        raise CredentialsError(f"{source} could not be reached ({type(error).__name__})") from error


def target_of(origin: Origin, *, local: bool) -> Target:
    """Where credentials are asked for; what is on this machine is never asked for through a proxy."""
    return Target(origin, "private" if local else "external", max_connections=1)


def read_token(file: str) -> bytes:
    """The content of a token's file, without white space around it. Blocking; raises `CredentialsError`."""
    try:
        with Path(file).open("rb") as opened:
            token = opened.read(MAX_TOKEN_BYTES + 1).strip()
    except OSError as error:
        raise CredentialsError(f"the token file {file} cannot be read: {error.strerror}") from None
    if not token or len(token) > MAX_TOKEN_BYTES:
        raise CredentialsError(f"the token file {file} is empty or too large")
    return token
