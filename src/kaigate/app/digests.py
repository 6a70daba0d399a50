"""Asks Ollama for the digests of pinned models: at the start, after a reload, now and then, and when in doubt."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

from kaigate.config.models import GatewayConfig
from kaigate.config.patterns import is_glob
from kaigate.config.routing_settings import DigestCheckSettings
from kaigate.errors import UpstreamFailedError
from kaigate.pipeline.plan import Deployment, Pin
from kaigate.providers import ollama_tags
from kaigate.providers.ollama import Ollama
from kaigate.routing.catalogue import Catalogue
from kaigate.routing.digests import LOST, WHY, DigestBook, Doubt
from kaigate.routing.upstream import BuiltProvider
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.errors import TransportError
from kaigate.transport.http import Deadlines, HttpClient

log = logging.getLogger("kaigate.digests")

_MAX_AT_ONCE: Final = 8
_JITTER: Final = 0.1
_MIN_PAUSE_S: Final = 0.2
"""Between two rounds, however many connections break."""
_SHOWN: Final = 12
"""Hex digits of a digest in the log, as Ollama's own list shows them."""


class DigestChecks:
    """What one configuration pins: the deployments, and whom to ask for which models, by place."""

    __slots__ = ("deployments", "models", "servers", "settings")

    def __init__(
        self, settings: DigestCheckSettings, deployments: Iterable[Deployment], built: Mapping[str, BuiltProvider]
    ) -> None:
        self.settings = settings
        self.deployments: list[tuple[Deployment, Pin]] = []
        self.servers: dict[str, BuiltProvider] = {}
        self.models: dict[str, set[str]] = {}
        for item in deployments:
            if item.pin is not None:
                self.deployments.append((item, item.pin))
                self.servers.setdefault(item.pin.place, built[item.provider.name])
                self.models.setdefault(item.pin.place, set()).add(item.pin.model)


def digest_checks(config: GatewayConfig, catalogue: Catalogue, built: Mapping[str, BuiltProvider]) -> DigestChecks:
    """What a cross-checked configuration pins; a glob never has a digest."""
    names = (name for name in config.models if not is_glob(name))
    deployments = (item for name in names for item in catalogue.named(name).deployments)
    return DigestChecks(config.routing.digest_checks, deployments, built)


class DigestChecker:
    """Runs the checks of the configuration in force until it is cancelled."""

    __slots__ = ("_book", "_client", "_failures", "_jitter", "_metrics", "_told")

    def __init__(self, client: HttpClient, book: DigestBook, metrics: Metrics, *, jitter: Callable[[], float]) -> None:
        """`jitter` gives a number from 0 to 1."""
        self._client = client
        self._book = book
        self._metrics = metrics
        self._jitter = jitter
        self._failures: dict[str, int] = {}
        self._told: dict[tuple[str, str, Pin], Doubt | None] = {}

    async def run(self, current: Callable[[], DigestChecks]) -> None:
        """Check, pause, and check what is in force by then; where nothing is pinned, wait for another configuration."""
        pause_s = _MIN_PAUSE_S
        while True:
            checks = current()
            await self.check(checks)
            if all(self._book.doubt(pin) != "unchecked" for _, pin in checks.deployments):
                pause_s = _MIN_PAUSE_S
                after_s = checks.settings.interval_s
            else:
                # Soon at first: a server that restarts is back in a moment.
                pause_s = after_s = min(2 * pause_s, checks.settings.interval_s)
            after_s *= 1 + _JITTER * (2 * self._jitter() - 1)
            await asyncio.sleep(_MIN_PAUSE_S)
            await self._book.wanted(max(0.0, after_s - _MIN_PAUSE_S) if checks.deployments else None)

    async def check(self, checks: DigestChecks) -> None:
        """One round: every server of a pinned model, some at once."""
        self._book.keep(checks.servers)
        self._failures = {place: count for place, count in self._failures.items() if place in checks.servers}
        turn = asyncio.Semaphore(_MAX_AT_ONCE)

        async def one(place: str, built: BuiltProvider) -> None:
            async with turn:
                await self._ask(place, built, checks)

        async with asyncio.TaskGroup() as group:
            for place, built in checks.servers.items():
                group.create_task(one(place, built))
        self._tell(checks)

    async def _ask(self, place: str, built: BuiltProvider, checks: DigestChecks) -> None:
        doubts = self._book.doubts
        try:
            digests = await listed(self._client, built, checks.settings.timeout_s)
        except (TransportError, UpstreamFailedError) as error:
            self._failed(place, built, error, most=checks.settings.failures)
            return
        if doubts != self._book.doubts:
            # A connection broke meanwhile: whoever answered may be gone.
            self._book.hurry()
            return
        self._failures.pop(place, None)
        self._book.take(place, digests, checks.models[place])

    def _failed(self, place: str, built: BuiltProvider, error: Exception, *, most: int) -> None:
        count = self._failures[place] = min(most, self._failures.get(place, 0) + 1)
        if count >= most or isinstance(error, LOST):
            self._book.forget(place)
        log.info("digest check failed", extra={"provider": built.provider.name, "reason": type(error).__name__})

    def _tell(self, checks: DigestChecks) -> None:
        """Count what is wrong, and log what changed."""
        before, self._told = self._told, {}
        for deployment, pin in checks.deployments:
            provider, entry = deployment.provider.name, deployment.label
            doubt = self._told[(provider, entry, pin)] = self._book.doubt(pin)
            if doubt in {"missing", "drifted"}:
                self._metrics.digest_mismatches.labels(provider, entry).inc()
            if before.get((provider, entry, pin), "unchecked") != doubt:
                _log(deployment, pin, doubt, self._book.reported(pin))


def _log(deployment: Deployment, pin: Pin, doubt: Doubt | None, reported: str | None) -> None:
    extra = {
        "provider": deployment.provider.name,
        "model": deployment.label,
        "upstream_model": deployment.model,
        "pinned": pin.digest[:_SHOWN],
        "reported": None if reported is None else reported[:_SHOWN],
    }
    if doubt is None:
        log.info("pinned model is served: its digest holds", extra=extra)
    else:
        log.error("pinned model is not served: %s", WHY[doubt], extra=extra)


async def listed(client: HttpClient, built: BuiltProvider, timeout_s: float) -> dict[str, str]:
    """The digests that a server lists, by full name; raises `TransportError` or `UpstreamFailedError`."""
    deadlines = Deadlines(connect_s=timeout_s, first_byte_s=timeout_s, idle_s=timeout_s, total_s=timeout_s)
    provider = built.provider
    if not isinstance(provider, Ollama):
        raise TypeError(f"{provider.name} reports no digests")
    call = provider.tags()
    required: Literal["private"] | None = "private" if built.zone == "private" else None
    response = await client.send(
        built.target, "GET", built.base_path + call.path, call.headers, b"", deadlines, required_zone=required
    )
    try:
        body = await response.read(ollama_tags.MAX_BYTES)
    finally:
        response.close()
    if response.status != 200:
        raise UpstreamFailedError("upstream_error", f"The list of models was refused with status {response.status}.")
    return ollama_tags.decode_tags(body)
