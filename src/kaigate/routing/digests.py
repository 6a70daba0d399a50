"""Pinned models: which digests Ollama reported last, and whether a deployment may be served by them.

What was never reported, or not since the connection to that server broke, holds for nobody: it may have been
restarted with other files.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from kaigate.pipeline.plan import Deployment, Pin
from kaigate.transport.errors import ConnectFailed, ConnectTimeout, TransportError, Truncated
from kaigate.transport.target import Target

Doubt = Literal["unchecked", "missing", "drifted"]

WHY: Final[Mapping[Doubt, str]] = {
    "unchecked": "its digest is not confirmed by its server yet",
    "missing": "its server does not have the pinned model",
    "drifted": "its server reports another digest than the pinned one",
}


LOST: Final = (ConnectFailed, ConnectTimeout, Truncated)
"""What a server that is restarted looks like."""
CONFIRM_S: Final = 1.0
"""How long an attempt waits for the digest of a server that may have been restarted."""


def place_of(target: Target, base_path: str) -> str:
    """The base URL of a server, by which what it reported is remembered."""
    return target.origin.url + base_path


class DigestBook:
    """What each place reported last, for the pinned models only; it outlives configurations.

    `doubts` counts what made a place uncertain: an answer that was asked for before is worth nothing afterwards.
    """

    __slots__ = ("_news", "_reported", "_wanted", "doubts")

    def __init__(self) -> None:
        self._reported: dict[str, dict[str, str]] = {}
        self._wanted = asyncio.Event()
        self._news = asyncio.Event()
        self.doubts = 0

    def doubt(self, pin: Pin) -> Doubt | None:
        """Why the pinned deployment must not be served; None where its digest is the reported one."""
        reported = self._reported.get(pin.place)
        if reported is None:
            return "unchecked"
        digest = reported.get(pin.model)
        if digest == pin.digest:
            return None
        return "missing" if digest is None else "drifted"

    async def confirmed(self, pin: Pin, left_s: float) -> bool:
        """Whether the pinned deployment may be served, after waiting a moment for its server's report."""
        try:
            async with asyncio.timeout(min(CONFIRM_S, left_s)):
                while self.doubt(pin) == "unchecked":
                    await self._news.wait()
        except TimeoutError:
            return False
        return self.doubt(pin) is None

    def reported(self, pin: Pin) -> str | None:
        """The digest that its server reported last."""
        return self._reported.get(pin.place, {}).get(pin.model)

    def take(self, place: str, digests: Mapping[str, str], models: Iterable[str]) -> None:
        """A place reported its `digests`, by full name; those of `models` are remembered."""
        self._reported[place] = {model: digests[model] for model in models if model in digests}
        self._news.set()
        self._news = asyncio.Event()

    def lost(self, place: str) -> None:
        """The connection to a place broke: nothing is served from it until it is asked anew, which is done at once."""
        if place in self._reported:
            self.forget(place)
            self.doubts += 1
            self._wanted.set()

    def failed(self, deployment: Deployment, error: TransportError) -> None:
        """An attempt at a deployment failed: where its connection broke, the server may have been restarted."""
        if isinstance(error, LOST):
            self.lost(place_of(deployment.target, deployment.base_path))

    def forget(self, place: str) -> None:
        """What a place reported holds no more."""
        self._reported.pop(place, None)

    def keep(self, places: Iterable[str]) -> None:
        """Forget every other place: no configuration in force pins anything there."""
        kept = frozenset(places)
        self._reported = {place: digests for place, digests in self._reported.items() if place in kept}

    def hurry(self) -> None:
        """Something changed: check now."""
        self._wanted.set()

    async def wanted(self, timeout_s: float | None) -> None:
        """Return when a check is wanted, or after `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._wanted.wait()
        except TimeoutError:
            return
        finally:
            self._wanted.clear()
