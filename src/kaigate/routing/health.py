"""How the deployments of this process have been doing: breakers, averages, what health checks found.

It outlives configurations, so that a reload forgets nothing. Everything is bounded: names of deployments that a glob
admits come from clients.
"""

import math
from collections.abc import Callable
from random import Random
from typing import Final

import msgspec

from kaigate.clock import Clock
from kaigate.config.patterns import is_glob
from kaigate.config.routing_settings import BreakerSettings
from kaigate.pipeline.plan import Deployment
from kaigate.routing.breaker import Breaker, State

MAX_DEPLOYMENTS: Final = 4096
WEIGHT: Final = 0.2
"""Of the latest value in a moving average: about the last ten requests count."""
HALF_LIFE_S: Final = 60.0
"""What was measured this long ago counts half, so that a deployment that was slow once is tried again."""

StateChanged = Callable[[str, str, State], None]
"""Provider, allowlist entry, state."""


class Standing(msgspec.Struct, frozen=True):
    """One deployment at this moment; averages in seconds, None where nothing was measured."""

    provider: str
    model: str
    state: State
    first_token_s: float | None
    whole_s: float | None
    error_rate: float


class _Known:
    """What is known of one deployment."""

    __slots__ = ("at", "breaker", "errors", "first_token", "label", "model", "provider", "whole")

    def __init__(self, deployment: Deployment, breaker: Breaker) -> None:
        self.provider = deployment.provider.name
        # A name that a glob admits is a client's own text: others see the glob.
        self.model = deployment.label if is_glob(deployment.label) else deployment.model
        self.label = deployment.label
        self.breaker = breaker
        self.first_token: float | None = None
        self.whole: float | None = None
        self.errors = 0.0
        self.at = 0.0


class HealthBook:
    """Learns from every attempt; the oldest deployments are forgotten first beyond the bound.

    `troubled` holds those that are not closed, by name: while it and `down` are empty, nobody needs to ask.
    """

    __slots__ = ("_changed", "_clock", "_known", "_random", "_settings", "down", "troubled")

    def __init__(
        self,
        clock: Clock,
        settings: BreakerSettings | None = None,
        *,
        changed: StateChanged | None = None,
        random: Random | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings or BreakerSettings()
        self._changed = changed
        self._random = random or Random()  # noqa: S311 -- spreads load, keeps no secret
        self._known: dict[str, _Known] = {}
        self.troubled: dict[str, Breaker] = {}
        self.down: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self._known)

    def configure(self, settings: BreakerSettings) -> None:
        """Use other settings from now on; breakers that are open stay so only where the settings are the same."""
        if settings == self._settings:
            return
        self._settings = settings
        for known in self._known.values():
            known.breaker = Breaker(settings, self._random.random)
            self._tell(known)
        self.troubled.clear()

    def wait_s(self, deployment: Deployment) -> float:
        """Seconds for which the deployment's breaker refuses; 0 where it may be asked."""
        breaker = self.troubled.get(deployment.name)
        return 0.0 if breaker is None else breaker.wait_s(self._clock.monotonic())

    def admit(self, deployment: Deployment) -> bool:
        """Whether a request may be sent now. Who is admitted reports one of the three outcomes below."""
        breaker = self.troubled.get(deployment.name)
        if breaker is None:
            return True
        before = breaker.state
        admitted = breaker.admit(self._clock.monotonic())
        if breaker.state != before:
            self._tell(self._known[deployment.name])
        return admitted

    def succeeded(self, deployment: Deployment, seconds: float, *, stream: bool, now: float | None = None) -> None:
        """An answer came: `seconds` until the first frame of a stream, or until the whole.

        `now` spares a look at the clock.
        """
        known = self._known.get(deployment.name) or self._of(deployment)
        known.at = now = self._clock.monotonic() if now is None else now
        if stream:
            known.first_token = _average(known.first_token, seconds)
        else:
            known.whole = _average(known.whole, seconds)
        known.errors *= 1 - WEIGHT
        before = known.breaker.state
        known.breaker.succeeded(now)
        if before != known.breaker.state:
            self._settle(deployment.name, known)

    def failed(self, deployment: Deployment) -> None:
        """The attempt failed by the deployment's fault."""
        known = self._of(deployment)
        known.at = now = self._clock.monotonic()
        known.errors += WEIGHT * (1 - known.errors)
        before = known.breaker.state
        known.breaker.failed(now)
        if before != known.breaker.state:
            self._settle(deployment.name, known)

    def released(self, deployment: Deployment) -> None:
        """The attempt ended without saying anything about the deployment."""
        breaker = self.troubled.get(deployment.name)
        if breaker is not None:
            breaker.released(self._clock.monotonic())

    def score(self, deployment: Deployment, *, stream: bool) -> float:
        """Expected seconds until the answer, errors weighed in; less is better, and 0 is what nobody has tried."""
        known = self._known.get(deployment.name)
        if known is None:
            return 0.0
        seconds = known.first_token if stream else known.whole
        if seconds is None:
            seconds = known.whole if stream else known.first_token
        age = self._clock.monotonic() - known.at
        # A failure is as bad as an answer that takes ten times as long; where nothing ever came it is a second.
        weighed = (seconds or 0.0) * (1 + 10 * known.errors) + (known.errors if seconds is None else 0.0)
        return weighed * math.exp2(-age / HALF_LIFE_S)

    def checked(self, provider: str, *, well: bool) -> None:
        """What a health check decided; one that is well again may be probed at once."""
        if not well:
            self.down |= {provider}
        elif provider in self.down:
            self.down -= {provider}
            now = self._clock.monotonic()
            for known in self._known.values():
                if known.provider == provider:
                    known.breaker.hurry(now)

    def unchecked(self) -> None:
        """Health checks are over: what they found holds no more."""
        self.down = frozenset()

    def standings(self) -> list[Standing]:
        """All that is known, for people."""
        return [
            Standing(known.provider, known.model, known.breaker.state, known.first_token, known.whole, known.errors)
            for known in self._known.values()
        ]

    def _of(self, deployment: Deployment) -> _Known:
        known = self._known.get(deployment.name)
        if known is None:
            if len(self._known) >= MAX_DEPLOYMENTS:
                oldest = next(iter(self._known))
                del self._known[oldest]
                self.troubled.pop(oldest, None)
            known = _Known(deployment, Breaker(self._settings, self._random.random))
            self._known[deployment.name] = known
        return known

    def _settle(self, name: str, known: _Known) -> None:
        if known.breaker.state == "closed":
            self.troubled.pop(name, None)
        else:
            self.troubled[name] = known.breaker
        self._tell(known)

    def _tell(self, known: _Known) -> None:
        if self._changed is not None:
            self._changed(known.provider, known.label, known.breaker.state)


def _average(before: float | None, latest: float) -> float:
    return latest if before is None else before + WEIGHT * (latest - before)
