"""Keeps credentials fresh: fetched once for all who wait, renewed before they expire."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final

from kaigate.clock import Clock
from kaigate.transport.aws.credentials import AwsCredentials, CredentialsError, CredentialSource, Destination

log = logging.getLogger(__name__)

EARLY_S: Final = 900.0
"""Renewal begins this long before the end, or after three quarters of a shorter life, and up to a tenth earlier."""
LAST_S: Final = 60.0
"""Within this time of their end, credentials are no longer used."""
RETRY_S: Final = 5.0
"""Pause after a failure, up to twice as long."""


class RefreshingCredentials:
    """The credentials of one source.

    While they are good they are handed out at once, also during a renewal; a renewal that fails is tried again until
    they end. A failure without good credentials is told to everybody for a short time, so that the source is not
    stormed.
    """

    def __init__(self, source: CredentialSource, *, clock: Clock, jitter: Callable[[], float] = random.random) -> None:
        self._source: Final = source
        self._clock: Final = clock
        self._jitter: Final = jitter
        self._credentials: AwsCredentials | None = None
        self._renew_at = 0.0
        self._ends_at = 0.0
        self._failed: tuple[float, str] | None = None
        self._task: asyncio.Task[None] | None = None

    def destinations(self) -> Sequence[Destination]:
        """Hosts and ports that renewals connect to."""
        return self._source.destinations()

    @property
    def identity(self) -> Hashable:
        """As of `CredentialSource`: of two that are equal, one can stand for the other."""
        return self._source.identity

    def current(self) -> AwsCredentials | Awaitable[AwsCredentials]:
        """Credentials to sign with; an awaitable only where none are good. Call it on the event loop."""
        now = self._clock.now()
        credentials = self._credentials
        if credentials is not None and now < self._ends_at:
            if now >= self._renew_at:
                self._renew()
            return credentials
        return self._wait(now)

    async def _wait(self, now: float) -> AwsCredentials:
        if self._failed is not None and now < self._failed[0]:
            raise CredentialsError(self._failed[1])
        await asyncio.shield(self._renew())  # one of the waiting gives up, the others still wait
        if self._failed is not None:
            raise CredentialsError(self._failed[1])
        if self._credentials is None:
            raise CredentialsError("none were found")
        return self._credentials

    def _renew(self) -> asyncio.Task[None]:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._fetch(), name="AWS credentials")
        return self._task

    async def _fetch(self) -> None:
        try:
            found = await self._source.fetch()
            now = self._clock.now()
            if found.expires_at is not None and found.expires_at - LAST_S <= now:
                raise CredentialsError("those that were found have expired")  # noqa: TRY301 -- noted below, as others
        except CredentialsError as error:
            pause = RETRY_S * (1 + self._jitter())
            self._failed = (self._clock.now() + pause, error.reason)
            self._renew_at = self._failed[0]
            log.warning("AWS credentials could not be fetched", extra={"detail": error.reason})
            return
        self._failed = None
        self._credentials = found
        self._ends_at = self._renew_at = float("inf")
        if found.expires_at is not None:
            left = found.expires_at - now
            early = min(EARLY_S, left / 4)
            self._ends_at = found.expires_at - LAST_S
            self._renew_at = min(now + left - early * (1 + self._jitter() / 10), self._ends_at)
