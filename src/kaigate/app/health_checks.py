"""Asks providers now and then whether they are well, through the same client, guard and zones as every request."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from kaigate.config.routing_settings import HealthCheckSettings
from kaigate.errors import UpstreamFailedError
from kaigate.providers.provider import UpstreamCall
from kaigate.routing.health import HealthBook
from kaigate.routing.upstream import BuiltProvider
from kaigate.stages.attempt import signed
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.errors import TransportError
from kaigate.transport.http import Deadlines, HttpClient

log = logging.getLogger("kaigate.health")

_IDLE_S: Final = 5.0
"""How often it is looked whether checks were switched on."""
_MAX_AT_ONCE: Final = 8
_MAX_BYTES: Final = 1 << 20


class HealthChecks:
    """What one configuration checks: `paths` by provider; nothing where checks are switched off."""

    __slots__ = ("built", "paths", "settings")

    def __init__(
        self, settings: HealthCheckSettings, paths: Mapping[str, str], built: Mapping[str, BuiltProvider]
    ) -> None:
        self.settings = settings
        self.paths = paths if settings.enabled else {}
        self.built = built


class HealthChecker:
    """Runs the checks of the configuration in force until it is cancelled."""

    __slots__ = ("_client", "_failures", "_health", "_metrics")

    def __init__(self, client: HttpClient, health: HealthBook, metrics: Metrics) -> None:
        self._client = client
        self._health = health
        self._metrics = metrics
        self._failures: dict[str, int] = {}

    async def run(self, current: Callable[[], HealthChecks]) -> None:
        """Check, pause, and check what is in force by then."""
        while True:
            checks = current()
            if checks.paths:
                await self.check(checks)
            elif self._failures:
                self._failures.clear()
                self._health.unchecked()
            await asyncio.sleep(checks.settings.interval_s if checks.paths else _IDLE_S)

    async def check(self, checks: HealthChecks) -> None:
        """One round: every provider that has a path, some at once."""
        for gone in self._failures.keys() - checks.paths.keys():
            del self._failures[gone]
            self._health.checked(gone, well=True)
        turn = asyncio.Semaphore(_MAX_AT_ONCE)

        async def one(name: str, path: str) -> None:
            async with turn:
                well = await self._well(checks.built[name], path, checks.settings.timeout_s)
            self._take(name, checks.settings.failures, well=well)

        async with asyncio.TaskGroup() as group:
            for name, path in checks.paths.items():
                group.create_task(one(name, path))

    def _take(self, name: str, most: int, *, well: bool) -> None:
        failures = 0 if well else self._failures.get(name, 0) + 1
        self._failures[name] = failures
        was_down = name in self._health.down
        if well or failures >= most:
            self._health.checked(name, well=well)
            if was_down == well:
                log.warning("health changed", extra={"provider": name, "well": well})
        self._metrics.provider_up.labels(name).set(int(name not in self._health.down))

    async def _well(self, built: BuiltProvider, path: str, timeout_s: float) -> bool:
        deadlines = Deadlines(connect_s=timeout_s, first_byte_s=timeout_s, idle_s=timeout_s, total_s=timeout_s)
        whole = built.base_path + path
        call = UpstreamCall(path=path, headers=[(b"accept", b"application/json")], body=b"", method="GET")
        signer = built.provider.signer
        try:
            headers = call.headers if signer is None else await signed(signer, call, built.target, whole, timeout_s)
            response = await self._client.send(built.target, "GET", whole, headers, b"", deadlines)
            try:
                await response.read(_MAX_BYTES)
            finally:
                response.close()
        except (TransportError, UpstreamFailedError) as error:
            log.info("health check failed", extra={"provider": built.provider.name, "reason": type(error).__name__})
            return False
        # A refused credential says that the server is there: whether it is accepted, requests will tell.
        return response.status < 500
