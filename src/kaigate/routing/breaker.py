"""A circuit breaker: leaves alone what fails, and lets one request find out whether it is well again.

Source of the pattern: M. Nygard, "Release It!", chapter 5. Times are seconds of a monotonic clock.
"""

from collections.abc import Callable
from typing import Final, Literal

from kaigate.config.routing_settings import BreakerSettings

State = Literal["closed", "half_open", "open"]

JITTER: Final = 0.2
MIN_PROBE_S: Final = 60.0
"""A probe that never reported (its task died) gives its place up after this."""


class Breaker:
    """Closed, it counts; open, it refuses until its time is over; half open, it admits one request at a time."""

    __slots__ = ("_failed", "_jitter", "_row", "_settings", "_total", "_until", "_window_end", "state")

    def __init__(self, settings: BreakerSettings, jitter: Callable[[], float]) -> None:
        """`jitter` gives a number from 0 to 1."""
        self._settings = settings
        self._jitter = jitter
        self.state: State = "closed"
        self._row = 0
        self._failed = self._total = 0
        self._window_end = 0.0
        self._until = 0.0

    def wait_s(self, now: float) -> float:
        """Seconds for which nothing is admitted; 0 when a request may come. A probe tells before its place expires."""
        if self.state == "closed":
            return 0.0
        left = max(0.0, self._until - now)
        return min(left, self._settings.open_s) if self.state == "half_open" else left

    def admit(self, now: float) -> bool:
        """Whether a request may be sent; the one that is admitted to a breaker that is not closed probes it."""
        if self.state == "closed":
            return True
        if now < self._until:
            return False
        self.state = "half_open"
        self._until = now + max(MIN_PROBE_S, self._settings.open_s)
        return True

    def succeeded(self, now: float) -> None:
        """A request was answered; one that began before the breaker opened does not close it."""
        if self.state == "open":
            return
        self._row = 0
        if self.state == "half_open":
            self.state = "closed"
            self._window_end = now
        if now >= self._window_end:
            self._count(now, failed=0)
        else:
            self._total += 1

    def failed(self, now: float) -> None:
        """A request failed in a way that speaks against the deployment."""
        if self.state == "open":
            return
        self._row += 1
        self._count(now, failed=1)
        if self.state == "half_open" or self._too_many():
            self._open(now)

    def hurry(self, now: float) -> None:
        """Something else says that the deployment is well: the next request may probe it."""
        if self.state == "open":
            self._until = now

    def released(self, now: float) -> None:
        """An admitted request ended without saying anything about the deployment: the next one may probe it."""
        if self.state == "half_open":
            self._until = now

    def _too_many(self) -> bool:
        settings = self._settings
        if not settings.enabled:
            return False
        if self._row >= settings.failures:
            return True
        return self._total >= settings.min_requests and self._failed >= settings.ratio * self._total

    def _open(self, now: float) -> None:
        self.state = "open"
        # Replicas that opened together must not come back together.
        self._until = now + self._settings.open_s * (1 + JITTER * (2 * self._jitter() - 1))
        self._row = self._failed = self._total = 0

    def _count(self, now: float, *, failed: int) -> None:
        if now >= self._window_end:
            self._window_end = now + self._settings.window_s
            self._failed = self._total = 0
        self._total += 1
        self._failed += failed
