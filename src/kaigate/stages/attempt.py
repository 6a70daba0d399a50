"""Asks the upstream: tries the plan's candidates in order until one begins to answer."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from kaigate.chat.events import Frame
from kaigate.clock import Clock
from kaigate.errors import GatewayError, LimitExceededError, UnavailableError, UpstreamFailedError
from kaigate.limits.provider_limits import ProviderLimits
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.plan import Deployment
from kaigate.pipeline.stage import Stage
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
from kaigate.transport.http import HttpClient, Response

log = logging.getLogger("kaigate.upstream")

_TIMEOUTS = {
    ConnectTimeout: "connect",
    FirstByteTimeout: "first_byte",
    IdleTimeout: "idle",
    TotalTimeout: "total",
    PoolTimeout: "pool",
}


class Attempt(Stage):
    """One upstream call per candidate; a further candidate is tried only before the first frame was decoded."""

    def __init__(
        self,
        client: HttpClient,
        metrics: Metrics,
        clock: Clock,
        *,
        max_attempts: int,
        max_answer_bytes: int,
        limits: ProviderLimits | None = None,
    ) -> None:
        """`limits` are those of the providers, as they told them; None learns nothing."""
        self._limits = limits
        self._client = client
        self._metrics = metrics
        self._clock = clock
        self._max_attempts = max_attempts
        self._max_answer_bytes = max_answer_bytes
        self.monotonic = clock.monotonic

    async def enter(self, exchange: Exchange) -> None:
        if exchange.plan is None:
            raise UnavailableError("internal_error", "The request was not planned.")
        failure: GatewayError | None = None
        for candidate in self._ready(exchange)[: self._max_attempts]:
            if failure is not None:
                self._metrics.fallbacks.labels(exchange.model, candidate.provider.name).inc()
            try:
                exchange.answer = await self._open(exchange, candidate)
            except UpstreamFailedError as error:
                failure = error
                self._metrics.upstream_errors.labels(candidate.provider.name, error.code).inc()
                if not error.may_fall_back:
                    break
            else:
                exchange.deployment = candidate
                return
        raise failure or UnavailableError("upstream_unavailable", "No deployment can serve this model now.")

    def _ready(self, exchange: Exchange) -> Sequence[Deployment]:
        """The candidates whose providers would not refuse for limits of their own, which their answers told."""
        candidates = exchange.plan.candidates if exchange.plan is not None else ()
        limits = self._limits
        if limits is None:
            return candidates
        tokens = exchange.input_tokens + (exchange.output_ceiling or 0)
        waits = [limits.wait_s(_name(candidate), tokens) for candidate in candidates]
        if not any(waits):
            return candidates
        ready = [candidate for candidate, wait in zip(candidates, waits, strict=True) if not wait]
        if not ready:
            raise LimitExceededError(
                "rate_limit_exceeded", "The provider's own limit is reached: try again later.", retry_after=min(waits)
            )
        return ready

    async def _open(self, exchange: Exchange, deployment: Deployment) -> "UpstreamAnswer":
        """Send the request and wait for its first frames."""
        request = exchange.request
        if request is None:
            raise UnavailableError("internal_error", "The request was not parsed.")
        if exchange.private and deployment.zone != "private":
            raise UnavailableError("no_private_provider", "This request may only reach private providers.")
        provider = deployment.provider
        call = provider.encode(request, model=deployment.model, max_output_tokens=exchange.output_ceiling)
        exchange.dropped_params = call.dropped
        exchange.deployment = deployment
        started = self._clock.monotonic()
        answer: UpstreamAnswer | None = None
        try:
            response = await self._client.send(
                deployment.target,
                call.method,
                deployment.base_path + call.path,
                call.headers,
                call.body,
                deployment.deadlines,
                required_zone="private" if exchange.private else None,
            )
            answer = UpstreamAnswer(self, exchange, response, provider.decoder(request), provider.name)
            if self._limits is not None:
                self._limits.learn(_name(deployment), response.status, response.headers)
            if response.status != 200:
                body = await response.read(65_536)
                raise provider.failure(response.status, response.headers, body)
            if request.stream:
                await answer.prime()
            else:
                arrived = response.arrived(self._max_answer_bytes)
                answer.complete(await response.read(self._max_answer_bytes) if arrived is None else arrived)
        except TransportError as error:
            raise self.translated(error, provider.name) from error
        finally:
            exchange.upstream_seconds += self._clock.monotonic() - started
            if answer is not None and not answer.ready:
                answer.close()
        return answer

    def translated(self, error: TransportError, provider: str) -> UpstreamFailedError:
        """The gateway's error for a transport failure; its details go to the log, not to the client."""
        log.warning(
            "upstream failed", extra={"provider": provider, "reason": type(error).__name__, "detail": str(error)}
        )
        kind = _TIMEOUTS.get(type(error))
        if kind is not None:
            self._metrics.timeouts.labels(provider, kind).inc()
            return UpstreamFailedError("upstream_timeout", f"The model server did not answer in time ({kind}).")
        return UpstreamFailedError("upstream_error", "The model server could not be reached or broke off.")


def _name(deployment: Deployment) -> str:
    return f"{deployment.provider.name}/{deployment.model}"


class UpstreamAnswer:
    """Frames of one upstream response, decoded as its bytes arrive."""

    __slots__ = (
        "_attempt",
        "_decoder",
        "_done",
        "_exchange",
        "_failure",
        "_first",
        "_monotonic",
        "_provider",
        "_response",
        "ready",
    )

    def __init__(
        self, attempt: Attempt, exchange: Exchange, response: Response, decoder: AnswerDecoder, provider: str
    ) -> None:
        self._attempt = attempt
        self._monotonic = attempt.monotonic
        self._exchange = exchange
        self._response = response
        self._decoder = decoder
        self._provider = provider
        self._first: list[Frame] | None = None
        self._failure: Exception | None = None
        self._done = False
        self.ready = False

    async def prime(self) -> None:
        """Wait for the first frames, so that a failure before them can still be answered elsewhere."""
        while not self._first and not self._done:
            self._first = await self._read()
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
            raise self._failure
        return None if self._done else self._later()

    async def _later(self) -> list[Frame]:
        started = self._monotonic()
        try:
            return await self._read()
        except TransportError as error:
            raise self._attempt.translated(error, self._provider) from error
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
