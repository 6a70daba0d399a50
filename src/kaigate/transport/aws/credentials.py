"""What a request to AWS is signed with."""

from collections.abc import Awaitable, Hashable, Sequence
from datetime import datetime
from typing import Protocol

from kaigate.errors import UpstreamFailedError


class CredentialsError(UpstreamFailedError):
    """No usable credentials; the message names the source and what is wrong with it, never a value."""

    def __init__(self, reason: str) -> None:
        super().__init__("upstream_error", f"The gateway has no usable AWS credentials: {reason}.")
        self.reason = reason


class AwsCredentials:
    """An access key, and a session token where it is temporary; `expires_at` is in seconds since the epoch.

    Only the attributes give the values: no representation, comparison or serialisation does.
    """

    __slots__ = ("access_key_id", "expires_at", "secret_access_key", "session_token", "signing_key")

    def __init__(
        self,
        access_key_id: str,
        secret_access_key: str,
        session_token: str | None = None,
        expires_at: float | None = None,
    ) -> None:
        for value in (access_key_id, secret_access_key, session_token or "-"):
            # A line break would end a header, a space the list of the Authorization header's parts.
            if not value.isascii() or not value.isprintable() or " " in value or not value:
                raise CredentialsError("a key or token is empty or has characters that none of AWS has")
        self.access_key_id = access_key_id
        self.secret_access_key = secret_access_key
        self.session_token = session_token
        self.expires_at = expires_at
        self.signing_key: tuple[str, bytes] | None = None  # the latest one that was derived, with its scope

    def __repr__(self) -> str:
        return "AwsCredentials(...)"

    def __reduce__(self) -> str:
        raise TypeError("credentials are not serialised")


def expiry(moment: str) -> float:
    """An ISO 8601 moment as seconds since the epoch; raises ValueError where it has no time zone or is none."""
    parsed = datetime.fromisoformat(moment)
    if parsed.tzinfo is None:
        raise ValueError("no time zone")
    return parsed.timestamp()


Destination = tuple[str, int]


class CredentialSource(Protocol):
    """One place that credentials come from."""

    @property
    def identity(self) -> Hashable:
        """Equal for two that ask the same place in the same way."""
        ...

    def destinations(self) -> Sequence[Destination]:
        """Hosts and ports that `fetch` connects to, for the egress guard; empty for files and the environment."""
        ...

    async def fetch(self) -> AwsCredentials:
        """Fresh credentials; raises `CredentialsError`. Bounded in time and bytes."""
        ...


class CredentialStore(Protocol):
    """Credentials that are kept fresh."""

    def destinations(self) -> Sequence[Destination]:
        """As of `CredentialSource`."""
        ...

    def current(self) -> AwsCredentials | Awaitable[AwsCredentials]:
        """Credentials to sign with now; an awaitable only where they have to be fetched first."""
        ...
