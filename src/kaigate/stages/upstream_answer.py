"""The answer of one upstream call: frames decoded as their bytes arrive."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from kaigate.chat.events import Frame, Start
from kaigate.errors import UpstreamFailedError
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.plan import Deployment
from kaigate.providers.provider import AnswerDecoder
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.errors import (
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    PoolTimeout,
    TotalTimeout,
    TransportError,
)
from kaigate.transport.http import Response

log = logging.getLogger("kaigate.upstream")

_TIMEOUTS: Final[dict[type[TransportError], str]] = {
    ConnectTimeout: "connect",
    FirstByteTimeout: "first_byte",
    IdleTimeout: "idle",
    TotalTimeout: "total",
    PoolTimeout: "pool",
}

_MAX_HELD: Final = 64
"""Frames without content, such as pings, that are held; an answer of more is taken as it is."""


def _has_content(frame: Frame) -> bool:
    # OpenAI's first chunk has a role and an empty text.
    return any(type(event) is not Start and getattr(event, "text", None) != "" for event in frame.events)


def translated(error: TransportError, provider: str, metrics: Metrics) -> UpstreamFailedError:
    """The gateway's error for a transport failure; its details go to the log, not to the client."""
    log.warning("upstream failed", extra={"provider": provider, "reason": type(error).__name__, "detail": str(error)})
    kind = _TIMEOUTS.get(type(error))
    if kind is not None:
        metrics.timeouts.labels(provider, kind).inc()
        return UpstreamFailedError("upstream_timeout", f"The model server did not answer in time ({kind}).")
    return UpstreamFailedError("upstream_error", "The model server could not be reached or broke off.")


class Caller(Protocol):
    """Who made the call, and wants to know when its answer breaks off."""

    metrics: Metrics
    monotonic: Callable[[], float]

    def broke_off(self, deployment: Deployment, error: UpstreamFailedError) -> None:
        """An answer that had begun failed."""
        ...


class UpstreamAnswer:
    """Frames of one upstream response, decoded as its bytes arrive."""

    __slots__ = (
        "_caller",
        "_decoder",
        "_deployment",
        "_done",
        "_exchange",
        "_failure",
        "_first",
        "_monotonic",
        "_response",
        "ready",
    )

    def __init__(
        self, caller: Caller, exchange: Exchange, response: Response, decoder: AnswerDecoder, deployment: Deployment
    ) -> None:
        self._caller = caller
        self._monotonic = caller.monotonic
        self._exchange = exchange
        self._response = response
        self._decoder = decoder
        self._deployment = deployment
        self._first: list[Frame] | None = None
        self._failure: Exception | None = None
        self._done = False
        self.ready = False

    async def prime(self) -> None:
        """Wait for the first frame with content, so that a failure before it can still be answered elsewhere.

        That an answer begins says little: overloaded servers say so and then fail.
        """
        first: list[Frame] = []
        while not self._done and self._failure is None and len(first) < _MAX_HELD:
            frames = await self._read()
            first += frames
            if any(_has_content(frame) for frame in frames):
                break
        else:
            if self._failure is not None:
                raise self._failure
        self._first = first
        self.ready = True

    def complete(self, body: bytes) -> None:
        """Take the whole body of an answer that is not streamed."""
        self._first = self._decoder.feed(body) + self._decoder.end()
        self._done = self.ready = True

    def next(self) -> list[Frame] | Awaitable[list[Frame] | None] | None:
        if self._first is not None:
            frames, self._first = self._first, None
            return frames
        if self._failure is not None:
            if isinstance(self._failure, UpstreamFailedError):
                self._caller.broke_off(self._deployment, self._failure)
            raise self._failure
        return None if self._done else self._later()

    async def _later(self) -> list[Frame]:
        started = self._monotonic()
        try:
            return await self._read()
        except TransportError as error:
            failure = translated(error, self._deployment.provider.name, self._caller.metrics)
            self._caller.broke_off(self._deployment, failure)
            raise failure from error
        except UpstreamFailedError as error:
            self._caller.broke_off(self._deployment, error)
            raise
        finally:
            self._exchange.upstream_seconds += self._monotonic() - started

    async def pump(self, take: Callable[[list[Frame]], bool]) -> None:
        busy = 0.0

        def sink(data: bytes) -> bool:
            nonlocal busy
            begun = self._monotonic()
            try:
                frames = self._decoded(data)
                return (not frames or take(frames)) and self._failure is None
            except Exception as error:  # noqa: BLE001 -- raised by the task that waits, which can answer it
                self._failure = error
                return False
            finally:
                busy += self._monotonic() - begun

        if self._first is not None or self._failure is not None or self._done:
            return
        started = self._monotonic()
        try:
            await self._response.pump(sink)
        finally:
            self._exchange.upstream_seconds += self._monotonic() - started - busy

    def close(self) -> None:
        if not self._done:
            self._response.close()

    async def _read(self) -> list[Frame]:
        data = await self._response.chunk()
        if not data:
            self._done = True
            return self._decoder.end()
        return self._decoded(data)

    def _decoded(self, data: bytes) -> list[Frame]:
        """Frames of these bytes; a failure behind them waits for its turn."""
        frames = self._decoder.feed(data)
        if frames and frames[-1].failure is not None:
            self._failure = frames.pop().failure
        return frames
