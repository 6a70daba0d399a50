"""What routing remembers for the whole life of a process, whatever configuration is in force."""

from collections.abc import Callable
from random import Random

from kaigate.clock import Clock
from kaigate.config.routing_settings import RoutingSettings
from kaigate.routing.digests import DigestBook
from kaigate.routing.health import HealthBook, StateChanged
from kaigate.routing.retries import RetryBudget


class RoutingState:
    """Health of the deployments, digests of the pinned ones, and the budget of repetitions."""

    __slots__ = ("digests", "health", "jitter", "retries", "settings")

    def __init__(self, clock: Clock, *, changed: StateChanged | None = None, random: Random | None = None) -> None:
        random = random or Random()  # noqa: S311 -- spreads load, keeps no secret
        self.settings = settings = RoutingSettings()
        self.health = HealthBook(clock, settings.breaker, changed=changed, random=random)
        self.digests = DigestBook()
        self.retries = RetryBudget(settings.retries)
        self.jitter: Callable[[], float] = random.random

    def configure(self, settings: RoutingSettings) -> None:
        """Take a new configuration's settings over."""
        self.settings = settings
        self.health.configure(settings.breaker)
        self.retries.configure(settings.retries)
        if not settings.health_checks.enabled:
            self.health.unchecked()
